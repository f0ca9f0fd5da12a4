"""The queue as people see it: what waits, what is dead and why; an owner has it tried again, or drops it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import attrs
from sqlalchemy import ColumnElement, Integer, Select, bindparam, delete, select, update

from opencrm.core.columns import key_column
from opencrm.core.values import Id, is_id
from opencrm.errors import InputError, NotFound
from opencrm.services import journal
from opencrm.services.process.overseeing import stuck as overseeing
from opencrm.services.process.overseeing.stuck import Stuck
from opencrm.services.queue import circuits, leases
from opencrm.services.queue.circuits import Circuit
from opencrm.services.queue.counting import ABOUT, Count, counts
from opencrm.services.queue.deliveries import TABLE, id_parameter, of_plugin, plugin_values
from opencrm.services.queue.once import LONGEST, storable
from opencrm.services.reading.owning import owners_only
from opencrm.storage import tables

if TYPE_CHECKING:
    from opencrm.services.reading.reader import Reader
    from opencrm.services.writing.work import Work

__all__ = ["Count", "Stuck", "Waiting", "broken", "counts", "drop", "of_record", "retry", "stuck", "waiting"]

STATES = ("waiting", "running", "held", "dead", "dropped")
_J = tables.journal
_NONE = "there is nothing of this id that failed"


@attrs.frozen(kw_only=True)
class Waiting:
    """Something that a plugin is still to be told, or that an owner dropped.

    Attributes:
        id: Its own.
        plugin: Who is to be told.
        entity: What kind of record changed.
        record_id: Which one.
        entry_id: The journal's line of the change.
        state: `waiting`, `running`, `held` back by one that failed, `dead`, or `dropped`.
        attempts: How many times it was tried.
        at: When the change was made.
        run_at: When it is tried next.
        error: Why it failed last, for owners.
    """

    id: Id
    plugin: str
    entity: str
    record_id: Id
    entry_id: Id
    state: str
    attempts: int
    at: datetime | None
    run_at: datetime
    error: str | None


def broken(reader: Reader) -> list[Circuit]:
    """Return the plugins that are left alone for a while, since they failed again and again.

    Raises:
        PermissionDenied: The principal is not an owner.
    """
    owners_only(reader, "queue.read", ABOUT)
    return [it for it in circuits.known(reader.tx) if it.open]


def waiting(reader: Reader, *, state: str | None = None, plugin: str | None = None, limit: int = 50) -> list[Waiting]:
    """Return what is in the queue, the oldest first.

    Raises:
        PermissionDenied: The principal is not an owner.
        InputError: There is no such state.
    """
    owners_only(reader, "queue.read", ABOUT)
    if state is not None and state not in STATES:
        raise InputError({"state": [f"must be one of {', '.join(STATES)}"]})
    tests: list[ColumnElement[bool]] = []
    if state is not None:
        tests.append(TABLE.c.state == bindparam("state", type_=key_column(16)))
    if plugin is not None:
        tests.append(of_plugin(TABLE.c.plugin))
    given = {"state": state, "most": limit, **_named(plugin)}
    shape = ("queue", state is None, plugin is None)
    return [Waiting(**row) for row in reader.tx.query(shape, lambda: _listed(tests), given)]


def stuck(reader: Reader, *, state: str | None = None, limit: int = 50) -> list[Stuck]:
    """Return the runs of rules, the timers and the letters that failed too often, the oldest first.

    Args:
        reader: An owner's.
        state: Only `failed` ones, which are runs, or `dead` ones, which are timers and letters.
        limit: How many at most.

    Raises:
        PermissionDenied: The principal is not an owner.
    """
    owners_only(reader, "queue.read", ABOUT)
    return overseeing.stuck(reader, state=state, limit=limit)


def of_record(reader: Reader, entity: Any, id: Id) -> list[Waiting]:
    """Return what plugins are still to be told of a record, oldest first; why it failed, only to owners.

    That something changed which may not be read is not told either.

    Raises:
        NotFound: There is no such record, or the principal may not know of it.
    """
    spec = reader.entity(entity)
    if not is_id(id) or not reader.states(spec, [id], deleted=None):
        raise NotFound(f"there is no such {spec.name}", entity=spec.name, id=id)
    mine = [TABLE.c.entity == bindparam("entity", type_=key_column(100)), TABLE.c.record_id == id_parameter("record")]
    given = {"entity": spec.name, "record": id, "most": 200}
    found = [Waiting(**row) for row in reader.tx.query("queue of record", lambda: _listed(mine), given)]
    if reader.rights.owner:
        return found
    dumper, lines = reader.configuration.schemas.dumper, {it.entry_id for it in found}
    untold = journal.untold(reader.tx, reader.rights, dumper, lines)
    return [attrs.evolve(it, error=None) for it in found if it.entry_id not in untold]


def retry(work: Work, *, id: Id | None = None, plugin: str | None = None) -> int:
    """Have what is dead, or waits to be tried again, tried now; return how much.

    Args:
        work: The work block, of an owner.
        id: Only this one: a delivery, a run of a rule, a timer, or a letter.
        plugin: Only this plugin's deliveries, with those of its channels, or only a channel's (`webhooks:0190...`);
            the circuits are closed. With neither, everything: what rules and timers failed at, and letters, too.

    Raises:
        PermissionDenied: The principal is not an owner.
        NotFound: There is nothing of this id that failed.
    """
    owners_only(work, "queue.retry", ABOUT)
    leases.wait_to_fan_out(work.tx)
    tests = _chosen(id, plugin)
    failed = (TABLE.c.state == "dead") | ((TABLE.c.state == "waiting") & (TABLE.c.attempts > 0))
    given = {"one": id, "new_run_at": work.now, **_named(plugin)}
    number = work.tx.run(("retry", id is None, plugin is None), lambda: _anew(failed, tests, attempts=0), [given])
    if plugin is None and not (id and number):
        number += overseeing.retry(work, id)
    if id is not None and not number:
        raise NotFound(_NONE, id=id)
    _release(work, id, plugin)
    if id is None:
        _close(work, plugin)
    work.tx.wakes = True
    return number


def drop(work: Work, id: Id, reason: str) -> None:
    """Give something up for good; it stays on the record, with the reason.

    Of what plugins are told, what comes behind it goes on. A run of a rule, a timer, or a letter is dropped only where
    it failed too often; a rule that comes again and again comes again, and the next step of a promise, too.

    Raises:
        PermissionDenied: The principal is not an owner.
        InputError: No reason is given.
        NotFound: There is no such thing, or it is being done right now.
    """
    owners_only(work, "queue.drop", ABOUT)
    if not reason.strip():
        raise InputError({"reason": ["is required"]})
    leases.wait_to_fan_out(work.tx)
    text = storable(f"dropped by {work.rights.name} at {work.now:%Y-%m-%d %H:%M}: {reason.strip()}")[:LONGEST]
    if not _drop_delivery(work, id, text) and not overseeing.drop(work, id, text):
        raise NotFound("there is nothing of this id to drop, or it is being done right now", id=id)
    work.tx.wakes = True


def _drop_delivery(work: Work, id: Id, text: str) -> bool:
    def build() -> Any:
        idle = [TABLE.c.state != state for state in ("running", "dropped")]
        given = {"state": "dropped", "error": bindparam("text", type_=TABLE.c.error.type)}
        return update(TABLE).where(TABLE.c.id == id_parameter("one"), *idle).values(given)

    if not is_id(id) or not work.tx.run("drop delivery", build, [{"one": id, "text": text}]):
        return False
    _release(work, id, None)
    return True


def _chosen(id: Id | None, plugin: str | None) -> Sequence[ColumnElement[bool]]:
    if id is not None:
        if not is_id(id):
            raise NotFound(_NONE, id=id)
        return (TABLE.c.id == id_parameter("one"),)
    return () if plugin is None else (of_plugin(TABLE.c.plugin),)


def _named(plugin: str | None) -> dict[str, str]:
    return {} if plugin is None else plugin_values(plugin)


def _anew(state: ColumnElement[bool], tests: Sequence[ColumnElement[bool]], **values: Any) -> Any:
    run_at = bindparam("new_run_at", type_=TABLE.c.run_at.type)
    return update(TABLE).where(state, *tests).values(state="waiting", run_at=run_at, **values)


def _release(work: Work, id: Id | None, plugin: str | None) -> None:
    """Let what was held back wait again; what is still behind a dead one is not taken before that."""
    tests: Sequence[ColumnElement[bool]] = _chosen(None, plugin)
    if id is not None:
        first = TABLE.alias()
        same = [first.c[name] == TABLE.c[name] for name in ("plugin", "entity", "record_id")]
        tests = (select(first.c.id).where(first.c.id == id_parameter("one"), *same).exists(),)
    given = {"one": id, "new_run_at": work.now, **_named(plugin)}
    shape = ("release all", id is None, plugin is None)
    work.tx.run(shape, lambda: _anew(TABLE.c.state == "held", tests), [given])


def _close(work: Work, plugin: str | None) -> None:
    table = tables.circuit
    mine = () if plugin is None else (of_plugin(table.c.plugin),)
    work.tx.run(("close circuits", plugin is None), lambda: delete(table).where(*mine), [_named(plugin)])


def _listed(tests: Sequence[ColumnElement[bool]]) -> Select[Any]:
    names = [name for name in attrs.fields_dict(Waiting) if name != "at"]
    columns = (*[TABLE.c[name] for name in names], _J.c.at)
    found = select(*columns).select_from(TABLE.outerjoin(_J, _J.c.id == TABLE.c.entry_id)).where(*tests)
    return found.order_by(TABLE.c.entry_id, TABLE.c.plugin).limit(bindparam("most", type_=Integer()))
