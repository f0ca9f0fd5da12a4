"""The statements of a plan."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import islice
from typing import Any, Literal, TypeAlias

from sqlalchemy import ColumnElement, Integer, Select, and_, bindparam, literal_column, select, true, tuple_, union_all
from sqlalchemy.sql.expression import FromClause

from opencrm.core.columns import IdColumn
from opencrm.core.conditions import All, Condition, Entities, Equal, Referring, clause, values
from opencrm.core.conditions.constructs import as_id
from opencrm.core.conditions.sql import parameter_names
from opencrm.core.entity import Spec
from opencrm.services.reading.planning.arms import taken_apart
from opencrm.services.reading.planning.plans import USUAL, Plan, Sort

Run: TypeAlias = Literal["held", "empty"]
"""A sort key that may be empty is read in two runs, each in an index's own order: no database has an index with the
empty ones last in both directions."""


def statement(plan: Plan, entities: Entities) -> Select[Any]:
    """Return the statement of a plan's shape."""
    return _Builder(plan, entities).build()


def together(plans: Sequence[Plan], entities: Entities) -> Select[Any]:
    """Return the rows of plans that differ in their filters' values only, as one statement, in the plans' order.

    The filters' parameters have the prefix `p0_`, `p1_` ...
    """
    parts = [_Builder(plan, entities, f"p{at}_").first().subquery() for at, plan in enumerate(plans)]
    every = union_all(*[select(part.c.id) for part in parts]).subquery()
    builder = _Builder(plans[0], entities)
    return builder.of(every)


def of_ids(  # all that tells one statement from another, two of them by name
    spec: Spec, scope: Condition, number: int, entities: Entities, *, deleted: bool | None, lock: bool
) -> Select[Any]:
    """Return the statement of the whole states of records within a scope, by so many ids.

    Args:
        spec: The entity.
        scope: Which of the records; its parameters have the prefix `s`, the ids' `i`.
        number: How many ids.
        entities: Every entity by name.
        deleted: Whether deleted records are read; None for living and deleted ones.
        lock: Whether they stay locked until the transaction ends.
    """
    table = spec.table
    one = table.c.id.in_([bindparam(f"i{at}", type_=IdColumn()) for at in range(number)])
    found = select(*map(spec.column, spec.columns)).where(one, clause(scope, spec, entities, parameter_names("s")))
    if deleted is not None:
        found = found.where(table.c.deleted_at.is_not(None) if deleted else table.c.deleted_at.is_(None))
    return found.order_by(table.c.id).with_for_update(of=table) if lock else found


def referring(link: Referring, spec: Spec, entities: Entities) -> Select[Any]:
    """Return the statement that finds one living record that refers to a given one, and meets the condition.

    The record's id is the parameter `id`; the condition's have the prefix `s`.
    """
    table = spec.table
    names = as_id(spec.column(link.field))
    there = (names == bindparam("id", type_=IdColumn()), table.c.deleted_at.is_(None))
    return select(table.c.id).where(*there, clause(link.item, spec, entities, parameter_names("s"))).limit(1)


class _Builder:
    def __init__(self, plan: Plan, entities: Entities, prefix: str = "") -> None:
        self._plan = plan
        self._entities = entities
        self._prefix = prefix
        self._table = plan.spec.table

    def build(self) -> Select[Any]:
        """Return the statement of the plan's columns."""
        if self._plan.sort is None or self._plan.way == "scan":
            return self._scan(self._plan.columns)
        runs = self._runs()
        if len(runs) == 1:
            return self._run(self._plan.sort, *runs[0], self._plan.columns)
        return self.of(self._merge(self._plan.sort, runs).subquery())

    def first(self) -> Select[Any]:
        """Return the statement of the ids alone."""
        if self._plan.sort is None or self._plan.way == "scan":
            return self._scan(("id",))
        runs = self._runs()
        return self._run(self._plan.sort, *runs[0], ("id",)) if len(runs) == 1 else self._merge(self._plan.sort, runs)

    def of(self, ids: FromClause) -> Select[Any]:
        """Return the statement of the plan's columns, of the records with these ids."""
        columns = map(self._plan.spec.column, self._plan.columns)
        whole = select(*columns).join(ids, ids.c.id == self._table.c.id)
        return whole if self._plan.sort is None else self._ordered(self._plan.sort, whole, self._table)

    def _runs(self) -> list[tuple[Test, Run | None]]:
        conditions = self._plan.arms if self._plan.way == "merge" else (self._plan.scope,)
        return [(test, run) for test in self._tests(conditions) for run in _runs(self._plan)]

    def _scan(self, names: tuple[str, ...]) -> Select[Any]:
        plan = self._plan
        [test] = self._tests((plan.scope if plan.deleted else taken_apart(plan.scope).living,))
        found = select(*map(plan.spec.column, names)).where(self._living(), self._leading(), test())
        if plan.sort is None:
            return self._cut(found)
        if plan.after is not None:
            found = found.where(self._past(plan.sort, None))
        return self._cut(self._ordered(plan.sort, found, self._table))

    def _merge(self, sort: Sort, runs: list[tuple[Test, Run | None]]) -> Select[Any]:
        """Take each run's first rows off its own index, and merge their keys: the ids of the page."""
        keys = ("id", sort.field.key)
        parts = [self._run(sort, test, run, keys).subquery() for test, run in runs]
        every = union_all(*[select(part) for part in parts]).subquery()
        # Grouping by the order itself takes out what two arms gave in the sort that is made anyway.
        distinct = select(every.c.id).group_by(*reversed([every.c[key] for key in keys]))
        return self._cut(self._ordered(sort, distinct, every))

    def _run(self, sort: Sort, test: Test, run: Run | None, names: tuple[str, ...]) -> Select[Any]:
        """Return the first rows of one run, in the order of an index."""
        found = select(*map(self._plan.spec.column, names)).where(*self._of_run(sort, run), test())
        if self._plan.look is not None:
            found = found.where(self._within(sort, run))
        return self._cut(self._along(sort, found))

    def _of_run(self, sort: Sort, run: Run | None) -> Iterator[ColumnElement[bool]]:
        key = self._plan.spec.column(sort.field.key)
        yield from (self._living(), self._leading())
        if run is not None:
            yield key.is_not(None) if run == "held" else key.is_(None)
        after = self._plan.after
        if after is not None and (run != "empty" or after[0] is None):
            yield self._past(sort, run or "held")

    def _within(self, sort: Sort, run: Run | None) -> ColumnElement[bool]:
        """Say that a row is among the first that a walk looks at; false for all where there are no more than those."""
        place = self._place(sort, self._table)
        there = select(*place).where(*self._of_run(sort, run))
        last = self._along(sort, there).limit(1).offset(self._number("look", self._plan.look)).scalar_subquery()
        return tuple_(*place) >= last if sort.descending else tuple_(*place) <= last

    def _past(self, sort: Sort, run: Run | None) -> ColumnElement[bool]:
        """Say that a row comes after the page before, among those of a run or of all."""
        key, one = self._place(sort, self._table)
        last_id = bindparam("after_id", type_=one.type)
        if self._plan.after is not None and self._plan.after[0] is None:
            return and_(key.is_(None), _beyond(sort)(one, last_id))
        last_key = bindparam("after_key", type_=key.type)
        past = _beyond(sort)(tuple_(key, one), tuple_(last_key, last_id))
        return past | key.is_(None) if run is None and sort.nullable else past

    def _tests(self, scopes: tuple[Condition, ...]) -> Iterator[Test]:
        """Give what tests each scope together with the filter; called twice, it gives two clauses of one meaning."""
        names = parameter_names("s")
        for scope in scopes:
            own = tuple(islice(names, len(tuple(values(scope)))))
            yield partial(self._test, scope, own)

    def _test(self, scope: Condition, names: Sequence[str]) -> ColumnElement[bool]:
        reach = clause(scope, self._plan.spec, self._entities, iter(names))
        return and_(reach, self._filter(self._plan.where, "w"))

    def _leading(self) -> ColumnElement[bool]:
        """Return the filter by what an index to walk begins with; as that index does not have it, where arms are read.

        SQLite would take the index with the most columns, and go through all that it has for the few of an arm.
        """
        if self._plan.way != "merge":
            return self._filter(self._plan.lead, "l")
        names, column = parameter_names(f"{self._prefix}l"), self._plan.spec.column
        told = [(column(it.field), next(names)) for it in _equals(self._plan.lead)]
        return and_(true(), *[text.concat("") == bindparam(name, type_=text.type) for text, name in told])

    def _filter(self, item: Condition, kind: str) -> ColumnElement[bool]:
        return clause(item, self._plan.spec, self._entities, parameter_names(f"{self._prefix}{kind}"))

    def _living(self) -> ColumnElement[bool]:
        deleted = self._table.c.deleted_at
        return deleted.is_not(None) if self._plan.deleted else deleted.is_(None)

    def _along(self, sort: Sort, statement: Select[Any]) -> Select[Any]:
        """Order as an index does, within one run."""
        place = self._place(sort, self._table)
        return statement.order_by(*[each.desc() if sort.descending else each.asc() for each in place])

    def _ordered(self, sort: Sort, statement: Select[Any], table: FromClause) -> Select[Any]:
        key, one = self._place(sort, table)
        ordered = key.desc() if sort.descending else key.asc()
        last = one.desc() if sort.descending else one.asc()
        return statement.order_by(ordered.nulls_last() if sort.nullable else ordered, last)

    def _place(self, sort: Sort, table: FromClause) -> tuple[ColumnElement[Any], ColumnElement[Any]]:
        """Return sort key and id, in the entity's own table or in what was selected from it."""
        name = sort.field.key
        return (self._plan.spec.column(name) if table is self._table else table.c[name]), table.c.id

    def _cut(self, statement: Select[Any]) -> Select[Any]:
        most = self._plan.limit
        return statement if most is None else statement.limit(self._number("most", most))

    def _number(self, name: str, value: int | None) -> ColumnElement[int]:
        if self._plan.limit in USUAL:
            return literal_column(str(value), Integer())
        return bindparam(name, type_=Integer())


def _equals(lead: Condition) -> tuple[Equal, ...]:
    """Return the comparisons that a leading filter is made of."""
    items = lead.items if isinstance(lead, All) else (lead,)
    return tuple(it for it in items if isinstance(it, Equal))


Test: TypeAlias = Callable[[], ColumnElement[bool]]


def _runs(plan: Plan) -> tuple[Run | None, ...]:
    """Return the runs that a page may hold rows of."""
    if plan.sort is None or not plan.sort.nullable:
        return (None,)
    if plan.after is not None and plan.after[0] is None:
        return ("empty",)
    return ("held", "empty")


def _beyond(sort: Sort) -> Callable[[Any, Any], ColumnElement[bool]]:
    return (lambda a, b: a < b) if sort.descending else (lambda a, b: a > b)
