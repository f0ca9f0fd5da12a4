"""A deal enters a stage: the move, its log, a task with its deadline for the owner, and the history of both."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import orjson
from sqlalchemy import event

from benchmarks import ids
from benchmarks.databases import Place, insert_of
from benchmarks.measuring import Measured, in_turn
from benchmarks.world import World, fill_with_deals, stamp, world
from opencrm import Deal, Move, Pipeline, Principal, Stage, TaskSpec, hookimpl, pipelines

TIMES = 20
"""Events of one measurement, one transaction each."""
BATCH = 100
"""Events of one transaction, where they are batched."""

WARM = 3
"""Measurements that do not count."""

TASK = "id title title_key kind state due_at wakes_at deal_id owner_id unit_id created_at created_by updated_at version"
LINE = "id act at entity record_id kind principal acting_as cause rule before after pending"
MOVED = "id act entity record_id pipeline start end at by seconds"
_UPDATE = (
    "UPDATE crm_deal SET stage = ?, stage_since = ?, updated_at = ?, version = version + 1 WHERE id = ? AND version = ?"
)
_TASK, _LINE, _MOVED = (
    insert_of(f"crm_{table}", names.split())
    for table, names in (("task", TASK), ("journal", LINE), ("stage_move", MOVED))
)


class Process:
    """A plugin whose second stage gives the deal's owner a task; nobody listens."""

    name = "process"

    @hookimpl
    def opencrm_register_pipelines(self) -> Iterator[Pipeline]:
        offer = Stage("offer", tasks=[TaskSpec("call", title="Call the client", due="30m")])
        yield Pipeline("sales", ["new", offer], moves=[("new", "offer")])


def measure(place: Place, rounds: int) -> Iterator[Measured]:
    """Measure one event a transaction, and a hundred of them."""
    single = 1 / 0.35 if place.name == "postgresql" else 5.0
    with process(place) as theirs, process(place) as ours:
        batches = max(rounds // 2, 5)
        hand, mover = (
            side((rounds + WARM) * TIMES, batches + WARM) for side in (partial(Hand, theirs), partial(Mover, ours))
        )
        pairs = in_turn(hand.one, mover.one, rounds=rounds, times=TIMES, warm=WARM)
        yield pairs.line("a deal enters a stage", place.name, target=single)
        pairs = in_turn(hand.many, mover.many, rounds=batches, warm=WARM)
        yield pairs.line(f"a deal enters a stage ({BATCH} at once)", place.name, units=BATCH, target=4.0)
        assert _tasks(theirs) == _tasks(ours), "one of the sides gives fewer tasks than the other"


def _tasks(one: World) -> int:
    """Return how many tasks were given."""
    return int(one.raw.run("SELECT count(*) FROM crm_task")[0][0])


def statements(place: Place) -> dict[str, list[str]]:
    """Return the statements of one event on both sides."""
    with process(place) as one:
        ours = recorded(one, Mover(one, 2, 0).one)
    return {"floor": ["BEGIN", _UPDATE, _MOVED, _TASK, _LINE, _LINE, "COMMIT"], "opencrm": ours}


def process(place: Place) -> Any:
    """Make a workspace with a pipeline whose stages give tasks."""
    return world(place, plugins=[Process()])


def recorded(one: World, act: Callable[[], None]) -> list[str]:
    """Return the statements that an act sends, at its second time."""
    act()
    found: list[str] = []
    engine = one.crm.database.engine
    event.listen(engine, "before_cursor_execute", lambda *given: found.append(str(given[2])))
    event.listen(engine, "commit", lambda _: found.append("COMMIT"))
    act()
    return found if found[0].startswith("BEGIN") else ["BEGIN", *found]


def _deals(one: World, number: int, batches: int) -> tuple[Iterator[str], Iterator[Sequence[str]]]:
    """Make deals of the manager's; return some to move alone, and some to move together: each enters the stage once."""
    fill_with_deals(one, number + batches * BATCH)
    one.raw.run("UPDATE crm_deal SET owner_id = ?, unit_id = ?", (one.manager_id, one.unit))
    found = [row[0] for row in one.raw.run("SELECT id FROM crm_deal ORDER BY id")]
    return iter(found[:number]), iter([found[at : at + BATCH] for at in range(number, len(found), BATCH)])


class Mover:
    """opencrm."""

    def __init__(self, one: World, number: int, batches: int) -> None:
        self._crm, self._by = one.crm, Principal.user(one.manager_id)
        self._alone, self._together = _deals(one, number, batches)

    def one(self) -> None:
        """Move one deal."""
        self._move([next(self._alone)])

    def many(self) -> None:
        """Move a hundred."""
        self._move(next(self._together))

    def _move(self, deals: Sequence[str]) -> None:
        with self._crm.work(self._by) as work:
            pipelines.move(work, [Move(Deal, id, to="offer") for id in deals])


class Hand:
    """Hand-written."""

    def __init__(self, one: World, number: int, batches: int) -> None:
        self._raw, self._user, self._unit = one.raw, one.manager_id, one.unit
        self._alone, self._together = _deals(one, number, batches)

    def one(self) -> None:
        """Move one deal."""
        update, moved, task, *lines = self._rows(next(self._alone))
        self._raw.begin()
        self._raw.run(_UPDATE, update)
        self._raw.run(_MOVED, moved)
        self._raw.run(_TASK, task)
        for line in lines:
            self._raw.run(_LINE, line)
        self._raw.commit()

    def many(self) -> None:
        """Move a hundred, the new rows stored in the fastest way that the driver has."""
        rows = [self._rows(id) for id in next(self._together)]
        self._raw.begin()
        self._update_all([row[0] for row in rows])
        self._raw.load("crm_stage_move", MOVED.split(), [row[1] for row in rows])
        self._raw.load("crm_task", TASK.split(), [row[2] for row in rows])
        self._raw.load("crm_journal", LINE.split(), [line for row in rows for line in row[3:]])
        self._raw.commit()

    def _update_all(self, rows: Sequence[Any]) -> None:
        """Update all deals in one statement, as hand-written code does where all of them change alike."""
        stage, now, _, _, _ = rows[0]
        places = ", ".join("?" * len(rows))
        self._raw.run(
            "UPDATE crm_deal SET stage = ?, stage_since = ?, updated_at = ?, version = version + 1 "
            f"WHERE id IN ({places})",
            (stage, now, now, *(row[3] for row in rows)),
        )

    def _rows(self, deal: str) -> tuple[Any, ...]:
        at = datetime.now(UTC)  # noqa: TID251
        now, due = (stamp(it, sqlite=self._raw.sqlite) for it in (at, at + timedelta(minutes=30)))
        act, move, task, one, two = ids.many(5)
        stage, by = "offer", f"user:{self._user}"
        before, after = ({"stage": it, "stage_since": str(now)} for it in ("new", stage))
        given = {
            "title": "Call the client",
            "kind": "call",
            "state": "open",
            "due_at": str(due),
            "deal_id": deal,
        }
        row = (task, given["title"], "call the client", given["kind"], "open", due, due, deal, self._user, self._unit)
        texts = [orjson.dumps(it).decode() for it in (before, after, given)]
        return (
            (stage, now, now, deal, 1),
            (move, act, "deal", deal, "sales", "new", stage, now, by, 60),
            (*row, now, "automation:process", now, 1),
            (one, act, now, "deal", deal, "moved", by, None, None, None, texts[0], texts[1], False),
            (
                two,
                act,
                now,
                "task",
                task,
                "created",
                by,
                "automation:process",
                one,
                f"sales.{stage}",
                None,
                texts[2],
                False,
            ),
        )
