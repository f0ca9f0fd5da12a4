"""Reports: records in groups, and what each group comes to, in one statement."""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache, partial
from typing import Any, Generic, TypeAlias, TypeVar

import attrs

from opencrm.core.conditions import Condition
from opencrm.core.entity import Entity, Spec
from opencrm.core.values import fold
from opencrm.errors import InputError, TooManyRows
from opencrm.services.analysing.adding import adding, tell
from opencrm.services.analysing.counters import counters_for
from opencrm.services.analysing.grouping import Asked, Grouping
from opencrm.services.analysing.groups import group_of
from opencrm.services.analysing.measures import measure_of
from opencrm.services.analysing.measures import tellers as tellers_of
from opencrm.services.analysing.telling import names_of, table_as_json
from opencrm.services.reading.reader import Reader

E = TypeVar("E", bound=Entity)
Columns: TypeAlias = Sequence[Sequence[Any]]
MOST_GROUPS = 2
MOST_ROWS = 10_000
"""A report has at most so many rows."""
_MOST_READ = 100_000
"""So many groups of SQL are put together to those rows: one for each currency, and for hours on the edge of a day."""


def _several(given: Iterable[str]) -> tuple[str, ...]:
    return (given,) if isinstance(given, str) else tuple(given)


@attrs.frozen
class Report(Generic[E]):
    """What a report should tell.

    Args:
        entity: The entity, by class, declaration or name.
        group_by: Up to two fields: `"stage"`; `"closed_at:month"` for a period (`day week month quarter year`) of an
            instant or a date; `"stage:entered"` for each stage of its pipeline that a record has ever entered.
        measures: `"count"`, `"sum:amount"`, `"average:amount"`, and `"conversion"`, how many were won.
        where: A condition on the records, raw or typed.
    """

    entity: type[E] | Spec | str
    group_by: tuple[str, ...] = attrs.field(converter=_several, default=())
    measures: tuple[str, ...] = attrs.field(converter=_several, default=("count",))
    where: Condition | None = None


@attrs.frozen(kw_only=True)
class Table:
    """What a report came to.

    Attributes:
        entity: The entity.
        groups: What it is grouped by, as it was asked for.
        measures: What it tells, as it was asked for.
        rows: For each group its values, in order, then what each measure came to: a count, a sum or an average (of
            money: a tuple with one for each currency), or a `Conversion`. A period's value is its first day.
    """

    entity: Spec
    groups: tuple[str, ...]
    measures: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """The headings of the rows."""
        return (*self.groups, *self.measures)


def run(reader: Reader, report: Report[Any]) -> Table:
    """Return what the records that the principal may read come to.

    Raises:
        NotFound: There is no such entity.
        InputError: A field is unknown, or cannot be grouped by or added up.
        TooManyRows: It would have more than 10,000 rows.
    """
    spec = reader.seen(report.entity)
    readable = reader.rights.readable(spec)
    if len(report.group_by) > MOST_GROUPS or not report.measures:
        raise InputError({"group_by": [f"a report has at most {MOST_GROUPS} groups, and a measure"]})
    asked = Asked(
        spec=spec,
        groups=tuple(group_of(spec, readable, text) for text in report.group_by),
        measures=tuple(measure_of(spec, readable, text) for text in report.measures),
        pipelines=reader.configuration.catalogue.pipelines_of(spec.name),
        zone=reader.configuration.locale.zone,
    )
    return Table(
        entity=spec,
        groups=report.group_by,
        measures=report.measures,
        rows=_Run(reader, asked).rows(reader.bound(spec, report.where)),
    )


plain = table_as_json
names = names_of


@attrs.frozen
class _Run:
    reader: Reader
    asked: Asked

    def rows(self, where: Condition) -> tuple[tuple[Any, ...], ...]:
        with _uncollected():
            columns = self._counted(where)
            if columns is None:
                columns = self._read(where)
            if len(columns[0]) > _MOST_READ:
                raise _too_many()
            return self._put_together(columns)

    def _counted(self, where: Condition) -> Columns | None:
        """Return the groups as counters tell them; None where they do not."""
        asked, reader = self.asked, self.reader
        counters = counters_for(reader, asked.spec, where)
        if counters is None or not tell(asked, counters.counted):
            return None
        entities = reader.configuration.catalogue.entities
        shape = ("report", asked.shape, counters.shape)
        return reader.tx.columns(shape, lambda: adding(asked, counters, entities, _MOST_READ + 1), counters.values)

    def _read(self, where: Condition) -> Columns:
        """Return the groups as the records have them."""
        asked, reader = self.asked, self.reader
        plan, entities = reader.plan(asked.spec, ("id",), where), reader.configuration.catalogue.entities
        shape = ("report", asked.shape, plan.shape)
        return reader.tx.columns(shape, lambda: Grouping(asked, plan, entities).statement(_MOST_READ + 1), plan.values)

    def _put_together(self, columns: Columns) -> tuple[tuple[Any, ...], ...]:
        """Put groups together that SQL had to tell apart: currencies, and hours on the edge of a day."""
        groups, measures = self.asked.groups, self.asked.measures
        found = self._by_group(columns) if groups else {(): range(len(columns[0]))}
        if len(found) > MOST_ROWS:
            raise _too_many()
        tellers = tuple(tellers_of(measures, self.asked.currencies, columns[len(groups) :]))
        places = [cache(partial(_place, order)) for order in self._orders]
        ordered = sorted(found, key=lambda key: [place(value) for place, value in zip(places, key, strict=True)])
        return tuple([(*key, *[tell(found[key]) for tell in tellers]) for key in ordered])

    def _by_group(self, columns: Columns) -> Mapping[tuple[Any, ...], Sequence[int]]:
        """Return the places of the rows of each group."""
        readers = [group.read(self.asked.zone) for group in self.asked.groups]
        keys = zip(
            *[map(read, each) if read else each for read, each in zip(readers, columns, strict=False)], strict=True
        )
        found: dict[tuple[Any, ...], list[int]] = {}
        for at, key in enumerate(keys):
            found.setdefault(key, []).append(at)
        return found

    @property
    def _orders(self) -> tuple[Mapping[Any, int], ...]:
        stages = [stage.key for pipeline in self.asked.pipelines for stage in pipeline.stages]
        order = {key: at for at, key in enumerate(dict.fromkeys(stages))}
        return tuple(order if group.field.name == "stage" else {} for group in self.asked.groups)


@contextmanager
def _uncollected() -> Iterator[None]:
    """Put the search for garbage in cycles off: a report holds none, and the search costs a third of a large one."""
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _place(order: Mapping[Any, int], value: Any) -> tuple[Any, ...]:
    """Return where a group's value comes: stages as their pipelines have them, all else by value, nothing last."""
    return (value is None, order.get(value, len(order)), fold(value) if isinstance(value, str) else value or 0)


def _too_many() -> TooManyRows:
    return TooManyRows({"group_by": [f"the report would have more than {MOST_ROWS:,} rows: group by less, or filter"]})
