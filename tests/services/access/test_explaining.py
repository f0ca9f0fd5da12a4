"""Explain agrees with the check, and its only reason is the reason; `diff` says what an edit would change."""

from __future__ import annotations

import pytest

from opencrm import (
    Create,
    Deal,
    Delete,
    Grant,
    InputError,
    Membership,
    NotFound,
    PermissionDenied,
    Role,
    Scope,
    Unit,
    Update,
    User,
    explaining,
    records,
)
from opencrm.embed import grant_rows
from opencrm.services.reading.reader import Reader
from opencrm.testing import make_deal, make_task

ACTIONS = ("read", "update", "delete", "assign", "share", "export", "merge", "move:windows.offer")
PEOPLE = ("owner", "head", "lead", "seller", "fitter", "stranger", "viewer")


@pytest.fixture
def deal(crm, firm):
    """A deal of the seller."""
    return make_deal(crm, by=firm.seller)


def told(crm, firm, record, person, action="read", by="owner"):
    with crm.read(getattr(firm, by)) as reader:
        return explaining.explain(reader, record.entity, record.id, user=person.id, action=action)


def test_it_names_membership_grant_and_path(crm, firm, deal):
    """The head reads it through the unit above the record's."""
    found = told(crm, firm, deal, firm.head)
    assert found.allowed
    assert "grant deal.read (subtree) of role 'firm_head' through membership" in found.reason
    assert [step.name for step in found.paths[0]] == ["north_shop", "north"]
    assert found.reasons[0].unit == firm.units["north"]


def test_it_says_why_not(crm, firm, deal):
    """The stranger has no grant that reaches it; a disabled user cannot sign in."""
    found = told(crm, firm, deal, firm.stranger)
    assert (found.allowed, found.reasons) == (False, ())
    assert found.reason == "no grant of deal.read reaches the record"
    with crm.work(firm.owner) as work:
        records.update(work, [Update(User, firm.seller.id, active=False)])
    assert told(crm, firm, deal, firm.seller).reason == "cannot sign in"


def test_it_tells_of_shares_tasks_and_deputies(crm, firm, deal, share, stand_in):
    """Each way is a reason of its own."""
    share(firm.seller, deal, firm.stranger, "read")
    make_task(crm, by=firm.head, deal_id=deal.id, owner_id=firm.fitter.id)
    stand_in(firm.lead, firm.fitter)
    assert [it.way for it in told(crm, firm, deal, firm.stranger).reasons] == ["share"]
    found = told(crm, firm, deal, firm.fitter)
    assert sorted(it.way for it in found.reasons) == ["deputy", "participation"]
    assert [step.name for step in found.paths[0]] == ["north_shop"]


@pytest.mark.parametrize("person", PEOPLE)
def test_it_agrees_with_the_check(crm, firm, deal, share, person):
    """Invariant 18: what it says is what the list and the check say, of every action."""
    share(firm.seller, deal, firm.stranger, "read", "update")
    principal = getattr(firm, person)
    for action in ACTIONS:
        with crm.read(principal) as reader:
            spec = reader.entity(Deal)
            allowed = deal.id in reader.states(spec, [deal.id]) and _reached(reader, action, deal)
        assert told(crm, firm, deal, principal, action).allowed == allowed, action


def _reached(reader: Reader, action, deal) -> bool:
    spec = reader.entity(Deal)
    return reader.rights.expression(spec, action).test(reader.linked)(reader.whole(spec, [deal.id])[deal.id])


@pytest.mark.parametrize("person", ["head", "lead", "viewer", "stranger"])
def test_without_its_only_reason_it_is_no_longer_so(crm, firm, deal, share, person):
    """Invariant 18: the membership or the share that it names is what decides."""
    shared = share(firm.seller, deal, firm.stranger, "read")
    principal = getattr(firm, person)
    [reason] = told(crm, firm, deal, principal).reasons
    gone = (Membership, reason.membership) if reason.membership else (work_share(crm), shared)
    with crm.work(firm.owner) as work:
        records.delete(work, [Delete(*gone)])
    assert not told(crm, firm, deal, principal).allowed


def work_share(crm):
    return crm.catalogue.entities["share"].cls


def test_who_else_may(crm, firm, deal):
    """Everybody who may read it, and nobody else, each with a reason."""
    with crm.read(firm.owner) as reader:
        found = explaining.who(reader, Deal, deal.id)
    names = {getattr(firm, name).id: name for name in PEOPLE}
    assert {names[it.user_id] for it in found} == {"owner", "head", "lead", "seller", "viewer"}
    assert all(it.reasons for it in found)


def test_only_who_may_read_a_record_may_ask(crm, firm, deal):
    """Others learn nothing, not even that it is there."""
    with pytest.raises(NotFound):
        told(crm, firm, deal, firm.seller, by="stranger")
    with crm.read(firm.stranger) as reader, pytest.raises(NotFound):
        explaining.who(reader, Deal, deal.id)


@pytest.mark.parametrize("action", ["fly", "*", "move:windows.nowhere", "move"])
def test_what_is_no_action_is_refused(crm, firm, deal, action):
    """The field is named."""
    with pytest.raises(InputError) as caught:
        told(crm, firm, deal, firm.seller, action)
    assert list(caught.value.fields) == ["action"]


def test_a_role_edit_is_told_before_it_is_saved(crm, firm, deal):
    """Who gains and who loses what, on how many records; nothing is changed."""
    make_deal(crm, by=firm.lead)
    grants = grant_rows([Grant("deal", "read", Scope.ALL)])
    with crm.work(firm.owner) as work:
        change = Update(Role, firm.roles["firm_seller"], grants=grants)
        found = explaining.diff(work, lambda inner: records.update(inner, [change]))
    gains = {(it.entity, it.action): it for it in found.shifts if it.side == "gain"}
    assert set(gains) == {("deal", "read")}
    assert set(gains["deal", "read"].users) == {firm.seller.id, firm.fitter.id, firm.stranger.id}
    assert gains["deal", "read"].records == 2
    assert str(gains["deal", "read"]) == "3 users gain read on 2 deals"
    loses = {(it.entity, it.action): set(it.users) for it in found.shifts if it.side == "lose"}
    assert loses["deal", "update"] == {firm.seller.id}
    with crm.read(firm.seller) as reader:
        assert not reader.rights.expression(Deal, "update").nothing


@pytest.mark.parametrize(
    "kept, lost",
    [(None, ["move:*"]), ("windows.offer", ["move:windows.lost", "move:windows.measuring"])],
)
def test_moves_are_told_too(crm, firm, deal, kept, lost):
    """As one where all of them go, each by its stage where some stay."""
    with crm.work(firm.owner) as work:
        grants = [it for it in work.get(Role, firm.roles["firm_seller"]).grants if not it["action"].startswith("move")]
        grants += [{"entity": "deal", "action": f"move:{kept}", "scope": "own"}] if kept else []
        change = Update(Role, firm.roles["firm_seller"], grants=grants)
        found = explaining.diff(work, lambda inner: records.update(inner, [change]))
    told = {it.action for it in found.shifts if it.side == "lose"}
    assert told.issuperset(lost)
    assert f"move:{kept}" not in told
    assert all(it.users == (firm.seller.id,) for it in found.shifts)


def test_a_move_of_a_unit_is_told_before_it_is_saved(crm, firm, deal):
    """The old head loses, the new one gains."""
    with crm.work(firm.owner) as work:
        change = Update(Unit, firm.units["north_shop"], parent_id=firm.units["south"])
        found = explaining.diff(work, lambda inner: records.update(inner, [change]))
    assert {(it.side, it.action, it.users) for it in found.shifts if it.entity == "deal" and it.action == "read"} == {
        ("lose", "read", (firm.head.id,))
    }


def test_a_field_rule_is_told_before_it_is_saved(crm, firm, deal):
    """By field, for reading and for writing."""
    hides = [{"entity": "deal", "field": "amount", "read": False, "write": False}]
    with crm.work(firm.owner) as work:
        change = Update(Role, firm.roles["firm_lead"], field_rules=hides)
        found = explaining.diff(work, lambda inner: records.update(inner, [change]))
    assert {(it.side, it.field, it.verb, it.users) for it in found.fields} == {
        ("lose", "amount", verb, (firm.lead.id,)) for verb in ("read", "write")
    }


def test_what_one_may_not_change_is_not_told(crm, firm):
    """A trial is judged like the change itself."""
    with crm.work(firm.seller) as work, pytest.raises(PermissionDenied):
        change = Update(Role, firm.roles["firm_seller"], rank=900)
        explaining.diff(work, lambda inner: records.update(inner, [change]))


def test_a_new_membership_is_told(crm, firm, deal):
    """A second place adds what it grants."""
    place = {"user_id": firm.stranger.id, "unit_id": firm.units["north_shop"], "role_id": firm.roles["firm_lead"]}
    with crm.work(firm.owner) as work:
        given = [Create(Membership, values=place | {"is_primary": False})]
        found = explaining.diff(work, lambda inner: records.create(inner, given))
    reads = [it for it in found.shifts if (it.entity, it.action) == ("deal", "read")]
    assert [(it.side, it.users, it.records) for it in reads] == [("gain", (firm.stranger.id,), 1)]


def test_the_reason_for_a_part_is_the_one_that_holds(crm, firm, deal):
    """Of a line of a deal that one has a task with, the task; not whatever grant comes first."""
    from opencrm import DealLine

    with crm.work(firm.seller) as work:
        [line] = records.create(work, [Create(DealLine, deal_id=deal.id, title="Frame", price="5")])
    make_task(crm, by=firm.head, deal_id=deal.id, owner_id=firm.fitter.id)
    with crm.read(firm.owner) as reader:
        found = explaining.explain(reader, DealLine, line.record_id, user=firm.fitter.id)
    assert [it.because.way for it in found.reasons] == ["participation"]
