"""Conditions: SQL and Python give one answer, on both databases."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opencrm import All, AnyOf, Create, Deal, Empty, Equal, In, Less, Not, Query, condition, records
from opencrm.core.conditions import bind, plain, predicate
from opencrm.core.locale import Locale

TEXTS = ["Ähre", "ahre", "Straße", "STRASSE", "zoo", "ＺＯＯ", "Ω", "ω", "z", "é", "İ", "ﬁ", "a b", "a  b "]
AMOUNTS = ["-1", "0", "0.01", "1", "99.99", "1000"]
DAYS = ["2026-01-01", "2026-03-02", "2026-12-31"]
VALUES = {
    "title": st.sampled_from(TEXTS),
    "source": st.sampled_from(TEXTS),
    "amount": st.sampled_from([*AMOUNTS, *[f"{it} USD" for it in AMOUNTS]]),
    "expected_close": st.sampled_from(DAYS),
    "stage": st.sampled_from(["new", "offer", "won", "NEW"]),
    "amount_from": st.sampled_from(["hand", "lines"]),
    "currency": st.sampled_from(["EUR", "USD", "GBP"]),
}
ORDERED = ["title", "source", "amount", "expected_close", "stage"]


@st.composite
def leaves(draw):
    kind = draw(st.sampled_from([Equal, Less, In, Empty]))
    name = draw(st.sampled_from(ORDERED if kind is Less else list(VALUES)))
    if kind is Empty:
        return Empty(name)
    if kind is In:
        return In(name, tuple(draw(st.lists(VALUES[name], max_size=3))))
    return kind(name, draw(VALUES[name]))


TREES = st.recursive(
    leaves(),
    lambda inner: st.one_of(
        inner.map(Not),
        st.lists(inner, max_size=3).map(lambda items: All(tuple(items))),
        st.lists(inner, max_size=3).map(lambda items: AnyOf(tuple(items))),
    ),
    max_leaves=8,
)
RAW = st.recursive(
    st.one_of(st.none(), st.integers(), st.text(max_size=5)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(["all", "any", "not", "field", "op", "value", "x"]), inner, max_size=4),
    ),
    max_leaves=10,
)


def rows():
    """Give deals that differ in everything, gaps included."""
    for at in range(48):
        yield {
            "title": TEXTS[at % len(TEXTS)],
            "source": None if at % 3 == 0 else TEXTS[at * 5 % len(TEXTS)],
            "amount": None if at % 5 == 0 else AMOUNTS[at % len(AMOUNTS)],
            "currency": None if at % 5 == 0 else ("EUR", "USD")[at % 2],
            "expected_close": None if at % 4 == 0 else DAYS[at % 3],
            "stage": ("new", "offer", "won")[at % 3],
        }


@pytest.fixture
def filled(crm, firm):
    with crm.work(firm.owner) as work:
        records.create(work, [Create(Deal, values=values) for values in rows()])
    return crm


@settings(max_examples=100)
@given(where=TREES)
def test_sql_and_python_agree_and_not_is_the_complement(filled, firm, where):
    """The rows that the database finds are those for which the function says yes; `Not` finds all others."""
    bound = bind(where, Deal.spec, Deal.spec.fields, Locale())
    test = predicate(bound, Deal.spec, lambda _link, _id: False)
    with filled.read(firm.owner) as reader:
        every = reader.list(Query(Deal, limit=100)).rows
        found = {row.id for row in reader.list(Query(Deal, where=where, limit=100))}
        others = {row.id for row in reader.list(Query(Deal, where=Not(where), limit=100))}
        assert found == {row.id for row in every if test(row.values())}
        assert found | others == {row.id for row in every}
        assert not found & others
        assert reader.count(Deal, where) == len(found)


@given(where=TREES)
def test_a_condition_survives_json(where):
    """What is written and read again is the same tree."""
    assert condition(plain(where)) == where


@given(raw=RAW)
def test_anything_else_is_refused_with_a_sentence(raw):
    """Only ValueError, whatever comes."""
    try:
        read = condition(raw)
    except ValueError as error:
        assert str(error)
    else:
        assert condition(plain(read)) == read


@pytest.mark.parametrize("depth, fits", [(8, True), (9, False), (5000, False)])
def test_depth_is_bounded(depth, fits):
    """No recursion without end."""
    raw = {"field": "title", "op": "empty"}
    for _ in range(depth - 1):
        raw = {"not": raw}
    if fits:
        condition(raw)
    else:
        with pytest.raises(ValueError, match="deep"):
            condition(raw)


def test_size_is_bounded():
    """Neither many parts nor many values."""
    leaf = {"field": "title", "op": "empty"}
    condition({"all": [leaf] * 199})
    with pytest.raises(ValueError, match="parts"):
        condition({"all": [leaf] * 200})
    condition({"field": "title", "op": "in", "value": ["x"] * 1000})
    with pytest.raises(ValueError, match="values"):
        condition({"field": "title", "op": "in", "value": ["x"] * 1001})
