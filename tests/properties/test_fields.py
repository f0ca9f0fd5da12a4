"""Field types: whatever enters is refused with a sentence or kept, and what is kept comes back the same."""

from __future__ import annotations

from datetime import UTC
from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from opencrm import (
    Amount,
    Choice,
    Currency,
    Day,
    Email,
    Instant,
    Key,
    Link,
    Number,
    RecordId,
    Reference,
    Text,
    Whole,
    YesNo,
)
from opencrm.core.values import currencies, fold, normal

TYPES = [
    Text(200),
    Text(200, folded=True),
    Text(2000, lines=True),
    Key(64),
    Whole(),
    Whole(-5, 5),
    Number(),
    Amount(),
    Currency(),
    Day(),
    Instant(),
    YesNo(),
    Choice({"a": "A", "b": "B"}),
    Email(),
    Link(),
    Reference("deal"),
    RecordId(),
]

ANYTHING = st.one_of(
    st.text(max_size=60),
    st.text(alphabet="0123456789.,-+eE _", max_size=20),
    st.integers(),
    st.floats(),
    st.decimals(),
    st.booleans(),
    st.dates(),
    st.datetimes(),
    st.datetimes(timezones=st.timezones()),
    st.uuids().map(str),
    st.uuids(),
    st.emails(),
    st.sampled_from(sorted(currencies())),
    st.sampled_from(["a", "true", "YES", " no ", "https://example.com", "example.com/x?y=1", "x@example.com"]),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
    st.binary(max_size=5),
)
AMOUNTS = st.decimals(min_value=-(10**14) + 1, max_value=10**14 - 1, places=4)


@pytest.mark.parametrize("kind", TYPES, ids=lambda kind: f"{kind.name}")
@given(raw=ANYTHING)
def test_parsing_settles_after_the_first_time(kind, raw):
    """Only ValueError is raised; a parsed value parses to itself, and so does what is dumped of it."""
    try:
        value = kind.parse(raw)
    except ValueError as error:
        assert str(error)
        return
    if value is None:
        return
    assert kind.parse(value) == value
    assert kind.parse(kind.dump(value)) == value
    assert kind.dump(kind.parse(kind.dump(value))) == kind.dump(value)


@given(AMOUNTS)
def test_amounts_are_exact(amount):
    """No amount loses a digit on its way through JSON."""
    assert Amount().parse(Amount().dump(amount)) == amount


@given(st.integers(-(2**63) + 1, 2**63 - 1))
def test_whole_numbers_are_exact(number):
    """All 64 bits."""
    assert Whole().parse(str(number)) == Whole().parse(number) == number


@given(st.datetimes(timezones=st.timezones()))
def test_instants_are_instants(at):
    """Whatever the zone they were written in."""
    try:
        value = Instant().parse(at)
    except ValueError:
        return
    assert value.timestamp() == at.timestamp()
    assert value.tzinfo is UTC


@given(st.text())
def test_text_is_kept_up_to_its_normal_form(text):
    """Unchanged but for NFC; NUL and lone surrogates are refused."""
    kind = Text(10_000, lines=True)
    bad = "\x00" in text or any("\ud800" <= mark <= "\udfff" for mark in text)
    if bad:
        with pytest.raises(ValueError, match=r"NUL|surrogate"):
            kind.parse(text)
    else:
        assert (kind.parse(text) or "") == normal(text)


@example("x" * 399 + " y")
@example("\ufdfa" * 50)
@example("İ\u0345ﬃ")
@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=200))
def test_folding_settles_after_the_first_time(text):
    """The key of a key is the key, and normal forms do not matter."""
    import unicodedata

    assert fold(fold(text)) == fold(text)
    assert fold(unicodedata.normalize("NFD", text)) == fold(unicodedata.normalize("NFC", text))


@example("\ufdfa" * 50)
@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=100))
def test_a_folded_key_is_of_bounded_length(text):
    """Whatever Unicode expands to, the key fits its column and its index."""
    assert len(fold(text * 4)) <= 400


@given(st.one_of(st.floats(allow_nan=True), st.decimals()))
def test_no_number_that_is_none(raw):
    """Infinity and not-a-number are refused everywhere."""
    number = Decimal(str(raw))
    if not number.is_finite():
        for kind in (Number(), Amount(), Whole()):
            with pytest.raises(ValueError, match="must be"):
                kind.parse(raw)
