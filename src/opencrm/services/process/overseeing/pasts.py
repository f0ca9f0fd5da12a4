"""The past as the journal tells it: which events a rule would have heard, and how its records stood then."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import attrs
from sqlalchemy import Integer, Select, bindparam, select

from opencrm.core.change import JournalEntry, Kind, Values
from opencrm.core.clock import duration
from opencrm.core.columns import IdColumn, InstantColumn, key_column
from opencrm.core.conditions import Between
from opencrm.core.entity import Spec
from opencrm.core.process.events import OnField, OnForm, OnRecord, OnStage, OnTask
from opencrm.core.process.reactions import TASK
from opencrm.core.process.rules import Rule
from opencrm.core.process.timing.moments import moved
from opencrm.core.values import Id
from opencrm.errors import InputError
from opencrm.services import journal
from opencrm.services.reading.reader import Reader
from opencrm.services.reading.rows import Query
from opencrm.storage import tables

MOST_LINES = 200_000
"""How many lines of the journal are looked at."""
QUIET_IMPORT = "import:"
"""Where lines come from that an import without automations wrote."""
_PAGE = 500
_JOURNAL = tables.journal


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


def happened(reader: Reader, rule: Rule, since: datetime) -> Iterator[Happened]:
    """Give what a rule would have heard, as far as the reader may read the records.

    Args:
        reader: Whoever asks.
        rule: The rule.
        since: From when on.

    Raises:
        InputError: The past does not tell of such events.
    """
    match rule.on:
        case OnRecord(entity, kinds, fields):
            yield from _of_lines(reader, entity, since, lambda it: _concerns(it, kinds, fields))
        case OnStage(pipeline, stage, leaving):
            yield from _of_stages(reader, (pipeline, stage), since, leaving=leaving)
        case OnTask(task, state):
            yield from _of_tasks(reader, task, state, since)
        case OnField(entity, field, offset):
            yield from _of_field(reader, entity, field, offset, since)
        case OnForm(form):
            yield from _of_form(reader, form, since)
        case _:
            raise InputError(
                {"on": ["what comes with the time of the day, or with standing still, is not in the past"]}
            )


def _concerns(line: JournalEntry, kinds: Sequence[Kind], fields: Sequence[str]) -> bool:
    return line.kind in kinds and (not fields or not set(fields).isdisjoint(line.after))


def _of_stages(reader: Reader, place: tuple[str, str], since: datetime, *, leaving: bool) -> Iterator[Happened]:
    pipeline = reader.configuration.catalogue.pipelines.get(place[0])
    if pipeline is None:
        raise InputError({"on": [f"there is no pipeline {place[0]!r}"]})

    def wanted(line: JournalEntry) -> bool:
        return "stage" in line.after and line.kind in (Kind.MOVED, Kind.CREATED)

    for line, it in _lines(reader, pipeline.entity, since, wanted):
        before = {**it.state, **(line.before or {})}
        at = before if leaving else it.state
        if (line.before is not None or not leaving) and (at["pipeline"], at["stage"]) == place:
            yield it


def _of_tasks(reader: Reader, task: str, state: str, since: datetime) -> Iterator[Happened]:
    if state == "overdue":
        yield from _overdue(reader, task, since)
        return
    for line, it in _lines(reader, TASK, since, lambda each: each.after.get("state") == state):
        if it.state["kind"] == task and line.kind in (Kind.CHANGED, Kind.CREATED):
            yield from _about(reader, it.state, it.at)


def _overdue(reader: Reader, task: str, since: datetime) -> Iterator[Happened]:
    spec = reader.entity(TASK)
    for record in reader.stream(Query(spec, where=Between("due_at", since, reader.now), sort="due_at")):
        state = reader.states(spec, [record["id"]]).get(record["id"], {})
        late = state.get("done_at") is None or state["done_at"] > state["due_at"]
        if state.get("kind") == task and late and state["state"] != "cancelled":
            yield from _about(reader, state, state["due_at"])


def _about(reader: Reader, task: Values, at: datetime) -> Iterator[Happened]:
    """Give the record that a task is about, as it stood at an instant."""
    found = reader.configuration.catalogue.process.subject(task)
    if found is not None:
        spec = reader.entity(found[0])
        bound = _first_id(at + timedelta(milliseconds=1))
        state = _states_after(reader, spec, {found[1]: bound}).get(found[1])
        if state is not None:
            yield Happened(spec, state, at)


def _of_field(reader: Reader, entity: str, field: str, offset: str, since: datetime) -> Iterator[Happened]:
    spec, zone = reader.entity(entity), reader.configuration.catalogue.process.zone
    after = duration(offset[1:]) if offset[0] == "+" else -duration(offset[1:])
    day = spec.fields[field].type.name == "date" if field in spec.fields else False
    first, last = since - after, reader.now - after
    window = Between(field, first.date(), last.date()) if day else Between(field, first, last)
    for record in reader.stream(Query(spec, where=window, sort="id")):
        state = reader.states(spec, [record["id"]])[record["id"]]
        at = moved(state[field], offset, zone)
        if at is not None and since <= at <= reader.now:
            yield Happened(spec, state, at)


def _of_form(reader: Reader, form: str, since: datetime) -> Iterator[Happened]:
    table = tables.submission

    def build() -> Select[Any]:
        sent = (
            table.c.form == bindparam("form", type_=key_column(64)),
            table.c.at >= bindparam("since", type_=InstantColumn()),
            table.c.error.is_(None),
        )
        columns = (table.c.entity, table.c.record_id, table.c.at)
        return select(*columns).where(*sent).order_by(table.c.id).limit(bindparam("most", type_=Integer()))

    for row in reader.tx.query("submissions of form", build, {"form": form, "since": since, "most": MOST_LINES}):
        spec = reader.entity(row["entity"])
        bound = {row["record_id"]: _first_id(row["at"] + timedelta(milliseconds=1))}
        for state in _states_after(reader, spec, bound).values():
            yield Happened(spec, state, row["at"])


def _of_lines(reader: Reader, entity: str, since: datetime, wanted: Any) -> Iterator[Happened]:
    yield from (it for _, it in _lines(reader, entity, since, wanted))


def _lines(reader: Reader, entity: str, since: datetime, wanted: Any) -> Iterator[tuple[JournalEntry, Happened]]:
    """Give the lines about an entity's records that the reader may read, with the records as they stood after each."""
    spec = reader.entity(entity)
    dumper, after = reader.configuration.schemas.dumper(spec), _first_id(since)
    readable = reader.rights.readable(spec)
    for _ in range(MOST_LINES // _PAGE):
        rows = _page(reader, entity, after)
        told = (journal.readable_entry(journal.read(row, dumper), readable) for row in rows)
        for line in (it for it in told if it.at >= since and journal.tells(it) and _is_event(it) and wanted(it)):
            state = _states_after(reader, spec, {line.record_id: line.entry_id}).get(line.record_id)
            if state is not None:
                yield line, Happened(spec, state, line.at)
        if len(rows) < _PAGE:
            return
        after = rows[-1]["id"]


def _is_event(line: JournalEntry) -> bool:
    """Say whether rules heard of a line: of what is taken back, or entailed, or imported without them, they do not."""
    quiet = (line.origin or "").startswith(QUIET_IMPORT)
    return line.undoes is None and line.acting_as != journal.SYSTEM and not quiet


def _page(reader: Reader, entity: str, after: Id) -> list[Values]:
    def build() -> Select[Any]:
        same = _JOURNAL.c.entity == bindparam("entity", type_=key_column(100))
        later = _JOURNAL.c.id > bindparam("after", type_=IdColumn())
        columns = [column for column in _JOURNAL.c if column.name != "pending"]
        return select(*columns).where(same, later).order_by(_JOURNAL.c.id).limit(_PAGE)

    return reader.tx.query("journal of entity", build, {"entity": entity, "after": after})


def _states_after(reader: Reader, spec: Spec, lines: Mapping[Id, Id]) -> dict[Id, Values]:
    """Return how readable records stood after a line of the journal each: as they are, without what came later."""
    found, dumper = reader.states(spec, [*lines], deleted=None), reader.configuration.schemas.dumper(spec)
    past = {id: dict(state) for id, state in found.items()}
    if past:
        later = journal.later(reader.tx, spec.name, list(past), min(lines.values()))
        for row in reversed(later):
            line = journal.read(row, dumper)
            if line.entry_id > lines[line.record_id]:
                past[line.record_id] |= line.before or {}
    return {**past}


def _first_id(at: datetime) -> Id:
    """Return what is below every id that was made at an instant or later."""
    text = f"{int(at.timestamp() * 1000):012x}"
    return f"{text[:8]}-{text[8:]}-0000-0000-000000000000"
