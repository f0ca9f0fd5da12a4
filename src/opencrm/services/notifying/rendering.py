"""Notifications as they were told, as far as their reader may read them now: a page of them in a few statements."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, Any

import attrs

from opencrm.core.change import Values
from opencrm.core.entity import Spec
from opencrm.core.entity.paths import link_of, parted
from opencrm.core.process.values import places
from opencrm.core.values import Id
from opencrm.services.notifying.sensible import NOTHING, sensible
from opencrm.services.process.rendering import told
from opencrm.services.process.saying import value_of

if TYPE_CHECKING:
    from opencrm.services.reading.reader import Reader


@attrs.frozen(kw_only=True)
class Notification:
    """Something that a person was told, as they may read it now.

    Attributes:
        id: Its own.
        at: When.
        kind: Its kind; see `choices.KINDS`.
        text: What it says.
        rule: The rule, the stage or the task that told it.
        entity: The entity of the record that it is about; None where that may not be read, or no longer.
        record_id: That record.
        read_at: When it was read first.
        mail: What became of the letter: `new`, `sending`, `sent`, `none` or `dead`.
        mail_error: Why there was none, or why it did not go.
    """

    id: Id
    at: datetime
    kind: str
    text: str
    rule: str | None = None
    entity: str | None = None
    record_id: Id | None = None
    read_at: datetime | None = None
    mail: str = "none"
    mail_error: str | None = None


def rendered(reader: Reader, rows: Sequence[Values]) -> list[Notification]:
    """Return rows of the table as the reader may read them."""
    known = _Known(reader)
    known.learn((row["entity"], row["record_id"]) for row in rows)
    known.learn(link for row in rows for link in known.links(row))
    return [_one(known, row) for row in rows]


def text_of(reader: Reader, row: Values) -> str:
    """Return the text of one row of the table as the reader may read it."""
    known = _Known(reader)
    known.learn([(row["entity"], row["record_id"])])
    known.learn(known.links(row))
    return _text(known, row)


def _text(known: _Known, row: Values) -> str:
    """Return a text with its places filled; nothing of one that cannot be read, and the others stay readable."""
    try:
        return sensible(row["text"], {path: known.text(row, path) for path in places(row["text"])})
    except ValueError:
        return NOTHING


def _places(row: Values) -> tuple[str, ...]:
    try:
        return places(row["text"])
    except ValueError:
        return ()


def _one(known: _Known, row: Values) -> Notification:
    about = known.state(row["entity"], row["record_id"]) is not None
    names = ("id", "at", "kind", "rule", "read_at", "mail", "mail_error")
    return Notification(
        **{name: row[name] for name in names},
        text=_text(known, row),
        entity=row["entity"] if about else None,
        record_id=row["record_id"] if about else None,
    )


class _Known:
    """The records that texts are about, and those that they refer to, as far as they may be read."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._states: dict[tuple[str, Id], Values] = {}

    def learn(self, wanted: Iterable[tuple[str, Id]]) -> None:
        """Read records, those of one entity together."""
        groups: defaultdict[str, set[Id]] = defaultdict(set)
        for entity, id in wanted:
            if entity in self._entities and (entity, id) not in self._states:
                groups[entity].add(id)
        for entity, ids in groups.items():
            found = self._reader.states(self._entities[entity], sorted(ids))
            self._states |= {(entity, id): state for id, state in found.items()}

    def state(self, entity: str, id: Id) -> Values | None:
        """Return a record; None where it may not be read, or is not there."""
        return self._states.get((entity, id))

    def links(self, row: Values) -> Iterator[tuple[str, Id]]:
        """Give the records that a text says something of, beside the one that it is about."""
        for path in _places(row):
            link = self._link(row, parted(path)[0])
            if link is not None:
                yield link

    def text(self, row: Values, path: str) -> str | None:
        """Return what stood at a path, as a person reads it; None where it may not be read, or no longer."""
        head, name = parted(path)
        place = self._link(row, head) if head else (row["entity"], row["record_id"])
        state = None if place is None else self.state(*place)
        if place is None or state is None:
            return self._empty(row, path)
        spec = self._entities[place[0]]
        if name not in self._reader.rights.readable(spec):
            return None
        return told(self._reader, spec, state, name, _value(row, path, spec, state))

    def _link(self, row: Values, name: str) -> tuple[str, Id] | None:
        """Return the record that a text says something of, where its reader may know that it does."""
        state = self.state(row["entity"], row["record_id"]) if name else None
        if state is None:
            return None
        spec = self._entities[row["entity"]]
        field = link_of(spec, name)
        target, id = _kept_link(row, name) or (spec.references().get(field), state.get(field))
        if target is None or id is None or field not in self._reader.rights.readable(spec):
            return None
        return target, id

    def _empty(self, row: Values, path: str) -> str | None:
        """Return nothing, where a reference that may be read led nowhere; else None."""
        name = parted(path)[0]
        state = self.state(row["entity"], row["record_id"]) if name else None
        if state is None:
            return None
        spec = self._entities[row["entity"]]
        field = link_of(spec, name)
        kept = _kept_link(row, name)
        nowhere = state.get(field) is None if kept is None else kept[1] is None
        return "" if nowhere and field in self._reader.rights.readable(spec) else None

    @property
    def _entities(self) -> Mapping[str, Spec]:
        found: Mapping[str, Any] = self._reader.configuration.catalogue.entities
        return found


def _kept_link(row: Values, name: str) -> tuple[Any, Any] | None:
    """Return the record to which a reference led, and None for both where it led nowhere; None where it is not kept."""
    kept = (it for path, it in (row["said"] or {}).items() if parted(path)[0] == name)
    return next(((entity, id) for entity, id, _ in kept), None)


def _value(row: Values, path: str, spec: Spec, state: Values) -> Any:
    """Return what stood at a path; what stands there now, where that is not kept."""
    name, kept = parted(path)[1], (row["said"] or {}).get(path)
    with suppress(ValueError):
        if kept is not None:
            return value_of(spec.fields[name], kept[2])
    return state[name]
