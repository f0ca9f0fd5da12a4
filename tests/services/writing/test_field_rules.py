"""Fields that some may not read do not exist for them; fields that they may not write stay as they are."""

from __future__ import annotations

import attrs
import pytest

from opencrm import (
    Company,
    Contact,
    ContactPoint,
    Create,
    Duplicate,
    Equal,
    ExternalRef,
    FieldRule,
    Grant,
    InputError,
    Membership,
    PermissionDenied,
    Product,
    Query,
    Role,
    Scope,
    Tag,
    Tagging,
    Update,
    records,
)
from opencrm.embed import grant_rows
from opencrm.testing import make_company, make_contact, make_deal, make_product, make_record


def set_rules(crm, firm, role, *rules):
    with crm.work(firm.owner) as work:
        records.update(work, [Update(Role, firm.roles[role], field_rules=[attrs.asdict(rule) for rule in rules])])


def test_a_sensitive_field_needs_a_rule(crm, firm):
    """Birthdays are personal: nobody but owners sees one without being told so."""
    contact = make_contact(crm, owner_id=firm.seller.id, birthday="1990-01-01")
    with crm.read(firm.seller) as reader:
        row = reader.get(Contact, contact.id)
        assert "birthday" not in row.fields
        with pytest.raises(AttributeError):
            _ = row.birthday
    set_rules(crm, firm, "firm_seller", FieldRule("contact", "birthday", read=True, write=False))
    with crm.read(firm.seller) as reader:
        assert str(reader.get(Contact, contact.id).birthday) == "1990-01-01"


@pytest.mark.parametrize(
    "query",
    [
        Query(Contact, where=Equal("birthday", "1990-01-01")),
        Query(Contact, sort="birthday"),
        Query(Contact, fields=["birthday"]),
    ],
)
def test_a_hidden_field_is_answered_as_one_that_is_not_there(crm, firm, query):
    """Filter, sort and choice of fields say the same of a hidden and of an unknown field."""
    import attrs

    unknown = attrs.evolve(
        query,
        where=query.where and Equal("nonsense", "1990-01-01"),
        sort=query.sort.replace("birthday", "nonsense"),
        fields=query.fields and ["nonsense"],
    )
    with crm.read(firm.seller) as reader:
        with pytest.raises(InputError) as hidden:
            reader.list(query)
        with pytest.raises(InputError) as missing:
            reader.list(unknown)
    assert str(hidden.value) == str(missing.value).replace("nonsense", "birthday")


def test_a_hidden_field_cannot_be_written(crm, firm):
    """Neither at creation nor later, and the answer is that of an unknown field."""
    contact = make_contact(crm, by=firm.seller)
    with crm.work(firm.seller) as work:
        for act in (
            lambda: records.update(work, [Update(Contact, contact.id, birthday="1990-01-01")]),
            lambda: records.create(work, [Create(Contact, name="B", birthday="1990-01-01")]),
        ):
            with pytest.raises(InputError) as refused:
                act()
            assert refused.value.fields == {"birthday": ["is not a field of contact"]}


def test_a_field_may_be_closed_by_a_rule(crm, firm):
    """A rule takes an open field away from a role."""
    set_rules(crm, firm, "firm_seller", FieldRule("deal", "amount", read=False, write=False))
    deal = make_deal(crm, owner_id=firm.seller.id, amount=100)
    with crm.read(firm.seller) as reader:
        assert "amount" not in reader.get(type(deal) and crm.catalogue.entity("deal"), deal.id).fields


def test_a_field_may_be_read_only(crm, firm):
    """A rule lets a role read and not write; creating with the default is no write."""
    set_rules(crm, firm, "firm_seller", FieldRule("contact", "source", read=True, write=False))
    contact = make_contact(crm, by=firm.seller)
    with crm.work(firm.seller) as work:
        records.update(work, [Update(Contact, contact.id, description="x")])
        with pytest.raises(PermissionDenied):
            records.update(work, [Update(Contact, contact.id, source="web")])
        with pytest.raises(PermissionDenied):
            records.create(work, [Create(Contact, name="B", source="web")])


def test_of_several_roles_the_most_permissive_wins(crm, firm):
    """One role closes the field, the other does not."""
    set_rules(crm, firm, "firm_seller", FieldRule("contact", "source", read=False, write=False))
    contact = make_contact(crm, by=firm.owner, owner_id=firm.seller.id, source="web")
    with crm.read(firm.seller) as reader:
        assert "source" not in reader.get(Contact, contact.id).fields
    make_record(crm, Membership, user_id=firm.seller.id, unit_id=firm.units["south"], role_id=firm.roles["firm_lead"])
    with crm.read(firm.seller) as reader:
        assert reader.get(Contact, contact.id).source == "web"


def test_changing_what_i_may_not_read_changes_no_answer_to_me(crm, firm):
    """Record, list, history and tag are the same bytes before and after, the instant of the last change among them."""
    contact = make_contact(crm, by=firm.seller)
    make_contact(crm, by=firm.stranger)

    def answers():
        with crm.read(firm.seller) as reader:
            record = reader.get(Contact, contact.id)
            values = record.values()
            page = [(row.id, row.updated_at) for row in reader.list(Query(Contact, sort="-updated_at"))]
            return (
                values,
                page,
                reader.history(Contact, contact.id),
                reader.etag(Contact, record),
                reader.count(Contact),
            )

    before = answers()
    crm.advance("1h")
    with crm.work(firm.owner) as work:
        records.update(work, [Update(Contact, contact.id, birthday="1990-01-01")])
    make_contact(crm, by=firm.stranger, name="AAA")
    assert answers() == before


def test_a_duplicate_names_no_other_record(crm, firm):
    """Only the field is told, the same on both databases."""
    make_product(crm, name="Secret", sku="W-1")
    with pytest.raises(Duplicate) as refused:
        make_product(crm, sku="W-1")
    assert refused.value.details == {"fields": ["sku"]}
    assert str(refused.value) == "another record has the same sku"
    assert Product.spec.options.unique == (("sku",),)


@pytest.mark.parametrize(
    "wrong",
    [
        "text",
        [{"entity": "deal"}],
        [{"entity": "deal", "field": "amount", "read": False, "write": True}],
        [{"entity": "deal", "field": "amount", "read": "yes", "write": True}],
    ],
)
def test_field_rules_are_checked_when_they_are_written(crm, firm, wrong):
    """Nobody stores a rule that cannot be used."""
    with crm.work(firm.owner) as work, pytest.raises(InputError) as refused:
        records.update(work, [Update(Role, firm.roles["firm_seller"], field_rules=wrong)])
    assert list(refused.value.fields) == ["field_rules"]


def readable(crm, by, entity):
    with crm.read(by) as reader:
        return reader.rights.readable(reader.entity(entity))


def grant(crm, firm, role, *grants):
    with crm.work(firm.owner) as work:
        records.update(work, [Update(Role, firm.roles[role], grants=grant_rows(grants))])


@pytest.mark.parametrize("whole", ["contact", "company"])
def test_a_rule_on_a_part_holds_by_whichever_whole_it_is_read(crm, firm, whole):
    """A contact point's value is closed to a role that reads companies only, as to one that reads contacts only."""
    grant(crm, firm, "firm_viewer", Grant(whole, "read", Scope.ALL))
    set_rules(crm, firm, "firm_viewer", FieldRule("contact_point", "value", read=False, write=False))
    entity = {"contact": Contact, "company": Company}[whole]
    make_record(crm, entity, name="Ann", points=[{"kind": "email", "value": "a@example.com"}])
    with crm.read(firm.viewer) as reader:
        [point] = reader.list(Query(ContactPoint))
        assert "value" not in point.fields
        with pytest.raises(InputError):
            reader.list(Query(ContactPoint, where=Equal("value", "a@example.com")))


def test_a_rule_on_a_part_of_anything_holds(crm, firm):
    """References and taggings hang on records of any entity; a rule on their fields is as good as any."""
    set_rules(
        crm,
        firm,
        "firm_viewer",
        FieldRule("external_ref", "key", read=False, write=False),
        FieldRule("tagging", "tag_id", read=False, write=False),
    )
    assert "key" not in readable(crm, firm.viewer, "external_ref")
    assert "tag_id" not in readable(crm, firm.viewer, "tagging")
    assert {"key", "system"} <= readable(crm, firm.seller, "external_ref")
    deal = make_deal(crm, refs=[{"system": "s", "key": "secret"}])
    make_record(crm, Tagging, tag_id=make_record(crm, Tag, name="vip").id, entity="deal", record_id=deal.id)
    with crm.read(firm.viewer) as reader:
        [ref], [tagging] = reader.list(Query(ExternalRef)), reader.list(Query(Tagging))
    assert "key" not in ref.fields
    assert "tag_id" not in tagging.fields


def test_a_rule_that_only_lets_read_a_part_lets_nobody_write_it(crm, firm):
    """Through the company alone, too."""
    acts = [Grant("company", act, Scope.ALL) for act in ("read", "update")]
    grant(crm, firm, "firm_viewer", *acts)
    set_rules(crm, firm, "firm_viewer", FieldRule("contact_point", "label", read=True, write=False))
    company = make_company(crm, points=[{"kind": "email", "value": "a@example.com"}])
    with crm.read(firm.viewer) as reader:
        [point] = reader.list(Query(ContactPoint))
    assert point.company_id == company.id
    with pytest.raises(PermissionDenied), crm.work(firm.viewer) as work:
        records.update(work, [Update(ContactPoint, point.id, label="x")])


def test_a_grant_of_nothing_opens_no_field(crm, firm):
    """A second role that reaches no contact does not open what the first one closes, nor a sensitive field."""
    set_rules(
        crm,
        firm,
        "firm_viewer",
        FieldRule("contact", "source", read=False, write=False),
        FieldRule("contact_point", "value", read=False, write=False),
    )
    idle = make_record(
        crm,
        Role,
        key="idle",
        name="idle",
        grants=grant_rows([Grant("*", "*", Scope.NONE)]),
        field_rules=[attrs.asdict(FieldRule("contact", "birthday", read=True, write=True))],
    )
    make_record(crm, Membership, user_id=firm.viewer.id, unit_id=firm.units["HQ"], role_id=idle.id)
    assert not {"source", "birthday"} & readable(crm, firm.viewer, "contact")
    assert "value" not in readable(crm, firm.viewer, "contact_point")


@pytest.mark.parametrize(
    "field, wrong, named",
    [
        ("grants", {"entity": "dael", "action": "read", "scope": "all"}, "'dael'"),
        ("grants", {"entity": "deal", "action": "raed", "scope": "all"}, "'raed'"),
        ("grants", {"entity": "*", "action": "", "scope": "all"}, "''"),
        ("field_rules", {"entity": "dael", "field": "amount", "read": True, "write": True}, "dael.amount"),
        ("field_rules", {"entity": "deal", "field": "amuont", "read": False, "write": False}, "deal.amuont"),
    ],
)
@pytest.mark.parametrize("how", ["create", "update"])
def test_a_role_names_what_there_is(crm, firm, how, field, wrong, named):
    """A misspelt entity, action or field closes nothing and is refused by its name."""
    acts = {
        "create": lambda work: records.create(work, [Create(Role, values={"key": "x", "name": "x", field: [wrong]})]),
        "update": lambda work: records.update(work, [Update(Role, firm.roles["firm_seller"], values={field: [wrong]})]),
    }
    with pytest.raises(InputError, match=named) as refused, crm.work(firm.owner) as work:
        acts[how](work)
    assert list(refused.value.fields) == [field]
