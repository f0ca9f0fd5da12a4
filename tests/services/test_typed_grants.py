"""Grants and field rules may be given to a role as values, and are kept as JSON."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from opencrm import Equal, FieldRule, Grant, In, Less, Money, Query, Role, Scope
from opencrm.testing import make_record

WHENS = {
    "money": (Less("amount", Money(Decimal("1000"), "EUR")), "1000 EUR"),
    "number": (Less("amount", Decimal("10.50")), "10.50"),
    "date": (Equal("expected_close", date(2026, 3, 2)), "2026-03-02"),
    "instant": (Less("created_at", datetime(2026, 3, 2, 9, tzinfo=UTC)), "2026-03-02T09:00:00+00:00"),
    "several": (In("amount", [Decimal(1), Decimal(2)]), ["1", "2"]),
}


@pytest.mark.parametrize("kind", WHENS)
def test_a_condition_with_typed_values_is_kept(crm, kind):
    """What a grant's condition compares with is written as text that reads back."""
    when, value = WHENS[kind]
    role = make_record(crm, Role, key="small", name="Small", grants=[Grant("deal", "read", Scope.ALL, when)])
    assert role.grants[0]["when"]["value"] == value
    with crm.read(crm.sole_owner()) as reader:
        assert len(reader.list(Query(Role, where=Equal("key", "small")))) == 1


def test_a_field_rule_may_be_a_value(crm):
    rule = FieldRule("deal", "amount", read=True, write=False)
    role = make_record(crm, Role, key="small", name="Small", field_rules=[rule])
    assert role.field_rules == [{"entity": "deal", "field": "amount", "read": True, "write": False}]
