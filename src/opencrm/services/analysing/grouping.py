"""The statement of a report."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import attrs
from sqlalchemy import ColumnElement, Select, and_, case, func, literal_column, select
from sqlalchemy.sql.expression import Subquery

from opencrm.core.conditions import All, Condition, Entities, Equal, In, any_of, clause
from opencrm.core.entity import Spec
from opencrm.core.pipeline import Pipeline
from opencrm.services.analysing.groups import Group
from opencrm.services.analysing.measures import Measure
from opencrm.services.reading.planning.building import statement
from opencrm.services.reading.planning.plans import Plan
from opencrm.storage import tables
from opencrm.storage.aggregates import exact_sum, first_text
from opencrm.storage.periods import cut


@attrs.frozen(kw_only=True)
class Asked:
    """What a report asks of an entity, checked.

    Attributes:
        spec: The entity.
        groups: What it groups by.
        measures: What it tells of each group.
        pipelines: Those of the entity, which say what is won.
        zone: The time zone in which days begin.
    """

    spec: Spec
    groups: tuple[Group, ...]
    measures: tuple[Measure, ...]
    pipelines: tuple[Pipeline, ...]
    zone: str

    @property
    def currencies(self) -> tuple[str, ...]:
        """The fields of the currencies that are told apart."""
        return tuple(dict.fromkeys(it.currency for it in self.measures if it.currency is not None))

    @property
    def shape(self) -> tuple[Any, ...]:
        """What of it makes SQL."""
        groups, measures = (tuple(it.text for it in each) for each in (self.groups, self.measures))
        return (groups, measures, self.zone, self.won, self.closed)

    @property
    def won(self) -> Condition:
        """That a record is won."""
        return self._ends(("won",))

    @property
    def closed(self) -> Condition:
        """That a record is won or lost."""
        return self._ends(("won", "lost"))

    def _ends(self, kinds: tuple[str, ...]) -> Condition:
        stages = {it.key: tuple(stage.key for stage in it.stages if stage.kind in kinds) for it in self.pipelines}
        return any_of(All((Equal("pipeline", key), In("stage", keys))) for key, keys in stages.items() if keys)


@attrs.frozen
class Grouping:
    """Builds the statement of a report over the records of a plan."""

    asked: Asked
    plan: Plan
    entities: Entities

    def statement(self, most: int) -> Select[Any]:
        """Return the statement: groups, currencies, how many records, and two columns for each measure but counts."""
        inner = self._inner().subquery()
        groups = [inner.c[f"group{at}"] for at, _ in enumerate(self.asked.groups)]
        currencies = [inner.c[f"currency{at}"] for at, _ in enumerate(self.asked.currencies)]
        shown = [self._shown(inner, at, group) for at, group in enumerate(self.asked.groups)]
        whole = select(*shown, *currencies, func.count().label("number"), *self._totals(inner)).select_from(inner)
        return whole.group_by(*groups, *currencies).limit(literal_column(str(most)))

    def _shown(self, inner: Subquery, at: int, group: Group) -> ColumnElement[Any]:
        """Return a group's value; of texts that are equal but for case and accents, the first."""
        return first_text(inner.c[f"text{at}"]) if group.field.folded else inner.c[f"group{at}"]

    def _totals(self, inner: Subquery) -> Iterator[ColumnElement[Any]]:
        """Give for each measure but counts: of how many records, and the total."""
        for at, measure in enumerate(self.asked.measures):
            if measure.field is not None:
                yield func.count(inner.c[f"value{at}"]).label(f"of{at}")
                yield exact_sum(inner.c[f"value{at}"]).label(f"total{at}")
            elif measure.kind == "conversion":
                yield func.sum(inner.c[f"closed{at}"]).label(f"of{at}")
                yield func.sum(inner.c[f"won{at}"]).label(f"total{at}")

    def _inner(self) -> Select[Any]:
        """Return each record's groups, currencies and values: once, or once for each stage that it entered."""
        found = statement(self.plan, self.entities).with_only_columns(*self._columns())
        if not any(group.entered for group in self.asked.groups):
            return found
        log, table = tables.stage_move, self.asked.spec.table
        own = and_(log.c.entity == self.asked.spec.name, log.c.record_id == table.c.id)
        return found.join(log, and_(own, log.c.pipeline == self.asked.spec.column("pipeline"))).distinct()

    def _columns(self) -> Iterator[ColumnElement[Any]]:
        column = self.asked.spec.column
        yield self.asked.spec.table.c.id
        for at, group in enumerate(self.asked.groups):
            yield self._key(group).label(f"group{at}")
            if group.field.folded:
                yield column(group.field.name).label(f"text{at}")
        for at, name in enumerate(self.asked.currencies):
            yield column(name).label(f"currency{at}")
        for at, measure in enumerate(self.asked.measures):
            if measure.field is not None:
                yield column(measure.field.name).label(f"value{at}")
            elif measure.kind == "conversion":
                yield self._flag(self.asked.won).label(f"won{at}")
                yield self._flag(self.asked.closed).label(f"closed{at}")

    def _key(self, group: Group) -> ColumnElement[Any]:
        if group.entered:
            entered: ColumnElement[Any] = tables.stage_move.c.end
            return entered
        column = self.asked.spec.column(group.field.key)
        return column if group.cut is None else cut(column, group.cut, self.asked.zone)

    def _flag(self, item: Condition) -> ColumnElement[Any]:
        return case((clause(item, self.asked.spec, self.entities), 1), else_=0)
