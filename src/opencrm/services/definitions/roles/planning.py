"""What a text of roles would change, and that change made: all of it or nothing, in one act."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from opencrm.errors import InputError
from opencrm.services import explaining
from opencrm.services.cleaning.rehearsing import rehearsal
from opencrm.services.definitions.roles.packing import in_order, unpacked_grants, unpacked_rules
from opencrm.services.definitions.roles.places import Places
from opencrm.services.definitions.roles.steps import LISTS, Faults, Step, do_each
from opencrm.services.definitions.roles.text import standing
from opencrm.services.explaining import Trial
from opencrm.services.reading.rows import Record

if TYPE_CHECKING:
    from opencrm.services.reading.reader import Reader
    from opencrm.services.writing.work import Work

_KNOWN = ("key", "name", "rank", "home_unit", *LISTS)
_RENAMED = "was"
"""In a text, the key that a role has now and is to have no more."""


def carry_out(work: Work, tables: Iterable[Mapping[str, Any]], *, delete: bool = False) -> list[Step]:
    """Make the roles what a text says, all of it or nothing; return what was done.

    Args:
        work: Of whoever may: each step is judged like an edit of its own.
        tables: The roles, as `parse` gives them; each names its `key`, and what it does not name stays as it is.
        delete: Whether a role that no table names is deleted.

    Raises:
        InputError: Tables cannot be read, or their roles cannot be; names all of them.
        PermissionDenied: The principal may not do this; with the rule of delegation that is broken.
        DomainError: A role that is to go is still held, or no owner would remain.
    """
    steps, wrong = _planned(work, tables, delete=delete)
    with work.savepoint():
        wrong |= do_each(work, steps)
        if wrong:
            raise InputError(wrong)
    return steps


def rehearse(work: Work, tables: Iterable[Mapping[str, Any]], *, delete: bool = False) -> list[Step]:
    """Return what `carry_out` would do, which was done and taken back: it refuses the same."""
    with rehearsal(work):
        return carry_out(work, tables, delete=delete)


def foretell(work: Work, tables: Iterable[Mapping[str, Any]], *, delete: bool = False) -> tuple[list[Step], Trial]:
    """Return what `carry_out` would do, and what people might do before and after it; it refuses the same.

    `explaining.told` says what they would gain and lose.
    """
    steps: list[Step] = []
    tables = [*tables]
    trial = explaining.tried(work, lambda inner: steps.extend(carry_out(inner, tables, delete=delete)))
    return steps, trial


def _planned(reader: Reader, tables: Iterable[Mapping[str, Any]], *, delete: bool) -> tuple[list[Step], Faults]:
    """Return the steps of the tables that can be read, and what is wrong with the others."""
    there = {record["key"]: record for record in standing(reader)}
    places, named, steps, wrong = Places(reader), set[str](), list[Step](), Faults()
    for at, table in enumerate(tables, 1):
        found, faults = _values(at, table, places)
        faults = faults or dict(_misnamed(at, table, there, named))
        if not faults:
            old = there.get(table["key"]) or there.get(table.get(_RENAMED, ""))
            named |= {table["key"], old["key"] if old else table["key"]}
            steps += _step(at, found, old)
        wrong |= faults
    gone = [record for key, record in there.items() if key not in named] if delete and not wrong else []
    return [*steps, *(Step("delete", it["key"], it["id"], {}, it.values()) for it in gone)], wrong


def _misnamed(
    at: int, table: Mapping[str, Any], there: Container[str], named: Container[str]
) -> Iterator[tuple[str, list[str]]]:
    """Say what is wrong with the key of a table, and with the one that the role has now."""
    key, was = table["key"], table.get(_RENAMED)
    if key in named:
        yield f"roles[{at}].key", [f"{key}: is named twice"]
    if was is not None and (not isinstance(was, str) or (was in there) == (key in there)):
        yield f"roles[{at}].{_RENAMED}", [f"{key}: is the key of a role that is there, and is to be called {key}"]


def _values(at: int, table: Mapping[str, Any], places: Places) -> tuple[dict[str, Any], Faults]:
    """Return what a table asks for, by the fields of a role; and what is wrong with it."""
    key = table.get("key")
    if not isinstance(key, str):
        return {}, {f"roles[{at}].key": ["is required"]}
    wrong: Faults = {}
    found: dict[str, Any] = {}
    for name, value in table.items():
        try:
            found |= _read(name, value, places)
        except ValueError as error:
            wrong[f"roles[{at}].{name}"] = [f"{key}: {error}"]
    return found, wrong


def _read(name: str, value: Any, places: Places) -> dict[str, Any]:
    if name in ("grants", "delegable"):
        return {name: unpacked_grants(value)}
    if name == "field_rules":
        return {name: unpacked_rules(value)}
    if name == "home_unit":
        if not isinstance(value, str):
            raise ValueError("must be the path of a unit, or empty for the whole company")
        return {"home_unit_id": places.find(value)}
    if name == _RENAMED:
        return {}
    if name not in _KNOWN:
        raise ValueError(f"is none of {', '.join((*_KNOWN, _RENAMED))}")
    return {name: value}


def _step(at: int, found: Mapping[str, Any], old: Record | None) -> list[Step]:
    key = found["key"]
    if old is None:
        named = {"key": key, "name": key.replace("_", " ").capitalize()}
        return [Step("create", key, None, {**named, **found}, {}, at)]
    new = {name: value for name, value in found.items() if _comparable(name, value) != _comparable(name, old[name])}
    return [Step("change", key, old["id"], new, old.values(), at)] if new else []


def _comparable(name: str, value: Any) -> Any:
    return in_order(value) if name in LISTS else value
