"""The journal: history for people, outbox for the worker, in one row a change."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from operator import attrgetter
from typing import Any

import attrs
from sqlalchemy import Integer, Select, bindparam, func, select

from opencrm.core.access.rights import Rights
from opencrm.core.change import Change, JournalEntry, Kind, Values
from opencrm.core.columns import IdColumn, key_column
from opencrm.core.conditions import Changed
from opencrm.core.entity import Spec
from opencrm.core.values import Id
from opencrm.schemas import Dumper
from opencrm.storage import tables
from opencrm.storage.statements import padded
from opencrm.storage.transactions import Transaction

_TABLE = tables.journal
SYSTEM = "system"
"""As whom opencrm itself acts, where it does what an act entails."""

_SILENT = frozenset({"updated_at", "version", "created_at", "created_by"})
_EMPTY = frozenset({Kind.CHANGED, Kind.MOVED, Kind.ASSIGNED})
_COLUMNS = [column for column in _TABLE.c if column.name != "pending"]
_NAMES = [column.name for column in _COLUMNS]
_VALUES = attrgetter("entry_id", *(name for name in _NAMES if name != "id"))


def entry(change: Change, values: Mapping[str, Any]) -> JournalEntry:
    """Return the journal's line for a change; `values` tell id, act, instant and who."""
    old, new = change.before, change.after
    names = [name for name in change.fields if name not in _SILENT]
    before = None if old is None else {name: old[name] for name in names}
    after = {name: new[name] for name in names}
    return JournalEntry(
        entity=change.entity, record_id=change.id, kind=change.kind, before=before, after=after, **values
    )


def row(line: JournalEntry, dumper: Dumper, *, pending: bool) -> dict[str, Any]:
    """Return a line as its table holds it."""
    found = dict(zip(_NAMES, _VALUES(line), strict=True))
    found["before"] = None if line.before is None else dumper.dump(line.before, line.before)
    found["after"] = dumper.dump(line.after, line.after)
    found["pending"] = pending
    return found


def of_record(tx: Transaction, spec: Spec, dumper: Dumper, rights: Rights, id: Id) -> tuple[JournalEntry, ...]:
    """Return a record's lines, oldest first, with the fields that may be read; without lines that hold none."""
    rows = tx.query("journal of record", _of_record, {"entity": spec.name, "record_id": id})
    readable = rights.readable(spec)
    lines = (readable_entry(_line(each, dumper), readable) for each in rows)
    return tuple(line for line in lines if tells(line))


def tells(line: JournalEntry) -> bool:
    """Say whether a line, without the fields that may not be read, still tells of anything."""
    return bool(line.after) or line.kind not in _EMPTY


def untold(tx: Transaction, rights: Rights, dumper: Callable[[Spec], Dumper], ids: Collection[Id]) -> set[Id]:
    """Return those of some lines that tell their principal of nothing: all that they changed may not be read.

    Args:
        tx: The transaction.
        rights: Whose rights.
        dumper: Gives an entity's dumper.
        ids: The lines; of those that are not there, nothing is said.
    """
    found = set()
    for row in of_ids(tx, ids) if ids else ():
        spec = rights.entities.get(row["entity"])
        if spec is not None and not tells(readable_entry(_line(row, dumper(spec)), rights.readable(spec))):
            found.add(row["id"])
    return found


def of_act(tx: Transaction, act: Id) -> list[Values]:
    """Return the raw rows of everything that was done in one act, oldest first."""
    return tx.query(
        "journal of act",
        lambda: _select().where(_TABLE.c.act == _id("act")).order_by(_TABLE.c.id),
        {"act": act},
    )


def principal_of_act(tx: Transaction, act: Id) -> str | None:
    """Return who began an act; None where there is none."""

    def build() -> Select[Any]:
        return select(_TABLE.c.principal).where(_TABLE.c.act == _id("act")).limit(1)

    rows = tx.query("principal of act", build, {"act": act})
    return rows[0]["principal"] if rows else None


def entails(tx: Transaction, act: Id) -> bool:
    """Say whether opencrm itself did a part of an act, beyond its principal's reach."""

    def build() -> Select[Any]:
        mine = (_TABLE.c.act == _id("act"), _TABLE.c.acting_as == bindparam("acting_as", type_=key_column(100)))
        return select(_TABLE.c.id).where(*mine).limit(1)

    return bool(tx.query("act entails", build, {"act": act, "acting_as": SYSTEM}))


def first_cause(tx: Transaction, act: Id) -> Id | None:
    """Return the oldest line that lines of an act react to."""

    def build() -> Select[Any]:
        mine = (_TABLE.c.act == _id("act"), _TABLE.c.cause.is_not(None))
        return select(_TABLE.c.cause).where(*mine).order_by(_TABLE.c.cause).limit(1)

    rows = tx.query("first cause", build, {"act": act})
    return rows[0]["cause"] if rows else None


def of_id(tx: Transaction, id: Id) -> list[Values]:
    """Return the raw row of one line, or none."""
    return tx.query("journal line", lambda: _select().where(_TABLE.c.id == _id("id")), {"id": id})


def of_ids(tx: Transaction, ids: Collection[Id]) -> list[Values]:
    """Return the raw rows of some lines; those of them that there are."""
    wanted = padded(sorted(ids))

    def build() -> Select[Any]:
        return _select().where(_TABLE.c.id.in_([_id(f"i{at}") for at in range(len(wanted))]))

    return tx.query(("journal lines", len(wanted)), build, {f"i{at}": id for at, id in enumerate(wanted)})


def newest_of_act(tx: Transaction, act: Id, *, before: Id, most: int) -> list[Values]:
    """Return the raw rows of an act before one of them, newest first, and no more than so many."""

    def build() -> Select[Any]:
        mine = (_TABLE.c.act == _id("act"), _TABLE.c.id < _id("before"))
        return _select().where(*mine).order_by(_TABLE.c.id.desc()).limit(bindparam("most", type_=Integer()))

    return tx.query("journal newest of act", build, {"act": act, "before": before, "most": most})


def number_of_act(tx: Transaction, act: Id) -> int:
    """Return how many lines an act has."""

    def build() -> Select[Any]:
        return select(func.count().label("number")).select_from(_TABLE).where(_TABLE.c.act == _id("act"))

    return int(tx.query("number of act", build, {"act": act})[0]["number"])


def later(tx: Transaction, entity: str, ids: Collection[Id], since: Id) -> list[Values]:
    """Return the raw rows of what happened to some hundred records of an entity after a line, oldest first."""
    wanted = padded(sorted(ids))

    def build() -> Select[Any]:
        mine = _TABLE.c.record_id.in_([_id(f"i{at}") for at in range(len(wanted))])
        same = _TABLE.c.entity == bindparam("entity", type_=key_column(100))
        return _select().where(same, mine, _TABLE.c.id > _id("since")).order_by(_TABLE.c.id)

    given = {f"i{at}": id for at, id in enumerate(wanted)}
    return tx.query(("journal later", len(wanted)), build, {"entity": entity, "since": since, **given})


def tells_of(tx: Transaction, spec: Spec, change: Changed, id: Id) -> bool:
    """Say whether a record's field was set to something else, after its creation, since an instant."""

    def build() -> Select[Any]:
        same = (
            _TABLE.c.entity == bindparam("entity", type_=key_column(100)),
            _TABLE.c.record_id == _id("record_id"),
            _TABLE.c.at >= bindparam("since", type_=_TABLE.c.at.type),
        )
        return select(_TABLE.c.kind, _TABLE.c.after).where(*same)

    given = {"entity": spec.name, "record_id": id, "since": change.since}
    field = spec.fields[change.field]
    names = {field.name, *field.former}
    rows = tx.query("journal since", build, given)
    return any(row["kind"] != Kind.CREATED and not names.isdisjoint(row["after"]) for row in rows)


def read(raw: Values, dumper: Dumper) -> JournalEntry:
    """Return a raw row as a line with typed values."""
    return _line(raw, dumper)


def readable_entry(line: JournalEntry, readable: frozenset[str]) -> JournalEntry:
    """Return a line without the fields that may not be read."""
    if readable.issuperset(line.after) and readable.issuperset(line.before or ()):
        return line
    return attrs.evolve(line, before=_only(line.before, readable), after=_only(line.after, readable) or {})


def readable_entries(lines: Iterable[JournalEntry], rights: Rights) -> tuple[JournalEntry, ...]:
    """Return lines as their principal may see them."""
    return tuple(readable_entry(line, rights.readable(rights.entities[line.entity])) for line in lines)


def _only(values: Values | None, names: frozenset[str]) -> Values | None:
    return None if values is None else {name: value for name, value in values.items() if name in names}


def _line(raw: Values, dumper: Dumper) -> JournalEntry:
    told = {name: value for name, value in raw.items() if name != "id"}
    before, after = dumper.revive(raw["before"]), dumper.revive(raw["after"]) or {}
    return JournalEntry(**{**told, "entry_id": raw["id"], "kind": Kind(raw["kind"]), "before": before, "after": after})


def _select() -> Select[Any]:
    return select(*_COLUMNS)


def _of_record() -> Select[Any]:
    same = (
        _TABLE.c.entity == bindparam("entity", type_=key_column(100)),
        _TABLE.c.record_id == _id("record_id"),
    )
    return _select().where(*same).order_by(_TABLE.c.id)


def _id(name: str) -> Any:
    return bindparam(name, type_=IdColumn())
