"""Brings the parts of records that stand already up to date: contact points, lines, prices, employments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from opencrm import All, Create, Equal, In, Query, Update, records
from opencrm.embed import Loaded, Spec, Work
from opencrm.plugins.importing.rows.plans import TargetPlan

_AT_ONCE = 400


def write_parts(work: Work, target: TargetPlan, loaded: Mapping[str, Loaded]) -> set[str]:
    """Add parts that a row has and its record has not, and change those that differ; none is taken away.

    A part that has a normal form, such as a phone number, is recognised by it; others are by their order.

    Args:
        work: The work block.
        target: The target that has the parts.
        loaded: The rows' values, by the record's id.

    Returns:
        The ids of the records whose parts changed.
    """
    changed: set[str] = set()
    nested = work.configuration.schemas.nested(target.spec)
    for name in dict.fromkeys(part.name for part in target.parts):
        spec, field = nested[name]
        given = {item.name for part in target.parts if part.name == name for item in part.items}
        standing = _standing(work, target.spec, spec, field, list(loaded))
        creates: list[Create[Any]] = []
        updates: list[Update[Any]] = []
        for id, values in loaded.items():
            new, other = _compared(spec, values.get(name, ()), standing.get(id, ()), given)
            creates += [Create(spec, values=_whole(part, spec, field, id)) for part in new]
            updates += [Update(spec, part, values=changes) for part, changes in other]
            changed |= {id} if new or other else set()
        if creates:
            records.create(work, creates)
        if updates:
            records.update(work, updates)
    return changed


def _standing(
    work: Work, owner: Spec, spec: Spec, field: str, ids: Sequence[str]
) -> dict[str, list[Mapping[str, Any]]]:
    """Return the parts that are there, by record, oldest first."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    for start in range(0, len(ids), _AT_ONCE):
        of = In(field, tuple(ids[start : start + _AT_ONCE]))
        where = All((Equal("entity", owner.name), of)) if field == "record_id" else of
        for row in work.stream(Query(spec, where=where, sort="id")):
            found.setdefault(row[field], []).append(row.values())
    return found


def _compared(
    spec: Spec, parts: Sequence[Loaded], standing: Sequence[Mapping[str, Any]], given: set[str]
) -> tuple[list[Loaded], list[tuple[str, dict[str, Any]]]]:
    """Return the parts to be made, and the ids of others with what changes about them."""
    if "key" in spec.fields:
        keys = {(part.get("kind"), part["key"]) for part in standing}
        return [part for part in parts if (part.get("kind"), part["key"]) not in keys], []
    pairs = zip(parts, standing, strict=False)
    changes = [(old["id"], {name: new[name] for name in given if new[name] != old.get(name)}) for new, old in pairs]
    return list(parts[len(standing) :]), [(id, values) for id, values in changes if values]


def _whole(part: Loaded, spec: Spec, field: str, id: str) -> Loaded:
    """Return a part's values with the record that it belongs to."""
    whole = Loaded({name: part[name] for name in spec.fields})
    whole.given = part.given
    whole[field] = id
    return whole
