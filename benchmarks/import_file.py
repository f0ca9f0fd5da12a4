"""Import of a CSV file through a map, as `opencrm import` does it, against hand-written code on the same file."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, process_time
from typing import Any

import orjson

from benchmarks import ids
from benchmarks.databases import Place
from benchmarks.importing import (
    CONTACT,
    DOCUMENT,
    JOURNAL,
    POINT,
    Floor,
    PointsFloor,
    contact_json,
    documents,
    must_agree,
    point_json,
    with_points,
)
from benchmarks.measuring import Measured, Pairs
from benchmarks.world import stamp, world
from opencrm.plugins.importing.running import Wish, run_import

REF = ["id", "system", "entity", "key", "record_id", "created_at", "created_by", "updated_at", "version"]
_HEADER = ["number", "first_name", "last_name", "source", "email", "phone"]
_MAP = """
system = "bench"

[[file]]
[[file.target]]
name = "contact"
entity = "contact"
key = "number"
fields.first_name = "first_name"
fields.last_name = "last_name"
fields.source = "source"
"""
_POINTS = """
[[file.target.parts.points]]
kind = { value = "email" }
value = "email"
[[file.target.parts.points]]
kind = { value = "phone" }
value = "phone"
"""


def measure(place: Place, size: int) -> Iterator[Measured]:
    """Measure with contact points and their validation, and without."""
    yield _compare(place, size, _FilePointsFloor, _MAP + _POINTS, "import a file, points checked (a row)", 2.0)
    yield _compare(place, size, _FileFloor, _MAP, "import a file, nothing to check (a row)", 4.0)


def _compare(place: Place, size: int, floor: type[_FileFloor], mapped: str, name: str, target: float) -> Measured:
    """Import one file on both sides, each into its own workspace: whenever opencrm kept a chunk, the floor follows."""
    with TemporaryDirectory() as folder, world(place) as theirs, world(place) as ours:
        wish = Wish(path=Path(folder) / "contacts.csv", map=Path(folder) / "map.toml")
        assert wish.map is not None
        wish.map.write_text(mapped, encoding="utf-8")
        _write(wish.path, size)
        hand, both = floor(theirs), _Clock()
        with wish.path.open(encoding="utf-8", newline="") as stream:
            lines = csv.reader(stream)

            @contextmanager
            def bar(_label: str, _length: int) -> Iterator[Callable[[int], None]]:
                yield lambda number: both.aside(lambda: hand.keep(list(islice(lines, number))))

            both.begin()
            [outcome] = run_import(ours.crm, ours.manager, wish, bar)
            both.end()
        assert outcome.progress.rows == size
        assert outcome.errors is None
        must_agree(theirs, ours, ("crm_external_ref", REF))
    times = Pairs([both.theirs[0]], [both.ours[0]])
    note = f"(CPU of the process: {both.ours[1] / both.theirs[1]:.2f}; chunks of {hand.longest})"
    return times.line(name, place.name, units=size, target=target, note=note)


class _Clock:
    """Seconds and processor seconds of two sides, of which one interrupts the other."""

    def __init__(self) -> None:
        self.ours = [0.0, 0.0]
        self.theirs = [0.0, 0.0]
        self._since = (0.0, 0.0)

    def begin(self) -> None:
        self._since = (perf_counter(), process_time())

    def end(self, side: list[float] | None = None) -> None:
        now = (perf_counter(), process_time())
        for at, (before, after) in enumerate(zip(self._since, now, strict=True)):
            (self.ours if side is None else side)[at] += after - before
        self._since = now

    def aside(self, call: Callable[[], None]) -> None:
        self.end()
        call()
        self.end(self.theirs)


def _write(path: Path, size: int) -> None:
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(_HEADER)
        for number in range(size):
            row = with_points(number)
            mail, phone = (point["value"] for point in row["points"])
            writer.writerow([f"C-{number}", row["first_name"], row["last_name"], row["source"], mail, phone])


class _FileFloor(Floor):
    """Hand-written: contacts of a file with their keys and their history, in the chunks in which opencrm kept them."""

    origin = "import:bench"
    longest = 0

    def keep(self, lines: Sequence[Sequence[str]]) -> None:
        """Store lines of the file; its first one is the header."""
        rows = [line for line in lines if line != _HEADER]
        self.longest = max(self.longest, len(rows))
        now, fresh = stamp(datetime.now(UTC), sqlite=self._raw.sqlite), iter(ids.many(8 * len(rows) + 1))  # noqa: TID251
        act = next(fresh)
        heads: list[tuple[Any, ...]] = []
        refs: list[tuple[Any, ...]] = []
        points: list[tuple[Any, ...]] = []
        told: list[tuple[Any, ...]] = []
        for key, first, last, source, mail, phone in rows:
            row = {
                "first_name": first,
                "last_name": last,
                "source": source,
                "points": [{"value": mail}, {"value": phone}],
            }
            heads.append(head := self._contact(next(fresh), row, now))
            told.append(self._line(next(fresh), act, now, "contact", head[0], contact_json(head)))
            made = self._points(head[0], row, fresh, now)
            points += made
            told += [self._line(next(fresh), act, now, "contact_point", it[0], point_json(it)) for it in made]
            refs.append(ref := (next(fresh), "bench", "contact", key, head[0], now, self._by, now, 1))
            told.append(self._line(next(fresh), act, now, "external_ref", ref[0], _ref_json(ref)))
        self._raw.begin()
        self._raw.run("SELECT config_version FROM crm_workspace, crm_user WHERE crm_user.id = ?", (self._user,))
        self._raw.load("crm_contact", CONTACT, heads)
        if points:
            self._raw.load("crm_contact_point", POINT, points)
        self._raw.load("crm_external_ref", REF, refs)
        self._raw.load("crm_journal", JOURNAL, told)
        self._raw.load("crm_search_document", DOCUMENT, list(documents(heads, points, refs)))
        self._raw.commit()


class _FilePointsFloor(_FileFloor, PointsFloor):
    """The same with e-mail addresses and phone numbers."""


def _ref_json(ref: Sequence[Any]) -> str:
    return orjson.dumps(dict(zip(REF[:5], ref, strict=False))).decode()
