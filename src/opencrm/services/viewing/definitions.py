"""From what a view or a segment says to a query that this reader may run: never as its author, never with a part less.

A definition is bound anew for whoever reads it. A condition or an order that looks at a field that is gone, or that
the reader may not read, is an error; it is not left out, which would show more records than were meant. The error
names the field to whoever reads everything, and to whoever just wrote it: for all others a field that they may not
read does not exist. Columns that do not exist for a reader are left out.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

from opencrm.core.change import Values
from opencrm.core.conditions import Condition, In, condition
from opencrm.core.conditions.limits import MOST_NODES
from opencrm.core.entities.workspace.views import SEGMENT, SavedView, Segment
from opencrm.core.entity import Spec
from opencrm.core.values import Id
from opencrm.errors import InputError
from opencrm.services.reading import saved as shown
from opencrm.services.reading.reader import Reader
from opencrm.services.reading.rows import Query
from opencrm.storage.statements import padded

MOST_NESTED = 5
"""How deep segments may stand within segments."""

USUAL_SORT = "-created_at"
PARTS = frozenset({"entity", "where", "columns", "sort"})
"""The fields that make a definition."""

UNTOLD = "looks at a field that is gone, or that you may not read"
"""All that is said of a definition whose reader may not read all of it."""

_CHUNK = 500


def definition(reader: Reader, entity: type[SavedView | Segment], id: Id) -> Values:
    """Return a view or a segment, with all that makes its query.

    Raises:
        NotFound: There is none, or none that the reader may know of.
        InputError: The reader may not read what makes its query.
    """
    record = reader.get(entity, id)
    hidden = (PARTS & entity.spec.fields.keys()) - set(record.fields)
    if hidden:
        raise InputError({name: [f"{entity.spec.name} has no such field"] for name in sorted(hidden)})
    return _written(reader, reader.entity(entity), [record.id])[record.id]


def usable(reader: Reader, entity: type[SavedView | Segment], ids: Sequence[Id]) -> Mapping[Id, bool]:
    """Say of views or segments that the reader may know of whether they can be opened by this reader."""
    spec = reader.entity(entity)
    whole = reader.rights.readable(spec).issuperset(PARTS & spec.fields.keys())
    return {id: whole and _usable(reader, state) for id, state in _written(reader, spec, ids).items()}


def query_of(
    reader: Reader, saved: Mapping[str, Any], *, within: tuple[Id, ...] = (), written: Collection[str] = ()
) -> Query[Any]:
    """Return the query that a definition stands for.

    Args:
        reader: Whoever is going to run it.
        saved: The definition: `entity`, `where`, and perhaps `columns` and `sort`.
        within: The segment that it belongs to, which must not stand for itself.
        written: The parts that the reader wrote just now, of which an error names the fields.

    Raises:
        InputError: Names each part of the definition that cannot be used.
    """
    spec = _entity(reader, saved["entity"])
    raw, names, sort = saved["where"], saved.get("columns"), saved.get("sort")
    known = PARTS if reader.rights.owner else frozenset(written)
    order = USUAL_SORT if sort is None else _present_sort(reader, spec, sort)
    columns = None if names is None else _columns(reader, spec, names, every="columns" in known)
    where, wrong = None, dict[str, list[str]]()
    with _told(wrong, "where"):
        if raw is not None and "where" not in known and shown.looks_at_hidden(reader.rights, spec, raw):
            raise InputError({"where": [UNTOLD]})
        where = None if raw is None else condition_of(reader, spec, raw, within=within)
    with _told(wrong, "columns"):
        reader.check(Query(spec, sort="id", fields=columns))
    with _told(wrong, "sort"):
        if sort is not None and "sort" not in known and shown.hides(reader.rights, spec, sort.removeprefix("-")):
            raise InputError({"sort": [UNTOLD]})
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
        spec, rights = self._reader.entity(Segment), self._reader.rights
        self._reader.names(spec, ("entity", "where"))
        found = _written(self._reader, spec, [id]).get(id)
        if found is None:
            raise InputError({SEGMENT: [f"there is no segment {id}"]})
        if found["entity"] != self._spec.name:
            raise InputError({SEGMENT: [f"{id} is not about {self._spec.name}"]})
        if not rights.owner and shown.looks_at_hidden(rights, self._spec, found["where"]):
            raise InputError({SEGMENT: [f"{id} {UNTOLD}"]})
        return found["where"]


def _entity(reader: Reader, name: str) -> Spec:
    found = reader.configuration.catalogue.entities.get(name)
    if found is None:
        meant = reader.configuration.catalogue.named(name.replace("-", "_"))
        hint = f"; it is called {meant.name}" if meant else ""
        raise InputError({"entity": [f"there is no entity {name!r}{hint}"]})
    return found


def _written(reader: Reader, spec: Spec, ids: Sequence[Id]) -> dict[Id, Values]:
    """Return definitions that the reader may know of, as they were written; none of them is locked."""
    names = ("id", *sorted(PARTS & spec.fields.keys()))
    found: dict[Id, Values] = {}
    for start in range(0, len(ids), _CHUNK):
        part = tuple(padded(ids[start : start + _CHUNK]))
        plan = reader.plan(spec, names, reader.bound(spec, In("id", part)))
        rows = reader.tx.select(plan.shape, partial(reader.statement, plan), plan.values)
        found |= {row[0]: dict(zip(names, row, strict=True)) for row in rows}
    return found


def _columns(reader: Reader, spec: Spec, names: Sequence[str], *, every: bool) -> tuple[str, ...]:
    """Return what columns are called now: every one, or those that exist for the reader."""
    kept = [name for name in names if every or not shown.hides(reader.rights, spec, name)]
    return tuple(_present(reader, spec, name) for name in kept)


def _usable(reader: Reader, saved: Values) -> bool:
    try:
        query_of(reader, saved, within=(saved["id"],))
    except InputError:
        return False
    return True


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
