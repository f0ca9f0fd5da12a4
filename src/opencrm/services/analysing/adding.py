"""The statement of a report over counters: the same columns as over records."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import ColumnElement, Select, case, func, literal_column, select
from sqlalchemy.sql.expression import Subquery

from opencrm.core.conditions import Entities, clause
from opencrm.core.counters import Counted
from opencrm.services.analysing.counters import Counters, number_of, total_of
from opencrm.services.analysing.grouping import Asked
from opencrm.services.analysing.groups import Group
from opencrm.services.analysing.measures import Measure

_NONE: ColumnElement[Any] = literal_column("0")


def tell(asked: Asked, counted: Counted) -> bool:
    """Say whether counters tell what a report asks."""
    return all(_groups(it, counted) for it in asked.groups) and all(_measures(it, counted) for it in asked.measures)


def adding(asked: Asked, counters: Counters, entities: Entities, most: int) -> Select[Any]:
    """Return the statement: groups, currencies, how many records, and two columns for each measure but counts."""
    rows = counters.rows(entities)
    names = [*(group.field.name for group in asked.groups), *asked.currencies]
    keys = [rows.c[counters.counted.column(name)] for name in names]
    totals = [each for measure in asked.measures for each in _totals(asked, measure, counters.counted, rows, entities)]
    whole = select(*[key.label(f"key{at}") for at, key in enumerate(keys)], number_of(rows).label("number"), *totals)
    if keys:
        whole = whole.group_by(*keys).having(number_of(rows) != _NONE)
    return whole.limit(literal_column(str(most)))


def _groups(group: Group, counted: Counted) -> bool:
    if group.cut is not None:
        return group.cut == "month" and group.field.name == "closed_at"
    return not group.entered and not group.field.folded and group.field.name in counted.fields


def _measures(measure: Measure, counted: Counted) -> bool:
    return measure.field is None or (
        measure.field.name == counted.amount and measure.currency == counted.currency is not None
    )


def _totals(
    asked: Asked, measure: Measure, counted: Counted, rows: Subquery, entities: Entities
) -> Iterator[ColumnElement[Any]]:
    """Give of how many records, and the total; of a conversion how many closed, and how many were won."""
    if measure.field is not None:
        yield func.sum(rows.c.valued)
        yield total_of(rows)
    elif measure.kind == "conversion":
        for item in (asked.closed, asked.won):
            holds = clause(item, counted.spec, entities, table=rows)
            yield func.sum(case((holds, rows.c.number), else_=_NONE))
