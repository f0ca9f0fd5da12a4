"""Scopes, grants and field rules, as roles hold them."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum
from functools import lru_cache
from typing import Any

import attrs

from opencrm.core.conditions.nodes import Condition
from opencrm.core.conditions.text import condition, plain

ANY = "*"

ACTIONS = frozenset(
    {ANY, "create", "read", "update", "delete", "restore", "assign", "share", "export", "merge", "move"}
)
"""What can be granted; besides, each move: `move:<pipeline>.<stage>`."""

_PARTS = ("entity", "action", "scope")
_KNOWN = frozenset({*_PARTS, "when"})


class Scope(IntEnum):
    """How far a grant reaches, each within the next."""

    NONE = 0
    OWN = 1
    TEAM = 2
    SUBTREE = 3
    ALL = 4


@attrs.frozen
class Grant:
    """Permission to do one thing, to some records of one entity.

    Args:
        entity: The entity's name, or `"*"`.
        action: `create read update delete restore assign share export merge`, `move:<pipeline>.<stage>` (either part
            may be `*`), one that a plugin declares, or `"*"`.
        scope: How far it reaches, seen from the membership that carries it.
        when: A condition that the record must meet as well.
    """

    entity: str
    action: str
    scope: Scope
    when: Condition | None = None

    def covers(self, entity: str, action: str) -> bool:
        """Say whether it is about this act."""
        return self.entity in (entity, ANY) and matches(self.action, action)


EVERYTHING = Grant(ANY, ANY, Scope.ALL)
"""What an owner's role grants: that alone makes somebody an owner."""


@attrs.frozen
class FieldRule:
    """What a role may do with one field: read it, write it."""

    entity: str
    field: str
    read: bool
    write: bool


def matches(pattern: str, action: str) -> bool:
    """Say whether an action is one of those that a grant names; `*` stands for all that opencrm itself knows."""
    if pattern == action:
        return True
    if pattern == ANY:  # What a plugin brings is granted by its name alone.
        return action in ACTIONS or action.startswith("move:")
    if not (pattern.startswith("move:") and action.startswith("move:")):
        return False
    wanted, given = pattern[5:].split("."), action[5:].split(".")
    return wanted == [ANY] or all(want in (ANY, have) for want, have in zip(wanted, given, strict=False))


def patterns(action: str) -> tuple[str, ...]:
    """Return all that may stand for an action where each is named: itself, and for a move those with `*` in it."""
    if not action.startswith("move:") or "." not in action:
        return (action,)
    pipeline, stage = action[5:].split(".", 1)
    return (action, f"move:{pipeline}.*", f"move:*.{stage}", "move:*.*", "move:*")


def read_grants(raw: Iterable[Any] | None) -> tuple[Grant, ...]:
    """Return the grants written in a role's JSON.

    Raises:
        ValueError: A grant is not of its form; says which.
    """
    return tuple(_grant(at, each) for at, each in enumerate(raw or (), 1))


def read_field_rules(raw: Iterable[Any] | None) -> tuple[FieldRule, ...]:
    """Return the field rules written in a role's JSON.

    Raises:
        ValueError: A rule is not of its form; says which.
    """
    return tuple(_rule(at, each) for at, each in enumerate(raw or (), 1))


def check_grants(raw: Any) -> Any:
    """Return a role's grants, plain or typed, in their plain form, after judging them."""
    return [_plain_grant(grant) for grant in read_grants(_list(raw))]


def check_field_rules(raw: Any) -> Any:
    """Return a role's field rules, plain or typed, in their plain form, after judging them."""
    return [attrs.asdict(rule) for rule in read_field_rules(_list(raw))]


def check_actions(raw: Any) -> Any:
    """Return the actions that a share carries: `read`, and whatever else; after judging them.

    Raises:
        ValueError: They are none; says which.
    """
    names = _list(raw)
    if not names or not all(isinstance(name, str) for name in names):
        raise ValueError("must be a list of actions, such as read and update")
    if ANY in names:
        raise ValueError("names each action: * is none")
    return sorted({"read", *names})


def check_entities(raw: Any) -> Any:
    """Return names of entities, given as a list.

    Raises:
        ValueError: It is no list of names, or names none.
    """
    names = _list(raw)
    if not all(isinstance(name, str) and name for name in names):
        raise ValueError("must be a list of names of entities")
    if not names:
        raise ValueError("names none: leave it empty for all entities")
    return sorted(set(names))


def grant_rows(grants: Iterable[Grant]) -> list[dict[str, Any]]:
    """Return grants as a role's JSON holds them."""
    return [_plain_grant(grant) for grant in grants]


def _plain_grant(grant: Grant) -> dict[str, Any]:
    row: dict[str, Any] = {"entity": grant.entity, "action": grant.action, "scope": grant.scope.name.lower()}
    return row | ({"when": plain(grant.when)} if grant.when is not None else {})


def _grant(at: int, raw: Any) -> Grant:
    if isinstance(raw, Grant):
        return raw
    parts = [raw.get(name) for name in _PARTS] if isinstance(raw, dict) and raw.keys() <= _KNOWN else [None]
    if not all(isinstance(part, str) for part in parts):
        raise ValueError(f"grant {at} must have entity, action, scope and perhaps when")
    grant = _unconditional(*parts)
    if grant is None:
        raise ValueError(f"grant {at} has the unknown scope {raw['scope']!r}")
    return grant if raw.get("when") is None else attrs.evolve(grant, when=condition(raw["when"]))


@lru_cache(maxsize=10_000)
def _unconditional(entity: str, action: str, scope: str) -> Grant | None:
    """Return a grant, made once: all roles are read anew at each change of the organisation; None without a scope."""
    found = Scope.__members__.get(scope.upper())
    return None if found is None else Grant(entity, action, found)


def _rule(at: int, raw: Any) -> FieldRule:
    raw = attrs.asdict(raw) if isinstance(raw, FieldRule) else raw
    if not isinstance(raw, dict) or set(raw) != {"entity", "field", "read", "write"}:
        raise ValueError(f"field rule {at} must have entity, field, read and write")
    if not (isinstance(raw["read"], bool) and isinstance(raw["write"], bool)):
        raise ValueError(f"field rule {at}: read and write must be true or false")
    if raw["write"] and not raw["read"]:
        raise ValueError(f"field rule {at}: who may write a field may read it")
    return FieldRule(str(raw["entity"]), str(raw["field"]), raw["read"], raw["write"])


def _list(raw: Any) -> list[Any]:
    if not isinstance(raw, list):
        raise ValueError("must be a list")
    return raw
