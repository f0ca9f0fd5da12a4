"""From what a view or a segment says to a query that this reader may run: never as its author, never with a part less.

A definition is bound anew for whoever reads it. What it says of a field that is gone, or that the reader may not
read, is an error that names the field; it is not left out, which would show more records than were meant.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from opencrm.core.change import Values
from opencrm.core.conditions import Condition, Equal, condition
from opencrm.core.conditions.limits import MOST_NODES
from opencrm.core.entities.views import SEGMENT, SavedView, Segment
from opencrm.core.entity import Spec
from opencrm.core.values import Id
from opencrm.errors import InputError
from opencrm.services.reading.reader import Reader
from opencrm.services.reading.rows import Query

MOST_NESTED = 5
"""How deep segments may stand within segments."""

USUAL_SORT = "-created_at"
_PARTS = ("entity", "where", "columns", "sort")


def definition(reader: Reader, entity: type[SavedView | Segment], id: Id) -> Values:
    """Return a view or a segment, with all that makes its query.

    Raises:
        NotFound: There is none, or none that the reader may know of.
        InputError: The reader may not read what makes its query.
    """
    record = reader.get(entity, id)
    needed = [name for name in _PARTS if name in entity.spec.fields]
    hidden = [name for name in needed if name not in record.fields]
    if hidden:
        raise InputError({name: [f"{entity.spec.name} has no such field"] for name in hidden})
    return record.values()


def query_of(reader: Reader, saved: Mapping[str, Any], *, within: tuple[Id, ...] = ()) -> Query[Any]:
    """Return the query that a definition stands for.

    Args:
        reader: Whoever is going to run it.
        saved: The definition: `entity`, `where`, and perhaps `columns` and `sort`.
        within: The segment that it belongs to, which must not stand for itself.

    Raises:
        InputError: Names each part of the definition that cannot be used, and the field within it.
    """
    spec = _entity(reader, saved["entity"])
    raw, names, sort = saved["where"], saved.get("columns"), saved.get("sort")
    columns = None if names is None else tuple(_present(reader, spec, name) for name in names)
    order = USUAL_SORT if sort is None else _present_sort(reader, spec, sort)
    where, wrong = None, dict[str, list[str]]()
    with _told(wrong, "where"):
        where = None if raw is None else condition_of(reader, spec, raw, within=within)
    with _told(wrong, "columns"):
        reader.check(Query(spec, sort="id", fields=columns))
    with _told(wrong, "sort"):
        reader.check(Query(spec, sort="id" if sort is None else order))
    if wrong:
        raise InputError(wrong)
    return Query(spec, where=where, fields=columns, sort=order)


def condition_of(reader: Reader, spec: Spec, raw: Any, *, within: tuple[Id, ...] = ()) -> Condition:
    """Return a saved condition about an entity, with the conditions of segments in their places.

    Raises:
        InputError: Names the field, or the segment, that cannot be used.
    """
    return _checked(reader, spec, expanded(reader, spec, raw, within=within))


def expanded(reader: Reader, spec: Spec, raw: Any, *, within: tuple[Id, ...] = ()) -> Any:
    """Return a saved condition in its plain form, with the conditions of segments in their places.

    Raises:
        InputError: A segment cannot be used, or there are too many.
    """
    return _Expansion(reader, spec).expand(raw, within)


def _checked(reader: Reader, spec: Spec, raw: Any) -> Condition:
    try:
        found = condition(raw)
    except ValueError as error:
        raise InputError({"": [str(error)]}) from None
    reader.check(Query(spec, where=found, sort="id"))
    return found


class _Expansion:
    """Puts the conditions of segments, as far as the reader may read them, in their places."""

    def __init__(self, reader: Reader, spec: Spec) -> None:
        self._reader = reader
        self._spec = spec
        self._nodes = 0
        self._known: dict[Id, Any] = {}

    def expand(self, raw: Any, within: tuple[Id, ...]) -> Any:
        self._nodes += 1
        if self._nodes > MOST_NODES:
            raise InputError({"": [f"has more than {MOST_NODES} parts, those of its segments included"]})
        match raw:
            case {"all": items}:
                return {"all": [self.expand(each, within) for each in items]}
            case {"any": items}:
                return {"any": [self.expand(each, within) for each in items]}
            case {"not": inner}:
                return {"not": self.expand(inner, within)}
            case {"segment": id}:
                return self.expand(self._segment(id, within), (*within, id))
            case {"field": name}:
                return {**raw, "field": _present(self._reader, self._spec, name)}
        return raw

    def _segment(self, id: Id, within: tuple[Id, ...]) -> Any:
        if id in within:
            raise InputError({SEGMENT: [f"{id} stands for itself"]})
        if len(within) > MOST_NESTED:
            raise InputError({SEGMENT: [f"segments stand within segments at most {MOST_NESTED} deep"]})
        if id not in self._known:
            self._known[id] = self._read(id)
        return self._known[id]

    def _read(self, id: Id) -> Any:
        query = Query(Segment, where=Equal("id", id), fields=("entity", "where"), sort="id", limit=1)
        rows = self._reader.list(query).rows
        if not rows:
            raise InputError({SEGMENT: [f"there is no segment {id}"]})
        if rows[0]["entity"] != self._spec.name:
            raise InputError({SEGMENT: [f"{id} is not about {self._spec.name}"]})
        return rows[0]["where"]


def _entity(reader: Reader, name: str) -> Spec:
    found = reader.configuration.catalogue.entities.get(name)
    if found is None:
        raise InputError({"entity": [f"there is no entity {name!r}"]})
    return found


def _present(reader: Reader, spec: Spec, name: str) -> str:
    """Return what a custom field that was renamed is called now, if the reader may read it."""
    now = spec.former.get(name, name)
    return now if name not in spec.fields and now in reader.rights.readable(spec) else name


def _present_sort(reader: Reader, spec: Spec, sort: str) -> str:
    name = sort.removeprefix("-")
    return f"{sort.removesuffix(name)}{_present(reader, spec, name)}"


@contextmanager
def _told(wrong: dict[str, list[str]], part: str) -> Iterator[None]:
    """Keep what is wrong inside under the part of the definition that it is wrong with."""
    try:
        yield
    except InputError as error:
        told = [(name, text) for name, texts in error.fields.items() for text in texts]
        inner = part == "where"
        wrong[part] = [f"{name}: {text}" if inner and name not in ("", part) else text for name, text in told]
