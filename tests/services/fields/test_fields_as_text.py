"""Definitions of custom fields as text."""

from __future__ import annotations

import pytest

from opencrm import CustomField, Deal, InputError, PermissionDenied, Query, Update, records
from opencrm.services.definitions import text
from opencrm.testing import make_deal

TEXT = """
[[fields]]
entity = "deal"
key = "town"
kind = "text"
searchable = true

[[fields]]
entity = "deal"
key = "colour"
label = "Colour"
kind = "choice"
choices = {red = "Red", blue = "Dark blue"}
"""


def applied(crm, principal, source, **options):
    with crm.work(principal) as work:
        steps = text.plan(work, text.parse(source), **options)
        text.apply(work, steps)
    return [str(step) for step in steps]


def test_a_text_makes_fields_and_comes_back_the_same(crm, firm):
    """What is exported plans to nothing, here and in a second reading."""
    assert applied(crm, firm.owner, TEXT) == ["create deal.town", "create deal.colour"]
    deal = make_deal(crm, town="Riga", colour="Dark blue")
    assert (deal.town, deal.colour) == ("Riga", "blue")
    with crm.read(firm.owner) as reader:
        exported = text.export(reader)
        assert text.plan(reader, text.parse(exported)) == []
        assert text.plan(reader, text.parse(TEXT)) == []
    assert 'label = "Town"' in exported


def test_a_plan_says_what_changes_and_whom_it_touches(crm, firm):
    """Each step names the field, what stood there, and how many records hold a value."""
    applied(crm, firm.owner, TEXT)
    make_deal(crm, town="Riga")
    with crm.read(firm.owner) as reader:
        [step] = text.plan(reader, [{"entity": "deal", "key": "town", "label": "City"}])
        assert str(step) == "change deal.town (label: 'Town' > 'City')"
        assert text.holding(reader, step) == 1


def test_a_rename_keeps_the_values(crm, firm):
    """`was` names what the field is called now."""
    applied(crm, firm.owner, TEXT)
    deal = make_deal(crm, town="Riga")
    applied(crm, firm.owner, '[[fields]]\nentity = "deal"\nkey = "city"\nwas = "town"\n')
    with crm.read(firm.owner) as reader:
        assert reader.get(Deal, deal.id).city == "Riga"


def test_what_is_not_named_is_retired_only_if_asked(crm, firm):
    """A text that leaves a field out leaves it alone, unless it says otherwise; naming it again restores it."""
    applied(crm, firm.owner, TEXT)
    one = '[[fields]]\nentity = "deal"\nkey = "town"\n'
    assert applied(crm, firm.owner, one) == []
    assert applied(crm, firm.owner, one, retire=True) == ["retire deal.colour"]
    again = '[[fields]]\nentity = "deal"\nkey = "colour"\nretired = false\n'
    assert applied(crm, firm.owner, again) == ["restore deal.colour"]


@pytest.mark.parametrize(
    "source, field",
    [
        ("fields = 3", "text"),
        ("x = [", "text"),
        ("x = " + "[" * 5000, "text"),
        ('[[fields]]\nkey = "a"', "fields[1].entity"),
        ('[[fields]]\nentity = "deal"', "fields[1].key"),
        ('[[fields]]\nentity = "deal"\nkey = "a"\ncolour = 1', "fields[1].colour"),
        ('[[fields]]\nentity = "deal"\nkey = "a"\nwas = "b"', "fields[1].was"),
        ('[[fields]]\nentity = "deal"\nkey = "a"\nkind="text"\n' * 2, "fields[2].key"),
        ('[[fields]]\nentity = "deal"\nkey = "a"', "kind"),
        ('[[fields]]\nentity = "deal"\nkey = "a"\nkind = 3', "kind"),
    ],
)
def test_a_text_that_cannot_be_is_refused_as_a_whole(crm, firm, source, field):
    """The error names the table and the key, and nothing is made."""
    with pytest.raises(InputError) as refused:
        applied(crm, firm.owner, source)
    assert field in refused.value.fields
    with crm.read(firm.owner) as reader:
        assert len(reader.list(Query(CustomField))) == 0


def test_only_owners_apply(crm, firm):
    """A text gives nobody a right that they lack."""
    with pytest.raises(PermissionDenied):
        applied(crm, firm.head, TEXT)


def test_a_role_with_rules_about_a_field_holds_it(crm, firm):
    """While a role's rules name a field, it keeps its name and stays: the rules would let go of it."""
    applied(crm, firm.owner, TEXT)
    with crm.work(firm.owner) as work:
        rules = [{"entity": "deal", "field": "town", "read": True, "write": False}]
        records.update(work, [Update("role", firm.roles["manager_2"], field_rules=rules)])
    for change in ('key = "city"\nwas = "town"', 'key = "town"\nretired = true'):
        with pytest.raises(InputError, match="rules about this field"):
            applied(crm, firm.owner, f'[[fields]]\nentity = "deal"\n{change}\n')


def test_a_grant_that_looks_at_a_field_through_a_path_holds_it(crm, firm):
    """As one that looks at it directly."""
    applied(crm, firm.owner, '[[fields]]\nentity = "company"\nkey = "district"\nkind = "text"\n')
    when = {"field": "company.district", "op": "equal", "value": "north"}
    with crm.work(firm.owner) as work:
        grants = [{"entity": "deal", "action": "read", "scope": "all", "when": when}]
        records.update(work, [Update("role", firm.roles["manager_2"], grants=grants)])
    with pytest.raises(InputError, match="rules about this field"):
        applied(crm, firm.owner, '[[fields]]\nentity = "company"\nkey = "district"\nretired = true\n')
