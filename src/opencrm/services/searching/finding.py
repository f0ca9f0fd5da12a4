"""Choosing how to search, and merging what was found.

Who sees few records is answered from them; who sees many, from the documents that answer. Which it is, is told by a
count that stops early. It decides how long an answer takes, and nothing of what the answer is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple, TypeAlias

import attrs
from sqlalchemy import Select, Text, bindparam, func, literal_column, select, union_all

from opencrm.core.conditions import Entities
from opencrm.core.search import Term
from opencrm.core.values import Id
from opencrm.services.searching.asking import Asked
from opencrm.services.searching.reach import Place
from opencrm.services.searching.statements import Statements, visible
from opencrm.storage.search import ask_for_alike, matching, similar_at
from opencrm.storage.transactions import Transaction

FEW = 300
"""So many records, or documents, are looked at one by one."""

_DENSE = 6
"""Of the latest documents, so many tell of a text that a great many answer."""

Build: TypeAlias = Callable[[Statements], Select[Any]]


class Row(NamedTuple):
    """A document that answers, as the statements give it."""

    tier: float
    id: int
    entity: str
    record_id: Id
    field: str
    source_id: Id


@attrs.frozen
class Known:
    """What was counted before searching.

    Attributes:
        few: The places of which the reader sees few records.
        rare: A term that few documents answer.
        walked: The weight of texts of which so many answer that the latest documents are enough.
    """

    few: tuple[Place, ...] = ()
    rare: Term | None = None
    walked: int | None = None


def find(tx: Transaction, asked: Asked, entities: Entities, limit: int, known: Known | None = None) -> list[Row]:
    """Return the best document of each record that answers, the best record first.

    Args:
        tx: Where to ask.
        asked: The question, and where it is put.
        entities: Every entity by name.
        limit: The most records.
        known: What to take for granted; by default it is counted. The answer is the same.
    """
    return _Search(tx, entities, limit).run(asked, known) if asked.reach.places else []


@attrs.frozen
class _Search:
    tx: Transaction
    entities: Entities
    limit: int

    def run(self, asked: Asked, known: Known | None) -> list[Row]:
        known = known or self._probe(asked)
        many = tuple(place for place in asked.reach.places if place not in known.few)
        few = attrs.evolve(asked, reach=asked.reach.only(known.few))
        rest = attrs.evolve(asked, reach=asked.reach.only(many), rare=known.rare)
        found: list[Row] = []
        if known.few:
            found += self._read("visible", few, Statements.among_visible)
        if many:
            found += self._among_many(rest, known)
        found = found or self._alike(few, rest)
        return _best(sorted(found, key=lambda row: (row.tier, -row.id)))[: self.limit]

    def _among_many(self, asked: Asked, known: Known) -> list[Row]:
        if known.rare is not None:
            return self._read("matching", asked, Statements.among_matching)
        if known.walked is not None:
            weight, most = known.walked, self.limit * 3 // 2
            rows = self._rows(("walked", weight), asked, lambda it: it.streamed(weight), most)
            if len(_best(rows)) >= self.limit:
                return rows
        return self._read("streamed", asked, Statements.streamed)

    def _read(self, name: str, asked: Asked, build: Build) -> list[Row]:
        """Read until there are enough records, of which one may be told by many documents."""
        most = self.limit * 3 // 2
        while True:
            rows = self._rows((name,), asked, build, most)
            if len(rows) < most or len(_best(rows)) >= self.limit:
                return rows
            most *= 4

    def _rows(self, name: tuple[Any, ...], asked: Asked, build: Build, most: int) -> list[Row]:
        given = asked.values | {"most": most}
        shape = ("search", *name, asked.shape)
        rows = self.tx.select(shape, lambda: build(Statements(asked, self.entities)), given)
        return [Row(*row) for row in rows]

    def _alike(self, few: Asked, many: Asked) -> list[Row]:
        """Return names that are written much like the question, where the database can tell."""
        schema = similar_at(self.tx) if few.spelt else None
        if schema is None:
            return []
        ask_for_alike(self.tx)
        name, found = ("alike", schema, len(few.spelt)), []
        if few.reach.places:
            found += self._rows((*name, "few"), few, lambda it: it.similar_among_visible(schema), self.limit)
        if many.reach.places:
            found += self._rows(name, many, lambda it: it.similar(schema), self.limit)
        return found

    def _probe(self, asked: Asked) -> Known:
        """Count what tells the shortest way to the answer; each count stops early."""
        places, terms = asked.reach.places, asked.question.terms
        small = [at for at, place in enumerate(places) if place.may_be_small]
        asked_for = terms if len(terms) > 1 else ()
        sampled = () if self.tx.sqlite else (0, 1)
        if not (small or asked_for or sampled):
            return Known()
        given = asked.values | {f"c{at}": asked.term(term) for at, term in enumerate(asked_for)}
        shape = ("search", "probe", asked.shape, len(asked_for))
        build = lambda: self._probing(asked, small, len(asked_for), sampled)  # noqa: E731
        [counts] = self.tx.select(shape, build, given)
        number = iter(counts)
        few = tuple(places[at] for at in small if next(number) <= FEW)
        rare = min(((next(number), at) for at in range(len(asked_for))), default=(FEW + 1, 0))
        dense = [weight for weight in sampled if next(number) >= _DENSE]
        return Known(few, terms[rare[1]] if rare[0] <= FEW else None, dense[0] if dense else None)

    def _probing(self, asked: Asked, small: Iterable[int], terms: int, sampled: Iterable[int]) -> Select[Any]:
        statements = Statements(asked, self.entities)
        arms = [visible(at, asked.reach.places[at], self.entities) for at in small]
        seen = [select((union_all(*each) if len(each) > 1 else each[0]).subquery()) for each in arms]
        answering = [matching(bindparam(f"c{at}", type_=Text()), sqlite=asked.sqlite) for at in range(terms)]
        latest = [statements.sampled(weight).scalar_subquery() for weight in sampled]
        return select(*[it.label(f"n{at}") for at, it in enumerate([*map(_counted, [*seen, *answering]), *latest])])


def _counted(statement: Select[Any]) -> Any:
    capped = statement.limit(literal_column(str(FEW + 1))).subquery()
    return select(func.count()).select_from(capped).scalar_subquery()


def _best(rows: Sequence[Row]) -> list[Row]:
    """Return the first row of each record."""
    found: dict[Id, Row] = {}
    for row in rows:
        found.setdefault(row.record_id, row)
    return list(found.values())
