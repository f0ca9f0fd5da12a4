"""Passwords: kept as argon2id, compared in the same time for everybody, chosen freely but for their length."""

from __future__ import annotations

import re

import pytest

from opencrm.embed import Cost
from opencrm.errors import InputError
from opencrm.services.identity.passwords.hashing import COST, Passwords, check_new

CHEAP = Cost(rounds=1, kibibytes=8, lanes=1)
GOOD = "correct horse battery"


@pytest.fixture
def passwords():
    return Passwords(CHEAP)


def test_they_are_kept_as_argon2id_at_the_recommended_cost():
    """With a salt of their own: the same password twice gives two."""
    one, other = (Passwords().hash(GOOD) for _ in range(2))
    assert one.startswith(f"$argon2id$v=19$m={COST.kibibytes},t={COST.rounds},p={COST.lanes}$")
    assert one != other
    assert GOOD not in one
    assert Passwords().verify(one, GOOD)


@pytest.mark.parametrize(
    "typed", ["", "correct horse", GOOD + " ", GOOD.upper(), None, 7, "\ud800", "a\0b", "x" * 9999]
)
def test_another_one_is_none(passwords, typed):
    """Whatever was typed, the answer is no, and never an error."""
    assert not passwords.verify(passwords.hash(GOOD), typed)


@pytest.mark.parametrize("typed", [GOOD, "", None])
def test_where_none_is_kept_the_answer_is_no(passwords, typed):
    """After hashing all the same: a decoy is compared."""
    assert not passwords.verify(None, typed)


def test_nobody_signs_in_with_nothing(passwords):
    """What cannot be a password is not the password that it would be made into."""
    assert not passwords.verify(passwords.hash(""), None)


def test_the_same_letters_typed_in_two_ways_are_the_same(passwords):
    """Composed or not, wide or not."""
    assert passwords.verify(passwords.hash("Ångström und Straße"), "A\u030angstro\u0308m und Straße")


def test_an_older_hash_is_good_and_told_apart(passwords):
    """It is made anew when its owner signs in."""
    kept = passwords.hash(GOOD)
    dearer = Passwords(Cost(rounds=2, kibibytes=16, lanes=1))
    assert dearer.verify(kept, GOOD)
    assert dearer.outdated(kept)
    assert not dearer.outdated(dearer.hash(GOOD))


@pytest.mark.parametrize("chosen", ["a" * 12, "a" * 1000, "пароль как пароль", "            ", "😀" * 12])
def test_one_may_choose_freely(chosen):
    """There are no rules about what it is made of."""
    assert check_new(chosen, "ann@example.com") == chosen


@pytest.mark.parametrize(
    "chosen, sentence",
    [
        ("a" * 11, "12 to 1000"),
        ("", "12 to 1000"),
        ("a" * 1001, "must be"),
        (None, "must be a text"),
        (["a" * 12], "must be a text"),
        ("abcdefghijkl\0", "control characters"),
        ("abcdefghijkl\ud800", "must be a text"),
        ("ann@example.com", "e-mail"),
        ("ANN@Example.com", "e-mail"),
    ],
)
def test_what_cannot_be_chosen_is_told(chosen, sentence):
    """The field is named."""
    with pytest.raises(InputError) as refused:
        check_new(chosen, "ann@example.com")
    assert re.search(sentence, str(refused.value))
    assert list(refused.value.fields) == ["password"]
