"""The choice between merging arms and walking: what it costs, and what it never changes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import event

from opencrm import Create, Deal, Equal, In, Query, Report, Unit, boards, records, reports
from opencrm.services.analysing import recounting
from opencrm.services.reading.planning import plans

TEAMS = 12
PAGE = 4
SORTS = ["-created_at", "created_at", "-amount", "amount", "expected_close", "-expected_close"]


@pytest.fixture
def north(crm, firm):
    """Twelve teams below the head's unit: enough arms for a walk to be tried."""
    with crm.work(firm.owner) as work:
        above = firm.units["north"]
        return [
            it.record_id
            for it in records.create(work, [Create(Unit, name=f"N{at}", parent_id=above) for at in range(TEAMS)])
        ]


def fill(crm, firm, units, first, last, *, every=20):
    """Store deals by SQL: one in so many in the units, sixty of the seller's, the others in the south, some unowned."""
    with crm.work(firm.owner) as work:
        work.tx.insert(Deal.__table__, [_row(firm, units, at, every) for at in range(first, last)])
        work.tx.connection.exec_driver_sql("ANALYZE")
    recounting.recount(crm.workspace, crm.configuration, Deal.spec)


def _row(firm, units, at, every):
    owner = None if at % 7 == 0 else firm.stranger.id
    unit = units[at // every % len(units)] if at % every == 0 else firm.units["south_shop"]
    if at < 60:
        owner, unit = firm.seller.id, firm.units["south_shop"]
    made = datetime(2025, 1, 1, tzinfo=UTC) + timedelta(seconds=at * 37 % 1_000_003)
    return {
        "id": f"018c0000-0000-7000-8000-{at:012x}",
        "title": f"D{at}",
        "title_key": f"d{at}",
        "amount": None if at % 3 == 0 else Decimal(at * 31 % 99_991),
        "currency": "EUR",
        "amount_from": "hand",
        "expected_close": None if at % 3 == 1 else date(2026, 1, 1) + timedelta(days=at * 17 % 3_001),
        "owner_id": owner,
        "unit_id": unit,
        "pipeline": "windows",
        "stage": ("new", "offer", "won", "lost")[at % 4],
        "stage_since": made,
        "created_at": made,
        "created_by": f"user:{firm.stranger.id}",
        "updated_at": made,
        "version": 1,
    }


class Work:
    """What a database did: on SQLite steps of its machine, on PostgreSQL pages and rows, and the plans."""

    def __init__(self) -> None:
        self.steps = 0
        self.widest = 0

    def step(self) -> int:
        self.steps += 1
        return 0


@contextmanager
def counted(reader) -> Iterator[Work]:
    """Count what the reads of a block cost."""
    found, seen, connection = Work(), [], reader.tx.connection
    driver = connection.connection.driver_connection
    note = lambda _c, _cursor, text, values, *_: seen.append((text, values))  # noqa: E731
    event.listen(connection, "before_cursor_execute", note)
    reader.tx._watched = True  # Who listens is looked up where a transaction begins.
    if reader.tx.sqlite:
        driver.set_progress_handler(found.step, 10)
    yield found
    event.remove(connection, "before_cursor_execute", note)
    if reader.tx.sqlite:
        driver.set_progress_handler(None, 0)
        return
    for text, values in seen:
        [[plan]] = connection.exec_driver_sql(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {text}", values).all()
        [whole] = json.loads(plan) if isinstance(plan, str) else plan
        nodes = list(_nodes(whole["Plan"]))
        found.steps += whole["Plan"]["Shared Hit Blocks"] + whole["Plan"]["Shared Read Blocks"]
        found.steps += sum(_looked_at(node) for node in nodes if not node.get("Plans"))
        found.widest = max(found.widest, *(node["Actual Rows"] * node["Actual Loops"] for node in nodes))


def _looked_at(leaf):
    return (leaf["Actual Rows"] + leaf.get("Rows Removed by Filter", 0)) * leaf["Actual Loops"]


def _nodes(plan):
    yield plan
    for inner in plan.get("Plans", ()):
        yield from _nodes(inner)


def page_work(crm, who, sort):
    """Return the work of a first page and of a deep one."""
    with crm.read(who) as reader:
        first = reader.list(Query(Deal, sort=sort, limit=PAGE))
        reader.list(Query(Deal, sort=sort, limit=PAGE, cursor=first.next))  # A wrong guess is made once.
        with counted(reader) as found:
            page = reader.list(Query(Deal, sort=sort, limit=PAGE))
            reader.list(Query(Deal, sort=sort, limit=PAGE, cursor=page.next))
    return found


@pytest.mark.parametrize("who", ["head", "seller", "owner"])
def test_a_page_costs_the_same_at_ten_times_the_size(crm, firm, north, who):
    """For 5 %, a few and all, by every indexed sort in both directions; and nothing sorts what is visible."""
    fill(crm, firm, north, 0, 4_000)
    small = {sort: page_work(crm, getattr(firm, who), sort) for sort in SORTS}
    fill(crm, firm, north, 4_000, 40_000)
    for sort in SORTS:
        large = page_work(crm, getattr(firm, who), sort)
        assert large.steps <= 1.5 * small[sort].steps, (sort, small[sort].steps, large.steps)
        assert large.widest < 1_000, sort  # 2,000 are visible to the head.


def test_a_dense_scope_is_walked_and_a_sparse_one_merged(crm, firm, north, statements):
    """The first page tries a walk; whether that found enough is remembered for a minute, and then asked again."""
    fill(crm, firm, north, 0, 400)
    sparse, dense = Query(Deal, limit=PAGE), Query(Deal, limit=1)
    sent = []
    for query in (sparse, sparse, dense, dense):
        with crm.read(firm.head) as reader:
            statements.clear()
            reader.list(query)
            sent.append(len(statements))
    assert sent[:2] == [2, 1]
    crm.advance("61s")
    with crm.read(firm.head) as reader:
        statements.clear()
        reader.list(sparse)
        assert len(statements) == 2


def test_a_walk_that_finds_enough_is_the_only_statement(crm, firm, north, statements):
    """Where the newest records are the head's, all of them."""
    with crm.work(firm.owner) as work:
        records.create(work, [Create(Deal, title=f"D{at}", unit_id=north[at % TEAMS]) for at in range(300)])
    for _ in range(2):
        with crm.read(firm.head) as reader:
            statements.clear()
            assert len(reader.list(Query(Deal, limit=PAGE))) == PAGE
            assert len(statements) == 1
            assert "UNION" not in statements.texts[0]


def test_a_walk_that_finds_too_little_costs_three_times_at_most(crm, firm, north):
    """What it looks at is little; of a visible set that is small, PostgreSQL may read all instead."""
    fill(crm, firm, north, 0, 16_000)
    with crm.read(firm.head) as reader:
        reader.list(Query(Deal, limit=PAGE))
        with counted(reader) as right:
            reader.list(Query(Deal, limit=PAGE))
    crm.advance("61s")
    with crm.read(firm.head) as reader, counted(reader) as wrong:
        reader.list(Query(Deal, limit=PAGE))
    small = 0 if crm.database.sqlite else 16_000 // 20
    assert right.steps < wrong.steps <= max(3 * right.steps, small)


def test_merging_a_dense_scope_costs_three_times_at_most(crm, firm, monkeypatch):
    """Of fewer arms than a walk is tried for."""
    fill(crm, firm, [firm.units[name] for name in ("north", "north_shop", "north_field")], 0, 6_000, every=2)
    with crm.read(firm.head) as reader:
        with counted(reader) as merged:
            reader.list(Query(Deal, limit=PAGE))
        monkeypatch.setattr(plans, "MANY_ARMS", 1)
        with counted(reader) as walked:
            reader.list(Query(Deal, limit=PAGE))
    assert merged.steps <= 3 * walked.steps


def test_counts_find_the_index_of_each_arm(crm, firm, north):
    """Nobody who sees sixty records waits for all to be counted, summed or put on a board."""
    fill(crm, firm, north, 0, 16_000)
    with crm.read(firm.seller) as reader:
        reads = (
            lambda: reader.count(Deal),
            lambda: reader.sums(Deal, "amount"),
            lambda: boards.board(reader, "windows"),
        )
        for read in reads:
            read()
            with counted(reader) as found:
                read()
            assert found.steps < 4_000, read


def analysis_work(crm, who):
    """Return the work of a board's numbers and of a report; what is looked at for cards is bounded, as for a page."""
    won = Report(Deal, ("closed_at:month", "owner_id"), ("count", "sum:amount"), where=Equal("stage", "won"))
    with crm.read(who) as reader:
        for _ in range(2):
            with counted(reader) as found:
                boards.board(reader, "windows", cards=0)
                reports.run(reader, won)
    return found


@pytest.mark.parametrize("who", ["head", "owner"])
def test_boards_and_reports_cost_twice_at_most_at_ten_times_the_size(crm, firm, north, who):
    """Counters answer: what is counted does not grow with the number of records."""
    fill(crm, firm, north, 0, 4_000)
    small = analysis_work(crm, getattr(firm, who))
    fill(crm, firm, north, 4_000, 40_000)
    large = analysis_work(crm, getattr(firm, who))
    assert large.steps <= 2 * small.steps, (small.steps, large.steps)


def test_a_filter_of_many_values_is_not_repeated_in_many_arms(crm, firm, north, statements):
    """With many units and many values the scope is walked: one filter in the statement, and the same rows."""
    fill(crm, firm, north, 0, 200)
    with crm.read(firm.head) as reader:
        every = {row.id for row in reader.list(Query(Deal, limit=200))}
        statements.clear()
        found = reader.list(Query(Deal, where=In("title", [f"d{at}" for at in range(1000)]), limit=200))
        assert {row.id for row in found} == every
        assert [text.count("title_key IN") for text in statements.texts] == [1]
