"""Rules that go by time: what is rotten, so much before and after, times of the day."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from opencrm import (
    CRM,
    Create,
    Deal,
    Delete,
    Equal,
    Move,
    Pipeline,
    Principal,
    Restore,
    Rule,
    Segment,
    Stage,
    TaskSpec,
    Undo,
    Update,
    after,
    before,
    every,
    give,
    hookimpl,
    notify,
    only_if,
    owner,
    pipelines,
    records,
    rotten,
    segments,
    undoing,
    update,
)
from opencrm.services.process.timing import firing, table
from opencrm.storage import tables
from opencrm.testing import MONDAY, Firm, make_deal

Timers = Callable[[], list[dict[str, Any]]]
Texts = Callable[[], list[str]]


class Reminders:
    """A plugin whose rules go by time."""

    name = "reminders"

    @hookimpl
    def opencrm_register_pipelines(self) -> Iterator[Pipeline]:
        stages = [Stage("fresh", rots_after="2d"), Stage("old", rots_after="5d"), Stage("over", kind="won")]
        moves = {("fresh", "old"), ("old", "fresh"), ("old", "over")}
        yield Pipeline("rotting", stages, moves=moves)

    @hookimpl
    def opencrm_register_rules(self) -> Iterator[Rule]:
        yield Rule("stale", on=rotten("rotting.fresh"), do=[notify(owner, "Stale: {title}")])
        yield Rule("soon", on=before(Deal, "expected_close", "1d"), do=[notify(owner, "Closes soon: {title}")])
        yield Rule(
            "late", on=after(Deal, "expected_close", "1w"), do=[give(TaskSpec("ask", title="Ask about {title}"))]
        )
        yield Rule(
            "morning",
            on=every("Mo-Fr", at="09:00", of=Deal),
            when=Equal("source", "daily"),
            do=[notify(owner, "Morning: {title}")],
        )


@pytest.fixture
def crm_plugins() -> Sequence[object]:
    return [Reminders()]


def make(crm: CRM, firm: Firm, **fields: Any) -> str:
    return str(make_deal(crm, by=firm.seller, **{"pipeline": "windows", **fields}).id)


def change(crm: CRM, firm: Firm, id: str, **values: Any) -> None:
    with crm.work(firm.seller) as work:
        records.update(work, [Update(Deal, id, values=values)])


def move(crm: CRM, firm: Firm, id: str, to: str) -> None:
    with crm.work(firm.seller) as work:
        pipelines.move(work, [Move(Deal, id, to=to)])


def of(timers: Timers, kind: str) -> list[datetime]:
    return [it["due_at"] for it in timers() if it["kind"] == kind]


def test_a_record_that_stands_too_long_is_rotten_once(crm: CRM, firm: Firm, timers: Timers, told: Texts) -> None:
    make(crm, firm, pipeline="rotting", title="A")
    assert of(timers, "rotten") == [MONDAY + timedelta(days=2)]
    crm.advance("47h")
    assert told() == []
    crm.advance("1h")
    assert told() == ["Stale: {title}"]
    crm.advance("30d")
    assert told() == ["Stale: {title}"]
    assert of(timers, "rotten") == []


def test_whoever_moves_on_does_not_rot(crm: CRM, firm: Firm, timers: Timers, told: Texts) -> None:
    id = make(crm, firm, pipeline="rotting")
    move(crm, firm, id, "old")
    assert of(timers, "rotten") == []
    crm.advance("3d")
    assert told() == []
    move(crm, firm, id, "fresh")
    assert of(timers, "rotten") == [MONDAY + timedelta(days=5)]


def test_a_move_that_is_taken_back_is_a_move_from_which_it_rots(crm: CRM, firm: Firm, timers: Timers) -> None:
    id = make(crm, firm, pipeline="rotting")
    crm.advance("1d")
    with crm.work(firm.seller) as work:
        [line] = pipelines.move(work, [Move(Deal, id, to="old")])
    with crm.work(firm.seller) as work:
        undoing.undo(work, [Undo(entry=line.entry_id)])
    assert of(timers, "rotten") == [MONDAY + timedelta(days=3)]


def test_the_timer_of_a_field_keeps_in_step_with_it(crm: CRM, firm: Firm, timers: Timers) -> None:
    id = make(crm, firm, expected_close="2026-03-20")
    midnight = datetime(2026, 3, 20, tzinfo=UTC)
    assert of(timers, "field") == [midnight + timedelta(weeks=1), midnight - timedelta(days=1)]
    change(crm, firm, id, title="Doors")
    assert of(timers, "field") == [midnight + timedelta(weeks=1), midnight - timedelta(days=1)]
    change(crm, firm, id, expected_close="2026-03-21")
    assert of(timers, "field") == [midnight + timedelta(days=8), midnight]
    change(crm, firm, id, expected_close=None)
    assert of(timers, "field") == []


def test_the_timers_of_a_deleted_record_go_and_come_back(crm: CRM, firm: Firm, timers: Timers) -> None:
    id = make(crm, firm, expected_close="2026-03-20", pipeline="rotting")
    with crm.work(firm.seller) as work:
        records.delete(work, [Delete(Deal, id)])
    assert of(timers, "field") + of(timers, "rotten") == []
    with crm.work(firm.seller) as work:
        records.restore(work, [Restore(Deal, id)])
    assert len(of(timers, "field") + of(timers, "rotten")) == 3


def test_an_instant_that_has_passed_sets_no_timer(crm: CRM, firm: Firm, timers: Timers, told: Texts) -> None:
    make(crm, firm, expected_close=date(2026, 3, 1))
    assert of(timers, "field") == [datetime(2026, 3, 8, tzinfo=UTC)]
    crm.advance("1d")
    assert told() == []


def test_a_rule_runs_before_and_after_the_day(crm: CRM, firm: Firm, told: Texts, tasks: Any, timers: Timers) -> None:
    id = make(crm, firm, title="A", expected_close="2026-03-10")
    crm.advance("6d15h")
    assert (told(), tasks()) == (["Closes soon: {title}"], [])
    crm.advance("8d")
    [task] = tasks()
    assert (task.title, task.deal_id, task.owner_id) == ("Ask about A", id, firm.seller.id)
    assert of(timers, "field") == []


def test_it_is_written_down_as_a_run_of_the_rule(crm: CRM, firm: Firm, rows: Any, timers: Timers) -> None:
    id = make(crm, firm, expected_close="2026-03-10")
    crm.advance("7d")
    [run] = rows(tables.run)
    assert (run["rule"], run["state"], run["record_id"], run["cause"]) == ("soon", "done", id, None)


def test_a_time_of_the_day_comes_for_each_record_that_meets_the_condition(crm: CRM, firm: Firm, told: Texts) -> None:
    make(crm, firm, title="A", source="daily")
    make(crm, firm, title="B")
    crm.advance("1d")
    assert told() == ["Morning: {title}"]
    crm.advance("6d")
    assert len(told()) == 5


def test_what_was_missed_comes_once(crm: CRM, firm: Firm, told: Texts, timers: Timers) -> None:
    make(crm, firm, source="daily", pipeline="rotting")
    crm.worker().run_once()
    crm.clock.advance(timedelta(days=10))
    crm.worker().run_once()
    assert sorted(told()) == ["Morning: {title}", "Stale: {title}"]
    assert of(timers, "every") == [datetime(2026, 3, 13, 9, tzinfo=UTC)]


def test_more_records_than_a_page_are_met_once_each(
    crm: CRM, firm: Firm, told: Texts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("opencrm.services.process.timing.firing.PAGE", 3)
    for _ in range(8):
        make(crm, firm, source="daily")
    crm.advance("1d")
    assert len(told()) == 8


def test_a_process_that_dies_before_the_commit_leaves_both_undone(
    crm: CRM, firm: Firm, told: Texts, timers: Timers
) -> None:
    make(crm, firm, pipeline="rotting")
    crm.worker().run_once()
    crm.clock.advance(timedelta(hours=48))
    with pytest.raises(KeyboardInterrupt), crm.work(Principal.system("die")) as work:
        for timer in table.due(work.tx, work.now):
            firing.fire(work, timer)
        raise KeyboardInterrupt
    assert (told(), len(of(timers, "rotten"))) == ([], 1)
    crm.worker().run_once()
    crm.worker().run_once()
    assert (told(), of(timers, "rotten")) == (["Stale: {title}"], [])


def test_a_segment_may_ask_for_what_is_rotten(crm: CRM, firm: Firm) -> None:
    with crm.work(firm.owner) as work:
        where = {"field": "rotten", "op": "equal", "value": True}
        [made] = records.create(work, [Create(Segment, name="Stale", entity="deal", where=where)])
    id = make(crm, firm, pipeline="rotting")
    crm.advance("3d")
    with crm.read(firm.owner) as reader:
        assert [it.id for it in segments.members(reader, made.record_id)] == [id]


class Broken:
    """A plugin whose rule moves a record to a stage that it cannot be moved to."""

    name = "broken"

    @hookimpl
    def opencrm_register_rules(self) -> Iterator[Rule]:
        yield Rule("fails", on=after(Deal, "expected_close", "1d"), do=[update(amount_from="nonsense")])
        yield Rule("every_day", on=every("Mo-Su", "07:00", of=Deal), do=[update(amount_from="nonsense")])
        yield Rule(
            "fine", on=after(Deal, "expected_close", "1d"), do=[only_if(Equal("title", "A")), update(source="x")]
        )


class TestFailures:
    """What fails is tried again, and is dead and visible in the end."""

    @pytest.fixture
    def crm_plugins(self) -> Sequence[object]:
        return [Broken()]

    def test_one_that_fails_does_not_keep_another_waiting(self, crm: CRM, firm: Firm, timers: Timers) -> None:
        """Its transaction is its own."""
        id = make(crm, firm, title="A", expected_close="2026-03-03")
        crm.advance("39h")
        with crm.read(firm.owner) as reader:
            assert reader.get(Deal, id).source == "x"
        [left] = [it for it in timers() if it["kind"] == "field"]
        assert (left["state"], left["attempts"] >= 1) == ("waiting", True)
        assert "amount_from" in left["error"]

    def test_after_the_last_attempt_it_is_dead_and_can_be_revived(
        self, crm: CRM, firm: Firm, timers: Timers, rows: Any
    ) -> None:
        """The history of runs of the record tells so."""
        from opencrm.services.process.timing import table

        id = make(crm, firm, expected_close="2026-03-03")
        crm.advance("3d")
        [dead] = [it for it in timers() if it["kind"] == "field"]
        assert (dead["state"], dead["attempts"]) == ("dead", 8)
        failed = [it for it in rows(tables.run) if it["state"] == "failed" and it["rule"] == "fails"]
        assert [it["record_id"] for it in failed] == [id]
        with crm.work(firm.owner) as work:
            assert dead["id"] in [it["id"] for it in table.dead(work.tx)]
            assert table.revive(work.tx, dead["id"], work.now)
        assert [it["state"] for it in timers() if it["kind"] == "field"] == ["waiting"]

    def test_of_a_time_of_the_day_it_fails_for_the_record_alone(
        self, crm: CRM, firm: Firm, timers: Timers, rows: Any
    ) -> None:
        """It is tried again for that record, later each time; the rule comes again at its next time."""
        make(crm, firm)
        crm.advance("22h1m")
        [again] = [it for it in timers() if it["kind"] == "again"]
        assert (again["state"], again["attempts"] > 1) == ("waiting", True)
        assert [it for it in rows(tables.run) if it["state"] == "failed"] == []
        crm.advance("1h59m")
        assert [it["rule"] for it in rows(tables.run) if it["state"] == "failed"] == ["every_day"]
        assert [it["state"] for it in timers() if it["kind"] == "again"] == ["dead"]
        [timer] = [it for it in timers() if it["kind"] == "every"]
        assert timer["due_at"] == datetime(2026, 3, 4, 7, tzinfo=UTC)


class TestNewRules:
    """Rules that come when records are there already."""

    @pytest.fixture
    def crm_plugins(self) -> Sequence[object]:
        return ()

    def test_the_records_that_are_there_get_their_timers(self, crm: CRM, firm: Firm, make_crm: Any, rows: Any) -> None:
        """What lies ahead alone."""
        make(crm, firm, expected_close="2026-03-20")
        make(crm, firm, expected_close="2026-01-01")
        other = CRM(
            engine=crm.database.engine, schema=crm.database.schema, plugins=[*_given(), Reminders()], clock=crm.clock
        )
        other.worker().run_once()
        kinds = sorted(it["kind"] for it in rows(tables.timer))
        assert kinds == ["every", "field", "field"]
        other.worker().run_once()
        assert len(rows(tables.timer)) == 3
        without = CRM(engine=crm.database.engine, schema=crm.database.schema, plugins=_given(), clock=crm.clock)
        without.advance("60d")
        assert rows(tables.timer) == []
        other.close()
        without.close()


def _given() -> list[object]:
    from opencrm.testing.firm import WindowSales

    return [WindowSales()]
