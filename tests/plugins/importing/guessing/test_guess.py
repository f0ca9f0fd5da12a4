"""Maps guessed for files of all sorts: they are TOML, they say what is sure, and nothing that was seen is lost."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opencrm import CRM, NotFound
from opencrm.plugins.importing.files.reading import open_csv
from opencrm.plugins.importing.guessing.guess import guess
from opencrm.plugins.importing.guessing.proposing import Surroundings
from opencrm.plugins.importing.guessing.toml_text import commented, inline, quoted
from opencrm.plugins.importing.guessing.words import plain, slug
from opencrm.plugins.importing.problems import EmptyFile

SHARED = Path(os.environ.get("OPENCRM_SHARED_DATA") or Path(__file__).parents[5] / "shared" / "data")
FILES = sorted(SHARED.rglob("*.csv")) if SHARED.is_dir() else []

Guess = Callable[..., tuple[str, dict[str, Any]]]


@pytest.fixture
def guessed(crm: CRM, tmp_path: Path) -> Guess:
    """`guessed(text)` is the map of a file of this text, as it stands and as it is read."""
    configuration = crm.configuration
    around = Surroundings(configuration.catalogue, configuration.schemas, configuration.locale.currency)

    def run(data: str | bytes | Path, entity: str | None = None) -> tuple[str, dict[str, Any]]:
        path = data if isinstance(data, Path) else tmp_path / "file.csv"
        if not isinstance(data, Path):
            path.write_bytes(data if isinstance(data, bytes) else data.encode())
        text = guess(open_csv(path), entity, around)
        return text, tomllib.loads(text)

    return run


def own(found: dict[str, Any]) -> dict[str, Any]:
    """Return the last target: the row's own record."""
    target: dict[str, Any] = found["target"][-1]
    return target


PEOPLE = {
    "english": "First Name,Last Name,E-mail,Mobile,Company,Job Title\nAnn,Lee,a@x.org,+44 20 7183 8750,Acme,Boss\n",
    "german": "Vorname;Nachname;E-Mail-Adresse;Telefonnummer;Firma;Funktion\nAnn;Lee;a@x.org;+49 30 901820;Acme;Chef\n",
    "french": "Prénom;Nom de famille;Courriel;Téléphone;Société;Poste\nAnn;Lee;a@x.org;+33 1 42 68 53 00;Acme;Chef\n",
    "portuguese": "Primeiro nome;Sobrenome;E-mail;Celular;Empresa;Cargo\nAnn;Lee;a@x.org;+55 11 2222 3333;Acme;Chefe\n",
    "russian": "Имя;Фамилия;Почта;Мобильный телефон;Компания;Должность\nАнна;Ли;a@x.org;+7 495 000-00-01;Акме;Босс\n",
}


@pytest.mark.parametrize("language", PEOPLE)
def test_people_are_found_in_five_languages(guessed: Guess, language: str) -> None:
    """Names, points, the company and the position in it; nothing becomes a custom field."""
    _, found = guessed(PEOPLE[language])
    company, contact = found["target"]
    assert (company["entity"], company["match"], contact["entity"]) == ("company", ["name"], "contact")
    assert {"name", "first_name", "last_name"} <= contact["fields"].keys()
    assert [point["kind"]["value"] for point in contact["parts"]["points"]] == ["email", "phone"]
    assert contact["parts"]["employments"][0]["company_id"] == {"target": "company"}
    assert "fields" not in found


def test_deals_with_their_people(guessed: Guess) -> None:
    """The person and the company of a row are records of their own, and the deal names both."""
    text, found = guessed(
        "Deal ID,Deal name,Amount,Currency,Contact person,Phone,Company,Created,Sales rep\n"
        'D-1,Windows,"1,200.50",Euro,Ann Lee,+44 20 7183 8750,Acme,13/01/2024,Bob\n'
        'D-2,Doors,"3,400.00",Euro,Cy Fox,+44 20 7183 8751,Beta,02/02/2024,Bob\n'
    )
    assert [each["entity"] for each in found["target"]] == ["company", "contact", "deal"]
    deal = own(found)
    assert deal["key"] == "Deal ID"
    assert deal["fields"]["title"] == "Deal name"
    assert deal["fields"]["amount"] == {"column": "Amount", "decimal": "."}
    assert deal["fields"]["currency"] == {"column": "Currency", "translate": {"Euro": "EUR"}}
    assert deal["fields"]["company_id"] == {"target": "company"}
    assert deal["history"]["created_at"] == {"column": "Created", "format": "%d/%m/%Y"}
    assert '# owner_id = "Sales rep"' in text
    assert "13/01/2024 decides day and month" in text


def test_another_columns_dates_settle_a_doubt(guessed: Guess) -> None:
    """One file has one habit; without such a column the doubt is told."""
    doubt = "Deal,Amount,Signed\na,1,01/02/2024\nb,2,03/04/2024\n"
    assert "NOT SURE" in guessed(doubt)[0]
    _, found = guessed(doubt.replace("Signed", "Signed,Paid").replace("2024\n", "2024,01/13/2024\n"))
    assert own(found)["fields"]["signed"] == {"column": "Signed", "format": "%m/%d/%Y"}


def test_what_stands_for_nothing_is_translated(guessed: Guess) -> None:
    """By column, whatever its language."""
    rows = "".join(f"{at},{word}\n" for at, word in enumerate(["Select", "-", "n/a", "не указано", "Web", "Fair"]))
    _, found = guessed(f"Lead ID,Quality\n{rows}", "deal")
    assert found["translate"] == {"Quality": {"Select": "", "-": "", "n/a": "", "не указано": ""}}


def test_columns_that_opencrm_does_not_know_become_fields(guessed: Guess) -> None:
    """With a kind and options; what says nothing is left out and named."""
    rows = "".join(f"L{at},{'Yes' if at % 2 else 'No'},{at}.5,{'ab'[at % 2]},same,\n" for at in range(40))
    text, found = guessed(f"Lead ID,Hot?,Score,Группа,Always,Never\n{rows}")
    kinds = {each["key"]: (each["kind"], each["label"]) for each in found["fields"]}
    assert kinds == {
        "hot": ("yes_no", "Hot?"),
        "score": ("number", "Score"),
        "gruppa": ("choice", "Группа"),
    }
    assert next(each for each in found["fields"] if each["key"] == "gruppa")["choices"] == ["a", "b"]
    assert own(found)["fields"]["gruppa"] == "Группа"
    assert "\"Always\": says 'same' in every row" in text
    assert '"Never": is blank in every row' in text


def test_stages_are_translated_into_a_pipelines(guessed: Guess, crm: CRM) -> None:
    """Words of several languages for won and lost; others are told. Without a pipeline nothing is made up."""
    text, found = guessed("Deal,Amount,Status\na,1,Gewonnen\nb,2,verloren\nc,3,Hm\n")
    fields = own(found)["fields"]
    pipelines = [each for each in crm.catalogue.pipelines.values() if each.entity == "deal"]
    if not pipelines:
        assert "needs a pipeline" in text
        return
    pipeline = next(each for each in pipelines if each.key == fields["pipeline"]["value"])
    kinds = {value: pipeline.stage(key).kind for value, key in fields["stage"]["translate"].items()}  # type: ignore[union-attr]
    assert (kinds["Gewonnen"], kinds["verloren"]) == ("won", "lost")
    assert "NOT SURE about Hm" in text


def test_a_reference_within_the_file_is_found_by_its_values(guessed: Guess) -> None:
    """A parent's name is the key of another row."""
    _, found = guessed("Account,Sector,Parent company\nBig,x,\nSmall,y,Big\nTiny,y,Small\n")
    assert own(found)["entity"] == "company"
    assert own(found)["fields"]["parent_id"] == {"column": "Parent company", "by": "key"}


ODD: dict[str, tuple[bytes, str | None]] = {
    "a mark and semicolons": ("\ufeffИмя;Телефон\nАнна;+74950000001\n".encode(), None),
    "a Cyrillic code page": ("Имя;Фамилия\nАнна;Ли\nПётр;Иванов\n".encode("cp1251"), None),
    "a Western code page": ("Vorname;Straße\nJörg;Köln\n".encode("cp1252"), None),
    "one column": (b"Name\nAnn\nBob\n", None),
    "no header": (b"Ann,ann@example.com,5\nBob,bob@example.com,6\n", None),
    "a header alone": (b"Name,Phone\n", None),
    "headers twice": (b"Name,Phone,Phone\nAnn,1,2\n", None),
    "headers of signs": (b'"{a}","b#c","d = ""x""","[e]","\tf"\n1,2,3,4,5\n', "deal"),
    "no header over a column": (b"Name,\nAnn,x\n", None),
    "ragged rows": (b"Name,City\nAnn\nBob,Graz\nCy,Wien,Ort\n", None),
    "bells": ("Name,Note\nAnn,\x07bell\x1b[31m\nBob,\u202eright\u2028x\n".encode(), None),
}


@pytest.mark.parametrize("kind", ODD)
def test_odd_files_have_a_map_too(guessed: Guess, kind: str) -> None:
    """Whatever the file, what comes out is TOML with a target, and free of control characters."""
    text, found = guessed(*ODD[kind])
    assert found["target"]
    assert all(mark.isprintable() or mark == "\n" for mark in text)


def test_an_empty_file_is_refused(guessed: Guess) -> None:
    """There is nothing to go by."""
    with pytest.raises(EmptyFile):
        guessed(b"")


def test_an_entity_that_there_is_not_is_told(guessed: Guess) -> None:
    """As everywhere else."""
    with pytest.raises(NotFound):
        guessed("a,b\n1,2\n", "shoe")


@pytest.mark.skipif(not FILES, reason="OPENCRM_SHARED_DATA names no folder with the published files")
def test_every_published_file_has_a_map(guessed: Guess) -> None:
    """Of the right entity, with its key."""
    expected = {
        "Leads.csv": ("deal", "Lead Number"),
        "leads.csv": ("deal", "ID"),
        "accounts.csv": ("company", "account"),
        "products.csv": ("product", "product"),
        "sales_pipeline.csv": ("deal", "opportunity_id"),
        "olist_closed_deals_dataset.csv": ("deal", "mql_id"),
        "olist_marketing_qualified_leads_dataset.csv": ("deal", "mql_id"),
        "olist_sellers_dataset.csv": ("company", "seller_id"),
    }
    for path in FILES:
        _, found = guessed(path)
        if path.name in expected:
            assert (own(found)["entity"], own(found).get("key")) == expected[path.name], path.name


@given(st.text())
def test_any_text_can_be_written_into_a_map(text: str) -> None:
    """As a string, as a key, and in a comment."""
    written = f"a = {quoted(text)}  # {commented(text)}\nb = {inline({text: [text, True, 5]})}\n"
    found = tomllib.loads(written)
    clean = text.encode("utf-8", "replace").decode()
    assert found == {"a": clean, "b": {clean: [clean, True, 5]}}


@given(st.text())
def test_any_header_gives_a_field_a_name(header: str) -> None:
    """Short, of plain letters, and none that is taken."""
    name = slug(header, ())
    again = slug(header, {name})
    for each in (name, again):
        assert each.isidentifier()
        assert each == each.lower()
        assert len(each) <= 40
    assert again != name


def test_headers_are_compared_as_words() -> None:
    """Case, accents, signs and camels do not count."""
    assert plain("E-Mail_Adresse ") == plain("eMail adresse") == "e mail adresse"
    assert slug("Сумма заказа, ₽", ()) == "summa_zakaza"
