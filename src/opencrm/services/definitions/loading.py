"""Custom fields as they are in force: what a workspace defined, and what its plugins add."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

from sqlalchemy import select

from opencrm.core.custom import AddedField, fields_of
from opencrm.core.entities import CustomField
from opencrm.core.fields import Field
from opencrm.storage.transactions import Transaction

Fields: TypeAlias = Mapping[str, Sequence[Field]]
"""Custom fields by the name of their entity."""


def load(tx: Transaction, region: str) -> dict[str, list[Field]]:
    """Read the fields that the workspace defined and did not retire."""
    table = CustomField.spec.table
    columns = [table.c[name] for name in CustomField.spec.fields]
    in_force = (table.c.deleted_at.is_(None), table.c.retired.is_(False))
    order = (table.c.entity, table.c.position, table.c.id)
    rows = tx.query("custom fields", lambda: select(*columns).where(*in_force).order_by(*order), {})
    return by_entity((row["entity"], each) for row in rows for each in fields_of(row, region))


def added(declared: Iterable[AddedField]) -> dict[str, list[Field]]:
    """Return the fields that plugins add."""
    return by_entity((it.entity, each) for it in declared for each in it.fields())


def by_entity(pairs: Iterable[tuple[str, Field]]) -> dict[str, list[Field]]:
    """Gather fields by their entity, in order."""
    found: dict[str, list[Field]] = {}
    for entity, field in pairs:
        found.setdefault(entity, []).append(field)
    return found


def edition(*several: Fields) -> str:
    """Return a digest that tells these custom fields from others; empty where there are none."""
    told = [(entity, repr(fields)) for fields_by in several for entity, fields in sorted(fields_by.items())]
    return hashlib.sha256(repr(told).encode()).hexdigest()[:16] if told else ""
