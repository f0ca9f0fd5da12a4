"""Roll-ups agree with what a brute count finds, whatever is done in whatever order, on both databases."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opencrm import (
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
    assigning,
    editing,
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
}
STEPS = st.lists(
    st.tuples(
        st.sampled_from(("create", "change", "repoint", "delete", "restore", "move", "give", "merge", "undo", "mass")),
        st.integers(0, 7),
        st.integers(0, 7),
        st.sampled_from((None, "-0.5", "7", "10", "10.0001", "12345678901234.5")),
    ),
    min_size=6,
    max_size=20,
)


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
        values = {"entity": entity, "key": key, "label": key, "kind": kind, **more}
        with crm.work(firm.owner) as work:
            records.create(work, [Create(CustomField, values=values)])
    return crm, firm


@settings(max_examples=25)
@given(steps=STEPS)
def test_they_agree_with_a_count_of_all_records(world, steps):
    crm, firm = world
    people = [make_contact(crm).id for _ in range(4)]
    deals = [make_deal(crm, contact_id=people[0], size="3").id, make_deal(crm).id]
    acts = []
    for what, one, other, size in steps:
        try:
            with crm.work(firm.owner) as work:
                pair = people[one % 4], people[(one + 1 + other % 3) % 4]
                done = _do(work, what, deals[one % len(deals)], pair, size, acts, firm)
                acts.append(work.act)
            deals += [entry.record_id for entry in done or () if what == "create"]
        except (ConflictError, DomainError, InputError, NotFound):
            pass  # It may not be done at this point; nothing of it stands.
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
            return records.create(work, [Create(Deal, values=values | {"day": "2026-05-01"})])
        case "change":
            records.update(work, [Update(Deal, deal, values={"size": size, "amount": "5", "day": "2026-04-01"})])
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
        case "undo" if acts:
            undoing.undo(work, [Undo(act=acts[-1 - len(acts) // 3])])
    return ()


def _counted(id: str, every: list[dict[str, object]]) -> dict[str, object]:
    mine = [deal for deal in every if deal["contact_id"] == id]
    sizes = [deal["size"] for deal in mine if deal["size"] is not None]
    amounts = [deal["amount"] for deal in mine if deal["amount"] is not None]
    partners = [deal["size"] for deal in every if deal["partner"] == id and deal["size"] is not None]
    average = sum(sizes) / len(sizes) if sizes else None
    return {
        "number": len(mine),
        "larger": len([size for size in sizes if size > 10]),
        "opened": len([deal for deal in mine if deal["stage"] == "new" or deal["size"] is not None]),
        "sized": sum(sizes) if sizes else None,
        "middle": None if average is None else average.quantize(Decimal("0.0001"), ROUND_HALF_UP),
        "worth": sum(amounts) if amounts else None,
        "smallest": min(sizes, default=None),
        "latest": max((deal["day"] for deal in mine if deal["day"] is not None), default=None),
        "partnered": sum(partners) if partners else None,
    }
