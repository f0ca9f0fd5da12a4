"""The roles in the box."""

from __future__ import annotations

import itertools

import attrs
import pytest

from opencrm.core.access.grants import Scope, check_field_rules, check_grants, grant_rows
from opencrm.core.entities import Core, specs
from opencrm.hooks import Found, Hooks, load

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
WHOLE = {spec.name: spec for spec in specs(Core) if not spec.options.part_of}


@pytest.fixture
def roles():
    plugin = load(Found(name="standard_roles", source="box", where="opencrm.plugins.standard_roles"))
    return {found.value.key: found.value for found in Hooks([plugin]).roles()}


def widest(role, entity: str, action: str) -> Scope:
    return max((grant.scope for grant in role.grants if grant.covers(entity, action)), default=Scope.NONE)


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


def test_only_the_owner_changes_the_organisation(roles):
    """The others see who is who."""
    for key, role in roles.items():
        for entity in ("unit", "user", "role", "membership"):
            assert widest(role, entity, "read") == Scope.ALL
            changes = max(widest(role, entity, action) for action in ACTIONS if action not in ("read", "export"))
            assert (Scope.ALL if key == "owner" else Scope.NONE) == changes


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
    """Entities exist, are no parts (those follow their record), and are not measured if nobody owns them."""
    for role in roles.values():
        for grant in role.grants:
            assert grant.entity in {*WHOLE, "*"}
            assert grant.scope is Scope.ALL or WHOLE[grant.entity].owned


def test_they_can_be_written_into_a_workspace(roles):
    """The plain form of grants and rules passes the check of a role's fields."""
    for role in roles.values():
        check_grants(grant_rows(role.grants))
        check_field_rules([attrs.asdict(rule) for rule in role.field_rules])
