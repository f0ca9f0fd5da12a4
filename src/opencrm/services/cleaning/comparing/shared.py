"""Keys that records have in common: an e-mail address, a phone number, the key of another system."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from sqlalchemy import Select, and_, bindparam, distinct, func, literal_column, select
from sqlalchemy.sql.expression import FromClause

from opencrm.core.columns import key_column
from opencrm.core.conditions import clause, shape, values
from opencrm.core.conditions.sql import parameter_names
from opencrm.core.entities import ContactPoint, ExternalRef
from opencrm.core.entity import Spec
from opencrm.core.values import Id
from opencrm.services.reading.reader import Reader

POINTS = ("email", "messenger", "phone")
"""The kinds of contact points that tell who it is; a family shares an address."""

MOST = 20_000
"""The most rows that are looked at."""

LARGEST = 10
"""A key that more records than this have in common is a switchboard's, and tells nothing."""


def shared_points(reader: Reader, spec: Spec) -> Iterator[tuple[str, str, list[Id]]]:
    """Give each kind and normal form that several records have in common, with those records.

    Only records, and fields, that the reader may read are looked at.
    """
    point = reader.entity(ContactPoint)
    link = link_of(point, spec)
    if link is None or not reader.rights.readable(point).issuperset((link, "kind", "key")):
        return
    kinds = point.table.c.kind.in_([literal_column(f"'{kind}'") for kind in POINTS])
    yield from _groups(reader, spec, point, ("kind", "key", link), kinds)


def shared_keys(reader: Reader, spec: Spec) -> Iterator[tuple[str, str, list[Id]]]:
    """Give each key by which several systems know several records, with those records, and "key" before it."""
    ref = reader.entity(ExternalRef)
    if not reader.rights.readable(ref).issuperset(("key", "entity", "record_id")):
        return
    same = ref.table.c.entity == bindparam("entity", spec.name, type_=key_column(100))
    for _, key, ids in _groups(reader, spec, ref, ("entity", "key", "record_id"), same):
        yield "key", key, ids


def link_of(point: Spec, spec: Spec) -> str | None:
    """Return the field by which contact points belong to records of an entity."""
    return next((name for name, to in point.references().items() if to == spec.name), None)


def _groups(
    reader: Reader, spec: Spec, part: Spec, names: tuple[str, str, str], these: Any
) -> Iterator[tuple[str, str, list[Id]]]:
    scope = reader.scope(spec)
    given = {f"s{at}": value for at, value in enumerate(values(scope))} | {"entity": spec.name}
    rows = reader.tx.select(
        ("shared", part.name, spec.name, shape(scope)), lambda: _statement(reader, spec, part, names, these), given
    )
    found: dict[tuple[str, str], list[Id]] = {}
    for kind, key, id in rows:
        found.setdefault((kind, key), []).append(id)
    for (kind, key), ids in found.items():
        if len(ids) <= LARGEST:
            yield kind, key, ids


def _statement(reader: Reader, spec: Spec, part: Spec, names: tuple[str, str, str], these: Any) -> Select[Any]:
    held = _held(reader, spec, part, names, these)
    kind, key, link = (held.c[name] for name in names)
    several = (
        select(kind, key).group_by(kind, key).having(func.count(distinct(link)) > 1).order_by(kind, key).subquery()
    )
    same = and_(several.c[names[0]] == kind, several.c[names[1]] == key)
    chosen = select(kind, key, link).distinct().select_from(held.join(several, same))
    return chosen.order_by(kind, key, link).limit(literal_column(str(MOST)))


def _held(reader: Reader, spec: Spec, part: Spec, names: Iterable[str], these: Any) -> FromClause:
    """Return the keys of living records within reach."""
    *_, link = names
    whole, entities = spec.table.alias(), reader.configuration.catalogue.entities
    reach = clause(reader.scope(spec), spec, entities, parameter_names("s"), whole)
    living = (part.table.c.deleted_at.is_(None), whole.c.deleted_at.is_(None))
    joined = part.table.join(whole, part.table.c[link] == whole.c.id)
    columns = [part.table.c[name] for name in names]
    return select(*columns).select_from(joined).where(*living, these, reach).cte("held")
