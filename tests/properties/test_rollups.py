"""Roll-ups agree with what a brute count finds, whatever is done in whatever order, on both databases."""

from __future__ import annotations

from collections import Counter
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from opencrm import (
    AddedField,
    Assign,
    ConflictError,
    Contact,
    Create,
    CustomField,
    Deal,
    Delete,
    DomainError,
    In,
    InputError,
    MassEdit,
    Merge,
    Move,
    NotFound,
    Query,
    Restore,
    Undo,
    Update,
    Whole,
    assigning,
    editing,
    hookimpl,
    merging,
    pipelines,
    records,
    undoing,
)
from opencrm.testing import make_contact, make_deal

OVER = {"over": "deal", "by": "contact_id"}
LARGE = {"field": "size", "op": "greater", "value": "10"}
OPEN = {"any": [{"field": "stage", "op": "equal", "value": "new"}, {"not": {"field": "size", "op": "empty"}}]}
ROLLUPS = {
    "number": ("number", {"measure": "count"}),
    "larger": ("number", {"measure": "count", "where": LARGE}),
    "opened": ("number", {"measure": "count", "where": OPEN}),
    "sized": ("number", {"measure": "sum", "of": "size"}),
    "middle": ("number", {"measure": "average", "of": "size"}),
    "worth": ("money", {"measure": "sum", "of": "amount"}),
    "smallest": ("number", {"measure": "least", "of": "size"}),
    "latest": ("date", {"measure": "greatest", "of": "day"}),
    "every": ("number", {"measure": "interval", "of": "day"}),
    "panes": ("number", {"measure": "sum", "of": "windows_panes"}),
    "usual": ("number", {"measure": "average", "of": "windows_panes"}),
    "fewest": ("number", {"measure": "least", "of": "windows_panes"}),
    "most": ("number", {"measure": "greatest", "of": "windows_panes"}),
}
PANES = {"-0.5": -7, "7": 7, "10": 10, "10.0001": 4_000_001}
KINDS = ("create", "change", "repoint", "delete", "restore", "move", "give", "merge", "undo", "mass")
STEPS = st.lists(
    st.tuples(
        st.sampled_from(KINDS),
        st.integers(0, 7),
        st.integers(0, 7),
        st.sampled_from((None, "-0.5", "7", "10", "10.0001", "12345678901234.5")),
    ),
    min_size=6,
    max_size=20,
)


class Windows:
    """A plugin with a whole number on deals."""

    name = "windows"

    @hookimpl
    def opencrm_register_fields(self):
        yield AddedField(entity="deal", name="windows_panes", type=Whole())


@pytest.fixture
def crm_plugins():
    return [Windows()]


@pytest.fixture
def world(crm, firm):
    """Three fields on deals, a link of the workspace's own, and roll-ups over both links."""
    own = {"size": ("deal", "number", {}), "day": ("deal", "date", {})}
    linked = {"partner": ("deal", "reference", {"reference_to": "contact"})}
    asked = {name: ("contact", kind, {"rollup": OVER | more}) for name, (kind, more) in ROLLUPS.items()}
    by = {
        "partnered": (
            "contact",
            "number",
            {"rollup": {"over": "deal", "by": "partner", "measure": "sum", "of": "size"}},
        )
    }
    for key, (entity, kind, more) in (own | linked | asked | by).items():
        values = {"sensitive": "plugin", "entity": entity, "key": key, "label": key, "kind": kind, **more}
        with crm.work(firm.owner) as work:
            records.create(work, [Create(CustomField, values=values)])
    return crm, firm


def test_they_agree_with_a_count_of_all_records(world):
    """After any steps; each kind of step is really done, and most steps are."""
    crm, firm = world
    done, asked = Counter(), Counter()

    @settings(max_examples=25)
    @example(steps=[(kind, 1, 0, "7") for kind in KINDS])
    @given(steps=STEPS)
    def agree(steps):
        asked.update(what for what, *_ in steps)
        done.update(_done(crm, firm, steps))
        _check(crm, firm)

    agree()
    assert set(done) == set(KINDS)
    assert done.total() > asked.total() / 2


def _done(crm, firm, steps):
    """Do steps; return those that were not refused."""
    people = [make_contact(crm).id for _ in range(4)]
    deals = [make_deal(crm, contact_id=people[0], size="3").id, make_deal(crm).id]
    acts, gone, told = [], [], []
    for what, one, other, size in steps:
        try:
            with crm.work(firm.owner) as work:
                pair = people[one % 4], people[(one + 1 + other % 3) % 4]
                deal = gone[-1] if gone and what == "restore" else deals[one % len(deals)]
                made = _do(work, what, deal, pair, size, acts, firm)
                acts.append(work.act)
            gone += [deal] if what == "delete" else []
            deals += [entry.record_id for entry in made]
            told.append(what)
        except (ConflictError, DomainError, InputError, NotFound):
            pass  # It may not be done at this point; nothing of it stands.
    return told


def _check(crm, firm):
    """Compare every contact's roll-ups with what its deals say."""
    with crm.read(firm.owner) as reader:
        every = [deal.values() for deal in reader.stream(Query(Deal))]
        for contact in reader.stream(Query(Contact)):
            found = {name: contact[name] for name in (*ROLLUPS, "partnered")}
            assert found == _counted(contact.id, every)


def _do(work, what, deal, pair, size, acts, firm):
    person, other = pair
    match what:
        case "create":
            values = {"title": "t", "contact_id": person, "partner": other, "size": size, "amount": "12.50"}
            more = {"day": "2026-05-01", "windows_panes": PANES.get(size)}
            return records.create(work, [Create(Deal, values=values | more)])
        case "change":
            values = {"size": size, "amount": "5", "day": "2026-04-01", "windows_panes": PANES.get(size, 2)}
            records.update(work, [Update(Deal, deal, values=values)])
        case "repoint":
            records.update(work, [Update(Deal, deal, values={"contact_id": person, "partner": other})])
        case "delete":
            records.delete(work, [Delete(Deal, deal)])
        case "restore":
            records.restore(work, [Restore(Deal, deal)])
        case "move":
            pipelines.move(work, [Move(Deal, deal, to="offer")])
        case "give":
            assigning.assign(work, [Assign(Deal, deal, owner=firm.seller.id)])
        case "merge":
            merging.merge(work, Merge(Contact, person, [other]))
        case "mass":
            editing.edit(work, MassEdit(Deal, where=In("contact_id", (person, other)), set={"size": size}))
        case "undo":
            if not acts:
                raise NotFound("nothing was done yet")
            undoing.undo(work, [Undo(act=acts[-1 - len(acts) // 3])])
    return ()


def _counted(id: str, every: list[dict[str, object]]) -> dict[str, object]:
    mine = [deal for deal in every if deal["contact_id"] == id]
    sizes = [deal["size"] for deal in mine if deal["size"] is not None]
    amounts = [deal["amount"] for deal in mine if deal["amount"] is not None]
    partners = [deal["size"] for deal in every if deal["partner"] == id and deal["size"] is not None]
    panes = [deal["windows_panes"] for deal in mine if deal["windows_panes"] is not None]
    return {
        "number": len(mine),
        "larger": len([size for size in sizes if size > 10]),
        "opened": len([deal for deal in mine if deal["stage"] == "new" or deal["size"] is not None]),
        "sized": sum(sizes) if sizes else None,
        "middle": _average(sizes),
        "worth": sum(amounts) if amounts else None,
        "smallest": min(sizes, default=None),
        "latest": max((deal["day"] for deal in mine if deal["day"] is not None), default=None),
        "every": interval(sorted(deal["day"] for deal in mine if deal["day"] is not None)),
        "panes": sum(panes) if panes else None,
        "usual": _average(panes),
        "fewest": min(panes, default=None),
        "most": max(panes, default=None),
        "partnered": sum(partners) if partners else None,
    }


def interval(days):
    """Return how many days lie between one and the next on average, of sorted ones."""
    if len(days) < 2:
        return None
    return (Decimal((days[-1] - days[0]).days) / (len(days) - 1)).quantize(Decimal("0.0001"), ROUND_HALF_UP)


def _average(numbers: list[Any]) -> Decimal | None:
    if not numbers:
        return None
    return (Decimal(sum(numbers)) / len(numbers)).quantize(Decimal("0.0001"), ROUND_HALF_UP)
