"""Custom fields as text: what is in force, what a text would change, and that change made."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import attrs

from opencrm.core.change import Values
from opencrm.core.conditions import Empty, Not
from opencrm.core.custom import check_options
from opencrm.core.entities import CustomField
from opencrm.errors import InputError
from opencrm.services import records
from opencrm.services.commands import Create, Update
from opencrm.services.reading.rows import Query, Record

if TYPE_CHECKING:
    from opencrm.services.reading.reader import Reader
    from opencrm.services.writing.work import Work

Act: TypeAlias = Literal["create", "change", "retire", "restore"]
_KEYS = (
    "entity",
    "key",
    "label",
    "kind",
    "choices",
    "reference_to",
    "rollup",
    "required",
    "searchable",
    "indexed",
    "sensitive",
    "help",
    "position",
    "retired",
)
_RENAMED = "was"
"""In a text, the name that a field has now and is to have no more."""


@attrs.frozen
class Step:
    """One thing that applying a text does.

    Attributes:
        act: What.
        entity: The entity's name.
        key: The field's name, after the step.
        id: The definition; None where it is made.
        values: What is set.
        before: What stood there.
    """

    act: Act
    entity: str
    key: str
    id: str | None
    values: Mapping[str, Any]
    before: Mapping[str, Any]

    def __str__(self) -> str:
        told = ", ".join(f"{name}: {self.before.get(name)!r} > {value!r}" for name, value in self.values.items())
        return f"{self.act} {self.entity}.{self.key}" + (f" ({told})" if self.act == "change" else "")


def export(reader: Reader) -> str:
    """Return the definitions in force and the retired ones, as TOML that `apply` reads back."""
    import tomli_w

    tables = [_table(record) for record in _standing(reader)]
    return tomli_w.dumps({"fields": tables}) if tables else ""


def parse(text: str) -> list[dict[str, Any]]:
    """Return the definitions of a text, not yet judged.

    Raises:
        InputError: It is not TOML, or not of this form; names the table.
    """
    try:
        found = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise InputError({"text": [f"is not TOML: {error}"]}) from None
    tables = found.pop("fields", [])
    if found or not isinstance(tables, list) or not all(isinstance(each, dict) for each in tables):
        raise InputError({"text": ["holds [[fields]] tables and nothing else"]})
    return tables


def plan(reader: Reader, tables: Iterable[Mapping[str, Any]], *, retire: bool = False) -> list[Step]:
    """Return what applying definitions would do; nothing for those that stand like this already.

    Args:
        reader: Of somebody who may read definitions.
        tables: The definitions; each names entity and key, and what it does not name stays as it is.
        retire: Whether a field that no table names is retired.

    Raises:
        InputError: A table cannot be used; names it as `fields[1].key`.
    """
    standing = {(record.entity_name, record.key): record for record in map(_Standing, _standing(reader))}
    steps, named = [], set()
    for at, table in enumerate(tables):
        _check_names(at, table)
        if table["entity"] not in reader.configuration.catalogue.entities:
            raise _wrong(at, "entity", f"there is no entity {table['entity']!r}")
        entity, key = table["entity"], table["key"]
        if (entity, key) in named:
            raise _wrong(at, "key", f"names {entity}.{key} twice")
        old = standing.get((entity, key)) or standing.get((entity, table.get(_RENAMED, "")))
        named |= {(entity, key), (entity, old.key if old else key)}
        steps += _step(at, table, old)
    return steps + (_retirements(standing, named) if retire else [])


def apply(work: Work, steps: Sequence[Step]) -> None:
    """Do the steps of a plan, all of them or none.

    Raises:
        InputError, PermissionDenied: See `records.create`.
    """
    for step in sorted(steps, key=_turn):
        if step.id is None:
            records.create(work, [Create(CustomField, values=step.values)])
        else:
            records.update(work, [Update(CustomField, step.id, values=step.values)])


def _turn(step: Step) -> int:
    """Return when a step is done: a roll-up is made after the fields that it looks at, and goes before them."""
    computed = (step.values.get("rollup") or step.before.get("rollup")) is not None
    return int(computed) if step.act != "retire" else -1 if computed else 2


@attrs.frozen
class _Standing:
    """A definition that stands."""

    record: Record

    @property
    def entity_name(self) -> str:
        return str(self.record["entity"])

    @property
    def key(self) -> str:
        return str(self.record["key"])


def _standing(reader: Reader) -> list[Record]:
    found = reader.stream(Query(CustomField, sort="created_at"))
    return sorted(found, key=lambda it: (it["entity"], it["position"], it["id"]))


def _table(record: Record) -> dict[str, Any]:
    return {name: record[name] for name in _KEYS if record[name] not in (None, False, 0) or name in ("entity", "key")}


def _check_names(at: int, table: Mapping[str, Any]) -> None:
    for name in ("entity", "key"):
        if not isinstance(table.get(name), str):
            raise _wrong(at, name, "is required")
    for name in table:
        if name not in (*_KEYS, _RENAMED):
            raise _wrong(at, name, f"is none of {', '.join((*_KEYS, _RENAMED))}")


def _step(at: int, table: Mapping[str, Any], old: _Standing | None) -> list[Step]:
    values = {name: value for name, value in table.items() if name != _RENAMED}
    entity, key = table["entity"], table["key"]
    if old is None:
        if _RENAMED in table:
            raise _wrong(at, _RENAMED, f"there is no field {entity}.{table[_RENAMED]}")
        given = {"label": key.replace("_", " ").capitalize(), **values}
        return [Step("create", entity, key, None, given, {})]
    before = old.record.values()
    new = {name: value for name, value in values.items() if _differs(name, value, before)}
    if not new:
        return []
    act: Act = "change" if set(new) != {"retired"} else "retire" if new["retired"] else "restore"
    return [Step(act, entity, key, before["id"], new, before)]


def _differs(name: str, value: Any, before: Values) -> bool:
    if name == "choices":
        try:
            value = check_options(value)
        except ValueError:
            return True  # The write path says what is wrong.
        return list(value.items()) != list((before[name] or {}).items())
    return bool(value != before[name])


def _retirements(standing: Mapping[tuple[str, str], _Standing], named: set[tuple[str, str]]) -> list[Step]:
    left = [it.record for place, it in standing.items() if place not in named and not it.record["retired"]]
    return [Step("retire", it["entity"], it["key"], it["id"], {"retired": True}, it.values()) for it in left]


def _wrong(at: int, name: str, text: str) -> InputError:
    return InputError({f"fields[{at + 1}].{name}": [text]})


def holding(reader: Reader, step: Step) -> int:
    """Return how many living records hold a value in the field of a step, up to 10,001."""
    name = str(step.before.get("key", step.key))
    spec = reader.entity(step.entity)
    if step.id is None or name not in spec.fields or not spec.fields[name].type.filterable:
        return 0
    return int(reader.count(spec, Not(Empty(name))))
