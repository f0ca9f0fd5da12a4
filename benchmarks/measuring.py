"""Measuring two sides in turn, and the table of what came of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from statistics import median
from time import perf_counter

import attrs

Side = Callable[[], object]


@attrs.frozen(kw_only=True)
class Measured:
    """One line of the table.

    Attributes:
        name: What was measured.
        database: `"sqlite"`, `"postgresql"`, or `"-"` where none takes part.
        floor: Seconds that the floor took for one unit of work, the median.
        ours: Seconds that opencrm took, the median.
        ratio: The median of the ratios of neighbouring measurements.
        target: The highest ratio wanted; None where there is no target.
        note: How the line is to be read, where that is not plain.
    """

    name: str
    database: str
    floor: float
    ours: float
    ratio: float
    target: float | None = None
    note: str = ""

    @property
    def verdict(self) -> str:
        """Whether the target is met."""
        if self.target is None:
            return ""
        return "met" if self.ratio <= self.target else "OVER"


@attrs.frozen
class Pairs:
    """Seconds of both sides, measured in turn."""

    floor: Sequence[float]
    ours: Sequence[float]

    @property
    def ratio(self) -> float:
        """The median of the ratios of neighbours."""
        return median(ours / floor for floor, ours in zip(self.floor, self.ours, strict=True))

    def line(
        self, name: str, database: str, *, units: int = 1, target: float | None = None, note: str = ""
    ) -> Measured:
        """Return the line of the table, for one of `units` units of work in each measurement."""
        return Measured(
            name=name,
            database=database,
            floor=median(self.floor) / units,
            ours=median(self.ours) / units,
            ratio=self.ratio,
            target=target,
            note=note,
        )


def in_turn(floor: Side, ours: Side, *, rounds: int, times: int = 1, warm: int = 3) -> Pairs:
    """Measure two sides alternately, each first in every second round, after `warm` rounds that do not count.

    A measurement is the median of `times` calls: one that meets another program's disk write does not count.
    """
    taken: tuple[list[float], list[float]] = ([], [])
    for at in range(-warm, rounds):
        sides = [(0, floor), (1, ours)]
        for which, side in sides if at % 2 else reversed(sides):
            one = median(timed(side) for _ in range(times))
            if at >= 0:
                taken[which].append(one)
    return Pairs(*taken)


def timed(side: Side) -> float:
    """Return the seconds that a call takes."""
    begun = perf_counter()
    side()
    return perf_counter() - begun


def show(lines: Iterable[Measured]) -> None:
    """Print the table."""
    print(f"\n{'benchmark':<46} {'database':<11} {'floor':>10} {'opencrm':>10} {'ratio':>6} {'target':>7}")
    for line in lines:
        target = "" if line.target is None else f"{line.target:.2f}"
        shown = (
            f"{_duration(line.floor):>10} {_duration(line.ours):>10} {line.ratio:>6.2f} {target:>7} {line.verdict:<5}"
        )
        print(f"{line.name:<46} {line.database:<11} {shown} {line.note}".rstrip(), flush=True)


def _duration(seconds: float) -> str:
    for size, unit in ((1.0, "s"), (1e-3, "ms"), (1e-6, "us")):
        if seconds >= size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds * 1e9:.0f} ns"
