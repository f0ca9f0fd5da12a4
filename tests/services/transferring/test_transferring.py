"""All that is somebody's given to colleagues: client by client, as a whole or not at all, in one act."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy.orm import Mapped

from opencrm import (
    Activity,
    Assign,
    Company,
    Contact,
    Create,
    Deal,
    Delete,
    Entity,
    Equal,
    InputError,
    NotFound,
    Objected,
    Objection,
    Owned,
    PermissionDenied,
    Query,
    Reference,
    Restore,
    SavedView,
    Task,
    Text,
    Undo,
    assigning,
    field,
    hookimpl,
    organisation,
    records,
    taking_back,
    transferring,
    undoing,
)
from opencrm.services.cleaning.pacing import Pace
from opencrm.testing import make_activity, make_company, make_contact, make_deal, make_record, make_task

NOBODY = "0190a000-0000-7000-8000-000000000000"


class Base(Entity, prefix="fitters"):
    """Every entity of the plugin."""


class Visit(Owned, Base):
    """A visit to measure windows."""

    place: Mapped[str | None] = field(Text(200))
    deal_id: Mapped[str | None] = field(Reference(Deal))


class Fitters:
    """A plugin with an owned entity, which objects to whatever is called so."""

    @hookimpl
    def opencrm_register_entities(self) -> Iterator[type[Entity]]:
        yield Visit

    @hookimpl
    def opencrm_check_change(self, changes, door):
        for change in changes:
            if change.kind == "assigned" and change.after.get("title") == "Mine":
                yield Objection(change.id, "mine", "this one stays")


@pytest.fixture
def crm_plugins():
    return [Fitters()]


def transfer(crm, by, leaver, *to, **more):
    wish = transferring.Transfer(leaver.id, to=[each.id for each in to])
    return transferring.run(lambda: crm.read(by), lambda: crm.work(by), wish, **more)


def owners(crm, firm, *entities):
    """Return whose each record is, by the record's id."""
    with crm.read(firm.owner) as reader:
        return {row.id: row.owner_id for entity in entities for row in reader.stream(Query(entity))}


def clients(crm, firm, number, by):
    """Make contacts, each with a deal, a task and a note."""
    found = []
    for at in range(number):
        contact = make_contact(crm, by=by, name=f"C{at}")
        deal = make_deal(crm, by=by, contact_id=contact.id)
        make_task(crm, by=by, deal_id=deal.id)
        make_activity(crm, by=by, contact_id=contact.id)
        found.append(contact.id)
    return found


def disable(crm, firm, user):
    with crm.work(firm.owner) as work:
        organisation.disable(work, user.id)


def test_everything_is_given_and_nothing_of_others(crm, firm):
    """Every entity with an owner, that of a plugin too; others' records stay theirs."""
    contact = make_contact(crm, by=firm.seller)
    deal = make_deal(crm, by=firm.seller, contact_id=contact.id)
    make_task(crm, by=firm.seller, deal_id=deal.id, state="done")
    make_company(crm, by=firm.seller)
    make_activity(crm, by=firm.seller)
    make_record(crm, Visit, deal_id=deal.id, owner_id=firm.seller.id)
    other = make_deal(crm, by=firm.stranger)
    done = transfer(crm, firm.owner, firm.seller, firm.fitter)
    numbers = {each.entity: each.number for each in done.given}
    assert numbers == dict.fromkeys(["activity", "company", "contact", "deal", "fitters_visit", "task"], 1)
    found = owners(crm, firm, Contact, Deal, Task, Company, Activity, Visit)
    assert found.pop(other.id) == firm.stranger.id
    assert set(found.values()) == {firm.fitter.id}
    with crm.read(firm.owner) as reader:
        assert reader.get(Deal, deal.id).unit_id == firm.units["north_field"]


def test_clients_take_turns_and_stay_together(crm, firm):
    """Contacts in the order of their making go to one and the other; what is about them goes with them."""
    ids = clients(crm, firm, 4, firm.seller)
    done = transfer(crm, firm.head, firm.seller, firm.fitter, firm.lead)
    assert sorted((it.entity, it.user, it.number) for it in done.given) == sorted(
        (entity, user.id, 2) for entity in ("activity", "contact", "deal", "task") for user in (firm.fitter, firm.lead)
    )
    found = owners(crm, firm, Contact, Deal, Task, Activity)
    assert [found[id] for id in ids] == [firm.fitter.id, firm.lead.id] * 2
    with crm.read(firm.owner) as reader:
        for deal in reader.list(Query(Deal)):
            assert deal.owner_id == found[deal.contact_id]
            [task] = reader.list(Query(Task, where=Equal("deal_id", deal.id)))
            assert task.owner_id == deal.owner_id


def test_a_rehearsal_writes_nothing_and_foretells_exactly(crm, firm, sizes):
    """Counts per entity and person are those of the transfer."""
    clients(crm, firm, 3, firm.seller)
    before, held = sizes(), owners(crm, firm, Contact, Deal, Task, Activity)
    told = transfer(crm, firm.head, firm.seller, firm.fitter, firm.lead, rehearsed=True)
    assert (sizes(), owners(crm, firm, Contact, Deal, Task, Activity)) == (before, held)
    assert told.act is None
    done = transfer(crm, firm.head, firm.seller, firm.fitter, firm.lead)
    assert (told.given, told.number) == (done.given, 12)


@pytest.mark.parametrize("whole", [True, False])
def test_an_undo_takes_it_back_as_a_whole(crm, firm, whole):
    """Owners and units are what they were."""
    clients(crm, firm, 3, firm.seller)
    before = owners(crm, firm, Contact, Deal, Task, Activity)
    done = transfer(crm, firm.head, firm.seller, firm.fitter, pace=Pace(most=2, first=2))
    if whole:
        with crm.work(firm.head) as work:
            undoing.undo(work, [Undo(act=done.act)])
    else:
        taking_back.run(lambda: crm.work(firm.head), done.act, pace=Pace(most=5, first=5))
    assert owners(crm, firm, Contact, Deal, Task, Activity) == before


def test_what_is_out_of_reach_refuses_all_of_it(crm, firm, sizes):
    """Before anything is written, however small the transactions; the refusal says how many."""
    for at in range(3):
        make_deal(crm, by=firm.seller, title=f"D{at}")
    make_contact(crm, by=firm.seller)
    before = sizes()
    with pytest.raises(PermissionDenied) as refused:
        transfer(crm, firm.head, firm.seller, firm.stranger, pace=Pace(most=2, first=1))
    assert "out of reach are 4 of 4 records" in refused.value.reason
    with pytest.raises(PermissionDenied, match="out of reach are 2 of 4 records"):
        transfer(crm, firm.head, firm.seller, firm.stranger, firm.fitter)
    with pytest.raises(PermissionDenied):
        transfer(crm, firm.viewer, firm.seller, firm.fitter)
    assert sizes() == before


def test_what_may_not_be_known_stays_and_changes_no_answer(crm, firm):
    """The lead's reach is the team: a record of the seller's in another unit is neither given nor counted."""
    seen = make_deal(crm, by=firm.seller)
    told = transfer(crm, firm.lead, firm.seller, firm.lead, rehearsed=True)
    hidden = make_deal(crm, owner_id=firm.seller.id, unit_id=firm.units["south_shop"])
    assert transfer(crm, firm.lead, firm.seller, firm.lead, rehearsed=True) == told
    transfer(crm, firm.lead, firm.seller, firm.lead)
    assert owners(crm, firm, Deal) == {seen.id: firm.lead.id, hidden.id: firm.seller.id}


def test_an_objection_refuses_all_of_it(crm, firm, sizes):
    """A plugin's, too; with its sentence."""
    make_deal(crm, by=firm.seller)
    make_deal(crm, by=firm.seller, title="Mine")
    before = sizes()
    with pytest.raises(Objected, match=r"1 of 2 records \(deal 1\), such as: this one stays") as refused:
        transfer(crm, firm.head, firm.seller, firm.fitter)
    assert [it["code"] for it in refused.value.details["objections"]] == ["objected"]
    assert sizes() == before


def test_what_is_personal_or_deleted_stays(crm, firm):
    """Saved views are their owner's; what is deleted comes back to whom it belonged to."""
    view = make_record(crm, SavedView, by=firm.seller, name="Mine", entity="deal")
    deal = make_deal(crm, by=firm.seller)
    with crm.work(firm.seller) as work:
        records.delete(work, [Delete(Deal, deal.id)])
    done = transfer(crm, firm.owner, firm.seller, firm.fitter)
    assert (done.act, done.given) == (None, ())
    with crm.work(firm.owner) as work:
        records.restore(work, [Restore(Deal, deal.id)])
    assert owners(crm, firm, SavedView, Deal) == {view.id: firm.seller.id, deal.id: firm.seller.id}


def test_a_leaver_who_is_disabled_already_is_no_hindrance(crm, firm):
    """Access ends first, mostly."""
    deal = make_deal(crm, by=firm.seller)
    disable(crm, firm, firm.seller)
    transfer(crm, firm.head, firm.seller, firm.fitter)
    assert owners(crm, firm, Deal) == {deal.id: firm.fitter.id}


def test_whom_nobody_can_give_to(crm, firm, sizes):
    """Nobody, themselves, somebody unknown or disabled: refused by name, with nothing written."""
    make_deal(crm, by=firm.seller)
    disable(crm, firm, firm.fitter)
    before = sizes()
    for to in ([], [firm.seller.id], [NOBODY], ["x"], [firm.lead.id, firm.fitter.id]):
        wish = transferring.Transfer(firm.seller.id, to=to)
        with pytest.raises(InputError) as refused:
            transferring.run(lambda: crm.read(firm.head), lambda: crm.work(firm.head), wish)
        assert list(refused.value.fields) == ["to"]
    for leaver in (NOBODY, "x"):
        with pytest.raises(NotFound):
            wish = transferring.Transfer(leaver, to=[firm.lead.id])
            transferring.run(lambda: crm.read(firm.head), lambda: crm.work(firm.head), wish)
    assert sizes() == before


def test_too_much_for_one_request_is_refused(crm, firm):
    """As many as are allowed are given."""
    clients(crm, firm, 1, firm.seller)
    with pytest.raises(InputError, match="more than 3 records"):
        transfer(crm, firm.head, firm.seller, firm.fitter, most=3)
    assert transfer(crm, firm.head, firm.seller, firm.fitter, most=4).number == 4


def test_what_somebody_else_took_meanwhile_is_left_alone(crm, firm):
    """Between the judging and the doing: a deal that went to the head stays there."""
    taken, left = (make_deal(crm, by=firm.seller).id for _ in range(2))
    opened = []

    def door():
        opened.append(None)
        if len(opened) == 2:
            with crm.work(firm.head) as work:
                assigning.assign(work, [Assign(Deal, taken, owner=firm.head.id)])
        return crm.work(firm.head)

    wish = transferring.Transfer(firm.seller.id, to=[firm.fitter.id])
    done = transferring.run(lambda: crm.read(firm.head), door, wish)
    assert (done.number, done.refused) == (1, ())
    assert owners(crm, firm, Deal) == {taken: firm.head.id, left: firm.fitter.id}


class Broken(Exception):
    """The process ends here."""


def test_what_was_broken_off_goes_on_in_the_same_act(crm, firm):
    """Clients that were half given stay with whom they were given to, and the act is one."""
    ids = clients(crm, firm, 6, firm.seller)
    acts = []

    def tell(done):
        acts.append(done.act)
        if len(acts) == 3:
            raise Broken

    pace = Pace(most=3, first=3)
    with pytest.raises(Broken):
        transfer(crm, firm.head, firm.seller, firm.fitter, firm.lead, pace=pace, tell=tell)
    [act] = set(acts)
    done = transfer(crm, firm.head, firm.seller, firm.fitter, firm.lead, pace=pace, act=act)
    assert (done.act, done.number) == (act, 24 - 9)
    found = owners(crm, firm, Contact, Deal, Task, Activity)
    assert [found[id] for id in ids] == [firm.fitter.id, firm.lead.id] * 3
    with crm.read(firm.owner) as reader:
        assert all(deal.owner_id == found[deal.contact_id] for deal in reader.list(Query(Deal)))
    taking_back.run(lambda: crm.work(firm.head), act)
    assert set(owners(crm, firm, Contact, Deal, Task, Activity).values()) == {firm.seller.id}


def test_only_ones_own_act_is_gone_on_with(crm, firm):
    """Another's looks like none."""
    clients(crm, firm, 1, firm.seller)
    done = transfer(crm, firm.owner, firm.seller, firm.fitter)
    for act in (done.act, NOBODY, "x"):
        with pytest.raises(NotFound):
            transfer(crm, firm.head, firm.fitter, firm.seller, act=act)


def test_statements_grow_with_transactions_and_not_with_records(crm, firm, statements):
    """A hundred deals cost what ten cost, but for the parts in which they are written."""

    def cost(number):
        with crm.work(firm.seller) as work:
            records.create(work, [Create(Deal, title=f"D{at}") for at in range(number)])
        statements.clear()
        transfer(crm, firm.head, firm.seller, firm.fitter, pace=Pace(most=1000, first=1000))
        return len(statements.texts)

    cost(1)
    assert cost(100) <= cost(10) + 5
