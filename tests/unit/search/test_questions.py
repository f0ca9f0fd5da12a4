"""Words, telephone numbers and questions, before any database."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opencrm import InputError
from opencrm.core.search import question, words
from opencrm.core.search.phones import dialled, phone_words
from opencrm.core.values import fold


@pytest.mark.parametrize(
    "text, found",
    [
        ("Müller & Söhne, anna@gmx.de", ["muller", "sohne", "anna", "gmx", "de"]),
        ("GROSS groß", ["gross", "gross"]),
        ("a_b-c 1.5 ½", ["a", "b", "c", "1", "5", "1", "2"]),
        ("", []),
        ("🦉 -- \x00", []),
        ("x" * 70, ["x" * 64]),
    ],
)
def test_words(text, found):
    """Letters and digits alone, without case and accents."""
    assert words(text) == found


@given(st.text(max_size=200))
def test_words_are_made_of_letters_and_digits(text):
    """So nothing of a text is syntax to any database; and they are words of themselves."""
    found = words(text)
    assert all(word and not set(word) & set(" '\"\\:*&|!()<>%_\x00") for word in found)
    assert words(" ".join(found)) == found


@given(st.text(alphabet="aäÄßéøЖйё ", max_size=50))
def test_words_are_folded_as_everything_else(text):
    """Search and filters agree on what is the same."""
    assert words(text) == [word[:64] for word in fold(text).split()]


def test_a_number_has_its_digits_and_those_of_its_country():
    """Whatever the calling code is: with what is dialled before them there, and backwards."""
    assert phone_words("+442071838750") == ["442071838750", "2071838750", "ßß02071838750", "ß057838170244"]
    assert phone_words("+12125550123") == ["12125550123", "2125550123", "ß32105552121"]
    assert phone_words("+41446681800") == ["41446681800", "446681800", "ßß0446681800", "ß00818664414"]
    assert phone_words("+79000000011")[2] == "ßß89000000011"
    assert phone_words("+390612345678")[:2] == ["390612345678", "0612345678"]
    assert phone_words("+999") == ["999", "ß999"]


@given(st.text(max_size=50))
def test_no_word_is_taken_for_a_number_that_is_written_backwards(text):
    """The letter that begins those is folded away in all else."""
    assert not any("ß" in word for word in words(text))


def test_how_a_number_may_be_dialled():
    """With the prefixes of its country, and without."""
    assert set(dialled("0207183", "GB")) == {"0207183", "207183"}
    assert "442071" in dialled("00442071", "GB")
    assert "4951234567" in dialled("84951234567", "RU")
    assert dialled("12", "GB") == ()


@pytest.mark.parametrize("text", ["", "a", "a b c", "1 2 3", "é", "&"])
def test_two_letters_in_a_row(text):
    """Less is refused."""
    with pytest.raises(InputError):
        question(text, "GB")


def test_eight_words_count():
    """And one of each."""
    assert len(question("ab ac ad ae af ag ah ai aj ak", "GB").terms) == 8
    assert len(question("ab ab ab", "GB").terms) == 1


def test_the_longest_word_leads():
    """It follows from the question alone."""
    assert question("an schmidt de", "GB").lead.words == ("schmidt",)
    assert question("an de", "GB").lead.words == ("an",)
