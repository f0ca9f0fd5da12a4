"""Who works in the company, and what they may do."""

from __future__ import annotations

from collections.abc import Iterator

from opencrm import FieldRule, Grant, RoleTemplate, Scope

WORK = ("activity", "contact", "deal", "task", "windows_measurement", "windows_payment")
KNOWN = ("unit", "user", "role", "membership", "product")
FIELDS = ("windows_heat", "windows_address", "windows_paid")
OPEN = [FieldRule("deal", name, read=True, write=name != "windows_paid") for name in FIELDS]


def templates() -> Iterator[RoleTemplate]:
    """Give the roles."""
    yield _role("head", "Head of sales", 600, _all(WORK, Scope.SUBTREE, "create", "read", "update", "assign", "move:*"))
    yield _role("seller", "Seller", 300, _all(WORK, Scope.OWN, "create", "read", "update", "move:*"))
    yield _role("calculator", "Calculator", 250, _of_crafts())
    yield _role("fitter", "Fitter", 200, _of_crafts())


def _role(key: str, name: str, rank: int, grants: Iterator[Grant]) -> RoleTemplate:
    return RoleTemplate(
        key=key, name=name, rank=rank, grants=[*_all(KNOWN, Scope.ALL, "read"), *grants], field_rules=OPEN
    )


def _of_crafts() -> Iterator[Grant]:
    """Give what it takes to do one's tasks; whoever has a task reads its deal and its contact by that."""
    yield from _all(("task",), Scope.OWN, "read", "update")
    yield from _all(("windows_measurement",), Scope.ALL, "read")


def _all(entities: tuple[str, ...], scope: Scope, *actions: str) -> Iterator[Grant]:
    for entity in entities:
        wanted = [action for action in actions if action != "move:*" or entity == "deal"]
        yield from (Grant(entity, action, scope) for action in wanted)
