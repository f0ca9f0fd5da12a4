"""The JSON form: read and written both ways, bounded, and refused with a sentence."""

from __future__ import annotations

import pytest

from opencrm.core.conditions import (
    All,
    AnyOf,
    AtLeast,
    AtMost,
    Between,
    Changed,
    Contains,
    Empty,
    Equal,
    Greater,
    Has,
    In,
    Less,
    Link,
    Not,
    StartsWith,
    condition,
    plain,
)

FORMS = [
    ({"field": "stage", "op": "equal", "value": "won"}, Equal("stage", "won")),
    ({"field": "amount", "op": "less", "value": 1}, Less("amount", 1)),
    ({"field": "amount", "op": "at_most", "value": 1}, AtMost("amount", 1)),
    ({"field": "amount", "op": "greater", "value": 1}, Greater("amount", 1)),
    ({"field": "amount", "op": "at_least", "value": 1}, AtLeast("amount", 1)),
    ({"field": "amount", "op": "between", "value": [1, 2]}, Between("amount", 1, 2)),
    ({"field": "stage", "op": "in", "value": ["new", "won"]}, In("stage", ["new", "won"])),
    ({"field": "title", "op": "contains", "value": "in"}, Contains("title", "in")),
    ({"field": "title", "op": "starts_with", "value": "in"}, StartsWith("title", "in")),
    ({"field": "topics", "op": "has", "value": ["a"]}, Has("topics", ["a"])),
    ({"field": "stage", "op": "empty"}, Empty("stage")),
    ({"field": "stage", "op": "changed", "value": "-7d"}, Changed("stage", "-7d")),
    ({"field": "company.city", "op": "contains", "value": "ri"}, Contains("company.city", "ri")),
    ({"link": "company", "where": {"field": "city", "op": "empty"}}, Link("company", "", Empty("city"))),
    ({"all": [{"any": []}, {"not": {"all": []}}]}, All([AnyOf(), Not(All())])),
]


@pytest.mark.parametrize("raw, item", FORMS)
def test_each_node_has_one_form(raw, item):
    """What is read is written again, to the letter."""
    assert condition(raw) == item
    assert plain(item) == raw


@pytest.mark.parametrize(
    "raw",
    [
        None,
        [],
        "stage",
        {},
        {"all": {}},
        {"all": [], "any": []},
        {"not": None},
        {"link": "company"},
        {"link": 7, "where": {"all": []}},
        {"field": "stage"},
        {"field": 7, "op": "equal", "value": 1},
        {"field": "stage", "op": "like", "value": "x"},
        {"field": "stage", "op": "equal"},
        {"field": "stage", "op": "equal", "value": None},
        {"field": "stage", "op": "equal", "value": ["new"]},
        {"field": "stage", "op": "equal", "value": {"a": 1}},
        {"field": "stage", "op": "in", "value": "new"},
        {"field": "stage", "op": "in", "value": [["new"]]},
        {"field": "stage", "op": "between", "value": ["a"]},
        {"field": "stage", "op": "between", "value": ["a", "b", "c"]},
        {"field": "stage", "op": "between", "value": "ab"},
        {"field": "stage", "op": "empty", "value": True},
        {"field": "stage", "op": "changed"},
        {"field": "stage", "op": "equal", "value": 1, "unit": "x"},
        {"field": "a\x00b", "op": "empty"},
        {"field": "\ud800", "op": "empty"},
        {"link": "\udfff", "where": {"all": []}},
    ],
)
def test_what_is_none_is_refused(raw):
    """Always with a ValueError that says why, and that can be encoded."""
    with pytest.raises(ValueError, match=r".") as refused:
        condition(raw)
    str(refused.value).encode()


def test_all_lists_together_are_bounded():
    """Not only each of them: databases bound a statement's parameters."""
    each = {"field": "stage", "op": "in", "value": ["x"] * 500}
    condition({"any": [each, each]})
    with pytest.raises(ValueError, match="1000 values"):
        condition({"any": [each, each, {"field": "topics", "op": "has", "value": ["x"]}]})
