"""Numbers of an import: whatever the convention, they are read as they were written, or not at all."""

from __future__ import annotations

import re
from decimal import Decimal

from hypothesis import example, given
from hypothesis import strategies as st

from opencrm.plugins.importing.rows.numbers import SIGNS, number_of

MARKS = ["", ".", ",", " ", "\u00a0", "\u202f", "'", "\u2019"]
EITHER = re.compile(r"[-+]?[1-9][0-9]{0,2}[.,][0-9]{3}")
"""What both signs read, and otherwise: one mark with three digits behind it."""

wholes = st.one_of(st.integers(0, 999), st.integers(0, 10**14))
signs = st.sampled_from(sorted(SIGNS))
marks = st.sampled_from(MARKS)


def written(whole: int, rest: str, sign: str, mark: str) -> str:
    """Write a number in a convention: a decimal sign, and a mark between groups of three digits."""
    return f"{whole:,}".replace(",", mark) + (sign + rest if rest else "")


def numbers() -> st.SearchStrategy[tuple[str, str, Decimal]]:
    """Give texts, the decimal sign that they are written with, and the numbers that are meant."""
    return st.builds(
        lambda minus, whole, rest, sign, mark: (
            minus + written(whole, rest, sign, "" if mark == sign else mark),
            sign,
            Decimal(f"{minus}{whole}.{rest or 0}"),
        ),
        st.sampled_from(["", "-", "+"]),
        wholes,
        st.text("0123456789", max_size=4),
        signs,
        marks,
    )


def read(text: str, sign: str | None) -> Decimal | None:
    try:
        return number_of(text, sign)
    except ValueError:
        return None


@given(numbers())
@example(("1.200,50", ",", Decimal("1200.50")))
def test_the_right_sign_returns_the_number(given: tuple[str, str, Decimal]) -> None:
    """In every convention that is known."""
    text, sign, meant = given
    assert number_of(text, sign) == meant
    assert number_of(f" {text}\u00a0", sign) == meant


@given(numbers())
@example(("1.200,50", ",", Decimal("1200.50")))
@example(("1,200.50", ".", Decimal("1200.50")))
@example(("0,500", ",", Decimal("0.5")))
@example(("1 200,500", ",", Decimal("1200.5")))
@example(("1234,500", ",", Decimal("1234.5")))
def test_the_wrong_sign_never_returns_another_number(given: tuple[str, str, Decimal]) -> None:
    """It is the same or an error, but for what is one mark with three digits behind it: the map decides that."""
    text, sign, meant = given
    for wrong in (SIGNS[sign], None):
        assert read(text, wrong) in (None, meant) or EITHER.fullmatch(text)


@given(st.text(alphabet="0123456789.,' +-eE\u00a0", max_size=16), signs)
def test_two_signs_agree_or_one_refuses(text: str, sign: str) -> None:
    """Whatever stands there, also what nobody would write."""
    one, other = read(text, sign), read(text, SIGNS[sign])
    assert one is None or other is None or one == other or EITHER.fullmatch(text.strip().replace(" ", ""))
