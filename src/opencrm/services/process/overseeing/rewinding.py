"""Records as they stood: many at a time rolled back by the journal, from the newest instants to the oldest."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import chain
from operator import itemgetter
from typing import Any, TypeAlias

import attrs
from sqlalchemy import Integer, Select, bindparam, select

from opencrm.core.change import Values
from opencrm.core.columns import IdColumn, key_column
from opencrm.core.entity import Spec
from opencrm.core.values import Id
from opencrm.services.reading.reader import Reader
from opencrm.storage import tables
from opencrm.storage.statements import padded

LAST = "ffffffff-ffff-ffff-ffff-ffffffffffff"
"""What is above every id."""
_JOURNAL = tables.journal

Place: TypeAlias = tuple[Id, Id]
"""A record, and the line of the journal right after which it is wanted."""


def first_id(at: datetime) -> Id:
    """Return what is below every id that was made at an instant or later."""
    text = f"{int(at.timestamp() * 1000):012x}"
    return f"{text[:8]}-{text[8:]}-0000-0000-000000000000"


@attrs.frozen
class Happened:
    """Something that a rule listens to, as it happened.

    Attributes:
        spec: The entity of the record that it is about.
        state: The record's state right after it.
        at: When.
    """

    spec: Spec
    state: Values
    at: datetime


@attrs.define
class _Rewound:
    """A record that is being rolled back.

    Attributes:
        state: How it stood before the last line that was rolled back.
        undone: That line; it and all later ones are rolled back.
        wanted: The lines right after which it is still wanted, the oldest first.
    """

    state: Values
    undone: Id = LAST
    wanted: list[Id] = attrs.field(factory=list)

    def reached(self, line: Id) -> Iterator[tuple[Id, Values]]:
        """Give it for every wanted line that is no older than this one."""
        while self.wanted and self.wanted[-1] >= line:
            yield self.wanted.pop(), self.state

    def undo(self, line: Id, before: Values) -> None:
        """Roll a line back."""
        self.state, self.undone = {**self.state, **before}, line


class Rewinder:
    """Tells how the records of an entity stood that a reader may read.

    A record that is wanted again, of an older instant, is rolled back from where it stands: who goes from the newest
    lines to the oldest has each of them read once. Of those wanted longest ago nothing is kept; they begin anew.

    Args:
        reader: Who asks.
        spec: The entity.
        kept: How many records are kept to be rolled back further.
        page: How many lines are read at a time.
    """

    def __init__(self, reader: Reader, spec: Spec, *, kept: int = 5_000, page: int = 2_000) -> None:
        self._reader = reader
        self._spec = spec
        self._dumper = reader.configuration.schemas.dumper(spec)
        self._most, self._page = kept, page
        self._kept: dict[Id, _Rewound] = {}

    def states(self, places: Iterable[Place]) -> dict[Place, Values]:
        """Return how some hundred records stood: as they are, without what came after a line each."""
        wanted: dict[Id, list[Id]] = {}
        for id, line in sorted(set(places), key=itemgetter(1)):
            wanted.setdefault(id, []).append(line)
        kept = {id: one for id in wanted if (one := self._kept.pop(id, None)) and wanted[id][-1] < one.undone}
        fresh = self._reader.states(self._spec, [id for id in wanted if id not in kept], deleted=None)
        several = (kept, {id: _Rewound(state) for id, state in fresh.items()})
        found = {place: state for records in several for place, state in self._rolled(records, wanted)}
        self._keep(chain.from_iterable(records.items() for records in several))
        return found

    def _rolled(self, records: Mapping[Id, _Rewound], wanted: Mapping[Id, list[Id]]) -> Iterator[tuple[Place, Values]]:
        for id, one in records.items():
            one.wanted = wanted[id]
        for row in self._later(records):
            id, line = row["record_id"], row["id"]
            one = records[id]
            yield from (((id, at), state) for at, state in one.reached(line))
            if one.wanted and line < one.undone:
                one.undo(line, self._dumper.revive(row["before"]) or {})
        for id, one in records.items():
            yield from (((id, at), state) for at, state in one.reached(""))

    def _later(self, records: Mapping[Id, _Rewound]) -> Iterator[Values]:
        """Give the lines that stand between records and what is wanted of them, the newest first, page by page."""
        if not records:
            return
        ids = padded(sorted(records))
        until = max(one.undone for one in records.values())
        given = {f"i{at}": id for at, id in enumerate(ids)} | {
            "entity": self._spec.name,
            "since": min(one.wanted[0] for one in records.values()),
            "most": self._page,
        }
        while True:
            shape = ("journal back", len(ids))
            rows = self._reader.tx.query(shape, lambda: _back(len(ids)), {**given, "until": until})
            yield from rows
            if len(rows) < self._page:
                return
            until = rows[-1]["id"]

    def _keep(self, records: Iterable[tuple[Id, _Rewound]]) -> None:
        self._kept |= dict(records)
        for id in [*self._kept][: -self._most]:
            del self._kept[id]


class Rewinders:
    """Tells how records of several entities stood at instants.

    Args:
        reader: Who asks.
    """

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._of: dict[str, Rewinder] = {}

    def at(self, several: Sequence[tuple[str, Id, datetime]]) -> Iterator[Happened]:
        """Give some hundred records as they stood at an instant each; without those that may not be read.

        Args:
            several: Entity, id and instant, as they are to be given.
        """
        places: dict[str, list[Place]] = {}
        for entity, id, at in several:
            places.setdefault(entity, []).append((id, _line(at)))
        found = {entity: self._rewinder(entity).states(wanted) for entity, wanted in places.items()}
        for entity, id, at in several:
            state = found[entity].get((id, _line(at)))
            if state is not None:
                yield Happened(self._reader.entity(entity), state, at)

    def _rewinder(self, entity: str) -> Rewinder:
        if entity not in self._of:
            self._of[entity] = Rewinder(self._reader, self._reader.entity(entity))
        return self._of[entity]


def _line(at: datetime) -> Id:
    """Return what is above every line of an instant's millisecond, and below all later ones."""
    return first_id(at + timedelta(milliseconds=1))


def _back(number: int) -> Select[Any]:
    table = _JOURNAL.c
    wanted = (
        table.entity == bindparam("entity", type_=key_column(100)),
        table.record_id.in_([bindparam(f"i{at}", type_=IdColumn()) for at in range(number)]),
        table.id > bindparam("since", type_=IdColumn()),
        table.id < bindparam("until", type_=IdColumn()),
    )
    most = bindparam("most", type_=Integer())
    return select(table.id, table.record_id, table.before).where(*wanted).order_by(table.id.desc()).limit(most)
