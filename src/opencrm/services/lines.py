"""Deal lines: a deal whose amount is the sum of its lines follows them."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, select

from opencrm.core.change import Change, Kind, Values
from opencrm.core.columns import IdColumn
from opencrm.core.entities import Deal, DealLine
from opencrm.core.values import Id
from opencrm.errors import InputError

if TYPE_CHECKING:
    from opencrm.services.work import Work

LINES = "lines"


def total(lines: Sequence[Values]) -> Decimal:
    """Return the sum of some lines."""
    return sum((line["total"] for line in lines), Decimal())


class _Lines:
    """Bound to deal lines."""

    entities = frozenset({"deal_line"})

    def judge(self, work: Work, changes: Sequence[Change]) -> None:
        """Refuse a line that goes over to another deal: delete it there and make it here."""
        for at, change in enumerate(changes):
            if change.before is not None and change.before["deal_id"] != change.after["deal_id"]:
                wrong = {"deal_id": ["cannot be changed: make a new line in the other deal"]}
                raise InputError(wrong, rows={at: wrong})

    def follow(self, work: Work, own: Sequence[Change], changes: Sequence[Change]) -> Sequence[Change]:
        """Give the deals of these lines their new amounts; one that was made together with them has it already."""
        made = {change.id for change in changes if change.kind is Kind.CREATED}
        deals = _deals(work, sorted({change.after["deal_id"] for change in own} - made))
        if not deals:
            return ()
        sums = _sums(work, sorted(deals))
        return [
            _amount(work, deal, sums.get(id, Decimal()))
            for id, deal in deals.items()
            if deal["amount"] != sums.get(id, Decimal())
        ]


def _amount(work: Work, deal: Values, amount: Decimal) -> Change:
    after = {
        **deal,
        "amount": amount,
        "currency": deal["currency"] or work.configuration.locale.currency,
        "updated_at": work.now,
    }
    return Change("deal", deal["id"], Kind.CHANGED, deal, after)


def _deals(work: Work, ids: list[Id]) -> dict[Id, Values]:
    table = Deal.__table__

    def build() -> Any:
        chosen = table.c.id.in_([bindparam(f"i{at}", type_=IdColumn()) for at in range(len(ids))])
        return select(*[table.c[name] for name in Deal.spec.columns]).where(chosen, table.c.amount_from == LINES)

    rows = (
        work.tx.query(("deals of lines", len(ids)), build, {f"i{at}": id for at, id in enumerate(ids)}) if ids else []
    )
    return {row["id"]: row for row in rows}


def _sums(work: Work, ids: list[Id]) -> dict[Id, Decimal]:
    table = DealLine.__table__

    def build() -> Any:
        chosen = table.c.deal_id.in_([bindparam(f"i{at}", type_=IdColumn()) for at in range(len(ids))])
        return select(table.c.deal_id, table.c.total).where(chosen, table.c.deleted_at.is_(None))

    sums: dict[Id, Decimal] = {}
    for row in work.tx.query(("sums of lines", len(ids)), build, {f"i{at}": id for at, id in enumerate(ids)}):
        sums[row["deal_id"]] = sums.get(row["deal_id"], Decimal()) + row["total"]
    return sums


BINDING = _Lines()
