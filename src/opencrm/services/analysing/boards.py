"""Boards: the stages of a pipeline with what stands in them, in two statements."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import attrs

from opencrm.core.conditions import All, Condition, Equal, In, all_of
from opencrm.core.entity import Spec
from opencrm.core.pipeline import Pipeline, Stage
from opencrm.core.process.timing.rotting import WORD
from opencrm.core.values import Id, Money
from opencrm.errors import InputError, NotFound
from opencrm.services.analysing.telling import board_as_json
from opencrm.services.analysing.totals import Total, totals_of
from opencrm.services.reading.asking import with_key
from opencrm.services.reading.counting import MOST_COUNTED, Count
from opencrm.services.reading.planning.building import together
from opencrm.services.reading.planning.plans import Plan, Sort
from opencrm.services.reading.reader import Reader
from opencrm.services.reading.rows import Record
from opencrm.storage.statements import padded

MOST_CARDS = 100
_LOOK = 1000
"""So many records of a stage are looked at for those that may be seen, before each arm is asked for its own."""


@attrs.frozen(kw_only=True)
class Column:
    """One stage of a board.

    Attributes:
        stage: The stage; of a key that the pipeline does not have any more, an open one.
        count: How many records stand in it.
        sums: What they are worth, by currency.
        cards: The first of them.
        rotten: The ids of those cards that have stood here for longer than they should.
    """

    stage: Stage
    count: Count
    sums: tuple[Money, ...]
    cards: tuple[Record, ...]
    rotten: frozenset[Id] = frozenset()


@attrs.frozen(kw_only=True)
class Board:
    """The records of a pipeline, by stage.

    Attributes:
        pipeline: The pipeline.
        entity: What goes through it.
        columns: Its stages, in order.
    """

    pipeline: Pipeline
    entity: Spec
    columns: tuple[Column, ...]


def board(
    reader: Reader,
    pipeline: str,
    *,
    where: Condition | None = None,
    cards: int = 25,
    sort: str = "-created_at",
    fields: Sequence[str] | None = None,
) -> Board:
    """Return the board of a pipeline: of each stage how many records there are, what they are worth, and the first.

    Args:
        reader: Whoever looks, and sees what it may read.
        pipeline: Key of the pipeline.
        where: A condition on the records.
        cards: How many records of each stage are shown; 0 to 100.
        sort: The order of the records of a stage, by an indexed field.
        fields: The fields of a card; by default all that may be read.

    Raises:
        NotFound: There is no such pipeline.
        InputError: A field is unknown, or the sort or the number of cards cannot be used.
    """
    found = _pipeline(reader, pipeline)
    spec = reader.seen(found.entity)
    if not 0 <= cards <= MOST_CARDS:
        raise InputError({"cards": [f"must lie between 0 and {MOST_CARDS}"]})
    order, names = _order(reader, spec, sort), reader.names(spec, fields)
    here = reader.bound(spec, Equal("pipeline", found.key))
    asked = reader.bound(spec, where)
    totals = totals_of(reader, spec, found.key, asked)
    wanted = {key: min(cards, total.count) for key, total in totals.items() if cards}
    shown = _Cards(reader, spec, here, asked, order, names).of(wanted) if wanted else {}
    rotten = _rotten(reader, spec, found, [card.id for several in shown.values() for card in several])
    columns = tuple(
        Column(
            stage=stage,
            count=Count(totals[stage.key].count if stage.key in totals else 0, MOST_COUNTED),
            sums=totals[stage.key].sums if stage.key in totals else (),
            cards=shown.get(stage.key, ()),
            rotten=rotten & {card.id for card in shown.get(stage.key, ())},
        )
        for stage in _stages(found, totals)
    )
    return Board(pipeline=found, entity=spec, columns=columns)


plain = board_as_json


def entity_of(reader: Reader, pipeline: str) -> Spec:
    """Return what goes through a pipeline.

    Raises:
        NotFound: There is no such pipeline.
    """
    return reader.entity(_pipeline(reader, pipeline).entity)


def _pipeline(reader: Reader, key: str) -> Pipeline:
    pipelines = reader.configuration.catalogue.pipelines
    if key not in pipelines:
        raise NotFound(f"there is no pipeline {key!r}; known are {', '.join(sorted(pipelines))}", pipeline=key)
    return pipelines[key]


def _rotten(reader: Reader, spec: Spec, pipeline: Pipeline, ids: Sequence[Id]) -> frozenset[Id]:
    """Return those of some records that have stood in their stage for longer than they should."""
    if not ids or all(stage.rots_after is None for stage in pipeline.stages):
        return frozenset()
    where = reader.bound(spec, All((In("id", tuple(padded(ids))), Equal(WORD, True))))
    plan = reader.plan(spec, ("id",), where)
    rows = reader.tx.select(plan.shape, lambda: reader.statement(plan), plan.values)
    return frozenset(row[0] for row in rows)


def _order(reader: Reader, spec: Spec, text: str) -> Sort:
    sort = reader.sort(spec, text)
    if not sort.field.indexed:
        raise InputError({"sort": [f"a board is sorted by an indexed field, and {sort.field.name!r} is none"]})
    return sort


def _stages(pipeline: Pipeline, found: Mapping[str, Total]) -> list[Stage]:
    """Return the pipeline's stages, and those that it does not have any more but where records stand."""
    known = {stage.key for stage in pipeline.stages}
    return [*pipeline.stages, *(Stage(key) for key in sorted(found) if key not in known)]


@attrs.frozen
class _Cards:
    """Reads the first records of each stage."""

    reader: Reader
    spec: Spec
    here: Condition
    where: Condition
    sort: Sort
    names: tuple[str, ...]

    def of(self, wanted: Mapping[str, int]) -> dict[str, tuple[Record, ...]]:
        """Return the first records of these stages: so many of each, which are there."""
        reader, most = self.reader, max(wanted.values())
        known, one = reader.configuration.densities, self._plan("", most)
        key, found = (reader.rights.name, one.shape, one.where), {}
        if one.arms and self._leads and known.may_be_dense(key, reader.now):
            found = self._read(wanted, attrs.evolve(one, look=_LOOK))
        short = {stage: number for stage, number in wanted.items() if len(found.get(stage, ())) < number}
        if short:
            if found:
                known.is_sparse(key, reader.now)
            found |= self._read(short, one)
        return found

    def _read(self, stages: Mapping[str, int], like: Plan) -> dict[str, tuple[Record, ...]]:
        plans = [attrs.evolve(like, lead=self._lead(stage)) for stage in stages]
        given = {name: value for at, plan in enumerate(plans) for name, value in plan.values_under(f"p{at}_").items()}
        entities = self.reader.configuration.catalogue.entities
        shape = ("cards", len(plans), like.shape)
        rows = self.reader.tx.select(shape, lambda: together(plans, entities), given)
        place = like.columns.index("stage")
        return {
            stage: self.reader.records(self.spec, self.names, [row for row in rows if row[place] == stage])
            for stage in stages
        }

    def _plan(self, stage: str, most: int) -> Plan:
        columns = tuple(dict.fromkeys((*with_key(self.names, self.sort), "stage")))
        plan = self.reader.plan(self.spec, columns, self.where, self.sort, limit=most)
        return attrs.evolve(plan, lead=self._lead(stage))

    def _lead(self, stage: str) -> Condition:
        return all_of((self.here, Equal("stage", stage)))

    @property
    def _leads(self) -> bool:
        """Whether stage and order have an index of their own."""
        return self.sort.field.name == "created_at"
