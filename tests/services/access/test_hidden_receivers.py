"""Whom records are given to, and where: what one may not read is refused as what is not there, at the same cost."""

from __future__ import annotations

import pytest

from opencrm import (
    Assign,
    Create,
    Deal,
    InputError,
    MassEdit,
    Membership,
    PermissionDenied,
    Role,
    SavedView,
    Update,
    User,
    assigning,
    editing,
    records,
)
from opencrm.testing import make_deal

NOBODY = "01a20046-500b-7000-bdaa-4a1dcfa85aad"
UNKNOWN = "refers to no record that you may read"
ACTS = {
    "assign": lambda work, deal, **to: assigning.assign(work, [Assign(Deal, deal.id, **to)]),
    "create": lambda work, _, **to: records.create(
        work, [Create(Deal, values={"title": "x"} | {f"{name}_id": id for name, id in to.items()})]
    ),
    "whole edit": lambda work, deal, **to: editing.edit(work, MassEdit(Deal, ids=[deal.id], whole=True, **to)),
}


@pytest.fixture
def deal(crm, firm):
    """A deal that the head may assign."""
    return make_deal(crm, by=firm.seller)


@pytest.fixture
def narrow(crm, firm):
    """The head knows of the units and people of the north alone."""
    people = ("unit", "user", "role", "membership")
    with crm.work(firm.owner) as work:
        grants = work.get(Role, firm.roles["firm_head"]).grants
        told = [{**it, "scope": "subtree"} if it["entity"] in people else it for it in grants]
        records.update(work, [Update(Role, firm.roles["firm_head"], grants=told)])


@pytest.fixture
def refused(crm, statements):
    """`refused(person, act, deal, owner=...)`: what somebody is told, and what was asked of the database."""

    def look(person, act, deal, **to):
        with crm.read(person):
            statements.clear()
        with pytest.raises((InputError, PermissionDenied)) as error, crm.work(person) as work:
            ACTS[act](work, deal, **to)
        return type(error.value), str(error.value), [*statements.texts]

    return look


def disable(crm, firm, person):
    with crm.work(firm.owner) as work:
        records.update(work, [Update(User, person.id, active=False)])


@pytest.mark.parametrize("act", ACTS)
def test_a_hidden_owner_is_nobody(crm, firm, deal, narrow, refused, act):
    """Active or not, they are refused as somebody who is not there."""
    absent = refused(firm.head, act, deal, owner=NOBODY)
    assert absent[:2] == (InputError, f"owner_id: {UNKNOWN}")
    assert refused(firm.head, act, deal, owner=firm.stranger.id) == absent
    disable(crm, firm, firm.stranger)
    assert refused(firm.head, act, deal, owner=firm.stranger.id) == absent


@pytest.mark.parametrize("act", ACTS)
def test_a_hidden_unit_is_none(firm, deal, narrow, refused, act):
    """Alone, and with an owner who may be given records."""
    for owner in ({}, {"owner": firm.fitter.id}):
        absent = refused(firm.head, act, deal, unit=NOBODY, **owner)
        assert absent[:2] == (InputError, f"unit_id: {UNKNOWN}")
        assert refused(firm.head, act, deal, unit=firm.units["south"], **owner) == absent


@pytest.mark.parametrize("act", ACTS)
def test_of_a_hidden_owner_in_a_hidden_unit_the_unit_says_nothing(firm, deal, narrow, refused, act):
    """Whether either is there is told neither by the other's refusal."""
    absent = refused(firm.head, act, deal, owner=NOBODY, unit=NOBODY)
    for to in ({"unit": firm.units["south"]}, {"owner": firm.stranger.id}, {}):
        given = {"owner": NOBODY, "unit": NOBODY} | to
        assert refused(firm.head, act, deal, **given) == absent


def test_a_mass_edit_tells_of_both_alike(crm, firm, deal, narrow):
    """Record by record, and in a rehearsal too."""

    def told(**to):
        edited = editing.rehearse(lambda: crm.work(firm.head), MassEdit(Deal, ids=[deal.id], **to))
        return [(it.code, it.text) for it in edited.refusals]

    assert told(owner=firm.stranger.id) == told(owner=NOBODY) == [("invalid_input", f"owner_id: {UNKNOWN}")]
    assert told(unit=firm.units["south"]) == told(unit=NOBODY) == [("invalid_input", f"unit_id: {UNKNOWN}")]


def test_a_view_goes_to_nobody_hidden(crm, firm, narrow):
    """A saved view is made for oneself; whoever else is named is not told of."""
    texts = set()
    for owner in (firm.stranger.id, NOBODY):
        with pytest.raises(InputError) as error, crm.work(firm.head) as work:
            records.create(work, [Create(SavedView, name="v", entity="deal", owner_id=owner)])
        texts.add(str(error.value))
    assert texts == {f"owner_id: {UNKNOWN}"}


@pytest.mark.parametrize("act", ACTS)
def test_what_one_may_read_is_told_to_be_out_of_reach(crm, firm, deal, refused, act):
    """The head reads of the south, and gives it nothing; whether somebody out of reach is active is not said."""
    kind, text, _ = refused(firm.head, act, deal, owner=firm.stranger.id)
    assert kind is PermissionDenied
    assert "the new owner is out of reach" in text
    disable(crm, firm, firm.stranger)
    assert refused(firm.head, act, deal, owner=firm.stranger.id)[:2] == (kind, text)
    assert refused(firm.head, act, deal, unit=firm.units["south"])[0] is PermissionDenied


@pytest.mark.parametrize("act", ACTS)
def test_somebody_within_reach_who_is_disabled_is_told_to_be(crm, firm, deal, refused, act):
    """To whoever may read them."""
    disable(crm, firm, firm.fitter)
    assert refused(firm.head, act, deal, owner=firm.fitter.id)[:2] == (InputError, "owner_id: is not an active user")


@pytest.mark.parametrize("act", ACTS)
def test_colleagues_within_reach_need_not_be_readable(crm, firm, deal, act):
    """`assign` decides whom one gives to, and the reading of people does not."""
    with crm.work(firm.owner) as work:
        grants = [it for it in work.get(Role, firm.roles["firm_head"]).grants if it["entity"] not in ("user", "unit")]
        records.update(work, [Update(Role, firm.roles["firm_head"], grants=grants)])
    with crm.work(firm.head) as work:
        ACTS[act](work, deal, owner=firm.fitter.id, unit=firm.units["north_field"])


def test_who_may_assign_nothing_is_told_that(crm, firm, deal, narrow, refused):
    """Whomever they name."""
    for to in ({"owner": NOBODY}, {"owner": firm.stranger.id}, {"unit": NOBODY}, {"unit": firm.units["south"]}):
        kind, text, _ = refused(firm.viewer, "assign", deal, **to)
        assert kind is PermissionDenied
        assert "no grant of deal.assign reaches the record" in text


def test_a_place_in_a_hidden_unit_is_a_place_nowhere(crm, firm, narrow):
    """Whoever looks after people of the north learns nothing of the south's units."""
    acts = [{"entity": "membership", "action": act, "scope": "subtree"} for act in ("create", "update")]
    with crm.work(firm.owner) as work:
        grants = work.get(Role, firm.roles["firm_head"]).grants
        records.update(work, [Update(Role, firm.roles["firm_head"], grants=[*grants, *acts])])
    told = set()
    for unit in (firm.units["south"], NOBODY):
        place = {"user_id": firm.fitter.id, "unit_id": unit, "role_id": firm.roles["firm_seller"]}
        with pytest.raises(InputError) as error, crm.work(firm.head) as work:
            records.create(work, [Create(Membership, values=place)])
        told.add(str(error.value))
    [text] = told
    assert f"unit_id: {UNKNOWN}" in text
