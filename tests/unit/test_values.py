"""Small values."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from opencrm import Money
from opencrm.core.clock import ManualClock, SystemClock, duration
from opencrm.core.ids import Ids, earliest
from opencrm.core.points import email_key, phone_key, point_key
from opencrm.core.values import fold, is_id

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    "one, other",
    [
        ("  Ångström GmbH ", "angstrom gmbh"),
        ("STRASSE", "straße"),
        ("ＡＢＣ", "abc"),
        ("a\t\n b", "A B"),
        ("é", "e\u0301"),
        ("Łódź", "LODZ"),
        ("Ørsted", "orsted"),
        ("Þór Æðelstan Đorđe", "thor aedelstan dorde"),
        ("Iğdır Ħaż-Żebbuġ Ŋŧ Œuvre ĸ Straẞe", "igdir haz-zebbug nt oeuvre q strasse"),
    ],
)
def test_names_that_are_one_to_people_fold_to_one_key(one: str, other: str):
    """Case, accents, width and blanks do not count."""
    assert fold(one) == fold(other)


@pytest.mark.parametrize("one, other", [("a b", "ab"), ("1", "2"), ("Ω", "O")])
def test_different_names_stay_different(one: str, other: str):
    """Folding makes nothing else equal."""
    assert fold(one) != fold(other)


def test_money_of_two_currencies_is_never_added():
    """Adding within one is exact."""
    assert Money(Decimal("0.1"), "EUR") + Money(Decimal("0.2"), "EUR") == Money(Decimal("0.3"), "EUR")
    with pytest.raises(ValueError, match="cannot add"):
        Money(Decimal(1), "EUR") + Money(Decimal(1), "USD")


@pytest.mark.parametrize(
    "text, seconds", [("16m", 960), ("1h30m", 5400), ("6w", 6 * 7 * 86400), ("0s", 0), ("2d", 172800)]
)
def test_durations_are_read(text: str, seconds: int):
    """Numbers with their units."""
    assert duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "5", "m", "1y", "1.5h", "-1h", "1h ", "1h 2m"])
def test_what_is_no_duration_is_refused(text: str):
    """With a sentence."""
    with pytest.raises(ValueError, match="duration"):
        duration(text)


def test_a_manual_clock_stands_until_it_is_moved():
    """Forward only, and always in UTC."""
    clock = ManualClock(NOON)
    clock.advance(timedelta(hours=1))
    assert clock.now() == NOON + timedelta(hours=1)
    with pytest.raises(ValueError, match="back"):
        clock.advance(timedelta(seconds=-1))
    with pytest.raises(ValueError, match="aware"):
        ManualClock(NOON.replace(tzinfo=None))


def test_the_systems_clock_can_be_shifted():
    """For a sandbox that runs ahead."""
    clock = SystemClock()
    before = clock.now()
    clock.advance(timedelta(days=1))
    assert clock.now() - before >= timedelta(days=1)
    assert clock.now().tzinfo is UTC


def test_ids_are_uuids_of_version_7_and_ascend():
    """Though the clock stands still; and they carry its time."""
    from uuid import RFC_4122, UUID

    ids = Ids(ManualClock(NOON))
    found = [ids.new() for _ in range(5000)]
    assert found == sorted(set(found))
    assert all(is_id(id) and UUID(id).version == 7 and UUID(id).variant == RFC_4122 for id in found)
    assert int(found[0].replace("-", "")[:12], 16) == int(NOON.timestamp() * 1000)


def test_ids_of_an_instant_follow_upon_its_earliest():
    """And those that are older do not."""
    before, at = (Ids(ManualClock(NOON + timedelta(milliseconds=ms))).many(5000) for ms in (-2, 0))
    assert is_id(earliest(NOON))
    assert max(before) < earliest(NOON) <= min(at)


@pytest.mark.parametrize(
    "it",
    [
        None,
        7,
        "",
        "x" * 36,
        "0190A000-0000-7000-8000-000000000000",
        "0190a00000007000800000000000000",
        "0190a000-0000-7000-8000-000000000000\n",
    ],
)
def test_what_is_no_id(it: object):
    """Only the canonical form is one."""
    assert not is_id(it)


def test_points_have_one_form():
    """However a number or an address is written."""
    assert email_key(" Ann.Bee@Example.COM ") == "ann.bee@example.com"
    assert phone_key("020 7183 8750", "GB") == phone_key("+44 (0)20 7183 8750", "DE") == "+442071838750"
    assert point_key("messenger", " @Ann ", "GB") == point_key("messenger", "@ann", "GB")


@pytest.mark.parametrize("kind, value", [("email", "nobody"), ("email", "a@b@c"), ("phone", "hello"), ("phone", "1")])
def test_what_is_no_point_is_refused(kind: str, value: str):
    """With a sentence."""
    with pytest.raises(ValueError, match="is not"):
        point_key(kind, value, "GB")
