"""Durations as texts."""

from __future__ import annotations

from datetime import timedelta

import pytest

from opencrm.core.clock import duration


@pytest.mark.parametrize(
    "text, found",
    [("16m", timedelta(minutes=16)), ("1h30m", timedelta(minutes=90)), ("36525d", timedelta(days=36525))],
)
def test_what_is_a_duration(text, found):
    assert duration(text) == found


@pytest.mark.parametrize("text", ["36526d", "99999999d", "100000w", "999999999999999s", "999999999999999d"])
def test_what_is_longer_than_a_hundred_years(text):
    """No instant is so far away."""
    with pytest.raises(ValueError, match="a hundred years"):
        duration(text)


@pytest.mark.parametrize("text", ["٣d", "３d", "9" * 5000 + "d", "1d1d", "-1d", "1 d", "d", ""])
def test_what_is_none(text):
    with pytest.raises(ValueError, match="is not a duration"):
        duration(text)
