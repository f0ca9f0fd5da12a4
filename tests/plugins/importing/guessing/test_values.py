"""What a column's values are taken for, language by language."""

from __future__ import annotations

from collections import Counter

import pytest

from opencrm.plugins.importing.guessing.dates import dates_of
from opencrm.plugins.importing.guessing.values import Found, found_in, phones_in


def found(*values: str) -> Found:
    return found_in(Counter(values))


KINDS = {
    "email": ["ann@example.com", "Bob.Lee+x@mail.example.co.uk"],
    "link": ["https://example.com/a?b=1", "www.example.org"],
    "phone": ["+44 20 7183 8750", "(020) 7183-8750"],
    "number": ["1", "2.5", "-3", "10000"],
    "money": ["€ 1.200,50", "€ 3,00"],
    "date": ["2024-01-02", "2024-12-31"],
    "datetime": ["2024-01-02 10:00:00", "2024-12-31T23:59:59Z"],
    "yes_no": ["Yes", "No", "yes"],
    "text": ["one", "two", "three"],
    "long_text": ["one\ntwo", "x"],
    "choice": ["a", "b"] * 10,
    "choices": ["cat", "wolf", "cat, wolf", "cat"] * 5,
    "nothing": [],
}


@pytest.mark.parametrize("kind", KINDS)
def test_values_have_a_kind(kind: str) -> None:
    """Each by what it looks like."""
    assert found(*KINDS[kind]).kind == kind


@pytest.mark.parametrize(
    "yes, no",
    [("да", "нет"), ("Ja", "Nein"), ("oui", "non"), ("Sim", "Não"), ("sí", "no"), ("Y", "N"), ("wahr", "falsch")],
)
def test_yes_and_no_are_understood_in_several_languages(yes: str, no: str) -> None:
    """What opencrm does not read by itself is translated."""
    answers = found(yes, no, yes).answers
    assert answers[yes] is True
    assert answers.get(no, no.lower() == "no" and False) is False


def test_zero_and_one_may_be_numbers_after_all() -> None:
    """They are yes and no with less confidence; always the same digit is a number."""
    assert (found("0", "1", "1").kind, found("0", "1", "1").rate) == ("yes_no", 0.8)
    assert found("0", "0").kind == "number"


@pytest.mark.parametrize(
    "values, decimal",
    [
        (["1200.50", "3"], ""),
        (["1,200.50", "3"], "."),
        (["1.200,50", "3"], ","),
        (["1 200,50", "3,1"], ","),
        (["1,200", "13,450"], "."),
        (["1.200", "2.250"], ""),
        (["1.200.300", "2.250"], ","),
        (["1'200", "3"], "."),
        (["1\u00a0200", "3"], "."),
    ],
)
def test_the_decimal_sign_is_told_apart_from_thousands(values: list[str], decimal: str) -> None:
    """It is said where a number would not be read without it."""
    assert (found(*values).kind, found(*values).decimal) == ("number", decimal)


@pytest.mark.parametrize(
    "value, currency",
    [("€ 5", "EUR"), ("5 руб.", "RUB"), ("$1,200.00", "USD"), ("R$ 10,00", "BRL"), ("12 Kč", "CZK"), ("5 EUR", "EUR")],
)
def test_a_currency_beside_a_number_makes_it_money(value: str, currency: str) -> None:
    """In signs, words and codes."""
    assert (found(value).kind, found(value).currency) == ("money", currency)


@pytest.mark.parametrize("values", [["007", "010"], ["5 apples", "6 pears"], ["1.23456"], ["123456789012345678"]])
def test_what_would_lose_as_a_number_is_text(values: list[str]) -> None:
    """Leading zeros, units that are no currency, more digits than are kept."""
    assert found(*values).kind == "text"


def test_options_that_differ_in_case_are_one() -> None:
    """The more frequent spelling stands for both."""
    seen = found(*["Google"] * 8, *["google"] * 2, *["Web"] * 5)
    assert (seen.options, seen.same) == (("Google", "Web"), {"google": "Google"})


@pytest.mark.parametrize(
    "values, form",
    [
        (["13.01.2024", "02.03.2024"], "%d.%m.%Y"),
        (["01/13/2024", "02/03/2024"], "%m/%d/%Y"),
        (["13/01/2024", "02/03/2024"], "%d/%m/%Y"),
        (["2024/01/13"], "%Y/%m/%d"),
        (["30.08.2019 15:03:26"], "%d.%m.%Y %H:%M:%S"),
        (["5 Jan 2024"], "%d %b %Y"),
        (["Jan 5, 2024"], "%b %d, %Y"),
        (["1/13/2024 5:30 PM"], "%m/%d/%Y %I:%M %p"),
        (["2024-01-13"], ""),
    ],
)
def test_the_order_of_day_and_month_follows_from_the_values(values: list[str], form: str) -> None:
    """A number above 12 decides."""
    dates = dates_of(values)
    assert dates is not None
    assert (dates.format, dates.doubt) == (form, "")


def test_an_order_that_nothing_decides_is_told() -> None:
    """The other reading is named."""
    dates = dates_of(["01/02/2024", "03/04/2024"])
    assert dates is not None
    assert {dates.format, dates.doubt} == {"%d/%m/%Y", "%m/%d/%Y"}


def test_some_days_that_do_not_exist_do_not_make_text() -> None:
    """The share of good ones is told."""
    dates = dates_of(["31.02.2024", *[f"{day:02}.03.2024" for day in range(1, 31)]])
    assert dates is not None
    assert 0.9 < dates.rate < 1


def test_versions_and_numbers_are_no_dates() -> None:
    """Nor are numbers of articles."""
    for values in (["1.2.3"], ["12-34-5678"], ["2024"], ["10.10"], ["99/99/9999"]):
        assert dates_of(values) is None


def test_bare_digits_are_phones_only_where_the_header_says_so() -> None:
    """Those that lack but the plus get it."""
    bare = Counter(["74950000001", "74950000002"])
    assert found_in(bare).kind == "number"
    phones = phones_in(bare)
    assert phones is not None
    assert phones.plus
    local = phones_in(Counter(["020 7183 8750"]))
    assert local is not None
    assert not local.plus


@pytest.mark.parametrize(
    "kind, values, odd",
    [
        ("email", ["a@example.com", "b@example.com", "c.example.com"], ("c.example.com",)),
        ("number", ["1200", "viel", "55"], ("viel",)),
        ("money", ["5 €", "6 €", "7 apples"], ("7 apples",)),
        ("number", ["1,200.50", "3,000.00", "1.200,50"], ("1.200,50",)),
        ("date", ["03/04/2025", "01/05/25", "30/02/2026"], ("01/05/25", "30/02/2026")),
        ("date", ["14.01.2025", "15.01.2025", "2025-01-16", "17.01.2025"], ("2025-01-16",)),
        ("phone", ["+44 20 7183 8750", "+44 20 7183 8751", "ask Bob"], ("ask Bob",)),
    ],
)
def test_most_values_decide_and_the_others_are_known(kind: str, values: list[str], odd: tuple[str, ...]) -> None:
    """One bad cell does not make a column text."""
    seen = found(*values)
    assert (seen.kind, seen.odd) == (kind, odd)
    assert seen.rate < 1


def test_a_choice_of_numbers_and_words_stays_one() -> None:
    """As a choice nothing is lost; as a number the words would be."""
    assert found(*["36", "38", "40"] * 5, "M").kind == "choice"


def test_a_day_that_does_not_exist_still_says_which_number_is_the_day() -> None:
    """`30/02` can only be a day before a month."""
    dates = dates_of(["03/04/2025", "30/02/2026"])
    assert dates is not None
    assert (dates.format, dates.doubt, dates.proof) == ("%d/%m/%Y", "", "30/02/2026")


def test_what_proves_the_order_of_day_and_month_fits_the_format() -> None:
    """A value that is written otherwise proves nothing."""
    dates = dates_of(["2025-01-16", "01/02/2025", "03/04/2025", "05/06/2025"])
    assert dates is not None
    assert (dates.proof, dates.doubt) == ("", "%m/%d/%Y")


@pytest.mark.parametrize(
    "values, unsettled", [(["1.200"], "."), (["1,200"], ","), (["1.200,5"], ""), (["1,200,300"], ""), (["0,500"], "")]
)
def test_three_places_or_thousands_is_a_doubt(values: list[str], unsettled: str) -> None:
    """Unless a value shows which."""
    assert found(*values).unsettled == unsettled
