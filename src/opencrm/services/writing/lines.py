"""Deal lines: a deal whose amount is the sum of its lines follows them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from functools import partial
from typing import Any

from sqlalchemy import bindparam, select

from opencrm.core.change import Change, Kind, Values
from opencrm.core.columns import IdColumn
from opencrm.core.entities import Deal, DealLine
from opencrm.core.values import Id
from opencrm.errors import InputError
from opencrm.services.writing.block import Block

LINES = "lines"
_MONEY = frozenset({"amount", "amount_from", "currency"})
_CHUNK = 500


def total(lines: Sequence[Values], currency: str) -> Decimal:
    """Return the sum of some lines.

    Raises:
        InputError: One of them is in another currency, or the sum is too large.
    """
    other = sorted({line["currency"] for line in lines} - {None, currency})
    if other:
        raise InputError({"currency": [f"must be the deal's, {currency}, in every line; one has {other[0]}"]})
    found = sum((line["total"] for line in lines), Decimal())
    if abs(found) >= Decimal(10) ** 14:
        raise InputError({LINES: ["make a sum that is too large: at most 14 digits stand before the point"]})
    return found


class _Lines:
    """Bound to deals and their lines."""

    entities = frozenset({"deal", "deal_line"})

    def judge(self, work: Block, changes: Sequence[Change]) -> None:
        """Refuse a line that goes over to another deal, unless the deals are merged: delete it there, make it here."""
        if work.entailed:
            return
        for at, change in enumerate(changes):
            if change.before is not None and change.before.get("deal_id") != change.after.get("deal_id"):
                wrong = {"deal_id": ["cannot be changed: make a new line in the other deal"]}
                raise InputError(wrong, rows={at: wrong})

    def follow(self, work: Block, own: Sequence[Change], changes: Sequence[Change]) -> Sequence[Change]:
        """Give deals the sums of their lines; one that was made together with them has it already."""
        deals = _deals(work, sorted(_touched(own)))
        lines = _lines(work, sorted(deals)) if deals else {}
        followed = [_amount(work, deal, lines.get(id, [])) for id, deal in deals.items()]
        return [change for change in followed if change.fields]


def _touched(changes: Sequence[Change]) -> set[Id]:
    """Name the deals whose amount may no longer be right."""
    made = {change.id for change in changes if change.kind is Kind.CREATED}
    lines = {change.after["deal_id"] for change in changes if change.entity == "deal_line"}
    return (lines | {change.id for change in changes if change.entity == "deal" and _MONEY & {*change.fields}}) - made


def _amount(work: Block, deal: Values, lines: Sequence[Values]) -> Change:
    currency = deal["currency"] or work.configuration.locale.currency
    amount = total(lines, currency)
    same = (deal["amount"], deal["currency"]) == (amount, currency)
    after = deal if same else {**deal, "amount": amount, "currency": currency, "updated_at": work.now}
    return Change("deal", deal["id"], Kind.CHANGED, deal, after)


def _deals(work: Block, ids: Sequence[Id]) -> dict[Id, Values]:
    """Return those of the deals that follow their lines, locked: a second writer sees the first one's line."""
    spec = work.entity(Deal)
    table = spec.table

    def build(size: int) -> Any:
        mine = (_among(table.c.id, size), table.c.amount_from == LINES)
        statement = select(*map(spec.column, spec.columns)).where(*mine).order_by(table.c.id)
        return statement if work.tx.sqlite else statement.with_for_update()

    return {row["id"]: row for row in _in_parts(work, "deals of lines", build, ids)}


def _lines(work: Block, ids: Sequence[Id]) -> dict[Id, list[Values]]:
    table = DealLine.__table__

    def build(size: int) -> Any:
        living = (_among(table.c.deal_id, size), table.c.deleted_at.is_(None))
        return select(table.c.deal_id, table.c.total, table.c.currency).where(*living)

    found: dict[Id, list[Values]] = {}
    for row in _in_parts(work, "lines of deals", build, ids):
        found.setdefault(row["deal_id"], []).append(row)
    return found


def _among(column: Any, size: int) -> Any:
    return column.in_([bindparam(f"i{at}", type_=IdColumn()) for at in range(size)])


def _in_parts(work: Block, name: str, build: Callable[[int], Any], ids: Sequence[Id]) -> Iterator[Values]:
    """Ask for some hundred ids at a time: databases bound the parameters of a statement."""
    for start in range(0, len(ids), _CHUNK):
        part = ids[start : start + _CHUNK]
        given = {f"i{at}": id for at, id in enumerate(part)}
        yield from work.tx.query((name, len(part)), partial(build, len(part)), given)


BINDING = _Lines()
