"""The largest trees that may be asked: no database refuses one."""

from __future__ import annotations

import pytest

from opencrm import All, AnyOf, Between, Changed, Company, Contains, Deal, Equal, In, Not
from opencrm.core.conditions import Link
from opencrm.testing import make_deal

LEAVES = [(Between("amount", 1, 2), 199), (Equal("created_at", "this_month"), 390), (Contains("title", "x"), 390)]
DAYS = [f"20{year:02}-01-{day:02}" for year in range(20) for day in range(1, 6)]


def deep(join, other, leaf, number):
    """Join as much as there may be, to the left of every level."""
    item = leaf
    for at in range(8):
        item = (join if at % 2 else other)([item, *[leaf] * (number // 10)])
    return item


@pytest.mark.parametrize("leaf, number", LEAVES)
def test_many_parts(crm, firm, leaf, number):
    """All that may be bound, side by side and nested: joined by one word, or by two in turn."""
    make_deal(crm, title="deal")
    with crm.read(firm.owner) as reader:
        side = All([leaf] * number)
        for item in (side, Not(side), deep(All, All, leaf, number), deep(All, AnyOf, leaf, number)):
            assert reader.count(Deal, item) <= 1


@pytest.mark.parametrize(
    "where",
    [
        AnyOf([In("closed_at", DAYS) for _ in range(3)]),
        AnyOf([In("amount", [f"{at} {code}" for at in range(500)]) for code in ("EUR", "USD", "GBP", "CHF")]),
        AnyOf([Changed("stage", "-7d")] * 20),
        In("title", [str(at) for at in range(2000)]),
        All([Link("company", "", Not(Equal("city", str(at)))) for at in range(20)]),
        AnyOf([Link("company", "", All([Equal("city", str(at))] * 17)) for at in range(20)]),
    ],
)
def test_many_values_and_links(crm, firm, where):
    """Lists of days and of amounts, and links that bring along what access asks."""
    make_deal(crm, title="deal")
    for item in (where, Not(where)):
        with crm.read(firm.head) as reader:
            assert reader.count(Deal, item) <= 1
            assert reader.count(Company) == 0
