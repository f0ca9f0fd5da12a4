"""Whatever roles a company has: their text, applied elsewhere, makes the same roles."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opencrm import (
    All,
    AnyOf,
    Create,
    Delete,
    Empty,
    Equal,
    FieldRule,
    Grant,
    In,
    Not,
    Query,
    Role,
    Scope,
    Unit,
    organisation,
    records,
)
from opencrm.embed import grant_rows, role_definitions

ODD = 'a"b\\c\n\t\x7f é 日本 😀'
LEAVES = st.sampled_from([Equal("source", ODD), In("source", ("web", "fair")), Empty("description"), Empty("owner_id")])
WHENS = st.one_of(
    st.none(),
    LEAVES,
    st.tuples(LEAVES, LEAVES).map(All),
    st.tuples(LEAVES, LEAVES).map(AnyOf),
    LEAVES.map(Not),
)
ACTS = st.one_of(
    st.tuples(st.sampled_from(["contact", "deal"]), st.sampled_from(["read", "update", "delete", "assign", "move:*"])),
    st.just(("deal", "move:windows.offer")),
)
SCOPES = st.sampled_from(list(Scope))
GRANTS = st.lists(st.builds(lambda act, scope, when: Grant(*act, scope, when), ACTS, SCOPES, WHENS), max_size=8)
RULES = st.lists(
    st.tuples(st.sampled_from(["source", "description", "owner_id"]), st.sampled_from([(True, True), (True, False)])),
    max_size=3,
).map(lambda found: [FieldRule("deal", name, read, write) for name, (read, write) in found])
NAMES = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20).filter(str.strip)
HOMES = st.sampled_from([None, "HQ", "north", "north_shop"])
ROLES = st.lists(
    st.fixed_dictionaries(
        {"key": st.from_regex(r"[a-z][a-z0-9_]{0,9}", fullmatch=True).map("x_{}".format), "name": NAMES}
        | {"rank": st.integers(0, 999), "grants": GRANTS, "field_rules": RULES, "home": HOMES}
    ),
    max_size=4,
    unique_by=lambda role: role["key"],
)


@pytest.fixture
def two(make_crm):
    return make_crm(), make_crm()


def owner_of(crm):
    return crm.sole_owner()


def make(crm, roles):
    """Take away the roles that were made before, and make these."""
    with crm.work(owner_of(crm)) as work:
        old = [row.id for row in work.list(Query(Role, limit=1000)) if row.key.startswith("x_")]
        records.delete(work, [Delete(Role, id) for id in old])
        for role in roles:
            home = organisation.find(work, Unit, role["home"]) if role["home"] else None
            grants = grant_rows(role["grants"])
            values = {**role, "grants": grants, "delegable": grants[:2], "home_unit_id": home}
            del values["home"]
            records.create(work, [Create(Role, values=values)])


def export(crm):
    with crm.read(owner_of(crm)) as reader:
        return role_definitions.export(reader)


def apply(crm, text):
    with crm.work(owner_of(crm)) as work:
        return role_definitions.carry_out(work, role_definitions.parse(text), delete=True)


@settings(max_examples=25)
@given(here=ROLES, there=ROLES)
def test_a_text_makes_the_same_roles_elsewhere(two, here, there):
    """Export, apply in a workspace with other roles, export: equal; and applied again it writes nothing."""
    one, other = two
    make(one, here)
    make(other, there)
    text = export(one)
    apply(other, text)
    assert export(other) == text
    assert apply(other, text) == []
    assert apply(one, text) == []
