"""The history of runs: what rules did, step by step, what failed of it, and failed ones begun again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import attrs
from sqlalchemy import Integer, Select, bindparam, select, update

from opencrm.core.columns import IdColumn, key_column
from opencrm.core.entities import RuleDefinition
from opencrm.core.values import Id, is_id
from opencrm.errors import DomainError, InputError, NotFound, PermissionDenied
from opencrm.services import journal
from opencrm.services.process import runs
from opencrm.services.process.runs import Run
from opencrm.services.reading.reader import Reader
from opencrm.storage import tables
from opencrm.storage.transactions import Transaction

if TYPE_CHECKING:
    from opencrm.services.writing.work import Work

MOST = 200
"""How many runs are told at once."""
FAILED = "failed"
_RUN = tables.run
_LAST = "ffffffff-ffff-ffff-ffff-ffffffffffff"


@attrs.frozen(kw_only=True)
class Told:
    """A run as somebody may know of it.

    Attributes:
        id: Its own.
        rule: The rule, or the stage, whose it is.
        automation: As whom it is done.
        entity: What kind of record it is about.
        record_id: Which one.
        cause: The journal's line that it reacts to.
        at: When it began.
        state: `waiting`, `running`, `done`, `stopped`, `given_up` or `failed`.
        due_at: When it goes on, where it waits.
        attempts: How many times its next step was tried.
        steps: What was done so far: of each `action`, `at`, `state`, `detail` (which service, template or task, and
            whom), and `error` for those who keep the rules.
        rest: The words of what is still to be done.
        error: Why its last attempt failed; for those who keep the rules.
    """

    id: Id
    rule: str
    automation: str
    entity: str
    record_id: Id
    cause: Id | None
    at: datetime
    state: str
    due_at: datetime | None
    attempts: int
    steps: tuple[Mapping[str, Any], ...]
    rest: tuple[str, ...]
    error: str | None


@attrs.frozen
class Runs:
    """A page of runs, newest first; `next` is the cursor of the page after it."""

    items: tuple[Told, ...]
    next: Id | None


def keeps_rules(reader: Reader) -> bool:
    """Say whether somebody keeps the rules: may change their definitions."""
    return not reader.rights.expression(reader.entity(RuleDefinition), "update").nothing


def of_rules(
    reader: Reader,
    *,
    rule: str | None = None,
    state: str | None = None,
    limit: int = 50,
    cursor: Id | None = None,
) -> Runs:
    """Return the runs of one rule or of all, newest first, for those who keep the rules.

    Those about records that the reader may not read are left out.

    Args:
        reader: Whoever asks.
        rule: The rule's key, or a stage's name such as `"windows.agreed"`.
        state: Only those in this state, such as `"failed"`.
        limit: How many at most.
        cursor: `next` of the page before.

    Raises:
        PermissionDenied: The reader does not keep the rules.
        InputError: The limit or the cursor cannot be used.
    """
    _only_keepers(reader, "read")
    given = {"rule": rule, "state": state}
    return _page(reader, {name: value for name, value in given.items() if value is not None}, limit, cursor)


def of_record(reader: Reader, entity: str, id: Id, *, limit: int = 50, cursor: Id | None = None) -> Runs:
    """Return the runs that are about a record, newest first, to whoever may read it.

    A run that follows from a change of which they may know nothing is left out.

    Raises:
        NotFound: There is no such record, or none that the reader may know of.
        InputError: The limit or the cursor cannot be used.
    """
    spec = reader.entity(entity)
    if not is_id(id) or not reader.states(spec, [id], deleted=None):
        raise NotFound(f"there is no such {spec.name}", entity=spec.name, id=id)
    return _page(reader, {"entity": spec.name, "record_id": id}, limit, cursor)


def retry(work: Work, id: Id) -> Run:
    """Let a run that failed go on with the step that failed, as soon as a worker can.

    Raises:
        PermissionDenied: The principal does not keep the rules.
        NotFound: There is no such run, or none about a record that the principal may read.
        DomainError: It did not fail.
    """
    _only_keepers(work, "update")
    row = next(iter(_rows(work.tx, {"id": id}, 1, None)), None) if is_id(id) else None
    if row is None or (row["entity"], row["record_id"]) not in _readable(work, [row]):
        raise NotFound("there is no such run", id=id)
    run = runs.read(row)
    if run.state != FAILED:
        raise DomainError(f"this run is {run.state}: only one that failed is tried again", run=id, state=run.state)
    again = begun_again(run, work.now)
    runs.save(work.tx, again)
    return again


def begun_again(run: Run, now: datetime) -> Run:
    """Return a run that failed as it goes on with the step that failed."""
    steps = tuple(step for step in run.steps if step.state != FAILED)
    return attrs.evolve(run, state="waiting", due_at=now, attempts=0, steps=steps)


def give_up(tx: Transaction, *, automation: str | None = None, rule: str | None = None) -> int:
    """Give up what an automation, or a rule, still has to do and has not begun; return how many runs."""
    column, whose = (_RUN.c.rule, rule) if automation is None else (_RUN.c.automation, automation)

    def build() -> Any:
        own = column == bindparam("whose", type_=key_column(200))
        return update(_RUN).where(own, _RUN.c.state == "waiting").values(state=bindparam("new", type_=key_column(16)))

    return tx.run(("give up all", column.name), build, [{"whose": whose, "new": "given_up"}])


def _only_keepers(reader: Reader, action: str) -> None:
    if not keeps_rules(reader):
        raise PermissionDenied(
            "only those who may change the definitions of rules see all that rules do",
            principal=reader.rights.name,
            action=f"rule_definition.{action}",
            reason="no grant",
        )


def _page(reader: Reader, wanted: Mapping[str, Any], limit: int, cursor: Id | None) -> Runs:
    if not 0 < limit <= MOST:
        raise InputError({"limit": [f"must be from 1 to {MOST}"]})
    if cursor is not None and not is_id(cursor):
        raise InputError({"cursor": ["is none that a page ended with"]})
    rows = [*islice(_all_seen(reader, wanted, limit + 1, cursor), limit + 1)]
    keeper = keeps_rules(reader)
    page = tuple(_told(row, keeper=keeper) for row in rows[:limit])
    return Runs(page, page[-1].id if len(rows) > limit else None)


def _all_seen(reader: Reader, wanted: Mapping[str, Any], most: int, cursor: Id | None) -> Iterator[Mapping[str, Any]]:
    """Give the runs of which the reader may know, so many of the database's at a time."""
    while rows := _rows(reader.tx, wanted, most, cursor):
        readable, untold = _readable(reader, rows), _untold(reader, rows)
        yield from (row for row in rows if (row["entity"], row["record_id"]) in readable and row["cause"] not in untold)
        if len(rows) < most:
            return
        cursor, most = rows[-1]["id"], MOST


def _untold(reader: Reader, rows: Sequence[Mapping[str, Any]]) -> set[Id]:
    """Return the causes of which the reader may know nothing."""
    causes = () if reader.rights.owner else {row["cause"] for row in rows if row["cause"] is not None}
    return journal.untold(reader.tx, reader.rights, reader.configuration.schemas.dumper, causes)


def _readable(reader: Reader, rows: Sequence[Mapping[str, Any]]) -> set[tuple[str, Id]]:
    """Return the records of runs that the reader may read; an owner knows of those that are gone, too."""
    several: dict[str, list[Id]] = {}
    for row in rows:
        several.setdefault(row["entity"], []).append(row["record_id"])
    entities, found = reader.configuration.catalogue.entities, set[tuple[str, Id]]()
    for name, ids in several.items():
        known = ids if reader.rights.owner else ()
        if name in entities and not known:
            known = [*reader.states(entities[name], list(dict.fromkeys(ids)), deleted=None)]
        found |= {(name, id) for id in known}
    return found


def _told(row: Mapping[str, Any], *, keeper: bool) -> Told:
    names = ("id", "rule", "automation", "entity", "record_id", "cause", "at", "state", "due_at", "attempts")
    steps = ({name: value for name, value in it.items() if keeper or name != "error"} for it in row["steps"])
    failed = row["state"] == FAILED and any(it.get("state") == FAILED for it in row["steps"])
    rest = (next(iter(it)) for it in (row["rest"] or [])[failed:] if it)  # The step that failed is told already.
    given = {name: row[name] for name in names}
    told = tuple(MappingProxyType({"state": "done", "error": None, "detail": None, **it}) for it in steps)
    return Told(**given, steps=told, rest=tuple(rest), error=row["error"] if keeper else None)


_TYPES = MappingProxyType(
    {
        "id": IdColumn(),
        "record_id": IdColumn(),
        "rule": key_column(200),
        "entity": key_column(100),
        "state": key_column(16),
    }
)


def _rows(tx: Transaction, wanted: Mapping[str, Any], most: int, cursor: Id | None) -> list[Mapping[str, Any]]:
    names = tuple(wanted)

    def build() -> Select[Any]:
        same = [_RUN.c[name] == bindparam(f"is_{name}", type_=_TYPES[name]) for name in names]
        older = _RUN.c.id < bindparam("before", type_=IdColumn())
        return select(_RUN).where(*same, older).order_by(_RUN.c.id.desc()).limit(bindparam("most", type_=Integer()))

    given = {f"is_{name}": value for name, value in wanted.items()}
    return [*tx.query(("runs", names), build, {**given, "before": cursor or _LAST, "most": most})]
