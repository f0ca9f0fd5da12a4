"""The read path: rows within the principal's reach, of fields that it may read, and nothing filtered after."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, TypeAlias, TypeVar

import attrs

from opencrm.core.change import JournalEntry, Values
from opencrm.core.conditions import Condition, Equal, In
from opencrm.core.entity import Entity, Spec
from opencrm.core.values import Id, Money, is_id
from opencrm.errors import InputError, NotFound
from opencrm.services import journal
from opencrm.services.reading import cursors, saved
from opencrm.services.reading.asking import (
    check_limit,
    dumped_key,
    key_of,
    position_of,
    read_key,
    unsorted,
    with_key,
)
from opencrm.services.reading.counting import MOST_COUNTED, Count, counting, money_field, summing
from opencrm.services.reading.planning.plans import Plan, Sort
from opencrm.services.reading.rows import Page, Query, Record, etag
from opencrm.services.reading.selecting import Of, Rows
from opencrm.services.reading.states import States
from opencrm.storage.statements import padded

E = TypeVar("E", bound=Entity)
_CHUNK = 500
Ids: TypeAlias = list[Id]


class Reader(States):
    """Reads as one principal, in one transaction.

    Attributes:
        rights: What the principal may do.
        now: The instant at which the transaction began.
    """

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
        lines = saved.telling(saved.lines(self.rights, lines, states.values()))
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
