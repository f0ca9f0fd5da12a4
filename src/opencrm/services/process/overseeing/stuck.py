"""What failed too often and waits for a person: runs of rules, timers, letters; begun again, or given up."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

import attrs
from sqlalchemy import Integer, Select, bindparam, select, update

from opencrm.core.change import Values
from opencrm.core.columns import IdColumn, key_column
from opencrm.core.values import Id, is_id
from opencrm.services.notifying import undelivered
from opencrm.services.process import runs
from opencrm.services.process.overseeing.history import FAILED
from opencrm.services.process.running import written
from opencrm.services.process.runs import Step
from opencrm.services.process.timing import clock_table, firing
from opencrm.services.process.timing import table as timers
from opencrm.storage import tables
from opencrm.storage.transactions import Transaction

if TYPE_CHECKING:
    from opencrm.services.reading.reader import Reader
    from opencrm.services.writing.work import Work

DEAD, GIVEN_UP = "dead", "given_up"
_RUN = tables.run
_WORD = key_column(16)


@attrs.frozen(kw_only=True)
class Stuck:
    """A run of a rule or a stage, a timer, or a letter, that failed at its last attempt.

    Attributes:
        id: Its own.
        kind: `"run"`, `"timer"` or `"mail"`.
        name: The rule, the stage or the promise whose it is; of a letter, the person whom it is for.
        state: `failed` of a run, `dead` of a timer and of a letter.
        entity: What kind of record it is about.
        record_id: Which one; None where it is about many.
        attempts: How many times it was tried.
        at: When the run began, the timer was to be tried next, or the person was told in their inbox.
        error: Why it failed last.
    """

    id: Id
    kind: str
    name: str
    state: str
    entity: str
    record_id: Id | None
    attempts: int
    at: datetime
    error: str | None


def stuck(reader: Reader, *, state: str | None = None, limit: int = 50) -> list[Stuck]:
    """Return what waits for a person, the oldest first; for those who may see the queue.

    Args:
        reader: Whoever asks, of whom it is known that they may.
        state: Only `failed` ones, which are runs, or `dead` ones, which are timers and letters.
        limit: How many at most.
    """
    found = [_run(row) for row in _failed(reader.tx, limit)] if state in (None, FAILED) else []
    if state in (None, DEAD):
        found += [_timer(reader.tx, row) for row in timers.dead(reader.tx, limit)]
        found += [_letter(row) for row in undelivered.dead(reader.tx, limit)]
    return sorted(found, key=lambda it: (it.at, it.id))[:limit]


def retry(work: Work, id: Id | None = None) -> int:
    """Begin one again, or all, where it failed; return how many.

    Args:
        work: The work block of somebody who may.
        id: Only this one.
    """
    if id is not None and not is_id(id):
        return 0
    return sum(each.revive(work.tx, id, work.now) for each in (timers, undelivered, runs))


def drop(work: Work, id: Id, why: str) -> bool:
    """Give one up for good; the record's history of runs tells why. Say whether there is one of this id.

    Args:
        work: The work block of somebody who may.
        id: Which.
        why: Who gave it up, when, and for what reason.
    """
    if not is_id(id):
        return False
    return bool(_give_up(work.tx, id, why) or undelivered.drop(work.tx, id, why)) or _without(work, id, why)


def _give_up(tx: Transaction, id: Id, why: str) -> int:
    def build() -> Any:
        failed = (_RUN.c.id == bindparam("one", type_=IdColumn()), _RUN.c.state == bindparam("was", type_=_WORD))
        given = {"state": bindparam("new", type_=_WORD), "error": bindparam("why", type_=_RUN.c.error.type)}
        return update(_RUN).where(*failed, _RUN.c.rest.is_not(None)).values(given)

    return tx.run("give up failed run", build, [{"one": id, "was": FAILED, "new": GIVEN_UP, "why": why}])


def _without(work: Work, id: Id, why: str) -> bool:
    """Give up what a timer was to do; what comes again and again goes on with its next time."""
    timer = timers.dead_one(work.tx, id)
    if timer is None:
        return False
    source = firing.source_of(work, timer)
    firing.skip(work, timer)
    if timer.record_id is not None and timer.entity in work.configuration.catalogue.entities:
        written(work, source, work.entity(timer.entity), timer.record_id, [Step("timer", work.now, GIVEN_UP, why)])
    return True


def _failed(tx: Transaction, most: int) -> list[Values]:
    """Return runs that failed and have something left to do: what is only written down is not begun again."""

    def build() -> Select[Any]:
        failed = _RUN.c.state == bindparam("state", type_=key_column(16))
        found = select(_RUN).where(failed, _RUN.c.rest.is_not(None)).order_by(_RUN.c.id)
        return found.limit(bindparam("most", type_=Integer()))

    return tx.query("failed runs", build, {"state": FAILED, "most": most})


def _run(row: Values) -> Stuck:
    names = ("id", "state", "entity", "record_id", "attempts", "at", "error")
    return Stuck(kind="run", name=row["rule"], **{name: row[name] for name in names})


def _timer(tx: Transaction, row: Values) -> Stuck:
    names = ("id", "state", "entity", "record_id", "attempts", "error")
    name = next(_names(tx, row), row["key"])
    return Stuck(kind="timer", name=name, at=row["due_at"], **{name: row[name] for name in names})


def _letter(row: Values) -> Stuck:
    told = {name: row[name] for name in ("id", "entity", "record_id", "name", "at")}
    return Stuck(kind="mail", state=row["mail"], attempts=row["mail_attempts"], error=row["mail_error"], **told)


def _names(tx: Transaction, row: Values) -> Iterator[str]:
    match row["payload"]:
        case {"rule": str(rule)}:
            yield rule
        case {"pipeline": pipeline, "stage": stage}:
            yield f"{pipeline}.{stage}"
        case {"clock": clock}:
            found = clock_table.of_id(tx, clock)
            if found is not None:
                yield found.sla
