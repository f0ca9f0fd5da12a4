"""The statements of search: which documents answer a question, in which order, within a reader's reach.

Rows come in the order of their tier and of the document's key, the latest first. A tier is twice how well a text
answers (0 it is the question, 1 it begins like it, 2 it answers in another way) plus the weight of its field.
Nothing in that depends on records or fields that the reader does not see.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import attrs
from sqlalchemy import (
    ColumnElement,
    Integer,
    Select,
    Text,
    and_,
    bindparam,
    case,
    false,
    func,
    literal_column,
    or_,
    select,
    true,
    union,
    union_all,
)
from sqlalchemy.sql.expression import FromClause

from opencrm.core.conditions import Entities, clause
from opencrm.core.conditions.sql import parameter_names
from opencrm.core.search import Term
from opencrm.services.searching.asking import Asked
from opencrm.services.searching.reach import Place
from opencrm.storage.search import alike, barred, document, documents_of, holds, keys_alike, matching

COLUMNS = ("id", "entity", "record_id", "field", "source_id")
SIMILAR = 6
"""From here on are the tiers of names that are only written much like the question."""

SAMPLE = 300
"""So many documents are looked at to tell how many of them answer."""

WALK = 20_000
"""So many of the latest documents are looked through."""


class _Found(NamedTuple):
    """Documents, joined to what led to them."""

    documents: FromClause
    joined: FromClause


@attrs.frozen
class Statements:
    """The statements of one shape.

    Args:
        asked: A question of this shape.
        entities: Every entity by name.
    """

    asked: Asked
    entities: Entities

    def streamed(self, walked: int | None = None) -> Select[Any]:
        """Take documents off their indexes, tier by tier and each in its order, until there are enough.

        For who sees many records: what is out of reach is passed over.

        Args:
            walked: A weight. The last tier is that of the other texts of this weight, and is gathered by looking
                through the latest documents: where so many answer that an index would bring up far too many.
        """
        tiers = union_all(*[select(tier.subquery()) for tier in self._tiers(walked)]).subquery("m")
        found = self._each(tiers, "id")
        return self._rows(found, tiers.c.tier).where(self._within_reach(found), self._answered(found))

    def among_visible(self) -> Select[Any]:
        """Look at all documents of the records within reach: for who sees few."""
        return self._sorted(self._each(self._records_within_reach(), "record_id"))

    def among_matching(self) -> Select[Any]:
        """Look at all documents of the records that answer one rare term."""
        keys = matching(_text("rare"), sqlite=self.asked.sqlite)
        records = select(document.c.record_id.label("id")).where(document.c.id.in_(keys)).distinct().subquery("m")
        found = self._each(records, "record_id")
        return self._sorted(found, self._within_reach(found))

    def similar(self, schema: str) -> Select[Any]:
        """Take names with words that are written much like those of the question; for PostgreSQL."""
        names = keys_alike(self._spelt, schema).subquery("m")
        found = self._each(names, "id")
        return self._rows(found, self._unlike(names.c.how)).where(self._within_reach(found))

    def similar_among_visible(self, schema: str) -> Select[Any]:
        """Take such names of the records within reach: for who sees few."""
        found = self._each(self._records_within_reach(), "record_id")
        it, (tests, how) = found.documents, alike(found.documents.c.head, self._spelt, schema)
        tier = self._unlike(how).label("tier")
        return self._rows(found, tier).where(it.c.weight == _number(0), *tests).order_by(tier, it.c.id.desc())

    def sampled(self, weight: int) -> Select[Any]:
        """Count how many of the latest documents are of a weight and may answer."""
        latest = select(document).order_by(document.c.id.desc()).limit(literal_column(str(SAMPLE))).subquery()
        return select(func.count()).select_from(latest).where(latest.c.weight == _number(weight), self._led(latest))

    def _unlike(self, how: ColumnElement[float]) -> ColumnElement[Any]:
        """Return the tier of a name: the higher, the less it is like the question."""
        return literal_column(str(SIMILAR + len(self.asked.spelt))) - how

    @property
    def _spelt(self) -> list[ColumnElement[str]]:
        return [_text(f"y{at}") for at in range(len(self.asked.spelt))]

    def _tiers(self, walked: int | None) -> Iterator[Select[Any]]:
        weight, head, key = document.c.weight, document.c.head, document.c.id
        start, end = _text("start"), _text("start_end")
        for how, begins in enumerate((head == start, and_(head > start, head < end))):
            for it in (0, 1):
                yield self._tier(2 * how + it, select(key).where(weight == _number(it), begins))
        for it in (0, 1):
            if it == walked:
                yield self._tier(4 + it, self._walk(it))
                return
            yield self._tier(4 + it, matching(_text(f"lead{it}"), sqlite=self.asked.sqlite))

    def _walk(self, weight: int) -> Select[Any]:
        latest = select(func.max(document.c.id) - literal_column(str(WALK))).scalar_subquery()
        return select(document.c.id).where(
            document.c.id > latest, document.c.weight == _number(weight), self._led(document)
        )

    def _tier(self, number: int, keys: Select[Any]) -> Select[Any]:
        [key] = keys.selected_columns
        statement = keys.add_columns(_number(number).label("tier")).order_by(key.desc())
        return barred(statement, sqlite=self.asked.sqlite)

    def _sorted(self, found: _Found, *reach: ColumnElement[bool]) -> Select[Any]:
        it = found.documents
        start, length = _text("start"), bindparam("start_length", type_=Integer())
        how = case((it.c.head == start, 0), (func.substr(it.c.head, 1, length) == start, 2), else_=4)
        tier = (how + it.c.weight).label("tier")
        return (
            self._rows(found, tier).where(self._led(it), *reach, self._answered(found)).order_by(tier, it.c.id.desc())
        )

    def _records_within_reach(self) -> FromClause:
        arms = [arm for at, place in enumerate(self.asked.reach.places) for arm in visible(at, place, self.entities)]
        return (union(*arms) if len(arms) > 1 else arms[0]).subquery("m")

    def _rows(self, found: _Found, tier: ColumnElement[Any]) -> Select[Any]:
        columns = [tier.label("tier"), *(found.documents.c[name] for name in COLUMNS)]
        readable = self._readable(found.documents)
        return select(*columns).select_from(found.joined).where(readable).limit(bindparam("most", type_=Integer()))

    def _each(self, source: FromClause, by: str) -> _Found:
        joined = documents_of(source, by, sqlite=self.asked.sqlite)
        return _Found(joined.right, joined)

    def _readable(self, documents: FromClause) -> ColumnElement[bool]:
        fields = [_text(f"f{at}") for at in range(len(self.asked.reach.fields))]
        return documents.c.field.in_(fields)

    # Whether a record answers all terms.

    def _led(self, documents: FromClause) -> ColumnElement[bool]:
        """Whether a document leads to a record that may answer."""
        return or_(*[self._holds(documents, f"l{at}") for at in range(len(self.asked.question.lead.lead))])

    def _answered(self, found: _Found) -> ColumnElement[bool]:
        tests = [self._answers(found, at, term) for at, term in enumerate(self.asked.tested)]
        return and_(true(), *tests)

    def _answers(self, found: _Found, at: int, term: Term) -> ColumnElement[bool]:
        each = [self._somewhere(found, [f"t{at}w{n}"]) for n in range(len(term.words))]
        run = [f"t{at}d{n}" for n in range(len(term.digits))]
        return or_(and_(*each), self._somewhere(found, run)) if run else and_(*each)

    def _somewhere(self, found: _Found, names: list[str]) -> ColumnElement[bool]:
        """Whether one of the documents that lead to the same record has a word that begins so."""
        other = document.alias()
        tests = or_(*[self._holds(other, name) for name in names])
        return _exists(other, other.c.record_id == found.documents.c.record_id, self._readable(other), tests)

    def _holds(self, documents: FromClause, name: str) -> ColumnElement[bool]:
        return holds(documents.c.text, _text(name), sqlite=self.asked.sqlite)

    # Whether the reader may know of a record.

    def _within_reach(self, found: _Found) -> ColumnElement[bool]:
        it = found.documents
        places = enumerate(self.asked.reach.places)
        seen = [(it.c.entity == _word(place.spec.name), self._seen(at, place, it.c.record_id)) for at, place in places]
        return case(*seen, else_=false()) == true() if len(seen) > 1 else and_(*seen[0])

    def _seen(self, at: int, place: Place, id: ColumnElement[Any]) -> ColumnElement[bool]:
        records, names = place.spec.table.alias(), parameter_names(f"p{at}s")
        within = clause(place.scope, place.spec, self.entities, names, records)
        return _exists(records, records.c.id == id, records.c.deleted_at.is_(None), within)


def visible(at: int, place: Place, entities: Entities) -> list[Select[Any]]:
    """Return the records of a place arm by arm, each off its own index; `at` numbers their parameters."""
    table, names = place.spec.table, parameter_names(f"a{at}s")
    return [
        select(table.c.id.label("id")).where(table.c.deleted_at.is_(None), clause(arm, place.spec, entities, names))
        for arm in place.parts.arms
    ]


def _exists(source: FromClause, *where: ColumnElement[bool]) -> ColumnElement[bool]:
    """Whether there is a row. As a value, for PostgreSQL would gather all rows for an EXISTS that it meets often."""
    one: Select[Any] = select(literal_column("1")).select_from(source).where(*where).limit(literal_column("1"))
    return one.scalar_subquery().is_not(None)


def _text(name: str) -> ColumnElement[str]:
    return bindparam(name, type_=Text())


def _word(name: str) -> ColumnElement[str]:
    return literal_column(f"'{name}'")


def _number(it: int) -> ColumnElement[int]:
    return literal_column(str(it))
