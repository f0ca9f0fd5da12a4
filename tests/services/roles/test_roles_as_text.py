"""Roles as text: exported, planned, applied, undone; and copied."""

from __future__ import annotations

import tomllib

import pytest

from opencrm import (
    DomainError,
    Duplicate,
    FieldRule,
    Grant,
    InputError,
    Less,
    Membership,
    NotFound,
    PermissionDenied,
    Query,
    Role,
    Scope,
    Undo,
    Unit,
    Update,
    records,
    undoing,
)
from opencrm.embed import grant_rows, role_definitions
from opencrm.testing import make_record

CALCULATOR = """
[[roles]]
key = "calculator"
name = "Calculator"
rank = 250
home_unit = "HQ / north"
grants = [
    { entities = ["contact", "deal"], actions = ["read", "update"], scope = "subtree" },
    { entities = "deal", actions = "delete", scope = "own", when = { field = "amount", op = "less", value = "9 EUR" } },
]
delegable = [{ entities = ["deal"], actions = ["read"], scope = "own" }]
field_rules = [{ entity = "contact", fields = ["birthday", "source"], read = true, write = false }]
"""


def export(crm, by):
    with crm.read(by) as reader:
        return role_definitions.export(reader)


def apply(crm, by, text, **more):
    with crm.work(by) as work:
        return role_definitions.carry_out(work, role_definitions.parse(text), **more), work.act


def plan(crm, by, text, **more):
    with crm.work(by) as work:
        return role_definitions.rehearse(work, role_definitions.parse(text), **more)


def role(crm, by, key):
    with crm.read(by) as reader:
        return next(row for row in reader.list(Query(Role)) if row.key == key)


def test_a_text_makes_a_role(crm, firm):
    """With its grants, conditions, field rules, what may be handed on, and its home."""
    [step], _ = apply(crm, firm.owner, CALCULATOR)
    assert str(step).splitlines()[0] == "create calculator"
    made = role(crm, firm.owner, "calculator")
    assert (made.name, made.rank, made.home_unit_id) == ("Calculator", 250, firm.units["north"])
    deals = [Grant("deal", act, Scope.SUBTREE) for act in ("read", "update")]
    small = Grant("deal", "delete", Scope.OWN, when=Less("amount", "9 EUR"))
    contacts = [Grant("contact", act, Scope.SUBTREE) for act in ("read", "update")]
    assert made.grants == grant_rows([*contacts, small, *deals])
    assert made.delegable == grant_rows([Grant("deal", "read", Scope.OWN)])
    assert [(it["field"], it["read"], it["write"]) for it in made.field_rules] == [
        ("birthday", True, False),
        ("source", True, False),
    ]


def test_what_is_exported_is_sorted_and_compact(crm, firm):
    """The highest rank first; what says the same of several entities stands in one line."""
    apply(crm, firm.owner, CALCULATOR)
    tables = tomllib.loads(export(crm, firm.owner))["roles"]
    assert [it["rank"] for it in tables] == sorted((it["rank"] for it in tables), reverse=True)
    made = next(it for it in tables if it["key"] == "calculator")
    assert made["home_unit"] == "HQ / north"
    assert made["grants"] == [
        {"entities": ["contact", "deal"], "actions": ["read", "update"], "scope": "subtree"},
        {
            "entities": ["deal"],
            "actions": ["delete"],
            "scope": "own",
            "when": {"field": "amount", "op": "less", "value": "9 EUR"},
        },
    ]
    assert made["field_rules"] == [
        {"entity": "contact", "fields": ["birthday", "source"], "read": True, "write": False}
    ]


def test_an_unchanged_text_writes_nothing(crm, firm, sizes):
    """Applied to where it comes from, with or without deleting the others."""
    apply(crm, firm.owner, CALCULATOR)
    text, before = export(crm, firm.owner), sizes()
    assert plan(crm, firm.owner, text) == []
    assert apply(crm, firm.owner, text, delete=True)[0] == []
    assert sizes() == before
    assert export(crm, firm.owner) == text


def test_the_order_of_grants_is_no_difference(crm, firm):
    """Nor is one that is said twice."""
    grants = [Grant("deal", "update", Scope.OWN), Grant("deal", "read", Scope.OWN), Grant("deal", "update", Scope.OWN)]
    make_record(crm, Role, key="odd", name="Odd", grants=grant_rows(grants))
    assert plan(crm, firm.owner, export(crm, firm.owner)) == []


def test_a_plan_writes_nothing_and_says_what_apply_does(crm, firm, sizes):
    """Which grants come and go, and who holds the role."""
    text = export(crm, firm.owner).replace('key = "firm_seller"\nname = "seller"\nrank = 300', SELLER, 1)
    before = sizes()
    [step] = plan(crm, firm.owner, text)
    assert sizes() == before
    assert str(step).splitlines() == ["change seller", "  key: 'firm_seller' > 'seller'", "  rank: 300 > 310"]
    with crm.read(firm.owner) as reader:
        assert [*role_definitions.holders(reader, step).values()] == ["fitter", "seller", "stranger"]
    [done], act = apply(crm, firm.owner, text)
    assert str(done) == str(step)
    assert role(crm, firm.owner, "seller").rank == 310
    with crm.work(firm.owner) as work:
        undoing.undo(work, [Undo(act=act)])
    assert role(crm, firm.owner, "firm_seller").rank == 300


SELLER = 'key = "seller"\nwas = "firm_seller"\nname = "seller"\nrank = 310'


def test_differences_of_grants_and_rules_are_told(crm, firm):
    """Line by line, with scope and condition."""
    apply(crm, firm.owner, CALCULATOR)
    text = CALCULATOR.replace('"contact", "deal"], actions = ["read"', '"deal"], actions = ["read"')
    text = text.replace("9 EUR", "5 EUR").replace('"birthday", "source"', '"birthday"').replace("false", "true")
    [step] = plan(crm, firm.owner, text)
    assert str(step).splitlines() == [
        "change calculator",
        "  grants - contact.read (subtree)",
        "  grants - contact.update (subtree)",
        '  grants - deal.delete (own) when {"field": "amount", "op": "less", "value": "9 EUR"}',
        '  grants + deal.delete (own) when {"field": "amount", "op": "less", "value": "5 EUR"}',
        "  field_rules - contact.birthday (read)",
        "  field_rules - contact.source (read)",
        "  field_rules + contact.birthday (read and write)",
    ]


def test_what_is_not_named_stays(crm, firm):
    """A table changes what it names; roles without one stay, unless they are to go."""
    apply(crm, firm.owner, CALCULATOR)
    apply(crm, firm.owner, '[[roles]]\nkey = "calculator"\nrank = 260\nhome_unit = ""\n')
    made = role(crm, firm.owner, "calculator")
    assert (made.rank, made.name, made.home_unit_id, len(made.grants)) == (260, "Calculator", None, 5)
    text = export(crm, firm.owner)
    apply(crm, firm.owner, '[[roles]]\nkey = "assistant"\n')
    [gone], _ = apply(crm, firm.owner, text, delete=True)
    assert str(gone) == "delete assistant"
    assert export(crm, firm.owner) == text


@pytest.mark.parametrize("doing", [plan, apply])
def test_all_faults_are_named_and_nothing_is_done(crm, firm, sizes, doing):
    """Each by its table and its word; the plan refuses the same."""
    text = """
        [[roles]]
        key = "a"
        grants = [{ entities = ["deel"], actions = ["read", "fly"], scope = "own" }]
        [[roles]]
        name = "no key"
        [[roles]]
        key = "b"
        colour = "red"
        home_unit = "nowhere"
        rank = -1
        [[roles]]
        key = "c"
        grants = [{ entity = "deal", actions = ["read"], scope = "own" }]
        delegable = "all"
        field_rules = [{ entity = "deal", fields = ["amount"], read = false, write = true }]
        [[roles]]
        key = "d"
        [[roles]]
        key = "d"
        [[roles]]
        key = "e"
        grants = [{ entities = ["deal"], actions = ["read"], scope = "far" }]
        [[roles]]
        key = "f"
        rank = -1
        [[roles]]
        key = "g"
        was = "nothing"
        [[roles]]
        key = "firm_lead"
        was = "firm_seller"
    """
    before = sizes()
    with pytest.raises(InputError) as refused:
        doing(crm, firm.owner, text)
    assert sorted(refused.value.fields) == [
        "roles[10].was",
        "roles[1].grants",
        "roles[2].key",
        "roles[3].colour",
        "roles[3].home_unit",
        "roles[4].delegable",
        "roles[4].field_rules",
        "roles[4].grants",
        "roles[6].key",
        "roles[7].grants",
        "roles[8].rank",
        "roles[9].was",
    ]
    assert "deel.read (own)" in str(refused.value)
    assert sizes() == before


@pytest.mark.parametrize("text", ["x", "[[fields]]\n", 'roles = "x"', "roles = [1]"])
def test_what_is_no_such_text_is_refused(text):
    """Before anything is opened."""
    with pytest.raises(InputError) as refused:
        role_definitions.parse(text)
    assert list(refused.value.fields) == ["text"]


@pytest.mark.parametrize("doing", [plan, apply])
def test_refusals_name_the_role(crm, firm, sizes, doing):
    """Of who may not, of what is in use, of the last owner."""
    before, everything = sizes(), export(crm, firm.owner)
    with pytest.raises(PermissionDenied, match="role calculator: "):
        doing(crm, firm.seller, CALCULATOR)
    with pytest.raises(DomainError, match="role firm_"):
        doing(crm, firm.owner, '[[roles]]\nkey = "owner"\n', delete=True)
    with pytest.raises(DomainError, match="role owner: "):
        doing(crm, firm.owner, everything.replace('["*"], actions = ["*"]', '["*"], actions = ["read"]', 1))
    assert sizes() == before


def test_a_unit_is_found_by_path_or_name(crm, firm):
    """A name that two have needs its path."""
    make_record(crm, Unit, name="north", parent_id=firm.units["south"])
    text = '[[roles]]\nkey = "x"\nhome_unit = "{}"\n'
    for name, unit in (("HQ / south", "south"), ("south_shop", "south_shop"), ("HQ / north", "north")):
        apply(crm, firm.owner, text.format(name))
        assert role(crm, firm.owner, "x").home_unit_id == firm.units[unit]
    with pytest.raises(InputError, match="more than one unit is called 'north'"):
        apply(crm, firm.owner, text.format("north"))


def test_holders_are_those_of_now_and_later(crm, firm):
    """Whose membership is over holds it no longer."""
    [step] = plan(crm, firm.owner, '[[roles]]\nkey = "firm_lead"\nrank = 401\n')
    with crm.read(firm.owner) as reader:
        assert [*role_definitions.holders(reader, step).values()] == ["lead"]
        [seat] = [it for it in reader.list(Query(Membership)) if it.user_id == firm.lead.id]
    with crm.work(firm.owner) as work:
        records.update(work, [Update(Membership, seat.id, valid_to="2026-03-02T09:00:00Z")])
    with crm.read(firm.owner) as reader:
        assert role_definitions.holders(reader, step) == {}


def test_a_role_is_copied(crm, firm):
    """All of it but its key and its people; the words that are given are otherwise."""
    apply(crm, firm.owner, CALCULATOR)
    one = role(crm, firm.owner, "calculator")
    with crm.work(firm.owner) as work:
        role_definitions.copy(work, one.id, key="calculator_2")
        given = {"name": "Other", "rank": 9, "home_unit_id": firm.units["south"]}
        role_definitions.copy(work, one.id, key="calculator_3", given=given)
    same, other = role(crm, firm.owner, "calculator_2"), role(crm, firm.owner, "calculator_3")
    for name in ("rank", "grants", "delegable", "field_rules", "home_unit_id"):
        assert same[name] == one[name]
    assert same.name == "Calculator (copy)"
    assert (other.name, other.rank, other.home_unit_id, other.grants) == (*given.values(), one.grants)


def test_copies_that_are_refused(crm, firm):
    """Of what is not there, to a key that is taken, and by somebody who may not make it."""
    with crm.work(firm.owner) as work:
        with pytest.raises(NotFound):
            role_definitions.copy(work, firm.units["north"], key="x")
        with pytest.raises(Duplicate), work.savepoint():
            role_definitions.copy(work, firm.roles["firm_lead"], key="firm_head")
    with crm.work(firm.seller) as work, pytest.raises(PermissionDenied):
        role_definitions.copy(work, firm.roles["firm_lead"], key="x")


def test_a_role_of_a_hidden_field_rule_is_whole(crm, firm):
    """Grants typed in Python come out as the text says them."""
    rule = FieldRule("deal", "amount", read=False, write=False)
    make_record(crm, Role, key="blind", name="Blind", field_rules=[rule])
    assert '{ entity = "deal", fields = ["amount"], read = false, write = false }' in export(crm, firm.owner)
