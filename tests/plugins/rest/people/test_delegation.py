"""The organisation over REST, for somebody who is no owner: what the rules of delegation let through."""

from __future__ import annotations

import pytest

from opencrm import Grant, Role, Scope, Update, records
from opencrm.embed import grant_rows

KNOWN = [Grant(entity, "read", Scope.ALL) for entity in ("unit", "user", "role", "membership", "product", "tag")]
ADMIN = [
    Grant(entity, act, Scope.SUBTREE)
    for entity in ("unit", "user", "role", "membership")
    for act in ("create", "update", "delete", "restore")
]


@pytest.fixture
def head(crm, firm, as_):
    """The client of the northern head, who looks after the north and hands on what sellers hold."""
    with crm.work(firm.owner) as work:
        seller = work.get(Role, firm.roles["firm_seller"]).grants
        grants = [*seller, *grant_rows([*KNOWN, *ADMIN])]
        change = {"grants": grants, "delegable": [*seller, *grant_rows(KNOWN)]}
        records.update(work, [Update(Role, firm.roles["firm_head"], values=change)])
    return as_(firm.head)


def place(firm, unit="north_shop", role="firm_seller"):
    return {"unit_id": firm.units[unit], "role_id": firm.roles[role]}


def test_a_person_comes_with_their_places(head, firm):
    """`memberships` in the body of POST /users, as lines are in that of a deal."""
    made = head.make("users", name="New", memberships=[place(firm)])
    rows = head.get(f"/v1/memberships?user_id={made['id']}").json["items"]
    assert [(row["unit_id"], row["is_primary"]) for row in rows] == [(firm.units["north_shop"], True)]


@pytest.mark.parametrize(
    "unit, role, rule",
    [
        ("south", "firm_seller", "reach"),
        ("north", "firm_head", "rank"),
        ("north", "owner", "rank"),
        ("north", "firm_lead", "delegable"),
    ],
)
def test_a_refusal_names_the_rule(head, firm, unit, role, rule):
    """As a member of the problem, and in words; nobody was made."""
    before = head.get("/v1/users?limit=200").json["items"]
    answer = head.post("/v1/users", {"name": "New", "memberships": [place(firm, unit, role)]})
    assert (answer.status_code, answer.json["rule"]) == (403, rule)
    assert answer.json["detail"].startswith(f'you may not do this: membership.create (rule "{rule}": ')
    assert head.get("/v1/users?limit=200").json["items"] == before


def test_the_target_and_the_home(head, firm):
    """The other two rules."""
    mine = head.patch(f"/v1/users/{firm.head.id}", {"name": "Me"})
    assert (mine.status_code, mine.json["rule"]) == (403, "target")
    role = head.post("/v1/roles", {"key": "x", "name": "X", "rank": 10})
    assert (role.status_code, role.json["rule"]) == (403, "home")
    made = head.make("roles", key="x", name="X", rank=10, home_unit_id=firm.units["north_shop"])
    seat = head.post(
        "/v1/memberships", {"user_id": firm.fitter.id, "unit_id": firm.units["north"], "role_id": made["id"]}
    )
    assert (seat.status_code, seat.json["rule"]) == (403, "home")


def test_below_one_may_all_of_it(head, firm):
    """Make, change, take away, bring back, undo."""
    made = head.make("units", name="Stall", parent_id=firm.units["north"])
    at = f"/v1/units/{made['id']}"
    assert head.patch(at, {"name": "Kiosk"}).status_code == 200
    assert head.delete(at).status_code == 204
    assert head.post(f"{at}/restore").status_code == 200
    user = head.make("users", name="New", memberships=[place(firm)])
    assert head.patch(f"/v1/users/{user['id']}", {"active": False}).status_code == 200


def test_a_bad_place_is_told_by_its_number(head, firm):
    """As every part is."""
    answer = head.post("/v1/users", {"name": "New", "memberships": [place(firm), {"unit_id": firm.units["north"]}]})
    assert (answer.status_code, list(answer.json["errors"])) == (422, ["memberships[1].role_id"])


def test_the_last_owner_is_kept_by_a_rule_with_a_name(api, firm):
    """409, and `last owner`; to do away with oneself is the rule of the target."""
    answer = api.patch(f"/v1/roles/{firm.roles['owner']}", {"grants": [], "delegable": []})
    assert (answer.status_code, answer.json["rule"]) == (409, "last owner")
    answer = api.patch(f"/v1/users/{firm.owner.id}", {"active": False})
    assert (answer.status_code, answer.json["rule"]) == (403, "target")
