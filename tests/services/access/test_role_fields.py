"""Invariant 11: fields that scopes and uniqueness look at must be readable by whoever holds the grant."""

from __future__ import annotations

import pytest

from opencrm import Create, Grant, InputError, Role, Scope, records
from opencrm.embed import grant_rows

CASES = [
    (Grant("deal", "read", Scope.OWN), "deal", "owner_id", "the scope"),
    (Grant("deal", "update", Scope.SUBTREE), "deal", "unit_id", "the scope"),
    (Grant("*", "read", Scope.TEAM), "contact", "created_by", "the scope"),
    (Grant("tag", "update", Scope.ALL), "tag", "name", "the uniqueness"),
    (Grant("deal", "create", Scope.ALL), "deal", "title", "the requirement"),
]


def make(crm, firm, grant, entity, field):
    hidden = [{"entity": entity, "field": field, "read": False, "write": False}]
    with crm.work(firm.owner) as work:
        records.create(work, [Create(Role, key="r", name="R", grants=grant_rows([grant]), field_rules=hidden)])


@pytest.mark.parametrize("grant, entity, field, why", CASES)
def test_a_role_that_hides_them_is_refused(crm, firm, grant, entity, field, why):
    """At definition, with the field and the grant."""
    with pytest.raises(InputError, match=f"{entity}.{field} must be readable: {why} of grant 1 looks at it"):
        make(crm, firm, grant, entity, field)


def test_where_nothing_looks_at_them_they_may_be_hidden(crm, firm):
    """Somebody who sees all needs no owner."""
    make(crm, firm, Grant("deal", "read", Scope.ALL), "deal", "owner_id")
