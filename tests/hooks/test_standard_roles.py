"""The roles in the box."""

from __future__ import annotations

import itertools

import attrs
import pytest

from opencrm.core.access.grants import Scope, check_field_rules, check_grants, grant_rows
from opencrm.core.entities import Core, specs
from opencrm.hooks import PRESETS, Found, Hooks, load
from opencrm.plugins import standard_roles

NAMES = {
    "owner": "Owner",
    "full_access": "Full access",
    "advanced_access": "Advanced access",
    "senior_manager": "Senior manager",
    "manager_1": "Manager 1",
    "manager_2": "Manager 2",
    "store": "Store",
    "marketing": "Marketing",
    "support": "Support",
    "viewer": "Viewer",
}
ACTIONS = (
    "create",
    "read",
    "update",
    "delete",
    "restore",
    "assign",
    "share",
    "export",
    "merge",
    "move:sales.won",
)
WORK = ("activity", "company", "contact", "deal", "task")
CLIENTS = ("company", "contact")
NOTES = ("activity", "task")
CATALOGUE = ("product", "tag")
ORGANISATION = ("unit", "user", "role", "membership", "deputy")
CHANGES = ("create", "update", "delete", "restore")
TABLE = [
    [cell.strip() for cell in line.strip("| ").split(" | ")]
    for line in (standard_roles.__doc__ or "").splitlines()
    if line.startswith("| ") and line.count("|") == 5 and not line.startswith(("| role", "| ---"))
]
"""The rows of the table in the module's docstring."""

WHOLE = {spec.name: spec for spec in specs(Core) if not spec.options.part_of}


@pytest.fixture
def roles():
    plugin = load(Found(name="standard_roles", source="box", where="opencrm.plugins.standard_roles"))
    return {found.value.key: found.value for found in Hooks([plugin]).roles()}


def widest(role, entity: str, action: str) -> Scope:
    return max((grant.scope for grant in role.grants if grant.covers(entity, action)), default=Scope.NONE)


def reach(role, entities, actions) -> set[Scope]:
    """Return how far a role reaches with each of the actions on each of the entities."""
    return {widest(role, entity, action) for entity in entities for action in actions}


def covered(grants, by) -> bool:
    """Say whether each grant is covered: same entity and action, no wider scope."""
    return all(any(it.covers(one.entity, one.action) and it.scope >= one.scope for it in by) for one in grants)


def opened(role, verb: str) -> set[tuple[str, str]]:
    """Return the fields that a role opens."""
    rules = {(rule.entity, rule.field): getattr(rule, verb) for rule in role.field_rules}
    fields = ((spec.name, field) for spec in WHOLE.values() for field in spec.fields.values())
    return {(entity, it.name) for entity, it in fields if rules.get((entity, it.name), not it.sensitive)}


def is_administrative(grant) -> bool:
    return grant.entity in ORGANISATION and grant.action in CHANGES


def administers(role, scope: Scope, *, units: bool) -> None:
    assert reach(role, ["user"], ["create", "update"]) == {scope}
    assert reach(role, ["membership", "role", "deputy"], CHANGES) == {scope}
    assert reach(role, ["unit"], CHANGES) == {scope if units else Scope.NONE}
    assert reach(role, ["user"], ["delete", "restore"]) == {scope if units else Scope.NONE}


def sees(scope: Scope, *more: Scope):
    def check(role) -> None:
        assert reach(role, WORK, ["read"]) == {scope, *more}
        assert reach(role, CATALOGUE, ["read"]) == {Scope.ALL}

    return check


def changes(
    edit: Scope, tidy: Scope, hand_over: Scope, merge: Scope, catalogue: Scope = Scope.NONE, lend: Scope | None = None
):
    """Check how far the work is edited; deleted; handed over; merged; shared and exported, if otherwise."""

    def check(role) -> None:
        assert reach(role, WORK, ["create", "update"]) == {edit}
        assert widest(role, "deal", "move:sales.won") == edit
        assert reach(role, WORK, ["delete", "restore"]) == {tidy}
        assert reach(role, WORK, ["assign"]) == {hand_over}
        assert reach(role, WORK, ["share", "export"]) == {hand_over if lend is None else lend}
        assert reach(role, WORK, ["merge"]) == {merge}
        assert reach(role, CATALOGUE, [*CHANGES, "merge"]) >= {catalogue}

    return check


def check_sees_sales(role) -> None:
    assert reach(role, [*CLIENTS, "deal"], ["read"]) == {Scope.ALL}


def check_marketing(role) -> None:
    assert reach(role, CLIENTS, ["create", "update", "assign", "export"]) == {Scope.ALL}
    assert reach(role, ["deal"], ["create", "assign"]) == {Scope.ALL}
    assert reach(role, ["deal"], ["update", "delete", "move:sales.won", "export"]) == {Scope.NONE}
    assert reach(role, NOTES, ["create", "update"]) == {Scope.OWN}
    assert reach(role, WORK, ["delete", "restore", "merge", "share"]) == {Scope.NONE}


def check_support(role) -> None:
    assert reach(role, CLIENTS, ["create", "update"]) == {Scope.ALL}
    assert reach(role, NOTES, ["update"]) == {Scope.OWN}
    assert reach(role, ["deal"], [*CHANGES, "assign", "export", "move:sales.won"]) == {Scope.NONE}
    assert reach(role, WORK, ["delete", "restore", "merge", "share", "export"]) == {Scope.NONE}


def check_nobody(role) -> None:
    assert reach(role, ORGANISATION, CHANGES) == {Scope.NONE}
    assert not role.delegable


def check_writes_nothing(role) -> None:
    assert {grant.action for grant in role.grants} == {"read"}


CLAIMS = {
    "sees": {
        "everything": sees(Scope.ALL),
        "its branch": sees(Scope.SUBTREE),
        "its team": sees(Scope.TEAM),
        "its own": sees(Scope.OWN),
        "people, companies and sales": check_sees_sales,
    },
    "changes": {
        "everything, the organisation too": changes(*[Scope.ALL] * 5),
        "all work, catalogue included": changes(*[Scope.ALL] * 5),
        "all work; deletes and merges in its branch": changes(Scope.ALL, Scope.SUBTREE, Scope.ALL, Scope.SUBTREE),
        "its branch": changes(*[Scope.SUBTREE] * 4),
        "its team, and hands over within it; deletes, shares and exports only what is its own": changes(
            Scope.TEAM, Scope.OWN, Scope.TEAM, Scope.NONE, lend=Scope.OWN
        ),
        "its own": changes(Scope.OWN, Scope.NONE, Scope.NONE, Scope.NONE),
        "its team, without deleting, handing over or exporting": changes(
            Scope.TEAM, Scope.NONE, Scope.NONE, Scope.NONE
        ),
        "people and companies, and brings new sales": check_marketing,
        "people and companies, and its own notes and tasks": check_support,
        "nothing": check_writes_nothing,
    },
    "people": {
        "everybody": lambda role: administers(role, Scope.ALL, units=True),
        "its branch: units, people, roles of lower rank": lambda role: administers(role, Scope.SUBTREE, units=True),
        "its branch: people, roles of lower rank": lambda role: administers(role, Scope.SUBTREE, units=False),
        "its branch: people, who become Manager 1, Manager 2, Store or Viewer": lambda role: administers(
            role, Scope.SUBTREE, units=False
        ),
        "nobody": check_nobody,
    },
}


def test_the_ten_are_there(roles):
    """Those that the company knows by these names."""
    assert {key: role.name for key, role in roles.items()} == NAMES


def test_the_owner_may_do_everything(roles):
    """One grant, the highest rank, and what plugins add later is in it."""
    [grant] = roles["owner"].grants
    assert (grant.entity, grant.action, grant.scope) == ("*", "*", Scope.ALL)
    assert all(role.rank < roles["owner"].rank for key, role in roles.items() if key != "owner")


def test_only_the_owner_has_what_plugins_add(roles):
    """Deny by default: no other role names everything."""
    assert not [key for key, role in roles.items() if key != "owner" and widest(role, "invoicing_invoice", "read")]


def test_everybody_sees_who_is_who(roles):
    """Units, people, roles, memberships and deputies."""
    for role in roles.values():
        assert {Scope.ALL} == {widest(role, entity, "read") for entity in ORGANISATION}


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row[0])
def test_each_claim_of_the_table_holds(roles, row):
    """What the module's docstring, and so the reference, says of each role: every cell has its check."""
    name, *claims = row
    role = next(role for role in roles.values() if role.name == name)
    for column, claim in zip(("sees", "changes", "people"), claims, strict=True):
        CLAIMS[column][claim](role)


def test_the_table_names_every_role(roles):
    """None is left out, and the order is that of their ranks."""
    assert [row[0] for row in TABLE] == [role.name for role in roles.values()]
    ranks = [role.rank for role in roles.values()]
    assert ranks == sorted(ranks, reverse=True)


def test_what_is_delegable_is_granted(roles):
    """Same entity and action, no wider scope, and without conditions."""
    for role in roles.values():
        assert covered(role.delegable, role.grants), role.key


@pytest.mark.parametrize(
    "high, low",
    [
        *(("senior_manager", low) for low in ("manager_1", "manager_2", "store", "viewer")),
        *(("advanced_access", low) for low in NAMES if low not in ("owner", "full_access", "advanced_access")),
        *(("full_access", low) for low in NAMES if low not in ("owner", "full_access")),
    ],
)
def test_who_may_give_which_role(roles, high, low):
    """Rank, grants, what that one may hand on in turn, and fields are all within what may be handed on."""
    giver, given = roles[high], roles[low]
    assert given.rank < giver.rank
    assert covered(given.grants, giver.delegable)
    assert covered(given.delegable, giver.delegable)
    assert opened(given, "read") <= opened(giver, "read")
    assert opened(given, "write") <= opened(giver, "write")


@pytest.mark.parametrize("low", ["marketing", "support", "advanced_access", "full_access", "senior_manager"])
def test_what_a_senior_manager_may_not_give(roles, low):
    """Roles that see beyond a branch, and those of their own rank or above."""
    giver, given = roles["senior_manager"], roles[low]
    assert given.rank >= giver.rank or not covered(given.grants, giver.delegable)


def test_administration_is_handed_on_by_those_above_senior_managers_only(roles):
    """A senior manager makes nobody who looks after people."""
    changes = {key: [it for it in role.delegable if is_administrative(it)] for key, role in roles.items()}
    assert {key for key, found in changes.items() if found} == {"advanced_access", "full_access"}
    assert all(grant.scope is Scope.SUBTREE for found in changes.values() for grant in found)


@pytest.mark.parametrize("preset", PRESETS)
def test_each_preset_has_its_roles(roles, preset):
    """As the module's docstring says; in each the owner."""
    small = {"Owner", "Full access", "Manager 1", "Manager 2", "Viewer"}
    told = {
        "solo": {"Owner", "Viewer"},
        "small": small,
        "branches": {*small, "Senior manager", "Store"},
        "full": {*NAMES.values()},
    }
    assert {role.name for role in roles.values() if preset in role.presets} == told[preset]


def test_everybody_sees_what_is_sold(roles):
    """Products are for all, and their prices with them."""
    assert {Scope.ALL} == {widest(role, "product", "read") for role in roles.values()}


@pytest.mark.parametrize("action", ["read", "update", "move:sales.won"])
def test_sellers_reach_further_with_their_rank(roles, action):
    """Own, team, branch, everything."""
    ladder = ["manager_2", "manager_1", "senior_manager", "advanced_access", "full_access", "owner"]
    reach = [widest(roles[key], "deal", action) for key in ladder]
    assert reach == [Scope.OWN, Scope.TEAM, Scope.SUBTREE, Scope.ALL, Scope.ALL, Scope.ALL]


def test_the_ladder_never_takes_away(roles):
    """Whoever stands higher among the sellers may do at least what the one below may."""
    ladder = ["manager_2", "manager_1", "senior_manager", "full_access", "owner"]
    for low, high in itertools.pairwise(ladder):
        assert roles[low].rank < roles[high].rank
        for entity, action in itertools.product(WHOLE, ACTIONS):
            assert widest(roles[low], entity, action) <= widest(roles[high], entity, action), (
                low,
                entity,
                action,
            )


def test_a_viewer_changes_nothing_and_takes_nothing_away(roles):
    """It reads, and that is all."""
    assert {"read"} == {grant.action for grant in roles["viewer"].grants}


def test_whoever_may_change_may_see(roles):
    """No role writes what it may not read, nor as far as it may not read."""
    for key, role in roles.items():
        for entity, action in itertools.product(WHOLE, ACTIONS):
            if action != "create":
                assert widest(role, entity, action) <= widest(role, entity, "read"), (key, entity, action)


def test_every_grant_is_about_something(roles):
    """Entities exist, are no parts (those follow their record), and are measured only if they have a place."""
    for role in roles.values():
        for grant in (*role.grants, *role.delegable):
            assert grant.entity in {*WHOLE, "*"}
            assert grant.scope is Scope.ALL or WHOLE[grant.entity].owned or grant.entity in ORGANISATION


def test_they_can_be_written_into_a_workspace(roles):
    """The plain form of grants and rules passes the check of a role's fields."""
    for role in roles.values():
        check_grants(grant_rows(role.grants))
        check_grants(grant_rows(role.delegable))
        check_field_rules([attrs.asdict(rule) for rule in role.field_rules])
