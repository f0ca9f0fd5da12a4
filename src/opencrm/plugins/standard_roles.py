"""Roles that a new workspace starts with; each company edits them, so nothing else may know them by name.

| role | sees | changes | people and their roles |
| --- | --- | --- | --- |
| Owner | everything | everything, the organisation too | everybody |
| Full access | everything | all work, catalogue included | its branch: units, people, roles of lower rank |
| Advanced access | everything | all work; deletes and merges in its branch | its branch: people, roles of lower rank |
| Senior manager | its branch | its branch | its branch: people, who become Manager 1, Manager 2, Store or Viewer |
| Manager 1 | its team | its team, and hands over within it; deletes, shares and exports only what is its own | nobody |
| Manager 2 | its own | its own | nobody |
| Store | its team | its team, without deleting, handing over or exporting | nobody |
| Marketing | people, companies and sales | people and companies, and brings new sales | nobody |
| Support | people, companies and sales | people and companies, and its own notes and tasks | nobody |
| Viewer | its branch | nothing | nobody |

What a role hands on is what the roles below it hold, as far as it holds that itself: so nobody hands on what is theirs
alone, and a role made by a senior manager never reaches beyond what those four may do.

`opencrm init --preset` chooses among them by the company's size, and installs all of them unless it is told otherwise.

| preset | roles |
| --- | --- |
| `solo` | Owner, Viewer |
| `small` | Owner, Full access, Manager 1, Manager 2, Viewer |
| `branches` | those of `small`, Senior manager, Store |
| `full` | all |
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from opencrm import FieldRule, Grant, RoleTemplate, Scope, hookimpl

WORK = ("activity", "company", "contact", "deal", "task")
"""What people work on; each record has an owner and a unit."""

CLIENTS = ("company", "contact")
NOTES = ("activity", "task")
ORGANISATION = ("unit", "user", "role", "membership", "deputy")
CATALOGUE = ("product", "tag")

EDIT = ("create", "read", "update")
TIDY = ("delete", "restore")

BIRTHDAYS = (FieldRule("contact", "birthday", read=True, write=True),)
SEE_BIRTHDAYS = (FieldRule("contact", "birthday", read=True, write=False),)

SMALL = ("small", "branches", "full")
BRANCHES = ("branches", "full")
FULL = ("full",)
EVERY = ("solo", *SMALL)


@hookimpl
def opencrm_register_roles() -> Iterator[RoleTemplate]:
    yield RoleTemplate(key="owner", name="Owner", rank=1000, grants=[Grant("*", "*", Scope.ALL)], field_rules=BIRTHDAYS)
    manager_1 = _role("manager_1", "Manager 1", 400, _manager_1(), BIRTHDAYS, presets=SMALL)
    below = [
        manager_1,
        _role("manager_2", "Manager 2", 300, _manager_2(), BIRTHDAYS, presets=SMALL),
        _role("store", "Store", 200, _store(), BIRTHDAYS, presets=BRANCHES),
        _role("marketing", "Marketing", 200, _marketing(), SEE_BIRTHDAYS, presets=FULL),
        _role("support", "Support", 200, _support(), presets=FULL),
        _role("viewer", "Viewer", 100, over(WORK, Scope.SUBTREE, "read")),
    ]
    senior = _role("senior_manager", "Senior manager", 600, _senior_manager(), BIRTHDAYS, below, presets=BRANCHES)
    below = [senior, *below]
    advanced = _role("advanced_access", "Advanced access", 800, _advanced_access(), BIRTHDAYS, below, presets=FULL)
    below = [advanced, *below]
    yield _role("full_access", "Full access", 900, _full_access(), BIRTHDAYS, below, presets=SMALL)
    yield from below


def over(entities: tuple[str, ...], scope: Scope, *actions: str) -> Iterator[Grant]:
    """Give a grant of each action on each entity."""
    yield from (Grant(entity, action, scope) for entity in entities for action in actions)


def handed_on(own: Sequence[Grant], below: Iterable[RoleTemplate]) -> Iterator[Grant]:
    """Give what those below hold, each act as far as the widest of them reaches that does not reach further than `own`.

    Args:
        own: What a role grants, each act once.
        below: The roles of lower rank.
    """
    reach = {(grant.entity, grant.action): grant.scope for grant in own}
    found: dict[tuple[str, str], Scope] = {}
    for grant in (grant for role in below for grant in role.grants):
        act = (grant.entity, grant.action)
        if grant.scope <= reach.get(act, Scope.NONE):
            found[act] = max(grant.scope, found.get(act, Scope.NONE))
    yield from (Grant(*act, scope) for act, scope in found.items())


def _role(  # noqa: PLR0913  # what makes up a role
    key: str,
    name: str,
    rank: int,
    grants: Iterator[Grant],
    rules: tuple[FieldRule, ...] = (),
    below: Iterable[RoleTemplate] = (),
    *,
    presets: tuple[str, ...] = EVERY,
) -> RoleTemplate:
    """Return a role of somebody who works here: who is who and what is sold is for all of them to see."""
    own = [*over((*ORGANISATION, *CATALOGUE), Scope.ALL, "read"), *grants]
    return RoleTemplate(
        key=key,
        name=name,
        rank=rank,
        grants=own,
        delegable=handed_on(own, below),
        field_rules=rules,
        presets=presets,
    )


def _full_access() -> Iterator[Grant]:
    yield from over(WORK, Scope.ALL, *EDIT, *TIDY, "assign", "share", "export", "merge")
    yield Grant("deal", "move:*", Scope.ALL)
    yield from over(CATALOGUE, Scope.ALL, "create", "update", *TIDY, "export", "merge")
    yield from over(ORGANISATION, Scope.ALL, "export")
    yield Grant("customer", "read", Scope.ALL)
    yield from _administration()
    yield from over(("unit",), Scope.SUBTREE, "create", "update", *TIDY)
    yield from over(("user",), Scope.SUBTREE, *TIDY)


def _advanced_access() -> Iterator[Grant]:
    yield from over(WORK, Scope.ALL, *EDIT, "assign", "share", "export")
    yield from over(WORK, Scope.SUBTREE, *TIDY, "merge")
    yield Grant("deal", "move:*", Scope.ALL)
    yield from over(CATALOGUE, Scope.ALL, "create", "update", "export")
    yield Grant("customer", "read", Scope.ALL)
    yield from _administration()


def _senior_manager() -> Iterator[Grant]:
    yield from over(WORK, Scope.SUBTREE, *EDIT, *TIDY, "assign", "share", "export", "merge")
    yield Grant("deal", "move:*", Scope.SUBTREE)
    yield from over(CATALOGUE, Scope.ALL, "export")
    yield Grant("tag", "create", Scope.ALL)
    yield from _administration()


def _administration() -> Iterator[Grant]:
    """Give what looking after the people of a branch takes; the rules of delegation bound it."""
    yield from over(("user",), Scope.SUBTREE, "create", "update")
    yield from over(("membership", "role", "deputy"), Scope.SUBTREE, "create", "update", *TIDY)


def _manager_1() -> Iterator[Grant]:
    yield from over(WORK, Scope.TEAM, *EDIT, "assign")
    yield from over(WORK, Scope.OWN, *TIDY, "share", "export")
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
