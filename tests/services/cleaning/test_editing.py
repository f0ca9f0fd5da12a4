"""Many records edited alike: each judged by itself, foretold exactly, undone as a whole."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from opencrm import (
    All,
    Contact,
    Create,
    Deal,
    Delete,
    Equal,
    InputError,
    Kind,
    NotFound,
    Objected,
    Objection,
    PermissionDenied,
    Product,
    Query,
    Role,
    Undo,
    UndoRefused,
    Update,
    User,
    hookimpl,
    records,
    undoing,
)
from opencrm.core.access.grants import Grant, Scope, grant_rows
from opencrm.services.cleaning import editing
from opencrm.services.cleaning.pacing import MOST, Pace
from opencrm.services.cleaning.steps import MassEdit
from opencrm.storage import tables
from opencrm.testing import make_contact, make_deal, make_product

NOBODY = "0190a000-0000-7000-8000-000000000000"


def edit(crm, by, entity, **wish):
    with crm.work(by) as work:
        return editing.edit(work, MassEdit(entity, **wish))


def rehearse(crm, by, entity, **wish):
    return editing.rehearse(lambda: crm.work(by), MassEdit(entity, **wish))


def undo(crm, by, act):
    with crm.work(by) as work:
        return undoing.undo(work, [Undo(act=act)])


def deals(crm, by, number, **fields):
    with crm.work(by) as work:
        lines = records.create(work, [Create(Deal, title=f"D{at}", **fields) for at in range(number)])
        return [line.record_id for line in lines]


def states(crm, firm, entity=Deal):
    """Return everything of every record that a reader could see, and what nobody sees."""
    table = entity.__table__
    with crm.database.read() as tx:
        rows = tx.query(("test", table.name), lambda: select(table).order_by(table.c.id), {})
    return [{k: v for k, v in row.items() if k not in ("version", "updated_at", "stage_since")} for row in rows]


def test_fields_are_set_by_a_condition(crm, firm):
    """Those that match are changed, in one act, and the others are not."""
    deals(crm, firm.seller, 3, source="fair")
    other = make_deal(crm, by=firm.seller, source="web")
    found = edit(crm, firm.seller, Deal, where=Equal("source", "FAIR"), set={"source": "Fair 2026"})
    assert (found.found, found.changed, found.unchanged, found.refused) == (3, 3, 0, {})
    with crm.read(firm.seller) as reader:
        assert sorted(row.source for row in reader.list(Query(Deal))) == ["Fair 2026"] * 3 + ["web"]
        assert len(reader.history(Deal, other.id)) == 1
    with crm.database.read() as tx:
        acts = tx.query("acts", lambda: select(tables.journal).where(tables.journal.c.kind == "changed"), {})
    assert {row["act"] for row in acts} == {found.act}


def test_samples_show_what_became_of_some(crm, firm):
    """Up to twenty, with the fields before and after."""
    ids = deals(crm, firm.seller, 25, source="fair")
    found = edit(crm, firm.seller, Deal, ids=ids, set={"source": "web"})
    assert len(found.samples) == 20
    assert (dict(found.samples[0].before), dict(found.samples[0].after)) == ({"source": "fair"}, {"source": "web"})


@pytest.mark.parametrize("act", ["set", "assign", "move", "delete"])
def test_a_rehearsal_writes_nothing_and_foretells_exactly(crm, firm, sizes, act):
    """Whatever is wished for, for whomever it is wished."""
    ids = [*deals(crm, firm.seller, 3), *deals(crm, firm.fitter, 2), *deals(crm, firm.stranger, 1)]
    wishes = {"set": {"set": {"source": "web"}}, "assign": {"owner": firm.fitter.id}, "move": {"move": "offer"}}
    wish = {"ids": [*ids, NOBODY], **wishes.get(act, {"delete": True})}
    before, held = sizes(), states(crm, firm)
    told = rehearse(crm, firm.head, Deal, **wish)
    assert (sizes(), states(crm, firm)) == (before, held)
    done = edit(crm, firm.head, Deal, **wish)
    assert told.act is None
    for name in ("found", "changed", "unchanged", "refused", "refusals", "samples"):
        if (act, name) != ("delete", "samples"):
            assert getattr(told, name) == getattr(done, name)
    assert (done.found, done.changed + done.unchanged, done.refused) == (5, 5, {"not_found": 2})


@pytest.mark.parametrize(
    "wish", [{"set": {"source": "web", "amount": 5}}, {"move": "offer"}, {"delete": True}, {"owner": "fitter"}]
)
def test_an_undo_takes_it_back_as_a_whole(crm, firm, wish):
    """Every field of every record is as it was."""
    if "owner" in wish:
        wish = {"owner": firm.fitter.id}
    deals(crm, firm.seller, 4)
    before = states(crm, firm)
    done = edit(crm, firm.head, Deal, where=All(), **wish)
    assert done.changed == 4
    assert states(crm, firm) != before
    undo(crm, firm.head, done.act)
    assert states(crm, firm) == before


def test_deleted_ones_are_restored(crm, firm):
    """By a condition over the deleted records."""
    ids = deals(crm, firm.seller, 3)
    edit(crm, firm.seller, Deal, ids=ids, delete=True)
    done = edit(crm, firm.seller, Deal, where=All(), restore=True)
    assert done.changed == 3
    with crm.read(firm.seller) as reader:
        assert reader.count(Deal) == 3


def test_what_is_so_already_is_not_written(crm, firm, sizes):
    """Neither a field, nor a stage, nor an owner, nor what is gone."""
    [id] = deals(crm, firm.seller, 1, source="web")
    before = sizes()
    for wish in ({"set": {"source": "web"}}, {"move": "new"}, {"owner": firm.seller.id}, {"restore": True}):
        found = edit(crm, firm.head, Deal, ids=[id], **wish)
        assert (found.found, found.changed, found.unchanged, found.refused) == (1, 0, 1, {})
    assert sizes() == before


def test_what_may_not_be_known_is_not_counted(crm, firm):
    """By a condition a hidden record is not there; by its id it looks like one that never was."""
    deals(crm, firm.stranger, 2)
    [hidden] = deals(crm, firm.stranger, 1)
    deals(crm, firm.seller, 1)
    assert edit(crm, firm.seller, Deal, where=All(), set={"source": "x"}).found == 1
    found = edit(crm, firm.seller, Deal, ids=[hidden, NOBODY, "nonsense"], set={"source": "y"})
    assert [(each.record, each.code) for each in found.refusals] == [
        (hidden, "not_found"),
        (NOBODY, "not_found"),
        ("nonsense", "not_found"),
    ]
    assert len({each.text for each in found.refusals}) == 1


def test_a_filter_reads_readable_fields_only(crm, firm):
    """A birthday cannot be guessed by who is edited."""
    make_contact(crm, by=firm.seller)
    with pytest.raises(InputError) as refused:
        edit(crm, firm.seller, Contact, where=Equal("birthday", "1990-01-01"), set={"source": "x"})
    assert "birthday" in refused.value.fields
    with pytest.raises(InputError):
        edit(crm, firm.seller, Contact, where=All(), set={"birthday": "1990-01-01"})


def test_those_that_may_not_be_changed_are_told_and_the_others_done(crm, firm):
    """A role that reads all and changes its own."""
    own, foreign = deals(crm, firm.seller, 2), deals(crm, firm.fitter, 2)
    grants = grant_rows([Grant("deal", "read", Scope.ALL), Grant("deal", "update", Scope.OWN)])
    with crm.work(firm.owner) as work:
        records.update(work, [Update(Role, firm.roles["firm_seller"], grants=grants)])
    found = edit(crm, firm.seller, Deal, where=All(), set={"source": "web"})
    assert (found.changed, found.refused) == (2, {"permission_denied": 2})
    assert {each.record for each in found.refusals} == set(foreign)
    assert {each.record for each in found.samples} == set(own)


@pytest.mark.parametrize("wish", [{"set": {"source": "x"}}, {"delete": True}, {"restore": True}, {"unit": "HQ"}])
def test_who_may_do_it_to_no_record_is_denied(crm, firm, wish):
    """Even where nothing matches."""
    if "unit" in wish:
        wish = {"unit": firm.units["HQ"]}
    with pytest.raises(PermissionDenied):
        edit(crm, firm.viewer, Deal, where=All(), **wish)


def test_an_owner_out_of_reach_is_refused_for_each(crm, firm):
    """The head hands over within the own branch only."""
    deals(crm, firm.seller, 3)
    found = edit(crm, firm.head, Deal, where=All(), owner=firm.stranger.id)
    assert (found.changed, found.refused) == (0, {"permission_denied": 3})


def test_moves_that_a_pipeline_does_not_have_are_refused(crm, firm):
    """Of deals in two stages only those are moved that may."""
    [new, offer] = [make_deal(crm, by=firm.seller).id, make_deal(crm, by=firm.owner, stage="offer").id]
    found = edit(crm, firm.owner, Deal, ids=[new, offer], move="won")
    assert (found.changed, found.refused) == (1, {"invalid_move": 1})
    assert [each.record for each in found.refusals] == [new]
    found = edit(crm, firm.owner, Deal, ids=[new, offer], move="nowhere")
    assert found.refused == {"invalid_move": 2}


class Picky:
    """Objects to what is called bad."""

    @hookimpl
    def opencrm_check_change(self, changes, door):
        for change in changes:
            if change.entity == "deal" and change.after["title"].startswith("bad") and change.kind is not Kind.CREATED:
                yield Objection(change.id, "picky", f"{change.after['title']} is bad", "title")


def test_a_plugins_objection_keeps_its_record_out(make_crm):
    """The culprits are named, each with its own reason; the others are done."""
    crm = make_crm(plugins=[Picky()])
    owner = crm.sole_owner()
    with crm.work(owner) as work:
        lines = records.create(
            work, [Create(Deal, title=f"{'bad' if at % 3 == 0 else 'good'} {at}") for at in range(9)]
        )
    found = edit(crm, owner, Deal, ids=[line.record_id for line in lines], set={"source": "web"})
    assert (found.changed, found.refused) == (6, {"objected": 3})
    assert [each.text for each in found.refusals] == ["bad 0 is bad", "bad 3 is bad", "bad 6 is bad"]


def test_with_whole_one_refusal_stops_everything(make_crm):
    """Nothing is kept."""
    crm = make_crm(plugins=[Picky()])
    owner = crm.sole_owner()
    with crm.work(owner) as work:
        records.create(work, [Create(Deal, title="good"), Create(Deal, title="bad")])
    with pytest.raises(Objected):
        edit(crm, owner, Deal, where=All(), set={"source": "web"}, whole=True)
    with crm.read(owner) as reader:
        assert [row.source for row in reader.list(Query(Deal))] == [None, None]


def test_a_unique_value_goes_to_the_first_only(crm, firm):
    """The others are duplicates, and told one by one."""
    ids = [make_product(crm).id for _ in range(5)]
    found = edit(crm, firm.owner, Product, ids=ids, set={"sku": "W-1"})
    assert (found.changed, found.refused) == (1, {"duplicate": 4})
    assert found.samples[0].record == ids[0]


def test_the_last_owner_remains(crm, firm):
    """A rule that looks at the whole organisation blames whom it must."""
    with crm.read(firm.owner) as reader:
        people = [row.id for row in reader.list(Query(User))]
    found = edit(crm, firm.owner, User, ids=people, set={"active": False})
    assert (found.changed, sum(found.refused.values())) == (len(people) - 1, 1)
    assert [each.record for each in found.refusals] == [firm.owner.id]


@pytest.mark.parametrize(
    "wish",
    [
        {"where": All()},
        {"where": All(), "set": {}},
        {"set": {"title": "x"}},
        {"where": All(), "ids": [], "set": {"title": "x"}},
        {"where": All(), "set": {"title": "x"}, "delete": True},
        {"where": All(), "set": {"nonsense": 1}},
        {"where": All(), "set": {"amount": "much"}},
        {"where": All(), "set": {"stage": "won"}},
        {"where": All(), "set": {"owner_id": NOBODY}},
        {"where": All(), "owner": "nobody"},
        {"where": Equal("nonsense", 1), "delete": True},
    ],
)
def test_a_wish_that_makes_no_sense_is_refused(crm, firm, wish, sizes):
    """Before anything is looked at."""
    make_deal(crm)
    before = sizes()
    with pytest.raises(InputError):
        edit(crm, firm.owner, Deal, **wish)
    with pytest.raises(InputError):
        editing.run(lambda: crm.work(firm.owner), MassEdit(Deal, **wish))
    assert sizes() == before


def test_a_required_field_cannot_be_emptied(crm, firm):
    """Told for each record."""
    deals(crm, firm.owner, 2)
    found = edit(crm, firm.owner, Deal, where=All(), set={"title": None})
    assert found.refused == {"invalid_input": 2}


FEW = Pace(most=5, first=4)


def test_more_than_the_bound_is_refused(crm, firm):
    """By a condition and by ids, with nothing done."""
    ids = deals(crm, firm.owner, 6)
    door = lambda: crm.work(firm.owner)  # noqa: E731
    for chosen in ({"where": All()}, {"ids": ids}):
        with pytest.raises(InputError):
            editing.run(door, MassEdit(Deal, set={"source": "x"}, whole=True, **chosen), pace=FEW)
    with pytest.raises(InputError):
        edit(crm, firm.owner, Deal, set={"source": "x"}, ids=[str(at) for at in range(MOST + 1)])
    assert all(row["source"] is None for row in states(crm, firm))


@pytest.mark.parametrize("by", ["where", "ids"])
def test_many_transactions_are_one_act(crm, firm, by):
    """All transactions belong to one act, which is undone as a whole."""
    ids = deals(crm, firm.owner, 13)
    before, told = states(crm, firm), []
    wish = MassEdit(Deal, set={"source": "x"}, **({"where": All()} if by == "where" else {"ids": ids}))
    door = lambda: crm.work(firm.owner)  # noqa: E731
    foretold = editing.run(door, wish, rehearsed=True, pace=FEW)
    assert states(crm, firm) == before
    done = editing.run(door, wish, tell=told.append, pace=FEW)
    assert (done.found, done.changed) == (foretold.found, foretold.changed) == (13, 13)
    assert len(told) >= 3
    undo(crm, firm.owner, done.act)
    assert states(crm, firm) == before


class Torn(Exception):
    """The process was killed."""


@pytest.mark.parametrize("wish", [{"set": {"source": "x"}}, {"delete": True}, {"move": "offer"}])
@pytest.mark.parametrize("by", ["where", "ids"])
def test_what_was_broken_off_goes_on(crm, firm, wish, by):
    """What was committed stays and is not done twice; the rest joins the same act."""
    ids = deals(crm, firm.owner, 13)
    before = states(crm, firm)
    mass = MassEdit(Deal, **wish, **({"where": All()} if by == "where" else {"ids": ids}))
    acts = []

    def tell(so_far):
        acts.append(so_far.act)
        if len(acts) == 2:
            raise Torn

    with pytest.raises(Torn):
        editing.run(lambda: crm.work(firm.owner), mass, tell=tell, pace=FEW)
    done = editing.run(lambda: crm.work(firm.owner), mass, act=acts[0], pace=FEW)
    assert done.act == acts[0]
    assert done.refused == {}
    with crm.database.read() as tx:
        rows = tx.query("of act", lambda: select(tables.journal).where(tables.journal.c.act == done.act), {})
    assert sorted(row["record_id"] for row in rows) == sorted(ids)
    undo(crm, firm.owner, done.act)
    assert states(crm, firm) == before


def test_nobody_goes_on_with_somebody_elses_act(crm, firm):
    """An act is its principal's."""
    deals(crm, firm.seller, 1)
    done = edit(crm, firm.seller, Deal, where=All(), set={"source": "x"})
    for act in (done.act, NOBODY, "nonsense"):
        with pytest.raises(NotFound):
            editing.run(lambda: crm.work(firm.head), MassEdit(Deal, where=All(), set={"source": "y"}), act=act)


def test_an_undo_is_refused_where_one_record_changed_since(crm, firm):
    """All or nothing."""
    ids = deals(crm, firm.owner, 5)
    done = edit(crm, firm.owner, Deal, where=All(), set={"source": "x"})
    with crm.work(firm.owner) as work:
        records.update(work, [Update(Deal, ids[2], source="mine")])
    before = states(crm, firm)
    with pytest.raises(UndoRefused):
        undo(crm, firm.owner, done.act)
    assert states(crm, firm) == before


def test_the_number_of_records_costs_no_statements(crm, firm, statements):
    """Forty are judged, written and taken back with as many statements as four."""
    counts = []
    for number in (4, 40):
        ids = deals(crm, firm.seller, number)
        edit(crm, firm.seller, Deal, ids=ids, set={"source": "warm"})
        statements.clear()
        done = edit(crm, firm.seller, Deal, ids=ids, set={"source": "x"})
        undo(crm, firm.seller, done.act)
        counts.append(len(statements))
        with crm.work(firm.seller) as work:
            records.delete(work, [Delete(Deal, id) for id in ids])
    assert counts[0] == counts[1]


def test_ten_thousand_records_are_one_act(crm, firm):
    """As many as one transaction takes, edited and undone."""
    ids = deals(crm, firm.owner, MOST)
    found = edit(crm, firm.owner, Deal, ids=ids, set={"source": "x"})
    assert (found.found, found.changed, found.refused) == (MOST, MOST, {})
    undo(crm, firm.owner, found.act)
    assert {row["source"] for row in states(crm, firm)} == {None}
