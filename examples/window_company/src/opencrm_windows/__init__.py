"""A company that sells windows: from the request on its web site to the report on the finished work."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

from opencrm import (
    AddedField,
    Calendar,
    Deal,
    Entity,
    Escalation,
    Form,
    Grant,
    Greater,
    Move,
    Pipeline,
    Requirement,
    RoleTemplate,
    Rule,
    Scope,
    Service,
    ServiceDoor,
    Stage,
    TaskSpec,
    WebForm,
    by,
    call,
    generate,
    head_of,
    hookimpl,
    move,
    notify,
    owner,
    pick,
    pipelines,
    report,
    submitted,
)
from opencrm_windows import records, roles

# --- The process ---------------------------------------------------------------------------------

OFFICE = Calendar("office", hours="Mo-Fr 08:00-18:00", holidays="GB-ENG", zone="Europe/London")

REQUEST = WebForm(
    "request",
    ["name", "phone", "email", "windows_heat", "message"],
    optional=["email", "windows_heat", "message"],
    pipeline="windows",
    title="{name}",
    label="Ask for new windows",
    consent="You may keep and use what I wrote to answer me.",
    owner=pick("seller"),
)
PAYMENT = WebForm("payment", ["amount"], about="deal", of="windows_payment")

CALL = TaskSpec(
    "call",
    title="Call {contact.name}",
    due=by("windows_heat", hot="15m", warm="20m", otherwise="30m"),
    calendar=OFFICE,
    escalations=[Escalation("due", to=head_of(owner))],
    form=Form("place", ["windows_address"]),
    done=[move("measuring")],
)
MEASURE = TaskSpec(
    "measure",
    title="Take measurements at {windows_address}",
    owner=pick("fitter", strategy="free_slot"),
    slot="90m",
    calendar=OFFICE,
    form=Form("sizes", ["room", "width", "height"], of="windows_measurement", many=True),
    done=[move("pricing")],
)
ASK_PRICE = Form("price", ["amount"])
PRICE = TaskSpec(
    "price",
    title="Price and agree with {contact.name}",
    owner=pick("calculator", strategy="least_loaded"),
    due="2d",
    calendar=OFFICE,
    form=ASK_PRICE,
    done=[move("agreed")],
)
INSTALL = TaskSpec(
    "install",
    title="Install at {windows_address}",
    owner=pick("fitter", strategy="free_slot"),
    slot="6h",
    calendar=OFFICE,
    done=[move("won")],
)
PRICED = Requirement(Greater("amount", 0), missing="the price", form=ASK_PRICE)
REASONS = {"price": "Too expensive", "rival": "Went to somebody else", "later": "Not now"}
SETTLE = call("windows_settle")

WAY = ("request", "measuring", "pricing", "agreed", "installation", "won")
WINDOWS = Pipeline(
    "windows",
    [
        Stage("request", probability=10, tasks=[CALL], rots_after="2d"),
        Stage("measuring", probability=30, tasks=[MEASURE]),
        Stage("pricing", probability=50, tasks=[PRICE]),
        Stage("agreed", "Contract", probability=80, enter=[PRICED], do=[generate("contract"), SETTLE]),
        Stage("installation", probability=95, tasks=[INSTALL], do=[notify(owner, "Paid, we install: {title}")]),
        Stage("won", kind="won", do=[report("finished_order", to=head_of(owner))]),
        Stage("lost", kind="lost", reasons=REASONS),
    ],
    moves={*pairwise(WAY), ("pricing", "measuring"), ("*", "lost"), ("lost", "request")},
)
PAID = Rule(
    "windows_paid", on=submitted("payment"), do=[notify(owner, "{title}: {windows_paid} of {amount} paid"), SETTLE]
)


def settle(door: ServiceDoor, _values: Mapping[str, Any]) -> None:
    """Go on to the installation once all is paid: early, late or in parts."""
    with door.work() as work:
        deal = work.get(Deal, door.record_id)
        if deal.stage == "agreed" and deal.windows_paid is not None and deal.windows_paid >= deal.amount:
            pipelines.move(work, [Move(Deal, deal.id, to="installation")])


# --- The plugin ----------------------------------------------------------------------------------


@hookimpl
def opencrm_register_entities() -> Iterator[type[Entity]]:
    yield from (records.Measurement, records.Payment)


@hookimpl
def opencrm_register_fields() -> Iterator[AddedField]:
    yield from records.added()


@hookimpl
def opencrm_register_roles() -> Iterator[RoleTemplate]:
    yield from roles.templates()


@hookimpl
def opencrm_register_pipelines() -> Iterator[Pipeline]:
    yield WINDOWS


@hookimpl
def opencrm_register_forms() -> Iterator[WebForm]:
    yield from (REQUEST, PAYMENT)


@hookimpl
def opencrm_register_rules() -> Iterator[Rule]:
    yield PAID


@hookimpl
def opencrm_register_services() -> Iterator[Service]:
    needs = [Grant("record", "move:windows.installation", Scope.ALL)]
    yield Service(name="windows_settle", run=settle, label="Go on once all is paid", needs=needs)
