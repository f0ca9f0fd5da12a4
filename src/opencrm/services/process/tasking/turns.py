"""Taking turns: whose turn it was last, kept in the transaction of the effect."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import Select, bindparam, select, update

from opencrm.core.columns import IdColumn, key_column
from opencrm.core.values import Id
from opencrm.storage import tables

if TYPE_CHECKING:
    from opencrm.services.writing.block import Block

_TURN = tables.turn


def take_turn(work: Block, key: str, people: Sequence[Id]) -> Id:
    """Return the one of some people whose turn it is, after whoever was last; of two at once, the second waits.

    Args:
        work: The work block.
        key: Who shares one order.
        people: Whose turn it may be, at least one.
    """
    work.tx.hold(f"turn {key}")
    last = _last(work, key)
    ordered = sorted(people)
    chosen = next((person for person in ordered if last is None or person > last), ordered[0])
    _remember(work, key, chosen, first=last is None)
    return chosen


def _last(work: Block, key: str) -> Id | None:
    def build() -> Select[Any]:
        return select(_TURN.c.user_id).where(_TURN.c.key == bindparam("key", type_=key_column(200)))

    rows = work.tx.query("turn", build, {"key": key})
    return rows[0]["user_id"] if rows else None


def _remember(work: Block, key: str, person: Id, *, first: bool) -> None:
    if first:
        work.tx.insert(_TURN, [{"key": key, "user_id": person}])
        return

    def build() -> Any:
        mine = _TURN.c.key == bindparam("one", type_=key_column(200))
        return update(_TURN).where(mine).values(user_id=bindparam("person", type_=IdColumn()))

    work.tx.run("turn taken", build, [{"one": key, "person": person}])
