"""Notifications: what the system tells a person, in their inbox."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import attrs

from opencrm.core.change import Values
from opencrm.core.process.reactions import TASK
from opencrm.core.values import Id
from opencrm.services.process.saying import said
from opencrm.storage import tables

if TYPE_CHECKING:
    from opencrm.services.writing.block import Block

_LETTER: Mapping[str, Any] = MappingProxyType(
    {"mail": "new", "mail_attempts": 0, "mail_error": None, "mail_lease": None}
)


@attrs.frozen
class Told:
    """Something that a person is told.

    Attributes:
        user_id: Whom.
        text: What; what stands at its places now is kept, and filled in where that person may read it then.
        entity: The entity of the record that it is about.
        record_id: That record.
        kind: What it is, by which people choose where they are told; by default of the record: a task, or a rule's.
        how: Where they are told; by default as they chose.
    """

    user_id: Id
    text: str
    entity: str
    record_id: Id
    kind: str | None = None
    how: tuple[str, ...] = ()


def tell(work: Block, several: Sequence[Told], known: Mapping[tuple[str, Id], Values] = MappingProxyType({})) -> None:
    """Put notifications into people's inboxes, in the transaction under way.

    Args:
        work: The work block.
        several: Who is told what.
        known: Records that need not be read, whole and as they are now, by entity and id.
    """
    common = {"at": work.now, "rule": work.rule, "cause": work.cause, "read_at": None, **_LETTER, "mail_at": work.now}
    rows = [
        {**attrs.asdict(one), "id": id, "kind": one.kind or _kind(one), "how": _how(one), "said": told or None} | common
        for id, one, told in zip(work.new_ids(len(several)), several, said(work, several, known), strict=True)
    ]
    work.tx.insert(tables.notification, rows)
    work.tx.wakes |= bool(rows)


def _kind(one: Told) -> str:
    return "task" if one.entity == TASK else "rule"


def _how(one: Told) -> str | None:
    return " ".join(sorted(one.how)) or None
