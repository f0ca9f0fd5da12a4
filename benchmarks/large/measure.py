"""What people who see some, little and all of a large company wait for, against hand-written statements."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

import attrs

from benchmarks.databases import Place
from benchmarks.large.filling import Large, large
from benchmarks.large.floors import CARDS, Hand
from benchmarks.large.ways import EVERY_WAY, arms, of_manager, of_tasks
from benchmarks.measuring import Measured, in_turn
from opencrm import Deal, Equal, Query, Report, boards, reports
from opencrm.embed import Reader


@attrs.frozen
class Workload:
    """One thing to wait for.

    Attributes:
        name: What a person would call it.
        ours: Does it through a reader.
        floor: Returns what does it by hand.
        target: The highest ratio wanted.
        readers: For whom it is measured: the target of a scan means nothing where there are a hundred records.
    """

    name: str
    ours: Callable[[Reader], object]
    floor: Callable[[Hand], Callable[[], object]]
    target: float | None
    readers: tuple[str, ...] = ("5 %", "0.01 %", "100 %", EVERY_WAY)


_WON = Report(Deal, ("closed_at:month", "owner_id"), ("count", "sum:amount"), where=Equal("stage", "won"))

WORKLOADS: Mapping[str, Workload] = MappingProxyType(
    {
        "list": Workload("page of 50 newest", lambda it: it.list(Query(Deal)), lambda hand: hand.page().read, 1.5),
        "count": Workload("count, capped", lambda it: it.count(Deal), lambda hand: hand.count().read, None),
        "board": Workload("board", lambda it: boards.board(it, "sales", cards=CARDS), lambda hand: hand.board(), 2.0),
        "report": Workload(
            "won by month, owner",
            lambda it: reports.run(it, _WON),
            lambda hand: hand.won().read,
            1.3,
        ),
        "rolled up": Workload(
            "won by month, owner, of counters",
            lambda it: reports.run(it, _WON),
            lambda hand: hand.won_counted().read,
            2.0,
            ("5 %", "100 %"),
        ),
        "conversion": Workload(
            "conversion by stage",
            lambda it: reports.run(it, Report(Deal, "stage:entered", ("count", "conversion"))),
            lambda hand: hand.conversion().read,
            1.3,
        ),
    }
)
"""Whatever else reads at size, such as search, is one more line here."""


def measure(place: Place, rows: int, rounds: int) -> Iterator[Measured]:
    """Measure every workload for every reader, in an open reader."""
    with large(place, rows) as one:
        for seen, principal in one.readers.items():
            hand = Hand(one.one.raw, tuple(_arms(one, seen)))
            with one.one.crm.read(principal) as reader:
                for workload in WORKLOADS.values():
                    if seen not in workload.readers:
                        continue
                    yield _measured(workload, reader, hand, f"{workload.name}, {seen}", place.name, rounds)


def _measured(workload: Workload, reader: Reader, hand: Hand, name: str, database: str, rounds: int) -> Measured:
    pairs = in_turn(workload.floor(hand), lambda: workload.ours(reader), rounds=rounds, times=3, warm=6)
    return pairs.line(name, database, target=workload.target)


def _arms(one: Large, seen: str) -> Iterator[tuple[str, tuple[Any, ...]]]:
    """Give the arms of a reader's reach, as hand-written SQL has them."""
    if seen == "5 %":
        yield from of_manager(one.one, 0)
        yield of_tasks(one.one.raw, one.one.manager_id)
    elif seen == EVERY_WAY:
        yield from arms(one.one, one.ways)
    elif seen != "100 %":
        user = one.readers[seen].id
        yield "owner_id = ?", (user,)
        yield "owner_id IS NULL AND created_by = ?", (f"user:{user}",)
        yield of_tasks(one.one.raw, user)
