"""Definitions of custom fields as text."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from opencrm import CustomField, Deal, InputError, PermissionDenied, Query, Update, records
from opencrm.services.definitions import text
from opencrm.services.definitions.steps import holding
from opencrm.services.reading import reader as reading
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
        assert holding(reader, step) == 1


@pytest.mark.parametrize("kind, value", [("text", "Riga"), ("long_text", "Riga"), ("link", "https://example.com/a")])
def test_a_plan_counts_what_a_retirement_hides(crm, firm, define, monkeypatch, kind, value):
    """Of every kind, also of those that no filter compares; beyond a limit it says so."""
    define("deal", "town", kind)
    for _ in range(3):
        make_deal(crm, town=value)
    make_deal(crm)
    with crm.read(firm.owner) as reader:
        [step] = text.plan(reader, [], retire=True)
        assert str(holding(reader, step)) == "3"
        monkeypatch.setattr(reading, "MOST_COUNTED", 2)
        assert str(holding(reader, step)) == "more than 2"


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
    again = '[[fields]]\nentity = "deal"\nkey = "colour"\n'
    assert applied(crm, firm.owner, again + "retired = true") == []
    assert applied(crm, firm.owner, again) == ["restore deal.colour"]
    applied(crm, firm.owner, one, retire=True)
    told = ["restore deal.colour (label: 'Colour' > 'Paint')"]
    assert applied(crm, firm.owner, again + 'label = "Paint"\nretired = false') == told


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
        ('[[fields]]\nentity = "deal"\nkey = "a"\nwas = ["b"]', "fields[1].was"),
        ('[[fields]]\nentity = "deal"\nkey = "a"\nkind="text"\n' * 2, "fields[2].key"),
        ('[[fields]]\nentity = "deal"\nkey = "a"', "fields[1].kind"),
        ('[[fields]]\nentity = "deal"\nkey = "a"\nkind = 3', "fields[1].kind"),
    ],
)
def test_a_text_that_cannot_be_is_refused_as_a_whole(crm, firm, source, field):
    """The error names the table and the key, and nothing is made."""
    with pytest.raises(InputError) as refused:
        applied(crm, firm.owner, source)
    assert field in refused.value.fields
    with crm.read(firm.owner) as reader:
        assert len(reader.list(Query(CustomField))) == 0


WRONG = """
[[fields]]
entity = "deals"
key = "Frame Type"
kind = "text"

[[fields]]
entity = "deal"
key = "title"
kind = "text"

[[fields]]
entity = "deal"
key = "size"
kind = "size"

[[fields]]
entity = "deal"
key = "floors"
kind = "text"

[[fields]]
entity = "deal"
key = "colour"
choices = {red = "Red"}

[[fields]]
entity = "deal"
key = "good"
kind = "text"

[[fields]]
entity = "deal"
key = "owner"
kind = "reference"
to = "contact"
"""


@pytest.mark.parametrize("ask", [text.rehearse, text.carry_out])
def test_all_that_is_refused_is_told_at_once(crm, firm, define, ask):
    """By the plan as by the act itself; each by its number, its entity and its name, and nothing is made."""
    define("deal", "floors", "number")
    define("deal", "colour", "choice", choices={"red": "Red", "blue": "Blue"})
    make_deal(crm, floors=3, colour="blue")
    with crm.work(firm.owner) as work:
        with pytest.raises(InputError) as refused:
            ask(work, text.parse(WRONG))
        assert {at: each[0].partition(": ")[0] for at, each in refused.value.fields.items()} == {
            "fields[1].key": "deal.Frame Type",
            "fields[2].key": "deal.title",
            "fields[3].kind": "deal.size",
            "fields[4].kind": "deal.floors",
            "fields[5].choices": "deal.colour",
            "fields[7].to": "deal.owner",
        }
        assert "reference_to" in refused.value.fields["fields[7].to"][0]
    with crm.read(firm.owner) as reader:
        assert len(reader.list(Query(CustomField))) == 2


def test_a_rehearsal_writes_nothing(crm, firm):
    """It tells the steps, and they can be done afterwards in the same block."""
    with crm.work(firm.owner) as work:
        told = text.rehearse(work, text.parse(TEXT))
        assert text.carry_out(work, text.parse(TEXT)) == told
    with crm.work(firm.owner) as work:
        text.rehearse(work, [], retire=True)
    with crm.read(firm.owner) as reader:
        assert text.plan(reader, text.parse(TEXT)) == []


def test_the_texts_of_the_documentation_can_be_applied(crm, firm):
    """As they stand, one after the other."""
    page = Path(__file__).parents[3] / "docs" / "how-to" / "building" / "add-your-own-fields.md"
    first, second = re.findall("```toml\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    assert applied(crm, firm.owner, first) == ["create deal.district", "create deal.glazing", "create deal.fitter"]
    assert applied(crm, firm.owner, second) == ["change deal.quarter (key: 'district' > 'quarter')"]


def test_entities_are_named_as_elsewhere(crm, firm):
    """By their plurals, too: where the field is, and whereto it refers."""
    source = '[[fields]]\nentity = "deals"\nkey = "fitter"\nkind = "reference"\nreference_to = "companies"\n'
    assert applied(crm, firm.owner, source) == ["create deal.fitter"]
    assert applied(crm, firm.owner, source) == []
    with pytest.raises(InputError, match=r"fields\[1\].reference_to: deal.other: there is no entity 'people'"):
        applied(crm, firm.owner, source.replace("companies", "people").replace("fitter", "other"))


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


@pytest.mark.parametrize("change", ['key = "worth"\nwas = "budget"', 'key = "budget"\nretired = true'])
def test_a_role_with_rules_about_a_currency_holds_its_amount(crm, firm, define, change):
    """Money is two fields, which are called after each other."""
    define("deal", "budget", "money")
    rules = [{"entity": "deal", "field": "budget_currency", "read": True, "write": False}]
    with crm.work(firm.owner) as work:
        records.update(work, [Update("role", firm.roles["manager_2"], field_rules=rules)])
    with pytest.raises(InputError, match="rules about this field"):
        applied(crm, firm.owner, f'[[fields]]\nentity = "deal"\n{change}\n')


def test_a_grant_that_looks_at_a_currency_holds_its_amount(crm, firm, define):
    """As one that looks at the amount."""
    define("deal", "budget", "money")
    when = {"field": "budget_currency", "op": "equal", "value": "EUR"}
    with crm.work(firm.owner) as work:
        grants = [{"entity": "deal", "action": "read", "scope": "all", "when": when}]
        records.update(work, [Update("role", firm.roles["manager_2"], grants=grants)])
    with pytest.raises(InputError, match="rules about this field"):
        applied(crm, firm.owner, '[[fields]]\nentity = "deal"\nkey = "worth"\nwas = "budget"\n')


def test_a_grant_that_looks_at_a_field_through_a_path_holds_it(crm, firm):
    """As one that looks at it directly."""
    applied(crm, firm.owner, '[[fields]]\nentity = "company"\nkey = "district"\nkind = "text"\n')
    when = {"field": "company.district", "op": "equal", "value": "north"}
    with crm.work(firm.owner) as work:
        grants = [{"entity": "deal", "action": "read", "scope": "all", "when": when}]
        records.update(work, [Update("role", firm.roles["manager_2"], grants=grants)])
    with pytest.raises(InputError, match="rules about this field"):
        applied(crm, firm.owner, '[[fields]]\nentity = "company"\nkey = "district"\nretired = true\n')
