"""Appointments: a task with a slot is put where somebody is free, and nobody is in two places at once."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from opencrm import (
    CRM,
    Calendar,
    Create,
    Deal,
    Pipeline,
    Rule,
    Stage,
    Task,
    TaskSpec,
    Update,
    assign,
    created,
    give,
    hookimpl,
    notify,
    pick,
    records,
)
from opencrm.testing import MONDAY, Firm, make_deal, make_task

OFFICE = Calendar("office", hours="Mo-Fr 09:00-12:00,13:00-17:00", zone="UTC")
MEASURE = TaskSpec("measure", owner=pick("firm_seller", strategy="free_slot"), slot="2h", calendar=OFFICE)
VISIT = TaskSpec("visit", slot="90m", calendar=OFFICE, due="1d")


class Measuring:
    """The plugin that gives appointments."""

    name = "measuring"

    @hookimpl
    def opencrm_register_pipelines(self) -> Iterator[Pipeline]:
        yield Pipeline("aa_measures", [Stage("start", tasks=[MEASURE]), Stage("end", kind="won")], moves=set())

    @hookimpl
    def opencrm_register_rules(self) -> Iterator[Rule]:
        yield Rule("visits", on=created(Deal), do=[give(VISIT)])


@pytest.fixture
def crm_plugins() -> Sequence[object]:
    return [Measuring()]


def slots(tasks: Any, kind: str) -> list[tuple[str | None, datetime | None, datetime | None]]:
    return [(it.owner_id, it.starts_at, it.ends_at) for it in tasks() if it.kind == kind]


def at(hour: float, day: int = 2) -> datetime:
    return datetime(2026, 3, day, tzinfo=UTC) + timedelta(hours=hour)


def test_an_appointment_is_put_where_its_owner_is_free(crm: CRM, firm: Firm, tasks: Any) -> None:
    make_task(crm, by=firm.seller, starts_at=at(9.5), ends_at=at(10.5))
    make_deal(crm, by=firm.seller, pipeline="windows")
    make_deal(crm, by=firm.seller, pipeline="windows")
    make_deal(crm, by=firm.seller, pipeline="windows")
    assert [it[1:] for it in slots(tasks, "visit")] == [
        (at(10.5), at(12)),
        (at(13), at(14.5)),
        (at(14.5), at(16)),
    ]


def test_what_is_done_takes_no_time(crm: CRM, firm: Firm, tasks: Any) -> None:
    make_deal(crm, by=firm.seller, pipeline="windows")
    [task] = tasks()
    assert (task.due_at, task.starts_at) == (MONDAY + timedelta(days=1), MONDAY)
    with crm.work(firm.seller) as work:
        records.update(work, [Update(Task, task.id, state="done")])
    make_deal(crm, by=firm.seller, pipeline="windows")
    assert slots(tasks, "visit")[1][1] == MONDAY


def test_who_is_free_first_is_picked_and_the_end_is_when_it_is_due(crm: CRM, firm: Firm, tasks: Any) -> None:
    crm.advance("1h2m")
    with crm.work(firm.owner) as work:
        records.create(work, [Create(Deal, title="D", pipeline="aa_measures") for _ in range(6)])
    found = slots(tasks, "measure")
    assert len({it[0] for it in found[:3]}) == 3
    assert [it[1] for it in found] == [at(13)] * 3 + [at(15)] * 3
    assert all(it.due_at == it.ends_at for it in tasks() if it.kind == "measure")


def test_two_givers_at_once_never_book_twice(crm: CRM, firm: Firm, tasks: Any) -> None:
    start, broken = threading.Barrier(6), []

    def give_one() -> None:
        start.wait()
        try:
            make_deal(crm, by=firm.seller, pipeline="aa_measures")
        except Exception as error:  # noqa: BLE001  # none is expected
            broken.append(error)

    threads = [threading.Thread(target=give_one) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    taken = [it for it in slots(tasks, "measure") + slots(tasks, "visit") if it[0] is not None]
    assert (broken, len(taken)) == ([], 12)
    by_person: dict[Any, list[Any]] = {}
    for person, begin, end in taken:
        by_person.setdefault(person, []).append((begin, end))
    for several in by_person.values():
        several.sort()
        assert all(one[1] <= other[0] for one, other in itertools.pairwise(several))


@pytest.mark.parametrize(
    "make",
    [
        lambda: TaskSpec("x", owner=pick("seller", strategy="free_slot")),
        lambda: assign(pick("seller", strategy="free_slot")),
        lambda: notify(pick("seller", strategy="free_slot"), "x"),
    ],
)
def test_who_is_free_first_is_for_appointments(make: Any) -> None:
    with pytest.raises(ValueError, match=r"free.*is for (the owner of )?a task with a slot"):
        make()
