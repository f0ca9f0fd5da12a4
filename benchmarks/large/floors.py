"""The same reading by hand-written statements, on the same tables and indexes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from statistics import median
from typing import Any

import attrs

from benchmarks.databases import Raw
from benchmarks.measuring import timed
from benchmarks.paging import PAGE, Floor, typed, typed_sqlite
from opencrm import Deal

CARDS = 25
MOST = 10_000
_NAMES = [name for name in Deal.spec.fields if name != "deleted_at"]
_ORDER = "ORDER BY created_at DESC, id DESC"
_LIVING = "deleted_at IS NULL"
_BITS = 24
"""opencrm's counters hold amounts in two halves, the lower one of so many bits."""

_STAGES = ("new", "contact", "offer", "negotiation", "won", "lost")

Ways = Mapping[str, Callable[[], list[Any]]]


@attrs.frozen
class Hand:
    """Hand-written statements for somebody who sees the union of some arms, or all.

    Args:
        raw: The bare connection.
        arms: Conditions with their values, which may overlap; none for all.
    """

    raw: Raw
    arms: Sequence[tuple[str, tuple[Any, ...]]]

    def page(self) -> Floor:
        """Return the newest records: each arm's merged, or a walk along the time index."""
        columns = ", ".join(_NAMES)
        walk, values = self._reach()
        ways = {"walk": self._runner(f"SELECT {columns} FROM crm_deal WHERE {walk} {_ORDER} LIMIT {PAGE + 1}", values)}
        if self.arms:
            keys = [
                f"SELECT * FROM (SELECT id, created_at FROM crm_deal WHERE {_LIVING} AND {arm} {_ORDER} "
                f"LIMIT {PAGE + 1}) a{at}"
                for at, (arm, _) in enumerate(self._single())
            ]
            union = f"SELECT * FROM ({' UNION '.join(keys)}) u {_ORDER} LIMIT {PAGE + 1}"
            named = ", ".join(f"d.{name}" for name in _NAMES)
            text = (
                f"SELECT {named} FROM ({union}) k JOIN crm_deal d ON d.id = k.id ORDER BY d.created_at DESC, d.id DESC"
            )
            ways["arms"] = self._runner(text, tuple(value for _, several in self._single() for value in several))
        kind = typed_sqlite if self.raw.sqlite else typed
        return best([Floor(name, lambda run=run: run()[:PAGE], kind) for name, run in ways.items()])

    def count(self) -> Floor:
        """Return the number of records, counted up to a limit."""
        ways = [
            (name, f"SELECT count(*) FROM (SELECT id FROM crm_deal WHERE {reach} LIMIT {MOST + 1}) c", values)
            for name, reach, values in self._reaches()
        ]
        return best([Floor(name, self._runner(text, values), tuple) for name, text, values in ways])

    def board(self) -> Callable[[], object]:
        """Return what reads totals and cards."""
        totals, cards = self.totals(), self.cards()
        return lambda: (totals.read(), cards.read())

    def totals(self) -> Floor:
        """Return count and sum of each stage, by currency."""
        return best(
            [
                Floor(
                    name,
                    self._runner(
                        "SELECT stage, currency, count(*), sum(amount) FROM crm_deal "
                        f"WHERE {reach} AND pipeline = 'sales' GROUP BY stage, currency",
                        values,
                    ),
                    _summed,
                )
                for name, reach, values in self._reaches()
            ]
        )

    def cards(self) -> Floor:
        """Return the newest records of each stage."""
        columns, kind = ", ".join(_NAMES), typed_sqlite if self.raw.sqlite else typed
        ways = []
        for name, reach, values in self._reaches():
            text = f"SELECT {columns} FROM crm_deal WHERE {reach} AND pipeline = 'sales' AND stage = ? {_ORDER} LIMIT ?"
            runs = [self._runner(text, (*values, stage, CARDS)) for stage in _STAGES]
            ways.append(Floor(name, lambda runs=runs: [row for run in runs for row in run()], kind))
        return best(ways)

    def won(self) -> Floor:
        """Return count and sum of what was won, by month and owner and currency."""
        in_zone = "date_trunc('month', closed_at AT TIME ZONE 'Europe/London')"
        month = "substr(closed_at, 1, 7)" if self.raw.sqlite else in_zone
        text = f"SELECT {month}, owner_id, currency, count(*), sum(amount) FROM crm_deal "
        text += "WHERE %s AND stage = 'won' GROUP BY 1, 2, 3"
        return best([Floor(it, self._runner(text % reach, values), _summed) for it, reach, values in self._reaches()])

    def won_counted(self) -> Floor:
        """Return the same off the counters, and off the deals what somebody created that has no owner."""
        low = (1 << _BITS) - 1
        text = (
            f"SELECT month, owner_id, currency, sum(number), sum(high) * {1 << _BITS} + sum(low) FROM ("
            "SELECT month, owner_id, currency, number, high, low FROM crm_counter "
            "WHERE entity = 'deal' AND stage = 'won'"
        )
        values: tuple[Any, ...] = ()
        if self.arms:
            (own, user), (unowned, creator), (inside, units), *_ = self.arms
            text += (
                f" AND ({own} OR {inside}) UNION ALL SELECT {self._month('YYYY-MM')}, owner_id, currency, 1, "
                f"amount >> {_BITS}, amount & {low} FROM crm_deal WHERE {_LIVING} AND {unowned} AND NOT ({inside}) "
                "AND stage = 'won'"
            )
            values = (*user, *units, *creator, *units)
        return Floor("counters", self._runner(f"{text}) c GROUP BY 1, 2, 3", values), _summed)

    def _month(self, form: str) -> str:
        if self.raw.sqlite:
            return "substr(closed_at, 1, 7)"
        return f"to_char(closed_at AT TIME ZONE 'Europe/London', '{form}')"

    def conversion(self) -> Floor:
        """Return how many records entered each stage, how many of them were won, and how many closed."""
        text = (
            "SELECT e, count(*), sum(CASE WHEN stage = 'won' THEN 1 ELSE 0 END), "
            "sum(CASE WHEN stage IN ('won', 'lost') THEN 1 ELSE 0 END) FROM ("
            'SELECT DISTINCT d.id, d.stage, m."end" AS e FROM (SELECT * FROM crm_deal WHERE %s) d '
            "JOIN crm_stage_move m ON m.entity = 'deal' AND m.record_id = d.id AND m.pipeline = d.pipeline) x "
            "GROUP BY e"
        )
        return best([Floor(it, self._runner(text % reach, values), tuple) for it, reach, values in self._reaches()])

    def _reaches(self) -> Iterator[tuple[str, str, tuple[Any, ...]]]:
        reach, values = self._reach()
        yield "plain", reach, values
        if self.arms:
            arms = " OR ".join(f"{_LIVING} AND {arm}" for arm, _ in self.arms)
            yield "an index for each arm", f"{_LIVING} AND ({arms})", values

    def _reach(self) -> tuple[str, tuple[Any, ...]]:
        if not self.arms:
            return _LIVING, ()
        return f"{_LIVING} AND ({' OR '.join(arm for arm, _ in self.arms)})", tuple(
            value for _, values in self.arms for value in values
        )

    def _single(self) -> Iterator[tuple[str, tuple[Any, ...]]]:
        """Give the arms with one unit each."""
        for arm, values in self.arms:
            if arm.startswith("unit_id IN"):
                yield from (("unit_id = ?", (value,)) for value in values)
            else:
                yield arm, values

    def _runner(self, text: str, values: tuple[Any, ...]) -> Callable[[], list[Any]]:
        return lambda: self.raw.run(text, values)


def best(found: Sequence[Floor]) -> Floor:
    """Return the fastest of some ways to the same rows."""
    rounds = [[timed(floor.read) for floor in found] for _ in range(5)]
    return min(zip(found, zip(*rounds, strict=True), strict=True), key=lambda pair: median(pair[1]))[0]


def _summed(row: Any) -> tuple[Any, ...]:
    *keys, total = row
    return (*keys, None if total is None else Decimal(int(total)).scaleb(-4))
