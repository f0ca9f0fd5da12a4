"""A company that takes requests and payments by web forms."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy.orm import Mapped

from opencrm import (
    CRM,
    AddedField,
    Amount,
    Choice,
    Choices,
    Currency,
    Day,
    Deal,
    Entity,
    Owned,
    Pipeline,
    Principal,
    Query,
    Reference,
    Rule,
    Stage,
    TaskSpec,
    WebForm,
    Whole,
    YesNo,
    by,
    field,
    hookimpl,
    move,
    notify,
    owner,
    pick,
    submitted,
)
from opencrm.services.process.submitting.forms import Given
from opencrm.services.process.submitting.keeping import Submission
from opencrm.services.reading.rows import Record

CALL = TaskSpec("call", title="Call {contact.name}", due=by("shop_heat", hot="15m", otherwise="30m"))

SALES = Pipeline(
    "orders",
    [
        Stage("request", tasks=[CALL]),
        Stage("agreed"),
        Stage("paid"),
        Stage("won", kind="won"),
        Stage("lost", kind="lost"),
    ],
    moves={("request", "agreed"), ("agreed", "paid"), ("paid", "won"), ("*", "lost")},
)
REQUEST = WebForm(
    "request",
    ["name", "email", "phone", "shop_heat", "shop_floors", "message"],
    pipeline="orders",
    optional=["email", "phone", "shop_heat", "shop_floors", "message"],
    title="Request of {name}",
    label="Ask for an offer",
    labels={"shop_heat": "How soon?"},
    consent="You may keep my data to answer me.",
    origins=["https://www.windows.example"],
    owner=pick("firm_seller", within="north_shop"),
)
PAYMENT = WebForm("payment", ["amount"], about="deal", of="shop_payment")
VISIT = WebForm("visit", ["expected_close", "message"], about="deal", optional=["message"])
WISHES = WebForm(
    "wishes",
    ["email", "shop_colours", "shop_lift", "shop_price", "expected_close"],
    pipeline="orders",
    optional=["shop_colours", "shop_lift", "shop_price", "expected_close"],
    values={"description": "Sent by the wishes form"},
)


class Base(Entity, prefix="shop"):
    """The shop's own entities."""


class Payment(Owned, Base):
    """Money that came."""

    amount: Mapped[Decimal] = field(Amount(), required=True)
    currency: Mapped[str | None] = field(Currency())
    deal_id: Mapped[str | None] = field(Reference(Deal))


class Shop:
    """The plugin."""

    name = "shop"

    @hookimpl
    def opencrm_register_entities(self) -> Iterator[type[Entity]]:
        yield Payment

    @hookimpl
    def opencrm_register_fields(self) -> Iterator[AddedField]:
        added = {
            "heat": Choice({"hot": "This week", "cold": "Some day"}),
            "floors": Whole(0, 100),
            "colours": Choices({"white": "White", "oak": "Oak"}),
            "lift": YesNo(),
            "day": Day(),
            "price": Amount(),
        }
        for name, kind in added.items():
            yield AddedField(entity="deal", name=f"shop_{name}", type=kind)

    @hookimpl
    def opencrm_register_pipelines(self) -> Iterator[Pipeline]:
        yield SALES

    @hookimpl
    def opencrm_register_forms(self) -> Iterator[WebForm]:
        yield from (REQUEST, PAYMENT, VISIT, WISHES)

    @hookimpl
    def opencrm_register_rules(self) -> Iterator[Rule]:
        yield Rule("shop_written", on=submitted("request"), do=[notify(owner, "Wrote: {title}")])
        yield Rule("shop_paid", on=submitted("payment"), do=[move("paid")])


ANN = {"name": "Ann Baker", "email": "Ann@Example.com", "phone": "020 7183 8750", "shop_heat": "hot"}


@pytest.fixture
def crm_plugins() -> Sequence[object]:
    return [Shop()]


@pytest.fixture
def send(crm: CRM) -> Callable[..., Submission]:
    """`send("request", name="Ann", ...)` sends a form, as a host program does for a stranger."""

    def sent(
        form: str, /, by: Principal | None = None, more: dict[str, Any] | None = None, **answers: Any
    ) -> Submission:
        given = Given(answers=answers, consent=form == "request", **(more or {}))
        return crm.forms.submit(by or Principal.anonymous(), form, given)

    return sent


@pytest.fixture
def all_of(crm: CRM) -> Callable[..., list[Record]]:
    """`all_of(Deal)` gives all records, oldest first, as the owner sees them."""

    def found(entity: type[Entity]) -> list[Record]:
        with crm.read(crm.sole_owner()) as reader:
            return sorted(reader.list(Query(entity)), key=lambda it: it.id)

    return found
