"""Moving deals through their stages."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from opencrm import (
    Contact,
    Create,
    Deal,
    History,
    InputError,
    InvalidMove,
    Kind,
    Move,
    NotFound,
    PermissionDenied,
    Pipeline,
    Undo,
    hookimpl,
    pipelines,
    records,
    undoing,
)
from opencrm.storage import tables
from opencrm.testing import MONDAY, make_contact, make_deal


def move(crm, by, deal, to):
    with crm.work(by) as work:
        [entry] = pipelines.move(work, [Move(Deal, deal.id, to=to)])
        return entry


def log(rows):
    return [(row["start"], row["end"], row["seconds"]) for row in rows(tables.stage_move)]


def test_a_move_changes_the_stage_and_says_so(crm, firm):
    """Stage, instant of entry and `updated_at` follow; the journal has a line of its own kind."""
    deal = make_deal(crm, by=firm.seller)
    crm.advance("2h")
    entry = move(crm, firm.seller, deal, "offer")
    with crm.read(firm.seller) as reader:
        now = reader.get(Deal, deal.id)
    assert (entry.kind, entry.before["stage"], entry.after["stage"]) == (Kind.MOVED, "new", "offer")
    assert (now.stage, now.stage_since, now.updated_at) == ("offer", crm.clock.now(), crm.clock.now())


def test_the_log_of_stages_tells_how_long_each_took(crm, firm, rows):
    """One line for each stage that was entered, with the seconds spent in the one before."""
    deal = make_deal(crm)
    crm.advance("16m")
    move(crm, firm.owner, deal, "offer")
    crm.advance("1d")
    move(crm, firm.owner, deal, "won")
    assert log(rows) == [(None, "new", None), ("new", "offer", 960), ("offer", "won", 86400)]
    assert {row["record_id"] for row in rows(tables.stage_move)} == {deal.id}
    assert rows(tables.stage_move)[0]["at"] == MONDAY


def test_the_graph_of_moves_holds(crm, firm, sizes):
    """A deal cannot go where the pipeline has no way."""
    deal = make_deal(crm)
    before = sizes()
    with pytest.raises(InvalidMove):
        move(crm, firm.owner, deal, "won")
    assert sizes() == before


@pytest.mark.parametrize("to", ["nowhere", "nothing.new", "", "windows.", "."])
def test_there_is_no_move_to_what_is_no_stage(crm, firm, to):
    """An unknown stage, and an unknown pipeline, are invalid moves."""
    deal = make_deal(crm)
    with pytest.raises(InvalidMove):
        move(crm, firm.owner, deal, to)


def test_closing_and_opening_again(crm, firm):
    """`closed_at` stands while a deal is won or lost, and not longer."""
    deal = make_deal(crm)
    move(crm, firm.owner, deal, "lost")
    with crm.read(firm.owner) as reader:
        assert reader.get(Deal, deal.id).closed_at == MONDAY
    move(crm, firm.owner, deal, "new")
    with crm.read(firm.owner) as reader:
        assert reader.get(Deal, deal.id).closed_at is None


def test_many_move_at_once_or_none(crm, firm):
    """One bad move in a batch leaves all where they were."""
    deals = [make_deal(crm), make_deal(crm, stage="waiting")]
    with pytest.raises(InvalidMove), crm.work(firm.owner) as work:
        pipelines.move(work, [Move(Deal, deal.id, to="measuring") for deal in deals])
    with crm.read(firm.owner) as reader:
        assert [reader.get(Deal, deal.id).stage for deal in deals] == ["new", "waiting"]


def test_only_what_has_stages_moves(crm, firm):
    """A contact stands in no pipeline."""
    contact = make_contact(crm)
    with crm.work(firm.owner) as work, pytest.raises(InputError):
        pipelines.move(work, [Move(Contact, contact.id, to="won")])


def test_moving_takes_a_grant(crm, firm):
    """The viewer sees the deal and may not move it; the stranger does not even see it."""
    deal = make_deal(crm, by=firm.seller)
    with pytest.raises(PermissionDenied) as refused:
        move(crm, firm.viewer, deal, "offer")
    assert refused.value.action == "deal.move:windows.offer"
    with pytest.raises(NotFound):
        move(crm, firm.stranger, deal, "offer")


class Repairs:
    """A second pipeline, to which windows may go over."""

    @hookimpl
    def opencrm_register_pipelines(self) -> Iterator[Pipeline]:
        yield Pipeline("repairs", ["new", "done"], moves={("new", "done"), ("new", "windows.offer")})


class TestTwoPipelines:
    @pytest.fixture
    def crm_plugins(self):
        return [Repairs()]

    def test_a_deal_goes_over_to_another_pipeline(self, crm, firm):
        """The move names pipeline and stage, where the graph has it."""
        deal = make_deal(crm, pipeline="repairs")
        move(crm, firm.owner, deal, "windows.offer")
        with crm.read(firm.owner) as reader:
            now = reader.get(Deal, deal.id)
        assert (now.pipeline, now.stage) == ("windows", "offer")

    def test_no_way_leads_back(self, crm, firm):
        """The graph is asked in the pipeline that the deal leaves."""
        deal = make_deal(crm, stage="offer", pipeline="windows")
        with pytest.raises(InvalidMove):
            move(crm, firm.owner, deal, "repairs.new")

    def test_a_stage_alone_finds_its_pipeline(self, crm):
        """A record made with a stage alone stands in the pipeline that has it."""
        assert make_deal(crm, stage="done").pipeline == "repairs"
        assert make_deal(crm, stage="offer").pipeline == "windows"


def test_an_undone_move_goes_on_in_the_log(crm, firm, rows):
    """The log is append-only and its times never run backwards, not even when a move is taken back."""
    deal = make_deal(crm)
    crm.advance("10m")
    entry = move(crm, firm.owner, deal, "offer")
    crm.advance("5m")
    with crm.work(firm.owner) as work:
        undoing.undo(work, [Undo(entry=entry.entry_id)])
    assert log(rows) == [(None, "new", None), ("new", "offer", 600), ("offer", "new", 300)]
    with crm.read(firm.owner) as reader:
        assert reader.get(Deal, deal.id).stage == "new"


def test_a_record_without_a_pipeline_of_its_entity_is_refused(crm, firm):
    """A deal cannot be made in a pipeline that is not there."""
    with crm.work(firm.owner) as work, pytest.raises(InputError):
        records.create(work, [Create(Deal, title="x", pipeline="nothing")])


def test_an_import_dates_a_move(crm, firm, rows):
    """The stage was entered then, and the record changed now."""
    deal = make_deal(crm, by=firm.seller)
    crm.advance("3h")
    with crm.work(firm.seller, origin="import:x") as work:
        pipelines.move(work, [Move(Deal, deal.id, to="offer", at=MONDAY + timedelta(hours=1))])
    with crm.read(firm.seller) as reader:
        moved = reader.get(Deal, deal.id)
    assert (moved.stage_since, moved.updated_at) == (MONDAY + timedelta(hours=1), MONDAY + timedelta(hours=3))
    assert log(rows)[-1] == ("new", "offer", 3600)


@pytest.mark.parametrize("origin, hours", [(None, 0), ("import:x", 1)], ids=["no import", "in the future"])
def test_nobody_else_dates_a_move(crm, firm, origin, hours):
    """What happens here happens now."""
    deal = make_deal(crm, by=firm.seller)
    with crm.work(firm.seller, origin=origin) as work, pytest.raises(InputError) as error:
        pipelines.move(work, [Move(Deal, deal.id, to="offer", at=MONDAY + timedelta(hours=hours))])
    assert "at" in error.value.fields


def test_a_stage_that_no_pipeline_has_is_named(crm, firm):
    """Without a pipeline, the stage is what is wrong."""
    with crm.work(firm.seller) as work, pytest.raises(InputError) as error:
        records.create(work, [Create(Deal, title="x", stage="nope")])
    assert error.value.fields == {"stage": ["no pipeline of deal has a stage 'nope'"]}


def test_a_move_to_where_the_record_stands_is_none(crm, firm, sizes):
    """Nothing happened, so nothing is written: not even by an owner, and not by naming the pipeline."""
    deal = make_deal(crm, stage="offer")
    crm.advance("1h")
    before = sizes()
    for to in ("offer", "windows.offer"):
        with pytest.raises(InvalidMove):
            move(crm, firm.owner, deal, to)
    assert sizes() == before


def test_a_move_to_where_the_record_stands_takes_a_grant_too(crm, firm):
    """Whoever only reads is refused before the pipeline is asked."""
    deal = make_deal(crm, by=firm.seller)
    with pytest.raises(PermissionDenied) as refused:
        move(crm, firm.viewer, deal, "new")
    assert refused.value.action == "deal.move:windows.new"


class Returns:
    """A pipeline with a stage that is called like one of windows."""

    @hookimpl
    def opencrm_register_pipelines(self) -> Iterator[Pipeline]:
        yield Pipeline("returns", ["new"], moves={("new", "windows.new")})


class TestAStageOfTheSameName:
    @pytest.fixture
    def crm_plugins(self):
        return [Returns()]

    def test_it_takes_a_grant_to_go_there(self, crm, firm):
        """The pipeline changes and the stage's name does not: a move all the same."""
        deal = make_deal(crm, by=firm.owner, pipeline="returns")
        with pytest.raises(PermissionDenied) as refused:
            move(crm, firm.viewer, deal, "windows.new")
        assert refused.value.action == "deal.move:windows.new"

    def test_it_is_another_stage(self, crm, firm, rows):
        """Whoever may moves there, and the log tells it."""
        deal = make_deal(crm, pipeline="returns")
        crm.advance("1m")
        move(crm, firm.owner, deal, "windows.new")
        assert log(rows) == [(None, "new", None), ("new", "new", 60)]


LONG_AGO, TODAY = datetime(1900, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)


def test_a_stage_may_last_longer_than_a_life(crm, firm, rows):
    """Over 68 years are more seconds than 32 bits hold: by the past that a record brings, and by the clock."""
    brought = History(created_at=LONG_AGO, moves=(("new", LONG_AGO), ("won", TODAY)))
    with crm.work(firm.owner, origin="file old.csv") as work:
        records.create(work, [Create(Deal, title="Old", history=brought)])
    deal = make_deal(crm)
    crm.advance(timedelta(days=100 * 365))
    move(crm, firm.owner, deal, "lost")
    spent = [row["seconds"] for row in rows(tables.stage_move) if row["seconds"] is not None]
    assert spent == [int((TODAY - LONG_AGO).total_seconds()), 100 * 365 * 86400]


def test_a_past_out_of_order_is_kept_without_durations(crm, firm, rows):
    """A stage that is said to have ended before it began lasted nobody knows how long."""
    brought = History(created_at=TODAY, moves=(("new", TODAY), ("offer", LONG_AGO), ("won", TODAY)))
    with crm.work(firm.owner, origin="file old.csv") as work:
        records.create(work, [Create(Deal, title="Old", history=brought)])
    lasted = int((TODAY - LONG_AGO).total_seconds())
    assert log(rows) == [(None, "new", None), ("new", "offer", None), ("offer", "won", lasted)]


def test_a_move_that_an_import_dates_before_the_stage_began_has_no_duration(crm, firm, rows):
    """The same for one move of a record that is there."""
    deal = make_deal(crm)
    with crm.work(firm.owner, origin="file old.csv") as work:
        pipelines.move(work, [Move(Deal, deal.id, to="lost", at=LONG_AGO)])
    assert log(rows) == [(None, "new", None), ("new", "lost", None)]


def test_a_move_at_the_instant_of_entry_is_in_the_log(crm, firm, rows):
    """A deal that is made and moved in one block was in both stages, in the first for no time."""
    with crm.work(firm.owner) as work:
        [made] = records.create(work, [Create(Deal, title="x")])
        pipelines.move(work, [Move(Deal, made.record_id, to="offer")])
    assert log(rows) == [(None, "new", None), ("new", "offer", 0)]
