"""A branch whose boss looks after its people: the firm, with roles that hand something on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import attrs
import pytest

from opencrm import CRM, Create, Grant, Membership, PermissionDenied, Principal, Query, Role, Scope, User, records
from opencrm.embed import grant_rows
from opencrm.testing.firm import Firm

ORGANISATION = ("unit", "user", "role", "membership", "deputy")
KNOWN = [Grant(entity, "read", Scope.ALL) for entity in ORGANISATION]
ADMIN = [
    Grant(entity, act, Scope.SUBTREE) for entity in ORGANISATION for act in ("create", "update", "delete", "restore")
]
WORK = [Grant("deal", act, Scope.SUBTREE) for act in ("create", "read", "update", "assign", "export")]
HANDED = [*KNOWN, *(Grant("deal", act, Scope.TEAM) for act in ("create", "read", "update"))]
LOW = [*KNOWN, Grant("deal", "read", Scope.TEAM)]


@attrs.frozen(kw_only=True)
class Branch:
    """The people and roles of the branch north.

    HQ              owner; top (rank 800, looks after everything below HQ)
      north         boss (rank 600), peer (rank 600 too)
        north_shop  clerk (rank 300)
        north_field
      south         other (rank 300)
        south_shop
    """

    owner: Principal
    top: Principal
    boss: Principal
    peer: Principal
    clerk: Principal
    other: Principal
    units: Mapping[str, str]
    roles: Mapping[str, str]


@pytest.fixture
def branch(crm: CRM, firm: Firm) -> Branch:
    """The firm with a boss of its northern branch, and roles of all sorts to give or not."""
    with crm.work(firm.owner) as work:
        roles = {name: _role(work, name, firm, **about) for name, about in _ROLES.items()}
        people = {name: _person(work, name, firm.units[unit], roles[role]) for name, role, unit in _PEOPLE}
    return Branch(owner=firm.owner, units=firm.units, roles={**firm.roles, **roles}, **people)


_ROLES: Mapping[str, Mapping[str, Any]] = {
    "top": {"rank": 800, "grants": [*KNOWN, *ADMIN, *WORK], "delegable": [*KNOWN, *WORK, *ADMIN]},
    "boss": {"rank": 600, "grants": [*KNOWN, *ADMIN, *WORK], "delegable": HANDED},
    "equal": {"rank": 600, "grants": LOW},
    "clerk": {"rank": 300, "grants": LOW},
    "reader": {"rank": 200, "grants": LOW},
    "exporter": {"rank": 300, "grants": [*LOW, Grant("deal", "export", Scope.OWN)]},
    "wide": {"rank": 300, "grants": [*KNOWN, Grant("deal", "read", Scope.SUBTREE)]},
    "of_shop": {"rank": 300, "grants": LOW, "home": "north_shop"},
    "of_south": {"rank": 300, "grants": LOW, "home": "south"},
}
_PEOPLE = (
    ("top", "top", "HQ"),
    ("boss", "boss", "north"),
    ("peer", "equal", "north"),
    ("clerk", "clerk", "north_shop"),
    ("other", "clerk", "south"),
)


def _role(work: Any, name: str, firm: Firm, *, home: str | None = None, **about: Any) -> str:
    lists = {key: grant_rows(about[key]) for key in ("grants", "delegable") if key in about}
    values = {"key": f"x_{name}", "name": name.capitalize(), "rank": about["rank"], **lists}
    [made] = records.create(work, [Create(Role, values={**values, "home_unit_id": home and firm.units[home]})])
    return made.record_id


def _person(work: Any, name: str, unit: str, role: str) -> Principal:
    place = {"unit_id": unit, "role_id": role}
    [made] = records.create(work, [Create(User, name=f"X {name}", memberships=[place])])
    return Principal.user(made.record_id)


@pytest.fixture
def seat_of(crm: CRM) -> Callable[[Principal], str]:
    """`seat_of(person)`: the id of somebody's only membership."""

    def find(person: Principal) -> str:
        with crm.read(Principal.system("look up a membership")) as reader:
            [seat] = [row for row in reader.list(Query(Membership, limit=200)) if row.user_id == person.id]
        return str(seat.id)

    return find


@pytest.fixture
def refused(crm: CRM) -> Callable[..., str]:
    """`refused(person, act)`: the rule by which `act(work)` is refused; nothing changes."""

    def judge(person: Principal, act: Callable[[Any], object]) -> str:
        with pytest.raises(PermissionDenied) as caught, crm.work(person) as work:
            act(work)
        assert caught.value.rule is not None
        assert caught.value.reason.startswith(f'rule "{caught.value.rule}": ')
        assert caught.value.details["rule"] == caught.value.rule
        return caught.value.rule

    return judge


@pytest.fixture
def allowed(crm: CRM) -> Callable[..., Any]:
    """`allowed(person, act)`: what `act(work)` gives back."""

    def do(person: Principal, act: Callable[[Any], Any]) -> Any:
        with crm.work(person) as work:
            return act(work)

    return do
