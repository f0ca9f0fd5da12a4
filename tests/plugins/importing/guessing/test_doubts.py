"""What a guess says of what it does not know: cells that do not fit, titles, names, and columns that it leaves out."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from opencrm import CRM
from opencrm.plugins.importing.running import Wish, propose_map, run_import
from opencrm.testing import Firm


@contextmanager
def no_bar(_label: str, _length: int) -> Iterator[Callable[[int], None]]:
    yield lambda _steps: None


Guess = Callable[..., tuple[str, dict[str, Any]]]


@pytest.fixture
def guessed(crm: CRM, firm: Firm, tmp_path: Path) -> Guess:
    """`guessed(text)` is the map of a file, which is tried at once."""

    def run(data: str, entity: str | None = None, file: str = "file.csv") -> tuple[str, dict[str, Any]]:
        path, mapped = tmp_path / file, tmp_path / "map.toml"
        path.write_text(data, encoding="utf-8")
        text = propose_map(crm, firm.owner, Wish(path=path, entity=entity))
        mapped.write_text(text, encoding="utf-8")
        run_import(crm, firm.owner, Wish(path=path, map=mapped, dry_run=True), no_bar)
        return text, tomllib.loads(text)

    return run


def lines(text: str, *words: str) -> list[str]:
    return [line for line in text.splitlines() if all(word in line for word in words)]


def test_cells_that_do_not_fit_are_counted_and_shown(guessed: Guess) -> None:
    """In a new field, and in one that there is."""
    dates = ["03/04/2025", "01/05/25", "30/02/2026", "04/05/2025"]
    mails = ["a@example.com", "b@example.com", "c.example.com", "d@example.com"]
    rows = "".join(
        f"P{at},{mail},{date},{number}\n"
        for at, (mail, date, number) in enumerate(zip(mails, dates, ["5", "viel", "7", "8"], strict=True))
    )
    text, found = guessed(f"Name,E-mail,Seen,Score\n{rows}", "contact")
    assert [each["kind"] for each in found["fields"]] == ["date", "number"]
    assert lines(text, 'kind = "date"', "NOT SURE: 2 of 4 values do not fit: '01/05/25', '30/02/2026'")
    assert lines(text, 'kind = "number"', "NOT SURE: 1 of 4 values does not fit: 'viel'")
    assert lines(text, 'value = "E-mail"', "1 of 4 values does not fit: 'c.example.com'")


def test_a_header_counts_more_than_half_of_the_cells(guessed: Guess) -> None:
    """What is called e-mail is that, with each other cell named."""
    text, found = guessed("Name,E-mail\nAnn,a@example.com\nBob,b.example.com\n", "contact")
    assert found["target"][-1]["parts"]["points"][0]["value"] == "E-mail"
    assert lines(text, 'value = "E-mail"', "NOT SURE: 1 of 2 values does not fit: 'b.example.com'")


def test_dates_of_two_sorts_in_one_column_are_told(guessed: Guess) -> None:
    """Those that the format would reject."""
    rows = "".join(f"D{at},{at},{day}\n" for at, day in enumerate(["14.01.2025", "15.01.2025", "2025-01-16"]))
    text, _ = guessed(f"Deal,Amount,Created\n{rows}")
    assert lines(text, "created_at", "14.01.2025 decides", "1 of 3 values does not fit: '2025-01-16'")


@pytest.mark.parametrize(
    "header, fields",
    [
        ("Apellidos y Nombre", {"name": "Apellidos y Nombre"}),
        ("Imię i nazwisko", {"name": "Imię i nazwisko"}),
        ("Name, Vorname", {"name": "Name, Vorname"}),
    ],
)
def test_a_column_of_both_names_is_the_whole_name(guessed: Guess, header: str, fields: dict[str, Any]) -> None:
    """And no first name."""
    _, found = guessed(f'"{header}";E-mail\nPérez, José;a@example.com\n')
    assert found["target"][-1]["fields"] == fields


def test_a_name_beside_first_names_is_a_surname(guessed: Guess) -> None:
    """As in many German and French lists."""
    _, found = guessed("Name;Vorname\nMüller;Hans\nMaier;Eva\n")
    fields = found["target"][-1]["fields"]
    assert (fields["last_name"], fields["name"]["columns"]) == ("Name", ["Vorname", "Name"])


def test_people_are_known_by_their_addresses_rather_than_by_their_names(guessed: Guess) -> None:
    """A first name is no key at all, and neither is a remark."""
    rows = "Hans,Müller,a@example.com,x\nEva,Maier,b@example.com,y\n"
    text, found = guessed(f"Vorname,Nachname,E-Mail,Notiz\n{rows}")
    target = found["target"][-1]
    assert (target["key"], target["parts"]["points"][0]["value"]) == ("E-Mail", "E-Mail")
    assert lines(text, 'key = "E-Mail"', "NOT SURE")
    assert "key" not in guessed("Vorname,Nachname,Notiz\nHans,Müller,x\nEva,Maier,y\n")[1]["target"][-1]


def test_a_column_called_name_is_the_rows_own(guessed: Guess) -> None:
    """Not the name of the company beside it."""
    rows = "".join(f"Müller,m{at}@example.com\n" for at in range(7))
    _, found = guessed(f"Name,E-mail\n{rows}", "contact")
    assert [each["entity"] for each in found["target"]] == ["contact"]
    assert found["target"][0]["fields"]["name"] == "Name"


def test_people_with_a_town_are_no_companies(guessed: Guess) -> None:
    """Names of two words, none with a legal form."""
    text = "Name;E-mail;Stadt;Land\n" + "".join(f"Ann {at};a@example.com;Bonn;DE\n" for at in ("Lee", "Fox", "Poe"))
    assert guessed(text)[1]["target"][-1]["entity"] == "contact"
    assert guessed(text.replace("Ann ", "Ann & Co GmbH "))[1]["target"][-1]["entity"] == "company"


@pytest.mark.parametrize("clients, entity", [(("Acme", "Beta"), "company"), (("Ann Lee", "Bob Fox"), "contact")])
def test_dates_amounts_and_clients_are_deals(guessed: Guess, clients: tuple[str, str], entity: str) -> None:
    """Not products with prices; and a client that comes again has a deal more."""
    rows = "".join(f"2025-01-0{at},{at}5.50,{client}\n" for at, client in enumerate(clients, 1))
    text, found = guessed(f"Date,Amount,Client\n{rows}")
    assert [each["entity"] for each in found["target"]] == [entity, "deal"]
    assert "key" not in found["target"][-1]
    assert lines(text, 'name = "Client"', "NOT SURE")


def test_customers_with_amounts_and_stages_are_deals(guessed: Guess) -> None:
    """Whoever else the row names."""
    _, found = guessed(
        "Vorname;Nachname;E-Mail;Telefon;Betrag;Phase\nHans;Müller;a@example.com;030 901820;5,50;offen\n"
        "Eva;Maier;b@example.com;030 901821;6,50;gewonnen\nJo;Böhm;c@example.com;030 901822;7,50;verloren\n"
    )
    assert [each["entity"] for each in found["target"]] == ["contact", "deal"]


@pytest.mark.parametrize("title", ["List 2025\n\n", "List 2025;;;;\nof January;;;;\n"])
def test_a_title_above_the_header_is_seen(guessed: Guess, title: str) -> None:
    """The map says on which line the header is."""
    text = f"{title}Name;E-mail;Phone;Town;Note\nAnn Lee;a@example.com;020 7183 8750;Bonn;x\nBob Fox;;;;\n"
    told, found = guessed(text)
    assert found["header_row"] == 3
    assert found["target"][-1]["fields"]["name"] == "Name"
    assert "5 columns" in told


def test_a_short_header_is_no_title(guessed: Guess) -> None:
    """Of one column, or of two."""
    for text in ("Name\nAnn\n", "Name\nAnn; x\nBob; y\n", "Name;\nAnn;x\n"):
        assert "header_row" not in guessed(text)[1]


def test_columns_called_alike_are_named_anew(guessed: Guess) -> None:
    """So that none of them is lost; and their header is no row."""
    text, found = guessed("Name,Phone,phone\nAnn,020 7183 8750,020 7183 8751\nBob,020 7183 8752,\n")
    assert (found["header_row"], found["header"]) == (1, ["Name", "Phone", "phone 2"])
    assert len(found["target"][-1]["parts"]["points"]) == 2
    assert "2 rows" in text


def test_columns_without_a_header_are_named_even_if_they_are_blank(guessed: Guess) -> None:
    """By their number."""
    text, _ = guessed("Name,,\nAnn,x,\n")
    assert lines(text, "column 2: has no header; 1 values")
    assert lines(text, "column 3: has no header, and is blank in every row")


def test_a_field_gets_no_name_that_fields_cannot_have(guessed: Guess) -> None:
    """Words that lists have parameters of, and more fields than there is room for."""
    wide = [f"C{at}" for at in range(230)]
    text, found = guessed(
        ",".join(["Sort", "Limit", *wide]) + "\n" + ",".join("abc"[at % 3] for at in range(232)) + "\n"
    )
    assert {"sort", "limit"}.isdisjoint(each["key"] for each in found["fields"])
    assert len(found["fields"]) <= 200
    assert lines(text, '"C229": has no room')


def test_other_columns_settle_what_a_point_means(guessed: Guess) -> None:
    """One file has one habit; without such a column the doubt is told."""
    doubt = "Deal;Amount;Size\na;1.200;5\nb;2.500;6\n"
    text, _ = guessed(doubt)
    assert lines(text, 'amount = "Amount"', "NOT SURE: 1.200 may be 1200 as well")
    text, found = guessed(doubt.replace(";5\n", ";5,5\n"))
    assert found["target"][-1]["fields"]["amount"] == {"column": "Amount", "decimal": ","}
    assert not lines(text, "may be")
