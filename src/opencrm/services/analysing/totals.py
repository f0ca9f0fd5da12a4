"""What stands in each stage of a pipeline: how many records, and what they are worth."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import attrs
from sqlalchemy import ColumnElement, Select, bindparam, func, literal_column, select
from sqlalchemy.sql.expression import Subquery

from opencrm.core.conditions import Condition, Equal, all_of
from opencrm.core.entity import Spec
from opencrm.core.fields import Amount
from opencrm.core.values import Money
from opencrm.services.analysing.counters import Counters, counters_for, number_of, total_of
from opencrm.services.reading.counting import money_field
from opencrm.services.reading.planning.arms import taken_apart
from opencrm.services.reading.planning.plans import Plan
from opencrm.services.reading.reader import Reader
from opencrm.services.reading.selecting import Rows
from opencrm.storage.aggregates import exact_sum


@attrs.frozen
class Total:
    """What stands in one stage.

    Attributes:
        count: How many records.
        sums: What they are worth, by currency.
    """

    count: int
    sums: tuple[Money, ...]


def totals_of(reader: Reader, spec: Spec, pipeline: str, where: Condition) -> dict[str, Total]:
    """Count and add up what stands in each stage of a pipeline: from counters where they tell, else from the records.

    Raises:
        InputError: The stage may not be read.
    """
    reader.bound(spec, Equal("stage", "any"))
    worth = _worth(reader, spec)
    counters = counters_for(reader, spec, all_of((Equal("pipeline", pipeline), where)))
    if counters is not None and worth in ((), (counters.counted.amount, counters.counted.currency)):
        return _totals(_added(reader, counters, worth))
    return _totals(_read(reader, reader.plan(spec, ("stage", *worth), where), pipeline, worth))


def _totals(rows: Iterable[Any]) -> dict[str, Total]:
    found: dict[str, Total] = {}
    for stage, number, *rest in rows:
        held = found.get(stage, Total(0, ()))
        more = (Money(rest[0], rest[1]),) if rest and rest[0] is not None else ()
        found[stage] = Total(held.count + number, held.sums + more)
    return found


def _worth(reader: Reader, spec: Spec) -> tuple[str, ...]:
    """Return the first amount of an entity that may be read, with its currency; nothing where there is none."""
    readable = reader.rights.readable(spec)
    for name in spec.fields:
        kind = spec.fields[name].type
        if isinstance(kind, Amount) and {name, kind.currency} <= readable:
            return money_field(spec, readable, name)
    return ()


def _added(reader: Reader, counters: Counters, worth: tuple[str, ...]) -> Rows:
    """Add counters up."""
    entities = reader.configuration.catalogue.entities
    shape = ("board counters", worth, counters.shape)
    return reader.tx.select(shape, lambda: _adding(counters.rows(entities), worth), counters.values)


def _adding(rows: Subquery, worth: tuple[str, ...]) -> Select[Any]:
    stage, *currency = (rows.c[name] for name in ("stage", *(["currency"] if worth else [])))
    total = [total_of(rows).label("total")] if worth else []
    found = select(stage, number_of(rows).label("number"), *total, *currency).group_by(stage, *currency)
    return found.having(number_of(rows) != literal_column("0")).order_by(stage, *currency)


def _read(reader: Reader, plan: Plan, pipeline: str, worth: tuple[str, ...]) -> Rows:
    """Count and add the records up."""
    values = {**plan.values, "pipeline": pipeline}
    return reader.tx.select(("board totals", plan.shape), lambda: _reading(reader, plan, worth), values)


def _reading(reader: Reader, plan: Plan, worth: tuple[str, ...]) -> Select[Any]:
    inner = reader.statement(plan).where(_in_pipeline(plan)).subquery()
    stage, number = inner.c.stage, func.count().label("number")
    if not worth:
        return select(stage, number).group_by(stage)
    amount, currency = (inner.c[name] for name in worth)
    total = exact_sum(amount).label("total")
    return select(stage, number, total, currency).group_by(stage, currency).order_by(stage, currency)


def _in_pipeline(plan: Plan) -> ColumnElement[bool]:
    """Say in which pipeline a record stands: as no index has it, where the indexes of the scope's arms are better."""
    column = plan.spec.column("pipeline")
    wanted = bindparam("pipeline", type_=column.type)
    return column.concat("") == wanted if taken_apart(plan.scope).arms else column == wanted
