"""A map made from a header: for files whose columns are called like the fields."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence

from opencrm.embed import Schemas, Spec, fold
from opencrm.plugins.importing.files.reading import TableFile
from opencrm.plugins.importing.mapping.maps import OWN, FileMap, Map, Source, Target
from opencrm.plugins.importing.problems import UnknownField

_POINTS: Mapping[str, str] = {"email": "email", "e-mail": "email", "phone": "phone", "telephone": "phone"}
_PART = re.compile(r"(?P<parts>[a-z_]+)\[(?P<at>[0-9]{1,4})\]\.(?P<field>[a-z_]+)")
_UNNUMBERED = 10_000


def map_of_header(spec: Spec, file: TableFile, schemas: Schemas) -> Map:
    """Return the map of a file in which each column is a field's name or label.

    With a column `id`, rows bring the records of these ids up to date; without, each row is a new record. `email` and
    `phone` become contact points where the entity has some, and `points[0].value` is a field of a part, as exports
    call it; columns that opencrm keeps itself are left out.

    Raises:
        UnknownField: A column is no field of the entity.
    """
    names = {fold(label): name for name, field in spec.fields.items() for label in (name, field.label)}
    nested = schemas.nested(spec)
    fields: dict[str, Source] = {}
    parts: dict[tuple[str, int], dict[str, Source]] = {}
    for at, column in enumerate(file.header):
        source = Source(columns=(column,), plain=file.defused)
        name, part = names.get(fold(column)), _part_of(source, nested, at)
        if not column or (name is not None and not spec.fields[name].settable):
            continue
        if name is not None:
            fields[name] = source
        elif part is not None:
            parts.setdefault(part[0], {}).update(part[1])
        else:
            text = f"has the column {column!r}, and {spec.name} has no such field; say in a map what it is"
            raise UnknownField(file.name, text)
    target = Target(
        name=spec.name,
        entity=spec.name,
        key=Source(columns=(_own_id(file.header),)) if _own_id(file.header) else None,
        fields=fields,
        parts={name: tuple(each for (of, _), each in sorted(parts.items()) if of == name) for name, _ in parts},
    )
    digest = hashlib.sha256("\0".join([spec.name, *file.header]).encode("utf-8", "replace")).hexdigest()
    return Map(name=file.name, system=OWN, files=(FileMap(targets=(target,)),), digest=digest)


def _part_of(
    source: Source, nested: Mapping[str, tuple[Spec, str]], at: int
) -> tuple[tuple[str, int], dict[str, Source]] | None:
    """Return which part a column belongs to, and what it says of it; None where it belongs to none.

    A column without a number, such as `Phone`, is a part of its own, after the numbered ones.
    """
    column = source.shown
    kind = _POINTS.get(fold(column))
    if kind is not None and "points" in nested:
        return ("points", _UNNUMBERED + at), {"kind": Source(value=kind), "value": source}
    found = _PART.fullmatch(column)
    field = nested[found["parts"]][0].fields.get(found["field"]) if found and found["parts"] in nested else None
    if found is None or field is None:
        return None
    return (found["parts"], int(found["at"])), {field.name: source} if field.settable else {}


def _own_id(header: Sequence[str]) -> str:
    return next((column for column in header if column.casefold() == "id"), "")
