"""The query string."""

from __future__ import annotations

import pytest

from opencrm.core.conditions import (
    All,
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
    Not,
    StartsWith,
    query_conditions,
)
from opencrm.errors import InputError


@pytest.mark.parametrize(
    "name, value, item",
    [
        ("stage", "won", Equal("stage", "won")),
        ("stage[eq]", "won", Equal("stage", "won")),
        ("stage[ne]", "won", Not(Equal("stage", "won"))),
        ("amount[lt]", "1", Less("amount", "1")),
        ("amount[lte]", "1", AtMost("amount", "1")),
        ("amount[at_most]", "1", AtMost("amount", "1")),
        ("amount[gt]", "1", Greater("amount", "1")),
        ("amount[gte]", "1000 EUR", AtLeast("amount", "1000 EUR")),
        ("amount[between]", "1,2", Between("amount", "1", "2")),
        ("owner_id[in]", "me,x", In("owner_id", ["me", "x"])),
        ("title[contains]", "50%", Contains("title", "50%")),
        ("title[starts_with]", "a", StartsWith("title", "a")),
        ("topics[has]", "a,b", Has("topics", ["a", "b"])),
        ("stage[empty]", "true", Empty("stage")),
        ("stage[empty]", "false", Not(Empty("stage"))),
        ("stage[changed]", "-7d", Changed("stage", "-7d")),
        ("company.city[contains]", "ri", Contains("company.city", "ri")),
        ("a.b.c", "1", Equal("a.b.c", "1")),
    ],
)
def test_each_operator_has_its_word(name, value, item):
    assert query_conditions([(name, value)]) == All([item])


def test_a_name_that_comes_twice_asks_for_both():
    pairs = [("amount[gte]", "1"), ("amount[lt]", "9"), ("stage[ne]", "a"), ("stage[ne]", "b")]
    assert query_conditions(pairs).items[2:] == (Not(Equal("stage", "a")), Not(Equal("stage", "b")))


@pytest.mark.parametrize(
    "name, value",
    [
        ("", "1"),
        ("[]", "1"),
        (".city", "1"),
        ("Stage", "won"),
        ("stage[near]", "1"),
        ("stage[]", "1"),
        ("stage[eq", "1"),
        ("amount[between]", "1"),
        ("amount[between]", "1,2,3"),
        ("stage[empty]", ""),
        ("owner_id[in]", "," * 500),
        ("topics[has]", "," * 500),
    ],
)
def test_what_cannot_be_read_is_named(name, value):
    """All of them at once."""
    with pytest.raises(InputError) as refused:
        query_conditions([(name, value), ("a[b]", "c")])
    assert refused.value.fields.keys() == {name, "a[b]"}
