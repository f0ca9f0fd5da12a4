"""The page of the 50 newest deals that a manager may see, against the better of some hand-written statements."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from statistics import median
from typing import Any

import attrs

from benchmarks.databases import Place
from benchmarks.measuring import Measured, in_turn, timed
from benchmarks.world import Company, World, fill_with_deals, world
from opencrm import Deal, Query

PAGE = 50
BRANCHES = 20
TIMES = 20
"""Pages of one measurement."""


def measure(place: Place, size: int, rounds: int) -> Iterator[Measured]:
    """Measure the rows alone, in an open reader, and the whole, with the principal and the transaction."""
    with world(place, branches=BRANCHES) as one:
        fill_with_deals(one, size)
        hand = best(one)
        note = f"{size:,} deals, floor: {hand.name}"
        with one.crm.read(one.manager) as reader:
            query = Query(Deal, limit=PAGE)
            _must_agree(reader.list(query).rows, hand.read())
            pairs = in_turn(hand.read, lambda: reader.list(query), rounds=rounds, times=TIMES)
        yield pairs.line("page of 50 deals, rows", place.name, target=1.5, note=note)
        whole = in_turn(hand.read, lambda: _whole(one), rounds=rounds, times=TIMES)
        yield whole.line("page of 50 deals, with principal", place.name, target=4.0, note=note)


def _whole(one: World) -> object:
    with one.crm.read(one.manager) as reader:
        return reader.list(Query(Deal, limit=PAGE))


def _must_agree(ours: Sequence[Any], theirs: Sequence[Any]) -> None:
    """Fail unless both sides read the same typed rows."""
    for mine, other in zip(ours, theirs, strict=True):
        assert tuple(mine) == other, (mine, other)


@attrs.frozen
class Floor:
    """A hand-written statement, and the conversion of its rows to the same types."""

    name: str
    run: Callable[[], list[Any]]
    typed: Callable[[Any], tuple[Any, ...]]

    def read(self) -> list[tuple[Any, ...]]:
        return list(map(self.typed, self.run()))


def best(one: World) -> Floor:
    """Return the fastest of the hand-written statements."""
    found = [Floor(name, run, typed_sqlite if one.raw.sqlite else typed) for name, run in ways(one).items()]
    rounds = [[timed(floor.read) for floor in found] for _ in range(50)]
    return min(zip(found, zip(*rounds, strict=True), strict=True), key=lambda pair: median(pair[1]))[0]


def ways(one: Company) -> dict[str, Callable[[], list[Any]]]:
    """Return the hand-written statements by name, as functions that run them."""
    names = [name for name in Deal.spec.fields if name != "deleted_at"]
    columns, bare = (", ".join(f"{prefix}{name}" for name in names) for prefix in ("d.", ""))
    units = tuple(dict.fromkeys(unit for _, unit in one.people[:10]))
    mine = (one.manager_id, f"user:{one.manager_id}")
    arms = [*["unit_id = ?"] * len(units), "owner_id = ?", "owner_id IS NULL AND created_by = ?"]
    keyed = [f"SELECT id, created_at FROM crm_deal WHERE deleted_at IS NULL AND {arm}" for arm in arms]
    keys, every = _union(keyed, "UNION"), _union(keyed, "UNION ALL")
    grouped = f"SELECT id, created_at FROM ({every}) a GROUP BY created_at, id"
    rows = _union([f"SELECT {bare} FROM crm_deal WHERE deleted_at IS NULL AND {arm}" for arm in arms], "UNION")
    marks = ", ".join("?" * len(units))
    reach = f"d.unit_id IN ({marks}) OR d.owner_id = ? OR d.owner_id IS NULL AND d.created_by = ?"
    order = f"ORDER BY d.created_at DESC, d.id DESC LIMIT {PAGE + 1}"
    texts = {
        "keys of each arm merged, then rows": f"SELECT {columns} FROM ({keys} {order.replace('d.', '')}) k "
        f"JOIN crm_deal d ON d.id = k.id {order}",
        "keys of each arm grouped, then rows": f"SELECT {columns} FROM ({grouped} {order.replace('d.', '')}) k "
        f"JOIN crm_deal d ON d.id = k.id {order}",
        "rows of each arm merged": f"{rows} {order.replace('d.', '')}",
        "walk along the time index": f"SELECT {columns} FROM crm_deal d "
        f"WHERE d.deleted_at IS NULL AND ({reach}) {order}",
    }
    return {name: _runner(one, text, (*units, *mine)) for name, text in texts.items()}


def _union(parts: Sequence[str], word: str) -> str:
    cut = [
        f"SELECT * FROM ({part} ORDER BY created_at DESC, id DESC LIMIT {PAGE + 1}) a{at}"
        for at, part in enumerate(parts)
    ]
    return f" {word} ".join(cut)


def _runner(one: Company, text: str, values: tuple[Any, ...]) -> Callable[[], list[Any]]:
    return lambda: one.raw.run(text, values)[:PAGE]


def typed_sqlite(row: Any) -> tuple[Any, ...]:
    """Return a row of SQLite with the types that opencrm gives."""
    (id, title, contact, company, amount, currency, source_of, close, closed, *texts, since, made, by, changed) = row
    instant = datetime.fromisoformat
    return (
        id,
        title,
        contact,
        company,
        None if amount is None else Decimal(amount).scaleb(-4),
        currency,
        source_of,
        None if close is None else date.fromisoformat(close),
        None if closed is None else instant(closed),
        *texts,
        None if since is None else instant(since),
        instant(made),
        by,
        instant(changed),
    )


def typed(row: Any) -> tuple[Any, ...]:
    """Return a row of PostgreSQL with the types that opencrm gives."""
    (id, title, contact, company, amount, currency, source_of, close, closed, *texts, since, made, by, changed) = row
    return (
        id,
        title,
        contact,
        company,
        None if amount is None else Decimal(amount).scaleb(-4),
        currency,
        source_of,
        close,
        None if closed is None else closed.astimezone(UTC),
        *texts,
        None if since is None else since.astimezone(UTC),
        made.astimezone(UTC),
        by,
        changed.astimezone(UTC),
    )
