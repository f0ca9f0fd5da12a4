"""Keys, indexes and foreign keys of an entity's table: what lists, references and uniqueness need."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import Column, ColumnElement, ForeignKeyConstraint, Index, Table, and_

from opencrm.core.columns import key_column
from opencrm.core.entity.spec import Spec
from opencrm.core.values import FOLDED


def leads(spec: Spec, table: Table) -> Iterator[tuple[list[str], ColumnElement[bool]]]:
    """Give what the indexes of a field to sort by begin with, and what they hold: one for each kind of reach.

    Args:
        spec: The entity.
        table: Its table, or a copy of it.
    """
    living = table.c.deleted_at.is_(None)
    yield [], living
    if spec.owned:
        yield ["unit_id"], living
        yield ["owner_id"], living
        yield ["created_by"], and_(living, table.c.owner_id.is_(None))


def add_keys(spec: Spec) -> None:
    """Add the folded key beside each text that is compared."""
    for one in spec.fields.values():
        if one.folded:
            spec.table.append_column(Column(one.key, key_column(FOLDED), nullable=not one.required))


def add_indexes(spec: Spec) -> None:
    """Add what lists, references and uniqueness need; all over living records only."""
    table = spec.table
    living = table.c.deleted_at.is_(None)
    for group in spec.options.unique:
        _index(table, [spec.fields[name].key for name in group], living, unique=True)
    for name in spec.references():
        if name not in ("owner_id", "unit_id"):
            _index(table, [name], table.c[name].is_not(None))
            if spec.options.participation is not None:
                _index(table, ["owner_id", name], and_(living, table.c[name].is_not(None)))
    if spec.staged:
        _index(table, ["pipeline", "stage", "created_at", "id"], living)
    for one in spec.fields.values():
        if one.indexed:
            for lead, where in leads(spec, table):
                _index(table, [*lead, one.key, "id"], where)


def _index(table: Table, names: list[str], where: Any, *, unique: bool = False) -> None:
    kind = "uq" if unique else "ix"
    label = f"{kind}_{table.name}_{'_'.join(names)}"
    columns = [table.c[name] for name in names]
    Index(label, *columns, unique=unique, sqlite_where=where, postgresql_where=where)


def add_references(spec: Spec, known: Mapping[str, Table]) -> None:
    """Add foreign keys to Column objects: names would be looked up in the wrong owner's MetaData.

    Raises:
        TypeError: A field refers to an entity that is not known.
    """
    for name, target in spec.references().items():
        if target not in known:
            raise TypeError(f"{spec.cls.__qualname__}.{name}: no entity is called {target!r}")
        constraint = ForeignKeyConstraint([name], [known[target].c.id], deferrable=True, initially="DEFERRED")
        spec.table.append_constraint(constraint)
