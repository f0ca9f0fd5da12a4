"""Custom fields as text: what is in force, what a text would change, and that change made."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from opencrm.core.change import Values
from opencrm.core.custom import check_options
from opencrm.core.entities import CustomField
from opencrm.errors import InputError, NotFound
from opencrm.services.definitions import toml
from opencrm.services.definitions.steps import Act, Faults, Step, do_each
from opencrm.services.reading.rows import Query, Record

if TYPE_CHECKING:
    from opencrm.services.reading.reader import Reader
    from opencrm.services.writing.work import Work

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
_KNOWN = ", ".join((*_KEYS, _RENAMED))
_MEANT = MappingProxyType(
    {"target": "reference_to", "to": "reference_to", "name": "key", "type": "kind", "options": "choices"}
)
"""What a text may have said in place of a word that is known."""


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
    found = toml.read(text)
    tables = found.pop("fields", [])
    if found or not isinstance(tables, list) or not all(isinstance(each, dict) for each in tables):
        raise InputError({"text": ["holds [[fields]] tables and nothing else"]})
    return tables


def plan(reader: Reader, tables: Iterable[Mapping[str, Any]], *, retire: bool = False) -> list[Step]:
    """Return what applying definitions would do; nothing for those that stand like this already.

    Args:
        reader: Of somebody who may read definitions.
        tables: The definitions; each names entity and key, and what it does not name stays as it is: but a retired
            field that is named is restored, unless the table says `retired`.
        retire: Whether a field that no table names is retired.

    Raises:
        InputError: Tables cannot be read; names each as `fields[1].key`.
    """
    steps, wrong = _planned(reader, tables, retire=retire)
    if wrong:
        raise InputError(wrong)
    return steps


def apply(work: Work, steps: Iterable[Step]) -> None:
    """Do the steps of a plan, all of them or none.

    Raises:
        InputError: Definitions cannot be in force; names all of them, each as `fields[1].key`.
        PermissionDenied: See `records.create`.
    """
    with work.savepoint():
        wrong = do_each(work, steps)
        if wrong:
            raise InputError(wrong)


def carry_out(work: Work, tables: Iterable[Mapping[str, Any]], *, retire: bool = False) -> list[Step]:
    """Make the custom fields what definitions say, all of it or nothing; return what was done.

    Args:
        work: Of an owner.
        tables: The definitions, as `plan` takes them.
        retire: Whether a field that no table names is retired.

    Raises:
        InputError: Tables cannot be read, or their definitions cannot be in force; names all of them.
        PermissionDenied: See `records.create`.
    """
    steps, wrong = _planned(work, tables, retire=retire)
    with work.savepoint():
        wrong |= do_each(work, steps)
        if wrong:
            raise InputError(wrong)
    return steps


def rehearse(work: Work, tables: Iterable[Mapping[str, Any]], *, retire: bool = False) -> list[Step]:
    """Return what `carry_out` would do, which was done and taken back: it refuses the same.

    Raises:
        InputError, PermissionDenied: See `carry_out`.
    """
    steps: list[Step] = []
    with suppress(_Enough), work.savepoint():
        steps += carry_out(work, tables, retire=retire)
        raise _Enough
    return steps


class _Enough(Exception):
    """What was rehearsed is taken back."""


def _planned(reader: Reader, tables: Iterable[Mapping[str, Any]], *, retire: bool) -> tuple[list[Step], Faults]:
    """Return the steps of the tables that can be read, and what is wrong with the others."""
    standing = {(record["entity"], record["key"]): record for record in _standing(reader)}
    steps: list[Step] = []
    named: set[tuple[str, str]] = set()
    wrong: Faults = {}
    for at, raw in enumerate(tables, 1):
        try:
            table = _read(reader, at, raw)
            entity, key = table["entity"], table["key"]
            if (entity, key) in named:
                raise _fault(at, "key", f"names {entity}.{key} twice")
            old = standing.get((entity, key)) or standing.get((entity, table.get(_RENAMED, "")))
            named |= {(entity, key), (entity, old["key"] if old else key)}
            steps += _step(at, table, old)
        except InputError as error:
            wrong |= error.fields
    return steps + (_retirements(standing, named) if retire and not wrong else []), wrong


def _standing(reader: Reader) -> list[Record]:
    found = reader.stream(Query(CustomField, sort="created_at"))
    return sorted(found, key=lambda it: (it["entity"], it["position"], it["id"]))


def _table(record: Record) -> dict[str, Any]:
    return {name: record[name] for name in _KEYS if record[name] not in (None, False, 0) or name in ("entity", "key")}


def _read(reader: Reader, at: int, raw: Mapping[str, Any]) -> dict[str, Any]:
    """Return a table whose names are known, its entities by their own names."""
    _check_names(at, raw)
    table = dict(raw)
    for name in ("entity", "reference_to"):
        try:
            if isinstance(table.get(name), str):
                table[name] = reader.configuration.catalogue.entity(table[name]).name
        except NotFound as error:
            raise _fault(at, name, f"{table['entity']}.{table['key']}: {error}") from None
    return table


def _check_names(at: int, table: Mapping[str, Any]) -> None:
    for name in ("entity", "key"):
        if not isinstance(table.get(name), str):
            raise _fault(at, name, "is required")
    field = f"{table['entity']}.{table['key']}"
    if not isinstance(table.get(_RENAMED, ""), str):
        raise _fault(at, _RENAMED, f"{field}: is the name that the field has now")
    for name in table:
        if name not in (*_KEYS, _RENAMED):
            meant = f"is not known: it is called {_MEANT[name]} here" if name in _MEANT else f"is none of {_KNOWN}"
            raise _fault(at, name, f"{field}: {meant}")


def _step(at: int, table: Mapping[str, Any], old: Record | None) -> list[Step]:
    values = {name: value for name, value in table.items() if name != _RENAMED}
    entity, key = table["entity"], table["key"]
    if old is None:
        if _RENAMED in table:
            raise _fault(at, _RENAMED, f"{entity}.{key}: there is no field {entity}.{table[_RENAMED]}")
        given = {"label": key.replace("_", " ").capitalize(), **values}
        return [Step("create", entity, key, None, given, {}, at)]
    before = old.values()
    new = {name: value for name, value in ({"retired": False} | values).items() if _differs(name, value, before)}
    if not new:
        return []
    act: Act = "change" if "retired" not in new else "retire" if new["retired"] else "restore"
    return [Step(act, entity, key, before["id"], new, before, at)]


def _differs(name: str, value: Any, before: Values) -> bool:
    if name == "choices":
        try:
            value = check_options(value)
        except ValueError:
            return True  # The write path says what is wrong.
        return list(value.items()) != list((before[name] or {}).items())
    return bool(value != before[name])


def _retirements(standing: Mapping[tuple[str, str], Record], named: set[tuple[str, str]]) -> list[Step]:
    left = [it for place, it in standing.items() if place not in named and not it["retired"]]
    return [Step("retire", it["entity"], it["key"], it["id"], {"retired": True}, it.values()) for it in left]


def _fault(at: int, name: str, text: str) -> InputError:
    return InputError({f"fields[{at}].{name}": [text]})
