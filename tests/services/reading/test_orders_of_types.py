"""Lists sorted by links, choices, yes and no, and currencies: declared fields and a workspace's own."""

from __future__ import annotations

import pytest

from opencrm import (
    Changed,
    Company,
    Contains,
    Create,
    CustomField,
    Deal,
    Empty,
    Equal,
    In,
    InputError,
    Less,
    Not,
    Query,
    StartsWith,
    User,
    records,
)
from opencrm.testing import make_company, make_deal, make_record

SITES = ["https://b.example/Windows", "HTTPS://A.example", None, "c.example", "https://a.example/ä"]
BY_SITE = ["HTTPS://A.example", "c.example", "https://a.example/ä", "https://b.example/Windows", None]


@pytest.fixture
def field(crm, firm):
    """`field("deal", "good", "yes_no")`: a field of the workspace's own."""
    return lambda entity, key, kind, **values: make_record(
        crm, CustomField, entity=entity, key=key, kind=kind, label=key, **values
    )


def pages(crm, who, entity, name, sort, where=None):
    """Read a list two records at a time; give the values of a field."""
    found, cursor = [], None
    with crm.read(who) as reader:
        while True:
            page = reader.list(Query(entity, where=where, sort=sort, limit=2, cursor=cursor))
            found += [row[name] for row in page.rows]
            cursor = page.next
            if cursor is None:
                return found


@pytest.mark.parametrize("name", ["website", "page"])
def test_web_addresses(crm, firm, field, name):
    """In the order of their letters, with what is empty last; compared with A to Z in either case."""
    field("company", "page", "link")
    for at, site in enumerate(SITES):
        make_company(crm, name=f"C{at}", **{name: site})
    assert pages(crm, firm.owner, Company, name, name) == BY_SITE
    assert pages(crm, firm.owner, Company, name, f"-{name}") == [*reversed(BY_SITE[:-1]), None]
    for where, number in (
        (Equal(name, "https://a.example"), 1),
        (In(name, ["https://A.EXAMPLE", "C.example"]), 2),
        (Contains(name, "WINDOWS"), 1),
        (Contains(name, "example"), 4),
        (StartsWith(name, "https://A."), 2),
        (Not(StartsWith(name, "https://")), 2),
        (Empty(name), 1),
        (Changed(name, "-1d"), 0),
    ):
        with crm.read(firm.owner) as reader:
            assert reader.count(Company, where) == number, where
    with pytest.raises(InputError, match=name):
        pages(crm, firm.owner, Company, name, "id", Less(name, "https://b.example"))


@pytest.mark.parametrize("name", ["description", "story"])
def test_parts_of_long_texts(crm, firm, field, name):
    """With A to Z in either case; nothing else can be asked for, and lists are not sorted by them."""
    field("deal", "story", "long_text")
    for text in ("Two windows\nin Łódź", "a DOOR", None):
        make_deal(crm, **{name: text})
    with crm.read(firm.owner) as reader:
        assert reader.count(Deal, Contains(name, "WINDOWS\nin Łódź")) == 1
        assert reader.count(Deal, Contains(name, "door")) == 1
        assert reader.count(Deal, Not(Contains(name, "door"))) == 2
        for where in (Equal(name, "a door"), StartsWith(name, "a")):
            with pytest.raises(InputError, match="it has contains, empty, changed"):
                reader.count(Deal, where)
        with pytest.raises(InputError, match="cannot be sorted"):
            reader.list(Query(Deal, sort=name))


def test_choices_by_their_keys(crm, firm, field):
    """Whatever their labels are."""
    field("deal", "frame", "choice", choices={"b": "Aluminium", "a": "Wood", "c": "PVC"})
    for frame in ("c", "a", None, "b", "a"):
        make_deal(crm, frame=frame)
    assert pages(crm, firm.owner, Deal, "frame", "frame") == ["a", "a", "b", "c", None]
    assert pages(crm, firm.owner, Deal, "frame", "-frame") == ["c", "b", "a", "a", None]


def test_yes_and_no(crm, firm, field):
    """No comes before yes."""
    field("deal", "good", "yes_no")
    for good in (True, None, False, True):
        make_deal(crm, good=good)
    assert pages(crm, firm.owner, Deal, "good", "good") == [False, True, True, None]
    assert pages(crm, firm.owner, Deal, "good", "-good") == [True, True, False, None]
    with crm.work(firm.owner) as work:
        records.create(work, [Create(User, name="Gone", active=False)])
    assert pages(crm, firm.owner, User, "active", "active")[:2] == [False, True]


def test_currencies(crm, firm, field):
    """By their codes."""
    field("deal", "budget", "money")
    for code in ("USD", "EUR", "GBP"):
        make_deal(crm, amount=1, currency=code, budget=1, budget_currency=code)
    for name in ("currency", "budget_currency"):
        assert pages(crm, firm.owner, Deal, name, name) == ["EUR", "GBP", "USD"]
