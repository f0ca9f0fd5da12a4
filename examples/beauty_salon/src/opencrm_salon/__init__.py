"""A beauty salon: a visit every six weeks, and somebody who asks where you are."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy.orm import Mapped

from opencrm import (
    AddedField,
    Amount,
    Contact,
    Currency,
    Day,
    Entity,
    Number,
    Options,
    Owned,
    Reference,
    Rollup,
    Rule,
    TaskSpec,
    Text,
    Whole,
    after,
    field,
    give,
    hookimpl,
    notify,
    owner,
)
from opencrm.embed import Locale


class Base(Entity, prefix="salon"):
    """The salon's own entities."""


def _in_our_currency(values: dict[str, Any], locale: Locale) -> None:
    values["currency"] = values.get("currency") or locale.currency


class Visit(Owned, Base):
    """Somebody came; its owner is who served them."""

    options = Options(display="service", derive=_in_our_currency)

    service: Mapped[str] = field(Text(200, folded=True), required=True)
    day: Mapped[date] = field(Day(), required=True, indexed=True)
    bill: Mapped[Decimal | None] = field(Amount())
    currency: Mapped[str | None] = field(Currency())
    contact_id: Mapped[str] = field(Reference(Contact), label="Client", required=True)


WIN_BACK = TaskSpec("win_back", title="Win {name} back", due="3d")

# By the day of the last visit: each visit begins the waiting anew, and one that was entered by mistake does not count.
REMIND = Rule(
    "salon_remind",
    on=after(Contact, "salon_last_visit", "6w"),
    do=[notify(owner, "{name} is due: six weeks since the last visit")],
)
STAYS_AWAY = Rule("salon_stays_away", on=after(Contact, "salon_last_visit", "10w"), do=[give(WIN_BACK)])


@hookimpl
def opencrm_register_entities() -> Iterator[type[Entity]]:
    yield Visit


@hookimpl
def opencrm_register_fields() -> Iterator[AddedField]:
    over = {"over": "salon_visit", "by": "contact_id"}
    yield _told("visits", Whole(0, 10**6), "Visits", Rollup(**over, measure="count"))
    yield _told("every", Number(), "Days between visits", Rollup(**over, measure="interval", of="day"))
    yield _told("last_visit", Day(), "Last visit", Rollup(**over, measure="greatest", of="day"))
    yield _told("average_bill", Amount(), "Average bill", Rollup(**over, measure="average", of="bill"))


@hookimpl
def opencrm_register_rules() -> Iterator[Rule]:
    yield from (REMIND, STAYS_AWAY)


def _told(name: str, kind: Any, label: str, rollup: Rollup) -> AddedField:
    return AddedField(entity="contact", name=f"salon_{name}", type=kind, label=label, rollup=rollup, indexed=True)
