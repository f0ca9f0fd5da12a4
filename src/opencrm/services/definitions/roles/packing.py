"""Grants and field rules in few lines: those that say the same of several entities, acts or fields in one."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import product
from typing import Any, TypeAlias

from opencrm.core.access.grants import Scope, check_field_rules, check_grants

Row: TypeAlias = Mapping[str, Any]
_GRANT = ("entities", "actions", "scope", "when")
_RULE = ("entity", "fields", "read", "write")


def packed_grants(grants: Iterable[Row]) -> list[dict[str, Any]]:
    """Return grants, as a role's JSON holds them, as few lines: acts of one entity together, then entities."""
    reaches: dict[tuple[str, str, str], set[str]] = {}
    for it in grants:
        reaches.setdefault((it["entity"], it["scope"], _json(it.get("when"))), set()).add(it["action"])
    lines: dict[tuple[tuple[str, ...], str, str], set[str]] = {}
    for (entity, scope, when), actions in reaches.items():
        lines.setdefault((tuple(sorted(actions)), scope, when), set()).add(entity)
    found = [(sorted(entities), *line) for line, entities in lines.items()]
    return [
        {"entities": entities, "actions": [*actions], "scope": scope} | ({"when": json.loads(when)} if when else {})
        for entities, actions, scope, when in sorted(found, key=lambda it: (it[0], -Scope[it[2].upper()], it[1:]))
    ]


def unpacked_grants(lines: Any) -> list[dict[str, Any]]:
    """Return the grants of lines as a role's JSON holds them, in one order.

    Raises:
        ValueError: A line is not of its form; says which.
    """
    found = []
    for at, line in enumerate(_tables(lines), 1):
        _check(at, line, _GRANT, optional="when")
        entities, actions = (_several(at, name, line[name]) for name in ("entities", "actions"))
        common = {"scope": line["scope"]} | ({"when": line["when"]} if "when" in line else {})
        pairs = product(entities, actions)
        found += _judged(at, check_grants, [{"entity": e, "action": a, **common} for e, a in pairs])
    return in_order(found)


def packed_rules(rules: Iterable[Row]) -> list[dict[str, Any]]:
    """Return field rules, as a role's JSON holds them, as few lines: fields of one entity together."""
    lines: dict[tuple[str, bool, bool], set[str]] = {}
    for it in rules:
        lines.setdefault((it["entity"], it["read"], it["write"]), set()).add(it["field"])
    found = sorted((entity, sorted(fields), read, write) for (entity, read, write), fields in lines.items())
    return [dict(zip(_RULE, line, strict=True)) for line in found]


def unpacked_rules(lines: Any) -> list[dict[str, Any]]:
    """Return the field rules of lines as a role's JSON holds them, in one order; raises as `unpacked_grants` does."""
    found = []
    for at, line in enumerate(_tables(lines), 1):
        _check(at, line, _RULE)
        common = {name: line[name] for name in ("entity", "read", "write")}
        rows = [{"field": name, **common} for name in _several(at, "fields", line["fields"])]
        found += _judged(at, check_field_rules, rows)
    return in_order(found)


def in_order(rows: Iterable[Row] | None) -> list[dict[str, Any]]:
    """Return grants or field rules each once and in one order, so that two roles can be compared."""
    once = {_json(it): dict(it) for it in rows or ()}
    return [once[told] for told in sorted(once, key=lambda told: (_place(once[told]), told))]


def told(row: Row) -> str:
    """Return a grant or a field rule as a person reads it: `deal.update (team)`."""
    if "field" in row:
        may = "read and write" if row["write"] else "read" if row["read"] else "hidden"
        return f"{row['entity']}.{row['field']} ({may})"
    when = f" when {_json(row['when'])}" if row.get("when") else ""
    return f"{row['entity']}.{row['action']} ({row['scope']}){when}"


def _place(row: Row) -> tuple[str, str]:
    return row["entity"], row.get("action") or row.get("field") or ""


def _json(value: Any) -> str:
    return "" if value is None else json.dumps(value, ensure_ascii=False, sort_keys=True)


def _tables(lines: Any) -> Iterator[Row]:
    if not isinstance(lines, list) or not all(isinstance(line, dict) for line in lines):
        raise ValueError("must be a list of tables")
    yield from lines


def _check(at: int, line: Row, known: tuple[str, ...], *, optional: str | None = None) -> None:
    missing = [name for name in known if name not in line and name != optional]
    unknown = [name for name in line if name not in known]
    if missing or unknown:
        what = f"{missing[0]} is missing" if missing else f"{unknown[0]} is none of {', '.join(known)}"
        raise ValueError(f"line {at}: {what}")


def _several(at: int, name: str, given: Any) -> list[str]:
    several = [given] if isinstance(given, str) else given
    if not isinstance(several, list) or not several or not all(isinstance(each, str) for each in several):
        raise ValueError(f"line {at}: {name} must be a list of names")
    return several


def _judged(at: int, check: Any, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    try:
        found: list[dict[str, Any]] = check(rows)
    except ValueError as error:
        raise ValueError(f"line {at}: {error}") from None
    return found
