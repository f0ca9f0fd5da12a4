"""Records that may be one and the same: proposed with reasons, for somebody to merge them or say that they are two."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations, islice
from typing import TYPE_CHECKING, Any

import attrs
from sqlalchemy import bindparam, delete, select

from opencrm.core.columns import key_column
from opencrm.core.conditions import All, AnyOf, Equal, StartsWith
from opencrm.core.entities import ContactPoint
from opencrm.core.entity import Spec
from opencrm.core.points import point_key
from opencrm.core.values import Id
from opencrm.errors import InputError
from opencrm.services.cleaning.comparing.shared import LARGEST, POINTS, link_of, shared_keys, shared_points
from opencrm.services.cleaning.comparing.similar import Name, likeness, name_of, similar
from opencrm.services.reading.asking import check_limit
from opencrm.services.reading.rows import Query
from opencrm.storage import tables

if TYPE_CHECKING:
    from opencrm.services.reading.reader import Reader
    from opencrm.services.reading.selecting import Of
    from opencrm.services.writing.work import Work

MOST_COMPARED = 200_000
"""The most records whose names are compared with each other: the newest."""

_MOST_PAIRS = 100_000
_MOST_NEAR = 5_000
_LONGEST_PREFIX = 5
_WORTH = {"email": 90, "messenger": 85, "phone": 70, "name": 70, "key": 60}
_TABLE = tables.no_duplicate


@attrs.frozen
class Reason:
    """Why two records may be one.

    Attributes:
        kind: `name`, `email`, `phone`, `messenger`, or `key` for the same key in two other systems.
        value: The value that they share; None for a name.
        score: How much it tells, of 100.
    """

    kind: str
    value: str | None
    score: int


@attrs.frozen
class Proposal:
    """Two records that may be one; the older first.

    Attributes:
        one: The older record's id.
        other: The newer one's.
        score: How likely it is, of 100; for putting proposals in an order, no probability.
        reasons: What it rests on.
    """

    one: Id
    other: Id
    score: int
    reasons: tuple[Reason, ...]


@attrs.frozen
class Match:
    """A record that may be the one that somebody is about to make."""

    id: Id
    score: int
    reasons: tuple[Reason, ...]


def find(reader: Reader, entity: Of, *, limit: int = 100) -> tuple[Proposal, ...]:
    """Return the likeliest pairs among all records that the reader may read, without those that were dismissed.

    They share an e-mail address, a phone number or a messenger's name, have nearly the same name, or both: nearly the
    same name, and one key in two other systems. A key that more than ten records share tells nothing.

    Raises:
        InputError: The limit lies outside of 1 to 1000.
    """
    check_limit(limit)
    spec = reader.entity(entity)
    names = {name.id: name for name in _names(reader, spec)}
    found: dict[tuple[Id, Id], dict[str, Reason]] = {}
    for pair, reason in _reasons(reader, spec, names):
        if pair in found or len(found) < _MOST_PAIRS:
            found.setdefault(pair, {}).setdefault(reason.kind, reason)
    for pair in _dismissed(reader, spec):
        found.pop(pair, None)
    proposals = (Proposal(*pair, _score(it.values()), _ordered(it)) for pair, it in found.items())
    return tuple(sorted(proposals, key=lambda it: (-it.score, it.one, it.other))[:limit])


def of(reader: Reader, entity: Of, values: Mapping[str, Any], *, limit: int = 10) -> tuple[Match, ...]:
    """Return the records that may be the one with these values, the likeliest first: to be asked before it is made.

    Args:
        reader: The reader; of records and fields that they may not read nothing is said.
        entity: The entity.
        values: Values of the record, raw or typed, with its `points` if it has any.
        limit: How many at most, up to 1000.

    Raises:
        InputError: The limit lies outside of 1 to 1000.
    """
    check_limit(limit)
    spec = reader.entity(entity)
    found: dict[Id, dict[str, Reason]] = {}
    for id, reason in (*_same_points(reader, spec, values.get("points")), *_same_names(reader, spec, values)):
        found.setdefault(id, {}).setdefault(reason.kind, reason)
    matches = (Match(id, _score(it.values()), _ordered(it)) for id, it in found.items())
    return tuple(sorted(matches, key=lambda it: (-it.score, it.id))[:limit])


def dismiss(work: Work, entity: Of, one: Id, other: Id) -> None:
    """Remember that two records are two: the pair is proposed to nobody any more.

    Raises:
        NotFound: One is not there, or the principal may not know of it.
        PermissionDenied: The principal may not change both.
        InputError: They are one.
    """
    row = _pair(work, entity, one, other)
    _forget(work, row)
    work.tx.insert(_TABLE, [{**row, "by": work.rights.name, "at": work.now}])


def propose_again(work: Work, entity: Of, one: Id, other: Id) -> None:
    """Take a `dismiss` back; raises what that raises."""
    _forget(work, _pair(work, entity, one, other))


def _reasons(reader: Reader, spec: Spec, names: Mapping[Id, Name]) -> Iterator[tuple[tuple[Id, Id], Reason]]:
    """Give what speaks for pairs; what tells most comes first."""
    for kind, value, ids in shared_points(reader, spec):
        for pair in combinations(sorted(ids), 2):
            yield pair, Reason(kind, value, _WORTH[kind])
            yield from _named(names, pair)
    for kind, value, ids in shared_keys(reader, spec):
        for pair in combinations(sorted(ids), 2):
            for named in _named(names, pair):
                yield from (named, (pair, Reason(kind, value, _WORTH[kind])))
    for first, second, like in similar(names.values()):
        yield (min(first, second), max(first, second)), _by_name(like)


def _named(names: Mapping[Id, Name], pair: tuple[Id, Id]) -> Iterator[tuple[tuple[Id, Id], Reason]]:
    one, other = (names.get(id) for id in pair)
    like = likeness(one, other) if one and other else 0
    if like:
        yield pair, _by_name(like)


def _by_name(like: int) -> Reason:
    return Reason("name", None, _WORTH["name"] * like // 100)


def _score(reasons: Iterable[Reason]) -> int:
    """Return what reasons tell together: each leaves only so much doubt of what the others left."""
    doubt = 1.0
    for reason in reasons:
        doubt *= 1 - reason.score / 100
    return round(100 * (1 - doubt))


def _ordered(reasons: Mapping[str, Reason]) -> tuple[Reason, ...]:
    return tuple(sorted(reasons.values(), key=lambda reason: (-reason.score, reason.kind)))


def _names(reader: Reader, spec: Spec) -> Iterator[Name]:
    field = _name_field(reader, spec)
    if field is not None:
        query: Query[Any] = Query(spec, fields=[field])
        for record in islice(reader.stream(query), MOST_COMPARED):
            if record[field]:
                yield name_of(record["id"], record[field])


def _name_field(reader: Reader, spec: Spec) -> str | None:
    """Return the field that names a record to a person, if it is text that the reader may read."""
    field = spec.fields[spec.options.display]
    return field.name if field.folded and field.name in reader.rights.readable(spec) else None


def _same_names(reader: Reader, spec: Spec, values: Mapping[str, Any]) -> Iterator[tuple[Id, Reason]]:
    field, text = _name_field(reader, spec), _given_name(reader, spec, values)
    if field is None or not text:
        return
    wanted = name_of("", text)
    for word in wanted.words[:4]:
        for name in _near(reader, spec, field, word):
            like = likeness(wanted, name)
            if like:
                yield name.id, _by_name(like)


def _given_name(reader: Reader, spec: Spec, values: Mapping[str, Any]) -> str | None:
    whole = dict(values)
    if spec.options.derive is not None and not whole.get(spec.options.display):
        try:
            spec.options.derive(whole, reader.configuration.locale)
        except (InputError, TypeError, ValueError):
            return None
    text = whole.get(spec.options.display)
    return text if isinstance(text, str) else None


def _near(reader: Reader, spec: Spec, field: str, word: str) -> list[Name]:
    """Return the names that begin like a word: by as few letters as bring no more than some thousand."""
    found: list[Any] = []
    for length in range(2, _LONGEST_PREFIX + 1):
        query: Query[Any] = Query(spec, where=StartsWith(field, word[:length]), fields=[field])
        found = list(islice(reader.stream(query), _MOST_NEAR + 1))
        if len(found) <= _MOST_NEAR or length >= len(word):
            break
    return [name_of(record["id"], record[field]) for record in found[:_MOST_NEAR]]


def _same_points(reader: Reader, spec: Spec, points: Any) -> Iterator[tuple[Id, Reason]]:
    point = reader.entity(ContactPoint)
    link, readable = link_of(point, spec), reader.rights.readable(point)
    keys = list(dict.fromkeys(_keys(reader, points)))[:LARGEST]
    if link is None or not keys or not readable.issuperset((link, "kind", "key")):
        return
    where = AnyOf(tuple(All((Equal("kind", kind), Equal("key", key))) for kind, key in keys))
    query: Query[Any] = Query(point, where=where, sort="key", fields=[link, "kind", "key"], limit=1000)
    found: dict[tuple[str, str], set[Id]] = {}
    for row in reader.list(query):
        if row[link] is not None:
            found.setdefault((row["kind"], row["key"]), set()).add(row[link])
    for (kind, key), ids in found.items():
        if len(ids) <= LARGEST:
            yield from ((id, Reason(kind, key, _WORTH[kind])) for id in ids)


def _keys(reader: Reader, points: Any) -> Iterator[tuple[str, str]]:
    """Give the normal forms of contact points as somebody typed them; what is none yet has none."""
    for each in points if isinstance(points, Sequence) else ():
        kind, value = (each.get("kind"), each.get("value")) if isinstance(each, Mapping) else (None, None)
        if kind in POINTS and isinstance(value, str):
            try:
                yield kind, point_key(kind, value, reader.configuration.locale.region)
            except ValueError:
                continue


def _dismissed(reader: Reader, spec: Spec) -> list[tuple[Id, Id]]:
    def build() -> Any:
        mine = _TABLE.c.entity == bindparam("entity", type_=key_column(100))
        return select(_TABLE.c.one_id, _TABLE.c.other_id).where(mine)

    return [(one, other) for one, other in reader.tx.select("no duplicates", build, {"entity": spec.name})]


def _pair(work: Work, entity: Of, one: Id, other: Id) -> dict[str, Any]:
    spec = work.entity(entity)
    states = work.existing(spec, [one, other])
    if one == other:
        raise InputError({"other": ["must be another record"]})
    test = work.rights.expression(spec, "update").test(work.linked)
    if not all(map(test, states.values())):
        raise work.rights.denied(f"{spec.name}.update", "no grant reaches the record")
    return {"entity": spec.name, "one_id": min(one, other), "other_id": max(one, other)}


def _forget(work: Work, row: Mapping[str, Any]) -> None:
    same = [_TABLE.c[name] == bindparam(f"old_{name}", type_=_TABLE.c[name].type) for name in row]
    given = {f"old_{name}": value for name, value in row.items()}
    work.tx.run("forget no duplicate", lambda: delete(_TABLE).where(*same), [given])
