"""The read path: rows within the principal's reach, of fields that it may read, and nothing filtered after."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from functools import cached_property
from typing import Any, TypeAlias, TypeVar

import attrs
from sqlalchemy import Select

from opencrm.core.access.rights import Rights
from opencrm.core.change import JournalEntry, Values
from opencrm.core.conditions import (
    TRUE,
    Asker,
    Changed,
    Condition,
    Entities,
    Equal,
    In,
    Link,
    Referring,
    all_of,
    bind,
    shape,
    values,
)
from opencrm.core.entity import Entity, Spec
from opencrm.core.values import Id, Money, is_id
from opencrm.errors import InputError, NotFound
from opencrm.services import journal
from opencrm.services.reading import cursors, linking, saved
from opencrm.services.reading.arms import narrowed
from opencrm.services.reading.asking import (
    check_limit,
    dumped_key,
    key_of,
    names_of,
    position_of,
    read_key,
    sort_of,
    unsorted,
    with_key,
)
from opencrm.services.reading.building import of_ids, statement
from opencrm.services.reading.counting import MOST_COUNTED, Count, counting, money_field, summing
from opencrm.services.reading.plans import Plan, Sort
from opencrm.services.reading.rows import Page, Query, Record, etag, record_class
from opencrm.services.workspaces.configuration import Configuration
from opencrm.services.workspaces.workspace import Workspace
from opencrm.storage.statements import padded
from opencrm.storage.transactions import Transaction

E = TypeVar("E", bound=Entity)
_CHUNK = 500
Of: TypeAlias = type[Entity] | Spec | str
Ids: TypeAlias = list[Id]
Rows: TypeAlias = Sequence[Sequence[Any]]
States: TypeAlias = list[Values]


class Reader:
    """Reads as one principal, in one transaction.

    Attributes:
        rights: What the principal may do.
        now: The instant at which the transaction began.
    """

    _lock_rows = False

    def __init__(
        self,
        tx: Transaction,
        workspace: Workspace,
        rights: Rights,
        configuration: Configuration,
        now: datetime,
    ) -> None:
        self.tx = tx
        self.workspace = workspace
        self.rights = rights
        self.configuration = configuration
        self.now = now

    def entity(self, entity: Of) -> Spec:
        """Return an entity's declaration; `NotFound` where this workspace does not have it."""
        return self.configuration.catalogue.entity(entity)

    def seen(self, entity: Of) -> Spec:
        """Return an entity's declaration as the principal sees it: of what is hidden, `updated_at` tells nothing."""
        return self.rights.seen(self.entity(entity))

    def get(self, entity: type[E] | Spec | str, id: Id) -> Record:
        """Return one record.

        Raises:
            NotFound: There is no such living record, or none that the principal may know of.
        """
        return self._record(self.entity(entity), id, deleted=False)

    def get_deleted(self, entity: type[E] | Spec | str, id: Id) -> Record:
        """Return one deleted record; raises NotFound like `get`."""
        return self._record(self.entity(entity), id, deleted=True)

    def list(self, query: Query[E]) -> Page[E]:
        """Return one page of the records that the principal may read.

        Raises:
            InputError: A field is unknown, or the cursor, the sort or the limit cannot be used.
            SortNotIndexed: The sort's field has no index, and more than 10,000 records would have to be sorted.
        """
        spec = self.seen(query.entity)
        check_limit(query.limit)
        sort, names = self.sort(spec, query.sort), self.names(spec, query.fields)
        where = self.bound(spec, query.where)
        binding = f"{self.rights.name}|{spec.name}|{query.sort}|{query.deleted}|{_told(query.where)}"
        columns = saved.columns(spec, with_key(names, sort))
        after = self._after(sort, binding, query.cursor)
        plan = self.plan(spec, columns, where, sort, after=after, limit=query.limit + 1, deleted=query.deleted)
        total = self._judge_sort(plan)
        rows = self._rows(plan)
        page = self.records(spec, names, saved.shown(self.rights, spec, columns, rows[: query.limit]))
        if query.total:
            total = total or self._total(plan, rows)
        told = total if query.total else None
        if len(rows) <= query.limit:
            return Page(page, None, told)
        key, last = position_of(rows[query.limit - 1], columns, sort)
        cursor = cursors.write(self.configuration.secret, binding, [dumped_key(sort, key), last])
        return Page(page, cursor, told)

    def stream(self, query: Query[E], *, action: str = "read") -> Iterator[Record]:
        """Give all records of a query, page after page; with `action="export"`, those that may be exported.

        Raises:
            InputError: A field is unknown, or the sort cannot be used.
            SortNotIndexed: The sort's field has no index, and more than 10,000 records would have to be sorted.
        """
        spec = self.seen(query.entity)
        sort, names, where = self.sort(spec, query.sort), self.names(spec, query.fields), self.bound(spec, query.where)
        columns = saved.columns(spec, with_key(names, sort))
        plan = self.plan(spec, columns, where, sort, limit=_CHUNK, action=action, deleted=query.deleted)
        self._judge_sort(plan)
        while True:
            rows = self._rows(plan)
            yield from self.records(spec, names, saved.shown(self.rights, spec, columns, rows))
            if len(rows) < _CHUNK:
                return
            plan = attrs.evolve(plan, after=position_of(rows[-1], columns, sort))

    def check(self, query: Query[E]) -> None:
        """Judge a query without running it.

        Raises:
            NotFound: There is no such entity.
            InputError: A field is unknown, or the sort or the limit cannot be used.
        """
        spec = self.seen(query.entity)
        check_limit(query.limit)
        self.sort(spec, query.sort)
        self.names(spec, query.fields)
        self.bound(spec, query.where)

    def count(self, entity: Of, where: Condition | None = None, *, deleted: bool = False) -> Count:
        """Return how many records there are, living or deleted ones; above 10,000 only that there are more."""
        spec = self.seen(entity)
        return self._count(self.plan(spec, ("id",), self.bound(spec, where), deleted=deleted))

    def count_bound(self, spec: Spec, where: Condition) -> Count:
        """Return how many of the records that may be read meet a bound condition; above 10,000 only that more do."""
        return self._count(self.plan(self.rights.seen(spec), ("id",), where))

    def there_is(self, spec: Spec, where: Condition) -> bool:
        """Say whether any of the records that may be read meets a bound condition."""
        return bool(self._select(self.plan(self.rights.seen(spec), ("id",), where, limit=1)))

    def sums(self, entity: type[E] | Spec | str, field: str, where: Condition | None = None) -> tuple[Money, ...]:
        """Return the sum of an amount of money over all records, one for each currency.

        Raises:
            InputError: There is no such amount that may be read.
        """
        spec = self.seen(entity)
        amount, currency = money_field(spec, self.rights.readable(spec), field)
        plan, entities = self.plan(spec, (amount, currency), self.bound(spec, where)), self._entities
        rows = self.tx.select(("sums", plan.shape), lambda: summing(plan, entities, amount, currency), plan.values)
        return tuple(Money(total, code) for code, total in rows)

    def history(self, entity: type[E] | Spec | str, id: Id, *, field: str | None = None) -> tuple[JournalEntry, ...]:
        """Return what happened to a record, or to one field of it, oldest first, as far as it may be read.

        Raises:
            InputError: There is no such field, or none that may be read.
            NotFound: There is no such record, or none that the principal may know of.
        """
        spec = self.entity(entity)
        states = self.states(spec, [id], deleted=None)
        if not states:
            raise _not_found(spec)
        lines = journal.of_record(self.tx, spec, self.configuration.schemas.dumper(spec), self.rights, id)
        lines = saved.lines(self.rights, lines, states.values())
        if field is None:
            return lines
        self.names(spec, [field])
        return tuple(line for line in lines if field in line.after)

    def etag(self, entity: type[E] | Spec | str, record: Record | Values) -> str:
        """Return the tag of what the principal sees of a record."""
        spec = self.entity(entity)
        state = saved.values(self.rights, spec, record.values() if isinstance(record, Record) else record)
        names = sorted(self.rights.readable(spec))
        return etag(spec, self.configuration.schemas.dumper(spec), state, [name for name in names if name in state])

    def lookup(self, entity: Of, name: str, several: Iterable[Any]) -> dict[Any, Ids]:
        """Return the ids of the readable records that hold one of these values in a field, by value as it was given.

        A value that the field could not hold is held by no record.

        Raises:
            InputError: The field cannot be looked up.
        """
        spec = self.seen(entity)
        field = spec.fields[name] if name in self.rights.readable(spec) else None
        if field is None:
            raise InputError({name: [f"{spec.name} has no such field"]})
        keys = {value: key_of(field, value) for value in several if value is not None}
        wanted = [value for value, key in keys.items() if key is not None]
        found: dict[Any, Ids] = {}
        for start in range(0, len(wanted), _CHUNK):
            part = wanted[start : start + _CHUNK]
            where = self.bound(spec, In(name, tuple(padded(part))))
            rows = self._rows(self.plan(spec, ("id", field.key), where))
            for one, key in rows:
                found.setdefault(key, []).append(one)
        return {value: found.get(key, []) for value, key in keys.items()}

    def states(self, spec: Spec, ids: Sequence[Id], *, deleted: bool | None = False) -> dict[Id, Values]:
        """Return whole states of readable records, hidden fields included: for rules, never for a reader's eyes."""
        scope = self.rights.expression(spec, "read").condition
        found: dict[Id, Values] = {}
        known = sorted(filter(is_id, ids))
        for start in range(0, len(known), _CHUNK):
            part = known[start : start + _CHUNK]
            rows = self._state_rows(spec, scope, part, deleted=deleted)
            found |= {row["id"]: row for row in rows}
        return found

    def whole(self, spec: Spec, ids: Sequence[Id]) -> dict[Id, Values]:
        """Return whole states of living records, of whoever: for rules, never for a reader's eyes."""
        parts = (ids[start : start + _CHUNK] for start in range(0, len(ids), _CHUNK))
        return {row["id"]: row for part in parts for row in self._state_rows(spec, TRUE, part, deleted=False)}

    def linked(self, link: Link | Referring, id: Id) -> bool:
        """Say whether the record that a link points to meets the link's condition, or one that refers to a record."""
        return linking.meets(self, link, id)

    def told(self, spec: Spec, change: Changed, id: Id) -> bool:
        """Say whether the journal tells of a change of a record's field."""
        return journal.tells_of(self.tx, spec, change, id)

    def _state_rows(self, spec: Spec, scope: Condition, ids: Sequence[Id], *, deleted: bool | None) -> States:
        lock, ids = self._lock_rows and not self.tx.sqlite, padded(ids)
        given = {f"i{at}": id for at, id in enumerate(ids)} | {f"s{at}": it for at, it in enumerate(values(scope))}
        return self.tx.query(
            ("states", spec.name, len(ids), shape(scope), deleted, lock),
            lambda: of_ids(spec, scope, len(ids), self._entities, deleted=deleted, lock=lock),
            given,
        )

    def _record(self, spec: Spec, id: Id, *, deleted: bool) -> Record:
        names, seen, one = self.names(spec, None), self.rights.seen(spec), _checked(spec, id)
        columns = saved.columns(spec, names)
        found: Rows = ()
        if seen is spec or self._lock_rows:
            found = [[state[name] for name in columns] for state in self.states(spec, [one], deleted=deleted).values()]
        if seen is not spec:
            found = self._select(self.plan(seen, columns, self.bound(seen, Equal("id", one)), deleted=deleted))
        if not found:
            raise _not_found(spec)
        return self.records(spec, names, saved.shown(self.rights, spec, columns, found[:1]))[0]

    # What an asker may name, and the plan of what is read.

    def bound(self, spec: Spec, where: Condition | None) -> Condition:
        """Return a condition as it was written with typed values, of fields that may be read.

        Raises:
            InputError: A field is unknown or cannot be compared so; names the field.
        """
        if where is None:
            return TRUE
        return bind(where, spec, self.rights.readable(spec), self.configuration.locale, self._asker)

    def sort(self, spec: Spec, text: str) -> Sort:
        """Return the order that a text asks for; raises InputError."""
        return sort_of(spec, self.rights.readable(spec), text)

    def names(self, spec: Spec, wanted: Sequence[str] | None) -> tuple[str, ...]:
        """Return the fields that are wanted, all that may be read for None; raises InputError."""
        return names_of(spec, self.rights.readable(spec), wanted)

    def scope(self, spec: Spec, action: str = "read") -> Condition:
        """Return which records of an entity the principal may read; with another action, those it may do that to."""
        read = self.rights.expression(spec, "read").condition
        return read if action == "read" else all_of((read, self.rights.expression(spec, action).condition))

    def plan(  # noqa: PLR0913  # all that a plan is made of, most of it by name
        self,
        spec: Spec,
        columns: tuple[str, ...],
        where: Condition,
        sort: Sort | None = None,
        *,
        after: tuple[Any, Any] | None = None,
        limit: int | None = None,
        action: str = "read",
        deleted: bool = False,
    ) -> Plan:
        """Return the plan of what is read: the columns, a bound condition, and the order."""
        scope = self.scope(spec, action)
        if "record_id" in spec.options.part_of:
            scope = narrowed(scope, where)
        return Plan(spec, columns, scope, where, sort, after, deleted, limit)

    def records(self, spec: Spec, names: tuple[str, ...], rows: Iterable[Sequence[Any]]) -> tuple[Record, ...]:
        """Return rows as records; what a row holds beyond the names is left out."""
        cls, width = record_class(spec.name, names), len(names)
        return tuple([cls(row[:width]) for row in rows])

    def _rows(self, plan: Plan) -> Rows:
        """Read a plan's rows: by a short walk where the scope may be dense, and else in the way that is sure."""
        trial, known = plan.trial, self.configuration.densities
        key = (self.rights.name, plan.shape, plan.where) if trial is not None else ()
        if trial is None or not known.may_be_dense(key, self.now):
            return self._select(plan)
        walked = self._select(trial)
        if len(walked) == plan.limit:
            return walked
        rows = self._select(plan)
        if len(rows) > len(walked):
            known.is_sparse(key, self.now)
        return rows

    def statement(self, plan: Plan) -> Select[Any]:
        """Return the statement of a plan's shape."""
        return statement(plan, self._entities)

    def _select(self, plan: Plan) -> Rows:
        return self.tx.select(plan.shape, lambda: self.statement(plan), plan.values)

    def _count(self, plan: Plan) -> Count:
        plan, most = attrs.evolve(plan, columns=("id",), sort=None, after=None, limit=None), MOST_COUNTED
        shape = ("count", most, plan.shape)
        [[number]] = self.tx.select(shape, lambda: counting(plan, self._entities, most), plan.values)
        return Count(number, most)

    def _total(self, plan: Plan, rows: Rows) -> Count:
        """Count a list's rows; its only page tells it by itself."""
        whole = plan.after is None and len(rows) < (plan.limit or 0)
        return Count(len(rows)) if whole else self._count(plan)

    def _judge_sort(self, plan: Plan) -> Count | None:
        """Refuse to sort many records by a field without an index; return how many there are, if it was asked."""
        if plan.sort is None or plan.sort.field.indexed or plan.sort.field.name == "id":
            return None
        number = self._count(plan)
        if number.capped:
            raise unsorted(plan.spec, self.rights.readable(plan.spec), plan.sort, number)
        return number

    @property
    def _entities(self) -> Entities:
        return self.configuration.catalogue.entities

    @cached_property
    def _asker(self) -> Asker:
        return self.rights.asker(self.now)

    def _after(self, sort: Sort, binding: str, cursor: str | None) -> tuple[Any, Any] | None:
        if cursor is None:
            return None
        key, last = cursors.read(self.configuration.secret, binding, cursor)
        return (read_key(sort, key), last)


def _told(where: Condition | None) -> str:
    return "" if where is None else repr(where)


def _checked(spec: Spec, id: Any) -> Id:
    if not is_id(id):
        raise _not_found(spec)
    return str(id)


def _not_found(spec: Spec) -> NotFound:
    return NotFound(f"there is no such {spec.name}", entity=spec.name)
