"""What search gives: the records found, with what a reader may see of them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import attrs
from sqlalchemy import bindparam, select

from opencrm.core.change import Values
from opencrm.core.columns import IdColumn
from opencrm.core.conditions import In
from opencrm.core.entity import Spec
from opencrm.core.search import Question, words
from opencrm.core.search.documents import looked_into, source_of, written
from opencrm.core.values import Id
from opencrm.services.reading.reader import Reader
from opencrm.services.reading.rows import Query
from opencrm.services.searching.finding import Row
from opencrm.storage.statements import padded

_AROUND = 40
_LONGEST = 120


@attrs.frozen
class Hit:
    """A record that answers a question.

    Attributes:
        entity: The entity's name.
        id: The record.
        title: The field that names it to a person; None where that may not be read.
        field: The field that answers best: its name or, of a part, with the part's: `"contact_point.value"`.
        snippet: What stands there, around the word that was found.
    """

    entity: str
    id: Id
    title: str | None
    field: str
    snippet: str


def dressed(reader: Reader, rows: Sequence[Row], question: Question) -> tuple[Hit, ...]:
    """Return the hits of rows, in their order."""
    return _Dressing(reader, question).hits(rows)


class _Dressing:
    """Reads what hits show, in one statement for each entity that is among them."""

    def __init__(self, reader: Reader, question: Question) -> None:
        self._reader = reader
        self._known = reader.configuration.catalogue.entities
        self._beginnings = tuple(word for term in question.terms for word in (*term.words, *term.digits))

    def hits(self, rows: Sequence[Row]) -> tuple[Hit, ...]:
        records: dict[Id, Values] = {}
        parts: dict[Id, Values] = {}
        for entity in dict.fromkeys(row.entity for row in rows):
            records |= self._records(self._known[entity], [row for row in rows if row.entity == entity])
        for source in dict.fromkeys(source_of(row.field) for row in rows if _of_part(row)):
            own = [row for row in rows if _of_part(row) and source_of(row.field) == source]
            parts |= self._parts(self._known[source], own)
        return tuple(self._hit(records, parts, row) for row in rows if row.record_id in records)

    def _records(self, spec: Spec, rows: Sequence[Row]) -> dict[Id, Values]:
        """Return the readable names of found records, and the fields that answered."""
        own = {self._name(row) for row in rows if not _of_part(row)}
        fields = {spec.options.display, *own} & self._reader.rights.readable(spec)
        ids = tuple(padded([row.record_id for row in rows]))
        query: Query[Any] = Query(spec, In("id", ids), sort="id", limit=len(ids), fields=sorted(fields))
        return {record.id: record.values() for record in self._reader.list(query).rows}

    def _parts(self, spec: Spec, rows: Sequence[Row]) -> dict[Id, Values]:
        """Return the fields that answered of parts: who reads the whole reads them."""
        ids = padded([row.source_id for row in rows])
        names = tuple(sorted({self._name(row) for row in rows}))

        def build() -> Any:
            given = [bindparam(f"i{at}", type_=IdColumn()) for at in range(len(ids))]
            return select(spec.table.c.id, *map(spec.column, names)).where(spec.table.c.id.in_(given))

        values = {f"i{at}": id for at, id in enumerate(ids)}
        found = self._reader.tx.query(("search parts", spec.name, names, len(ids)), build, values)
        return {row["id"]: row for row in found}

    def _hit(self, records: Mapping[Id, Values], parts: Mapping[Id, Values], row: Row) -> Hit:
        name = self._name(row)
        value = (parts if _of_part(row) else records).get(row.source_id, {}).get(name)
        title = records[row.record_id].get(self._known[row.entity].options.display)
        return Hit(
            entity=row.entity,
            id=row.record_id,
            title=None if title is None else str(title),
            field=f"{source_of(row.field)}.{name}" if _of_part(row) else name,
            snippet="" if value is None else self._snippet(row, name, value),
        )

    def _snippet(self, row: Row, name: str, value: Any) -> str:
        field = self._known[source_of(row.field)].fields[name]
        return _snippet(written(field, value), self._beginnings)

    def _name(self, row: Row) -> str:
        """Return the present name of the field that answered."""
        looked = looked_into(self._known[source_of(row.field)])
        return next(it.name for it in looked if it.label == row.field)


def _snippet(text: str, beginnings: tuple[str, ...]) -> str:
    """Return so much of a text as can be shown, around the first word that begins as it was asked for."""
    at = next((it.start() for it in re.finditer(r"\S+", text) if _answers(it[0], beginnings)), 0)
    start = max(at - _AROUND, 0) if len(text) > _LONGEST else 0
    shown = " ".join(text[start : start + _LONGEST].split())
    return f"{'… ' if start else ''}{shown}{' …' if start + _LONGEST < len(text) else ''}"


def _answers(piece: str, beginnings: tuple[str, ...]) -> bool:
    return any(word.startswith(beginnings) for word in words(piece))


def _of_part(row: Row) -> bool:
    return row.source_id != row.record_id
