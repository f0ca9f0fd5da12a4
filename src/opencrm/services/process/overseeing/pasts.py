"""The past as the journal tells it: which events a rule would have heard, and how its records stood then."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from itertools import islice
from typing import Any, TypeAlias, TypeVar

import attrs
from sqlalchemy import ColumnElement, Integer, Select, bindparam, select

from opencrm.core.change import JournalEntry, Kind, Values
from opencrm.core.clock import duration
from opencrm.core.columns import IdColumn, InstantColumn, key_column
from opencrm.core.conditions import Between
from opencrm.core.process.events import OnField, OnForm, OnRecord, OnStage, OnTask
from opencrm.core.process.reactions import TASK
from opencrm.core.process.rules import Rule
from opencrm.core.process.timing.moments import moved
from opencrm.core.values import Id
from opencrm.errors import InputError
from opencrm.services import journal
from opencrm.services.process.overseeing.rewinding import LAST, Happened, Rewinder, Rewinders, first_id
from opencrm.services.reading.reader import Reader
from opencrm.services.reading.rows import Query, Record
from opencrm.storage import tables
from opencrm.storage.statements import padded

MOST_LINES = 200_000
"""How many lines of the journal, submissions or overdue tasks are looked at, the newest ones."""
QUIET_IMPORT = "import:"
"""Where lines come from that an import without automations wrote."""
_PAGES = 40
"""The ids of so many pages are read at once."""
_JOURNAL, _SUBMISSION = tables.journal, tables.submission

T = TypeVar("T")
Line: TypeAlias = tuple[JournalEntry, Happened]
Wanted: TypeAlias = Callable[[JournalEntry], bool]


@attrs.define
class Stretch:
    """The stretch of the past that is looked at.

    Attributes:
        since: From when on.
        most: How many lines of the journal, submissions or overdue tasks are looked at, the newest first.
        page: How many of them at a time.
        only_since: Once all of it was given: from when on it was looked at, where the older part was left out.
    """

    since: datetime
    most: int = MOST_LINES
    page: int = 500
    only_since: datetime | None = None


def happened(reader: Reader, rule: Rule, past: Stretch) -> Iterator[Happened]:
    """Give what a rule would have heard, the newest first, as far as the reader may read the records.

    Args:
        reader: Whoever asks.
        rule: The rule.
        past: From when on, and how much; is told where that was not all.

    Raises:
        InputError: The past does not tell of such events.
    """
    match rule.on:
        case OnRecord(entity, kinds, fields):
            for page in _lines(reader, entity, past, lambda it: _concerns(it, kinds, fields)):
                yield from (it for _, it in page)
        case OnStage(pipeline, stage, leaving):
            yield from _of_stages(reader, (pipeline, stage), past, leaving=leaving)
        case OnTask(task, "overdue"):
            yield from _overdue(reader, task, past)
        case OnTask(task, state):
            yield from _of_tasks(reader, task, state, past)
        case OnField():
            yield from _of_field(reader, rule.on, past)
        case OnForm(form):
            yield from _of_form(reader, form, past)
        case _:
            raise InputError(
                {"on": ["what comes with the time of the day, or with standing still, is not in the past"]}
            )


def _concerns(line: JournalEntry, kinds: Sequence[Kind], fields: Sequence[str]) -> bool:
    return line.kind in kinds and (not fields or not set(fields).isdisjoint(line.after))


def _of_stages(reader: Reader, place: tuple[str, str], past: Stretch, *, leaving: bool) -> Iterator[Happened]:
    pipeline = reader.configuration.catalogue.pipelines.get(place[0])
    if pipeline is None:
        raise InputError({"on": [f"there is no pipeline {place[0]!r}"]})

    def wanted(line: JournalEntry) -> bool:
        return "stage" in line.after and line.kind in (Kind.MOVED, Kind.CREATED)

    for page in _lines(reader, pipeline.entity, past, wanted):
        for line, it in page:
            before = {**it.state, **(line.before or {})}
            at = before if leaving else it.state
            if (line.before is not None or not leaving) and (at["pipeline"], at["stage"]) == place:
                yield it


def _of_tasks(reader: Reader, task: str, state: str, past: Stretch) -> Iterator[Happened]:
    rewinders = Rewinders(reader)

    def wanted(line: JournalEntry) -> bool:
        return line.after.get("state") == state and line.kind in (Kind.CHANGED, Kind.CREATED)

    for page in _lines(reader, TASK, past, wanted):
        yield from _about(reader, rewinders, ((it.state, it.at) for _, it in page if it.state["kind"] == task))


def _overdue(reader: Reader, task: str, past: Stretch) -> Iterator[Happened]:
    spec, rewinders = reader.entity(TASK), Rewinders(reader)
    window = Between("due_at", past.since, reader.now)
    due = reader.stream(Query(spec, where=window, sort="-due_at", fields=("due_at",)))
    for page in _batches(_newest(due, past), past.page):
        states = reader.states(spec, [record["id"] for record in page])
        late = (states[id] for id in (record["id"] for record in page) if id in states and _is_late(states[id], task))
        yield from _about(reader, rewinders, ((state, state["due_at"]) for state in late))


def _newest(due: Iterator[Record], past: Stretch) -> Iterator[Record]:
    """Give as many overdue tasks as are looked at."""
    record = None
    for record in islice(due, past.most):
        yield record
    if record is not None and next(due, None) is not None:
        past.only_since = record["due_at"]


def _is_late(task: Values, kind: str) -> bool:
    late = task.get("done_at") is None or task["done_at"] > task["due_at"]
    return late and task.get("kind") == kind and task["state"] != "cancelled"


def _about(reader: Reader, rewinders: Rewinders, tasks: Iterable[tuple[Values, datetime]]) -> Iterator[Happened]:
    """Give the records that tasks are about, as they stood at an instant each."""
    subject = reader.configuration.catalogue.process.subject
    found = ((subject(task), at) for task, at in tasks)
    return rewinders.at([(*about, at) for about, at in found if about is not None])


def _of_field(reader: Reader, on: OnField, past: Stretch) -> Iterator[Happened]:
    spec, zone = reader.entity(on.entity), reader.configuration.catalogue.process.zone
    after = duration(on.offset[1:]) if on.offset[0] == "+" else -duration(on.offset[1:])
    day = spec.fields[on.field].type.name == "date" if on.field in spec.fields else False
    first, last = past.since - after, reader.now - after
    window = Between(on.field, first.date(), last.date()) if day else Between(on.field, first, last)
    for page in _batches(reader.stream(Query(spec, where=window, sort="-id", fields=("id",))), past.page):
        states = reader.states(spec, [record["id"] for record in page])
        for state in (states[record["id"]] for record in page):
            at = moved(state[on.field], on.offset, zone)
            if at is not None and past.since <= at <= reader.now:
                yield Happened(spec, state, at)


def _of_form(reader: Reader, form: str, past: Stretch) -> Iterator[Happened]:
    table, rewinders = _SUBMISSION, Rewinders(reader)
    same = table.c.form == bindparam("named", type_=key_column(64))
    sent = (same, table.c.at >= bindparam("at", type_=InstantColumn()), table.c.error.is_(None))
    columns = (table.c.id, table.c.entity, table.c.record_id, table.c.at)
    for rows in _pages(reader, past, select(*columns).where(*sent), {"named": form, "at": past.since}):
        yield from rewinders.at([(row["entity"], row["record_id"], row["at"]) for row in rows])


def _lines(reader: Reader, entity: str, past: Stretch, wanted: Wanted) -> Iterator[list[Line]]:
    """Give the lines about an entity's records that the reader may read, with the records as they stood after each."""
    spec = reader.entity(entity)
    dumper, readable = reader.configuration.schemas.dumper(spec), reader.rights.readable(spec)
    rewinder = Rewinder(reader, spec)
    same = _JOURNAL.c.entity == bindparam("named", type_=key_column(100))
    columns = [column for column in _JOURNAL.c if column.name != "pending"]
    for rows in _pages(reader, past, select(*columns).where(same), {"named": entity}):
        told = (journal.readable_entry(journal.read(row, dumper), readable) for row in rows)
        lines = [it for it in told if it.at >= past.since and journal.tells(it) and _is_event(it) and wanted(it)]
        states = rewinder.states((it.record_id, it.entry_id) for it in lines)
        places = ((it, states.get((it.record_id, it.entry_id))) for it in lines)
        yield [(it, Happened(spec, state, it.at)) for it, state in places if state is not None]


def _is_event(line: JournalEntry) -> bool:
    """Say whether rules heard of a line: of what is taken back, or entailed, or imported without them, they do not."""
    quiet = (line.origin or "").startswith(QUIET_IMPORT)
    return line.undoes is None and line.acting_as != journal.SYSTEM and not quiet


def _pages(reader: Reader, past: Stretch, rows: Select[Any], given: Values) -> Iterator[list[Values]]:
    """Give rows of the journal or of the submissions page by page, the newest first, as many as are looked at."""
    ids = _ids(reader, past, rows.with_only_columns(rows.selected_columns["id"]), given)
    page: list[Values] = []
    for several in _batches(islice(ids, past.most), past.page):
        page = _of_ids(reader, [*rows.selected_columns], several)
        yield page
    if page and next(ids, None) is not None:
        past.only_since = page[-1]["at"]


def _of_ids(reader: Reader, columns: list[ColumnElement[Any]], ids: list[Id]) -> list[Values]:
    wanted = padded(ids)
    one = next(column for column in columns if column.name == "id")

    def build() -> Select[Any]:
        among = one.in_([bindparam(f"i{at}", type_=IdColumn()) for at in range(len(wanted))])
        return select(*columns).where(among).order_by(one.desc())

    return reader.tx.query(("past", one.table, len(wanted)), build, {f"i{at}": id for at, id in enumerate(wanted)})


def _ids(reader: Reader, past: Stretch, ids: Select[Any], given: Values) -> Iterator[Id]:
    """Give the ids of rows, many at a time: where they are found by an index, it is gone through anew each time."""
    [one], most, before = ids.selected_columns, past.page * _PAGES, LAST
    between = (one > bindparam("after", type_=IdColumn()), one < bindparam("before", type_=IdColumn()))
    page = ids.where(*between).order_by(one.desc()).limit(bindparam("most", type_=Integer()))
    given = {**given, "after": first_id(past.since), "most": most}
    while True:
        rows = reader.tx.select(("past ids", one.table), lambda: page, {**given, "before": before})
        yield from (id for (id,) in rows)
        if len(rows) < most:
            return
        [before] = rows[-1]


def _batches(several: Iterable[T], number: int) -> Iterator[list[T]]:
    given = iter(several)
    while batch := list(islice(given, number)):
        yield batch
