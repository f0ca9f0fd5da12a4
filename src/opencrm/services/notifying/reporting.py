"""Reports on one record: what was sold, when it passed each stage, and who did it, as their reader may know it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import attrs
from sqlalchemy import Select, bindparam, select

from opencrm.core.change import Values
from opencrm.core.columns import IdColumn, key_column
from opencrm.core.conditions import Equal
from opencrm.core.entities import Task, User
from opencrm.core.entity import Spec
from opencrm.core.fields import Amount, Currency, Reference
from opencrm.core.process.reactions import TASK
from opencrm.core.process.selectors import Selector
from opencrm.core.values import Id
from opencrm.errors import NotFound
from opencrm.services.notifying.rendering import Notification
from opencrm.services.process.notifying import Told, tell
from opencrm.services.process.rendering import shown, told
from opencrm.services.process.tasking import nobody, selecting
from opencrm.services.reading.naming import names_of
from opencrm.services.reading.rows import Query
from opencrm.storage import tables

if TYPE_CHECKING:
    from opencrm.services.reading.reader import Reader
    from opencrm.services.writing.work import Work

MOST = 200
"""How many positions and how many tasks a report lists at most."""
_SILENT = frozenset({"id", "created_at", "created_by", "updated_at", "version", "deleted_at", "owner_id", "unit_id"})


@attrs.frozen
class Step:
    """Something that was done.

    Attributes:
        at: When; None for what is not done.
        what: The stage, or the task.
        by: Who did it, as far as the reader may know.
    """

    at: datetime | None
    what: str
    by: str


@attrs.frozen
class Report:
    """What became of a record.

    Attributes:
        facts: What it is about: labels and texts.
        positions: The same of each of its parts.
        stages: When it came to each stage.
        tasks: What was done for it.
    """

    facts: tuple[tuple[str, str], ...]
    positions: tuple[tuple[tuple[str, str], ...], ...]
    stages: tuple[Step, ...]
    tasks: tuple[Step, ...]


def report_of(reader: Reader, told: Notification) -> Report | None:
    """Return the report that a notification tells of; None where its record may not be read, or it tells of none."""
    if told.kind != "report" or told.entity is None or told.record_id is None:
        return None
    spec = reader.entity(told.entity)
    state = reader.states(spec, [told.record_id]).get(told.record_id)
    if state is None:
        return None
    positions = tuple(it for part, link in _parts(reader, spec) for it in _positions(reader, part, link, state["id"]))
    return Report(
        _facts(reader, spec, state), positions, _stages(reader, spec, state["id"]), _tasks(reader, spec, state)
    )


def send(work: Work, entity: str, record_id: Id, *, to: Selector, label: str) -> Id | None:
    """Put a report into the inbox of whom a selector means; return that person, None where it means nobody.

    Where it means nobody, whoever answers for the record is told instead.

    Args:
        work: Whoever sends it; they must be able to read the record.
        entity: The record's entity.
        record_id: The record.
        to: Whom it is for.
        label: What it is called.
    """
    spec = work.entity(entity)
    state = work.states(spec, [record_id]).get(record_id)
    person = None if state is None else selecting.find(work, to, state)
    if person is not None:
        tell(work, [Told(person, _heading(spec, label), entity, record_id, "report")])
    elif state is not None:
        nobody.tell_instead(work, spec, [state], nobody.untold(_heading(spec, label)), kind="report")
    return person


def _heading(spec: Spec, label: str) -> str:
    worth = ", {amount} {currency}" if {"amount", "currency"} <= spec.fields.keys() else ""
    return f"{label}: {{{spec.options.display or 'id'}}}{worth}"


def text_of(reader: Reader, told: Notification) -> str | None:
    """Return the same as plain text."""
    found = report_of(reader, told)
    if found is None:
        return None
    zone = reader.rights.zone
    blocks = [
        ("What", [f"{label}: {text}" for label, text in found.facts]),
        ("Positions", [", ".join(f"{label}: {text}" for label, text in one) for one in found.positions]),
        ("Stages", [_line(step, zone) for step in found.stages]),
        ("Tasks", [_line(step, zone) for step in found.tasks]),
    ]
    return "\n\n".join("\n".join([title, *(f"  {line}" for line in lines)]) for title, lines in blocks if lines)


def _line(step: Step, zone: str) -> str:
    at = shown(User.spec.fields["created_at"], step.at, zone) if step.at else "not done"
    return f"{at}  {step.what}" + (f", {step.by}" if step.by else "")


def _facts(reader: Reader, spec: Spec, state: Values) -> tuple[tuple[str, str], ...]:
    """Give what a record is about: its name, its amounts, and what it refers to."""
    wanted = [
        name
        for name, field in spec.fields.items()
        if name == spec.options.display or isinstance(field.type, (Amount, Currency, Reference))
    ]
    return tuple(_told(reader, spec, state, wanted))


def _told(reader: Reader, spec: Spec, state: Values, wanted: Iterable[str]) -> Iterator[tuple[str, str]]:
    readable, references = reader.rights.readable(spec), spec.references()
    for name in wanted:
        value = state.get(name)
        if name in _SILENT or name not in readable or value in (None, ""):
            continue
        if name in references:
            called = names_of(reader, reader.entity(references[name]), [value]).get(value)
            if called is not None:
                yield spec.fields[name].label, called
        else:
            yield spec.fields[name].label, told(reader, spec, state, name, value)


def _parts(reader: Reader, spec: Spec) -> Sequence[tuple[Spec, str]]:
    return tuple(reader.configuration.schemas.nested(spec).values())


def _positions(reader: Reader, part: Spec, link: str, id: Id) -> Iterator[tuple[tuple[str, str], ...]]:
    rows: Query[Any] = Query(part, where=Equal(link, id), sort="id", limit=MOST)
    try:
        found = reader.list(rows).rows
    except NotFound:
        return
    for row in found:
        yield tuple(_told(reader, part, row.values(), [name for name in part.fields if name != link]))


def _stages(reader: Reader, spec: Spec, id: Id) -> tuple[Step, ...]:
    if not spec.staged or not {"pipeline", "stage"} <= reader.rights.readable(spec):
        return ()
    rules = {(line.act, line.after["stage"]): line.rule for line in reader.history(spec, id) if "stage" in line.after}
    rows = _moves(reader, spec, id)
    names = _people(reader, [row["by"] for row in rows])
    return tuple(
        Step(row["at"], _stage(reader, row), _by(row["by"], rules.get((row["act"], row["end"])), names)) for row in rows
    )


def _moves(reader: Reader, spec: Spec, id: Id) -> list[Values]:
    move = tables.stage_move

    def build() -> Select[Any]:
        mine = move.c.entity == bindparam("entity", type_=key_column(100))
        one = move.c.record_id == bindparam("one", type_=IdColumn())
        columns = [move.c[name] for name in ("act", "pipeline", "end", "at", "by")]
        return select(*columns).where(mine, one).order_by(move.c.at, move.c.id).limit(MOST)

    return reader.tx.query("moves of record", build, {"entity": spec.name, "one": id})


def _stage(reader: Reader, row: Values) -> str:
    pipeline = reader.configuration.catalogue.pipelines.get(row["pipeline"])
    stage = None if pipeline is None else pipeline.stage(row["end"])
    return str(row["end"]) if stage is None else stage.label


def _by(principal: str, rule: str | None, names: Mapping[str, str]) -> str:
    """Say who did something: a person, as far as they may be known, and the rule that it followed from."""
    person = names.get(principal, "somebody" if principal.startswith("user:") else "")
    return ", ".join(filter(None, [person, rule and f"by the rule {rule}"]))


def _people(reader: Reader, principals: Iterable[str]) -> dict[str, str]:
    ids = {it.partition(":")[2] for it in principals if it.startswith("user:")}
    found = names_of(reader, reader.entity(User), ids)
    return {f"user:{id}": name for id, name in found.items() if name is not None}


def _tasks(reader: Reader, spec: Spec, state: Values) -> tuple[Step, ...]:
    subject = reader.configuration.catalogue.process.subjects.get(spec.name)
    if subject is None or spec.name == TASK:
        return ()
    try:
        rows = reader.list(Query(Task, where=Equal(subject, state["id"]), sort="id", limit=MOST)).rows
    except NotFound:
        return ()
    people = names_of(reader, reader.entity(User), [row.get("owner_id") or "" for row in rows])
    left = (row for row in rows if row.get("state") != "cancelled")
    return tuple(
        Step(row.get("done_at"), row.get("title") or "", people.get(row.get("owner_id") or "") or "") for row in left
    )
