"""Conditions on fields that a workspace added: compared as if each had a column of its own."""

from __future__ import annotations

import pytest

from opencrm import (
    Changed,
    Contains,
    CustomField,
    Deal,
    Empty,
    Equal,
    Has,
    In,
    InputError,
    Not,
    Query,
    Update,
    condition,
    records,
)
from opencrm.testing import make_company, make_deal, make_record

OPTIONS = {"roof": "Roof windows", "door": "Doors", "100%": "All of it"}


def titles(crm, who, where):
    with crm.read(who) as reader:
        return [row.title for row in reader.list(Query(Deal, where=where, sort="title"))]


def define(crm, key, kind, **values):
    return make_record(crm, CustomField, entity="deal", key=key, kind=kind, label=key, **values)


@pytest.mark.parametrize(
    "where, found",
    [
        (Has("wishes", ["roof"]), ["both", "roof"]),
        (Has("wishes", ["Doors", "100%"]), ["all", "both"]),
        (Has("wishes", []), []),
        (Not(Has("wishes", ["roof"])), ["all", "none"]),
        (Empty("wishes"), ["none"]),
        ({"field": "wishes", "op": "has", "value": ["door"]}, ["both"]),
    ],
)
def test_several_choices(crm, firm, where, found):
    """By key or label; a record without any has none of them."""
    define(crm, "wishes", "choices", choices=OPTIONS)
    for title, wishes in (("roof", ["roof"]), ("both", ["roof", "door"]), ("all", ["100%"]), ("none", None)):
        make_deal(crm, title=title, wishes=wishes)
    assert titles(crm, firm.owner, condition(where) if isinstance(where, dict) else where) == found


def test_an_option_that_is_none_is_refused(crm, firm):
    define(crm, "wishes", "choices", choices=OPTIONS)
    for wrong in (Has("wishes", ["floor"]), Equal("wishes", "roof"), In("wishes", ["roof"])):
        with pytest.raises(InputError, match="wishes"):
            titles(crm, firm.owner, wrong)


def test_a_path_along_a_reference_of_ones_own(crm, firm):
    """The link is compared with ids as any other."""
    define(crm, "partner", "reference", reference_to="company")
    riga = make_company(crm, name="A", city="Riga")
    make_deal(crm, title="with", partner=riga.id)
    make_deal(crm, title="without")
    assert titles(crm, firm.owner, Equal("partner.city", "riga")) == ["with"]
    assert titles(crm, firm.owner, Not(Equal("partner.city", "riga"))) == ["without"]


def test_texts_days_and_money(crm, firm):
    for key, kind in (("town", "text"), ("visit", "date"), ("seen", "datetime"), ("budget", "money")):
        define(crm, key, kind)
    make_deal(crm, title="here", town="Rīga 50%", visit="2026-03-02", seen="2026-03-02T23:30:00Z", budget=7)
    make_deal(crm, title="there", town="Tartu", visit="2026-04-02", seen="2026-03-03T00:30:00Z", budget=9)
    for where in (Contains("town", "ga 50%"), Equal("visit", "this_month"), Equal("seen", "today"), Equal("budget", 7)):
        assert titles(crm, firm.owner, where) == ["here"]
        assert titles(crm, firm.owner, Not(where)) == ["there"]


def test_a_change_under_a_former_name_counts(crm, firm):
    """The journal tells of it under the name of that time."""
    one = define(crm, "town", "text")
    deal = make_deal(crm, title="deal", town="Riga")
    with crm.work(firm.owner) as work:
        records.update(work, [Update(Deal, deal.id, town="Tartu")])
        records.update(work, [Update(CustomField, one.id, key="city")])
    assert titles(crm, firm.owner, Changed("city", "-1h")) == ["deal"]
    with crm.read(firm.owner) as reader:
        since = Changed("city", reader.now)
        assert reader.told(reader.entity(Deal), since, deal.id)
