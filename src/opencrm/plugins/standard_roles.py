"""Roles that a new workspace starts with; each company edits them, so nothing else may know them by name.

| role | sees | changes |
| --- | --- | --- |
| Owner | everything | everything, the organisation too |
| Full access | everything | all work, catalogue included |
| Advanced access | everything | all work, but deletes and merges only within its branch |
| Senior manager | its branch | its branch |
| Manager 1 | its team | its team; deletes, hands over and exports only what is its own |
| Manager 2 | its own | its own |
| Store | its team | its team, without deleting, handing over or exporting |
| Marketing | people, companies and sales | people and companies, and brings new sales |
| Support | people, companies and sales | people and companies, and its own notes and tasks |
| Viewer | its branch | nothing |
"""

from __future__ import annotations

from collections.abc import Iterator

from opencrm import FieldRule, Grant, RoleTemplate, Scope, hookimpl

WORK = ("activity", "company", "contact", "deal", "task")
"""What people work on; each record has an owner and a unit."""

CLIENTS = ("company", "contact")
NOTES = ("activity", "task")
ORGANISATION = ("unit", "user", "role", "membership")
CATALOGUE = ("product", "tag")

EDIT = ("create", "read", "update")
TIDY = ("delete", "restore")

BIRTHDAYS = (FieldRule("contact", "birthday", read=True, write=True),)
SEE_BIRTHDAYS = (FieldRule("contact", "birthday", read=True, write=False),)


@hookimpl
def opencrm_register_roles() -> Iterator[RoleTemplate]:
    yield RoleTemplate(key="owner", name="Owner", rank=1000, grants=[Grant("*", "*", Scope.ALL)], field_rules=BIRTHDAYS)
    yield _role("full_access", "Full access", 900, _full_access(), BIRTHDAYS)
    yield _role("advanced_access", "Advanced access", 800, _advanced_access(), BIRTHDAYS)
    yield _role("senior_manager", "Senior manager", 600, _senior_manager(), BIRTHDAYS)
    yield _role("manager_1", "Manager 1", 400, _manager_1(), BIRTHDAYS)
    yield _role("manager_2", "Manager 2", 300, _manager_2(), BIRTHDAYS)
    yield _role("store", "Store", 200, _store(), BIRTHDAYS)
    yield _role("marketing", "Marketing", 200, _marketing(), SEE_BIRTHDAYS)
    yield _role("support", "Support", 200, _support())
    yield _role("viewer", "Viewer", 100, over(WORK, Scope.SUBTREE, "read"))


def over(entities: tuple[str, ...], scope: Scope, *actions: str) -> Iterator[Grant]:
    """Give a grant of each action on each entity."""
    yield from (Grant(entity, action, scope) for entity in entities for action in actions)


def _role(key: str, name: str, rank: int, grants: Iterator[Grant], rules: tuple[FieldRule, ...] = ()) -> RoleTemplate:
    """Return a role of somebody who works here: who is who and what is sold is for all of them to see."""
    for_all = over((*ORGANISATION, *CATALOGUE), Scope.ALL, "read")
    return RoleTemplate(key=key, name=name, rank=rank, grants=[*for_all, *grants], field_rules=rules)


def _full_access() -> Iterator[Grant]:
    yield from over(WORK, Scope.ALL, *EDIT, *TIDY, "assign", "share", "export", "merge")
    yield Grant("deal", "move:*", Scope.ALL)
    yield from over(CATALOGUE, Scope.ALL, "create", "update", *TIDY, "export", "merge")
    yield from over(ORGANISATION, Scope.ALL, "export")


def _advanced_access() -> Iterator[Grant]:
    yield from over(WORK, Scope.ALL, *EDIT, "assign", "share", "export")
    yield from over(WORK, Scope.SUBTREE, *TIDY, "merge")
    yield Grant("deal", "move:*", Scope.ALL)
    yield from over(CATALOGUE, Scope.ALL, "create", "update", "export")


def _senior_manager() -> Iterator[Grant]:
    yield from over(WORK, Scope.SUBTREE, *EDIT, *TIDY, "assign", "share", "export", "merge")
    yield Grant("deal", "move:*", Scope.SUBTREE)
    yield from over(CATALOGUE, Scope.ALL, "export")
    yield Grant("tag", "create", Scope.ALL)


def _manager_1() -> Iterator[Grant]:
    yield from over(WORK, Scope.TEAM, *EDIT)
    yield from over(WORK, Scope.OWN, *TIDY, "assign", "share", "export")
    yield Grant("deal", "move:*", Scope.TEAM)
    yield Grant("tag", "create", Scope.ALL)


def _manager_2() -> Iterator[Grant]:
    yield from over(WORK, Scope.OWN, *EDIT)
    yield Grant("deal", "move:*", Scope.OWN)
    yield Grant("tag", "create", Scope.ALL)


def _store() -> Iterator[Grant]:
    yield from over(WORK, Scope.TEAM, *EDIT)
    yield Grant("deal", "move:*", Scope.TEAM)


def _marketing() -> Iterator[Grant]:
    yield from over(CLIENTS, Scope.ALL, *EDIT, "assign", "export")
    yield from over(("deal",), Scope.ALL, "create", "read", "assign")
    yield from over(NOTES, Scope.OWN, *EDIT)
    yield from over(("tag",), Scope.ALL, "create", "update")


def _support() -> Iterator[Grant]:
    yield from over(CLIENTS, Scope.ALL, *EDIT)
    yield from over(("deal", *NOTES), Scope.ALL, "read")
    yield from over(NOTES, Scope.ALL, "create")
    yield from over(NOTES, Scope.OWN, "update")
    yield Grant("task", "assign", Scope.ALL)
