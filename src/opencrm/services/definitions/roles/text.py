"""Roles as TOML: written in one order and form, so that two texts can be compared, and read back."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from json import dumps
from typing import TYPE_CHECKING, Any

from opencrm.core.entities import Role
from opencrm.errors import InputError
from opencrm.services.definitions import toml
from opencrm.services.definitions.roles.packing import packed_grants, packed_rules
from opencrm.services.definitions.roles.places import Places
from opencrm.services.reading.rows import Query, Record

if TYPE_CHECKING:
    from opencrm.services.reading.reader import Reader

_HEAD = "# Roles. `opencrm roles plan` says what a change of this text would do, `opencrm roles apply` does it.\n"
_BARE = re.compile(r"[A-Za-z0-9_-]+")


def export(reader: Reader) -> str:
    """Return the roles that the reader may read, as TOML that `apply` reads back; the highest rank first."""
    places = Places(reader)
    return "\n".join([_HEAD, *(_table(record, places) for record in standing(reader))])


def parse(text: str) -> list[dict[str, Any]]:
    """Return the roles of a text, not yet judged.

    Raises:
        InputError: It is not TOML, or not of this form.
    """
    found = toml.read(text)
    tables = found.pop("roles", [])
    if found or not isinstance(tables, list) or not all(isinstance(each, dict) for each in tables):
        raise InputError({"text": ["holds [[roles]] tables and nothing else"]})
    return tables


def standing(reader: Reader) -> list[Record]:
    """Return the living roles, the highest rank first."""
    return sorted(reader.stream(Query(Role, sort="created_at")), key=lambda it: (-it["rank"], it["key"]))


def _table(record: Record, places: Places) -> str:
    return "\n".join(
        [
            "[[roles]]",
            *(f"{name} = {_value(record[name])}" for name in ("key", "name", "rank")),
            f"home_unit = {_value(places.path(record['home_unit_id']))}",
            f"grants = {_lines(packed_grants(record['grants'] or ()))}",
            f"delegable = {_lines(packed_grants(record['delegable'] or ()))}",
            f"field_rules = {_lines(packed_rules(record['field_rules'] or ()))}",
            "",
        ]
    )


def _lines(rows: Iterable[Mapping[str, Any]]) -> str:
    found = [f"    {_value(row)},\n" for row in rows]
    return f"[\n{''.join(found)}]" if found else "[]"


def _value(value: Any) -> str:
    """Return a value of JSON as TOML has it, on one line."""
    if isinstance(value, Mapping):
        return f"{{ {', '.join(_pairs(value))} }}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_value, value))}]"
    if isinstance(value, str):
        return dumps(value, ensure_ascii=False).replace("\x7f", "\\u007F")
    return dumps(value)


def _pairs(table: Mapping[str, Any]) -> Iterator[str]:
    for name, value in table.items():
        yield f"{name if _BARE.fullmatch(name) else _value(name)} = {_value(value)}"
