"""A map made from a header: for files whose columns are called like the fields."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

from opencrm.embed import Schemas, Spec, fold
from opencrm.plugins.importing.files.reading import TableFile
from opencrm.plugins.importing.mapping.maps import OWN, FileMap, Map, Part, Source, Target
from opencrm.plugins.importing.problems import UnknownField

_POINTS: Mapping[str, str] = {"email": "email", "e-mail": "email", "phone": "phone", "telephone": "phone"}


def map_of_header(spec: Spec, file: TableFile, schemas: Schemas) -> Map:
    """Return the map of a file in which each column is a field's name or label.

    With a column `id`, rows bring the records of these ids up to date; without, each row is a new record. `email` and
    `phone` become contact points where the entity has some; columns that opencrm keeps itself are left out.

    Raises:
        UnknownField: A column is no field of the entity.
    """
    names = {fold(label): name for name, field in spec.fields.items() for label in (name, field.label)}
    fields: dict[str, Source] = {}
    points: list[Part] = []
    nested = schemas.nested(spec)
    for column in filter(None, file.header):
        name = names.get(fold(column))
        kind = _POINTS.get(fold(column)) if "points" in nested else None
        if name is not None:
            if spec.fields[name].settable:
                fields[name] = Source(columns=(column,), plain=True)
        elif kind is not None:
            points.append({"kind": Source(value=kind), "value": Source(columns=(column,), plain=True)})
        else:
            raise UnknownField(
                file.name, f"has the column {column!r}, and {spec.name} has no such field; say in a map what it is"
            )
    target = Target(
        name=spec.name,
        entity=spec.name,
        key=Source(columns=(_own_id(file.header),)) if _own_id(file.header) else None,
        fields=fields,
        parts={"points": tuple(points)} if points else {},
    )
    digest = hashlib.sha256("\0".join([spec.name, *file.header]).encode("utf-8", "replace")).hexdigest()
    return Map(name=file.name, system=OWN, files=(FileMap(targets=(target,)),), digest=digest)


def _own_id(header: Sequence[str]) -> str:
    return next((column for column in header if column.casefold() == "id"), "")
