"""The company itself: its people and their roles, the template of its contracts, and keys for REST."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from opencrm import CRM, Create, Role, Unit, User, organisation, records
from opencrm.embed import Work, grant_rows, issue_token
from opencrm_windows import contract
from opencrm_windows.roles import templates

NAME = "Clearmere Windows"
OWNER = "Margaret"
PEOPLE = MappingProxyType(
    {"Ines": "head", "Rory": "seller", "Colm": "fitter", "Freya": "fitter", "Dylan": "calculator"}
)
"""Who works there, and in which role."""


def make(crm: CRM) -> None:
    """Make the company in a fresh workspace."""
    owner = crm.init(owner=OWNER, email=email(OWNER), unit=NAME)
    crm.enable(owner, "documents")
    crm.enable(owner, "windows")
    contract.add(crm, owner)
    with crm.work(owner) as work:
        _add_roles(work)
        company = organisation.find(work, Unit, NAME)
        [sales] = records.create(work, [Create(Unit, name="Sales", parent_id=company)])
        records.create(work, [_user(work, name, role, sales.record_id) for name, role in PEOPLE.items()])


def keys(crm: CRM, *, label: str, days: int) -> Mapping[str, str]:
    """Make a key for REST for each person.

    Args:
        crm: The workspace.
        label: What the keys are for.
        days: How long they work.

    Returns:
        The keys by the people's names.
    """
    found = {}
    for name in (OWNER, *PEOPLE):
        who = crm.principal(email(name))
        with crm.work(who) as work:
            found[name] = issue_token(work, who.id, label=label, days=days)
    return found


def email(name: str) -> str:
    """Return somebody's address."""
    return f"{name.lower()}@clearmere.example"


def _user(work: Work, name: str, role: str, unit: str) -> Create[User]:
    place = {"unit_id": unit, "role_id": organisation.find(work, Role, role), "is_head": role == "head"}
    return Create(User, name=name, email=email(name), memberships=[place])


def _add_roles(work: Work) -> None:
    """Make the plugin's roles in a workspace that stood before it was enabled."""
    for it in templates():
        rules = [
            {"entity": rule.entity, "field": rule.field, "read": rule.read, "write": rule.write}
            for rule in it.field_rules
        ]
        values = {
            "key": it.key,
            "name": it.name,
            "rank": it.rank,
            "grants": grant_rows(it.grants),
            "field_rules": rules,
        }
        records.create(work, [Create(Role, values=values)])
