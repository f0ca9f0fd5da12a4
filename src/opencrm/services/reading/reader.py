"""The read path: rows within the principal's reach, of fields that it may read, and nothing filtered after."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, TypeAlias, TypeVar

from sqlalchemy import bindparam, func, literal_column, select

from opencrm.core.access.rights import Rights
from opencrm.core.change import JournalEntry, Values
from opencrm.core.columns import IdColumn
from opencrm.core.conditions import TRUE, Condition, In, Link, all_of, bind, clause, predicate, shape, values
from opencrm.core.conditions.sql import parameter_names
from opencrm.core.entity import Entity, Spec
from opencrm.core.fields import Text
from opencrm.core.values import Id, fold, is_id
from opencrm.errors import InputError, NotFound
from opencrm.services import journal
from opencrm.services.reading import cursors
from opencrm.services.reading.plans import Plan, Sort, narrowed
from opencrm.services.reading.rows import Page, Query, Record, etag, record_class
from opencrm.services.workspaces.configuration import Configuration
from opencrm.services.workspaces.workspace import Workspace
from opencrm.storage.statements import padded
from opencrm.storage.transactions import Transaction

E = TypeVar("E", bound=Entity)
MOST_COUNTED = 10_000
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
        """
        spec = self.entity(query.entity)
        if not 1 <= query.limit <= 1000:
            raise InputError({"limit": ["must lie between 1 and 1000"]})
        sort = self._sort(spec, query.sort)
        names = self._names(spec, query.fields)
        where = self._bound(spec, query.where)
        binding = f"{self.rights.name}|{spec.name}|{query.sort}|{query.deleted}|{'' if where is TRUE else repr(where)}"
        after = self._position(sort, binding, query.cursor)
        columns = _with_key(names, sort)
        plan = self._plan(
            spec,
            columns,
            where,
            sort,
            after,
            query.limit + 1,
            "read",
            deleted=query.deleted,
        )
        rows = self._rows(plan)
        page = self._records(spec, names, rows[: query.limit])
        if len(rows) <= query.limit:
            return Page(page)
        key, last = _position_of(rows[query.limit - 1], columns, sort)
        dumped = sort.field.type.dump(key) if key is not None else None
        return Page(page, cursors.write(self.configuration.secret, binding, [dumped, last]))

    def stream(self, query: Query[E], *, action: str = "read") -> Iterator[Record]:
        """Give all records of a query, page after page; with `action="export"`, those that may be exported."""
        spec = self.entity(query.entity)
        sort, names, where = (
            self._sort(spec, query.sort),
            self._names(spec, query.fields),
            self._bound(spec, query.where),
        )
        columns = _with_key(names, sort)
        after: tuple[Any, Any] | None = None
        while True:
            plan = self._plan(
                spec,
                columns,
                where,
                sort,
                after,
                _CHUNK,
                action,
                deleted=query.deleted,
            )
            rows = self._rows(plan)
            yield from self._records(spec, names, rows)
            if len(rows) < _CHUNK:
                return
            after = _position_of(rows[-1], columns, sort)

    def check(self, query: Query[E]) -> None:
        """Judge a query without running it.

        Raises:
            NotFound: There is no such entity.
            InputError: A field is unknown, or the sort cannot be used.
        """
        spec = self.entity(query.entity)
        self._sort(spec, query.sort)
        self._names(spec, query.fields)
        self._bound(spec, query.where)

    def count(self, entity: type[E] | Spec | str, where: Condition | None = None) -> int:
        """Return how many records there are, up to 10,001, which means "more than 10,000"."""
        spec = self.entity(entity)
        plan = self._plan(spec, ("id",), self._bound(spec, where), None, None, None, "read", deleted=False)

        def build() -> Any:
            inner = plan.statement(self.configuration.catalogue.entities).limit(literal_column(str(MOST_COUNTED + 1)))
            return select(func.count().label("number")).select_from(inner.subquery())

        [row] = self.tx.query(("count", plan.shape), build, plan.values)
        return int(row["number"])

    def history(self, entity: type[E] | Spec | str, id: Id, *, field: str | None = None) -> tuple[JournalEntry, ...]:
        """Return what happened to a record, or to one field of it, oldest first, as far as it may be read.

        Raises:
            InputError: There is no such field, or none that may be read.
            NotFound: There is no such record, or none that the principal may know of.
        """
        spec = self.entity(entity)
        if not self.states(spec, [id], deleted=None):
            raise _not_found(spec)
        lines = journal.of_record(self.tx, spec, self.configuration.schemas.dumper(spec), self.rights, id)
        if field is None:
            return lines
        self._names(spec, [field])
        return tuple(line for line in lines if field in line.after)

    def etag(self, entity: type[E] | Spec | str, record: Record | Values) -> str:
        """Return the tag of what the principal sees of a record."""
        spec = self.entity(entity)
        state = record.values() if isinstance(record, Record) else record
        names = sorted(self.rights.readable(spec))
        return etag(spec, self.configuration.schemas.dumper(spec), state, [name for name in names if name in state])

    def lookup(self, entity: Of, name: str, several: Iterable[Any]) -> dict[Any, Ids]:
        """Return the ids of the readable records that hold one of these values in a field, by value as it was given.

        A value that the field could not hold is held by no record.

        Raises:
            InputError: The field cannot be looked up.
        """
        spec = self.entity(entity)
        field = spec.fields[name] if name in self.rights.readable(spec) else None
        if field is None:
            raise InputError({name: [f"{spec.name} has no such field"]})
        keys = {value: self._key(field, value) for value in several if value is not None}
        wanted = [value for value, key in keys.items() if key is not None]
        found: dict[Any, Ids] = {}
        for start in range(0, len(wanted), _CHUNK):
            part = wanted[start : start + _CHUNK]
            where = self._bound(spec, In(name, tuple(padded(part))))
            rows = self._rows(self._plan(spec, ("id", field.key), where, None, None, None, "read", deleted=False))
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

    def linked(self, link: Link, id: Id) -> bool:
        """Say whether the record that a link points to meets the link's condition."""
        spec = self.configuration.catalogue.entities[link.entity]
        state = self.whole(spec, [id]).get(id)
        return state is not None and predicate(link.item, spec, self.linked)(state)

    def _state_rows(self, spec: Spec, scope: Condition, ids: Sequence[Id], *, deleted: bool | None) -> States:
        entities, lock = self.configuration.catalogue.entities, self._lock_rows and not self.tx.sqlite
        ids = padded(ids)

        def build() -> Any:
            table = spec.table
            one = table.c.id.in_([bindparam(f"i{at}", type_=IdColumn()) for at in range(len(ids))])
            statement = select(*map(spec.column, spec.columns)).where(
                one, clause(scope, spec, entities, parameter_names("s"))
            )
            if deleted is not None:
                statement = statement.where(
                    table.c.deleted_at.is_not(None) if deleted else table.c.deleted_at.is_(None)
                )
            return statement.order_by(table.c.id).with_for_update(of=table) if lock else statement

        given = {f"i{at}": id for at, id in enumerate(ids)} | {
            f"s{at}": value for at, value in enumerate(values(scope))
        }
        return self.tx.query(("states", spec.name, len(ids), shape(scope), deleted, lock), build, given)

    def _record(self, spec: Spec, id: Id, *, deleted: bool) -> Record:
        state = self.states(spec, [_checked(spec, id)], deleted=deleted).get(id)
        if state is None:
            raise _not_found(spec)
        names = self._names(spec, None)
        return record_class(spec.name, names)([state[name] for name in names])

    def _plan(  # noqa: PLR0913, PLR0917  # all that a plan is made of
        self,
        spec: Spec,
        columns: tuple[str, ...],
        where: Condition,
        sort: Sort | None,
        after: tuple[Any, Any] | None,
        limit: int | None,
        action: str,
        *,
        deleted: bool,
    ) -> Plan:
        scope = self.rights.expression(spec, "read").condition
        if action != "read":
            scope = all_of((scope, self.rights.expression(spec, action).condition))
        if "record_id" in spec.options.part_of:
            scope = narrowed(scope, where)
        return Plan(spec, columns, scope, where, sort, after, deleted, limit)

    def _rows(self, plan: Plan) -> Rows:
        entities = self.configuration.catalogue.entities
        return self.tx.select(plan.shape, lambda: plan.statement(entities), plan.values)

    def _records(self, spec: Spec, names: tuple[str, ...], rows: Iterable[Sequence[Any]]) -> tuple[Record, ...]:
        cls, width = record_class(spec.name, names), len(names)
        return tuple([cls(row[:width]) for row in rows])

    def _names(self, spec: Spec, wanted: Sequence[str] | None) -> tuple[str, ...]:
        readable = self.rights.readable(spec)
        if wanted is None:
            return _every_name(spec, readable)
        unknown = [name for name in wanted if name not in readable]
        if unknown:
            raise InputError({"fields": [f"{spec.name} has no field {name!r}" for name in unknown]})
        return tuple(dict.fromkeys(("id", *wanted)))

    def _sort(self, spec: Spec, text: str) -> Sort:
        name = text.removeprefix("-")
        field = spec.fields.get(name) if name in self.rights.readable(spec) else None
        if field is None or not field.type.ordered:
            raise InputError({"sort": [f"{spec.name} cannot be sorted by {name!r}"]})
        return Sort(field, text.startswith("-"))

    def _bound(self, spec: Spec, where: Condition | None) -> Condition:
        return TRUE if where is None else bind(where, spec, self.rights.readable(spec), self.configuration.locale)

    def _position(self, sort: Sort, binding: str, cursor: str | None) -> tuple[Any, Any] | None:
        if cursor is None:
            return None
        key, last = cursors.read(self.configuration.secret, binding, cursor)
        return (None if key is None else _sort_key(sort, key), last)

    @staticmethod
    def _key(field: Any, value: Any) -> Any:
        try:
            typed = field.type.parse(value)
        except ValueError:
            return None
        return fold(typed) if isinstance(field.type, Text) and typed is not None else typed


@lru_cache(maxsize=1000)
def _every_name(spec: Spec, readable: frozenset[str]) -> tuple[str, ...]:
    return tuple(name for name in spec.fields if name in readable and name != "deleted_at")


def _with_key(names: tuple[str, ...], sort: Sort) -> tuple[str, ...]:
    """Return the columns to read: those of the fields, and the sort key if it is none of them."""
    return names if sort.field.key in names else (*names, sort.field.key)


def _position_of(row: Sequence[Any], columns: tuple[str, ...], sort: Sort) -> tuple[Any, Any]:
    """Return the sort key and the id of a row."""
    return row[columns.index(sort.field.key)], row[columns.index("id")]


def _sort_key(sort: Sort, dumped: Any) -> Any:
    return dumped if isinstance(sort.field.type, Text) else sort.field.type.parse(dumped)


def _checked(spec: Spec, id: Any) -> Id:
    if not is_id(id):
        raise _not_found(spec)
    return str(id)


def _not_found(spec: Spec) -> NotFound:
    return NotFound(f"there is no such {spec.name}", entity=spec.name)
