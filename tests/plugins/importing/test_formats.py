"""Workbooks, JSON lines and odd CSV through `opencrm import` and `opencrm export`: what goes out comes in the same."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter

from opencrm import (
    CRM,
    Company,
    Contact,
    ContactPoint,
    Create,
    CustomField,
    Deal,
    InputError,
    Query,
    records,
)
from opencrm.plugins.exporting.command import exporter_for
from opencrm.plugins.importing.problems import BadHeader, BadMap, FileRefused, UnknownField
from opencrm.plugins.importing.running import Wish, propose_map, run_import
from opencrm.plugins.spreadsheets.problems import BadWorkbook
from opencrm.testing import Firm, make_company, make_contact

Bring = Callable[..., Any]


def sheets(path: Path, **several: list[list[Any]]) -> bytes:
    book = xlsxwriter.Workbook(str(path))
    for name, rows in several.items():
        sheet = book.add_worksheet(name)
        for at, row in enumerate(rows):
            sheet.write_row(at, 0, row)
    book.close()
    return path.read_bytes()


def exported(crm: CRM, by: Any, query: Any, name: str, parts: tuple[str, ...] = ()) -> bytes:
    stream = io.BytesIO()
    with crm.export(by, query, parts=parts) as found:
        exporter_for(crm, Path(name)).write(stream, found.fields, found.rows)
    return stream.getvalue()


def names(crm: CRM, firm: Firm, entity: Any) -> list[str]:
    with crm.read(firm.owner) as reader:
        return sorted(row.name for row in reader.stream(Query(entity, sort="id")))


def test_a_workbook_is_a_file_like_others(bring: Bring, crm: CRM, firm: Firm, tmp_path: Path) -> None:
    """Its rows are judged like any; those that stay out have the sheet's row numbers."""
    data = sheets(tmp_path / "x.xlsx", Data=[["Name", "Employees"], ["Acme", 5], ["Beta", 2.5]])
    done = bring(data, entity="company", file="c.xlsx")
    assert done.counts == {"company created": 1}
    assert [(row["row"], row["column"]) for row in done.errors] == [("3", "Employees")]


def test_a_map_or_the_command_names_the_sheet(bring: Bring, crm: CRM, firm: Firm, tmp_path: Path) -> None:
    """Without, a workbook of several is refused; text has none."""
    data = sheets(tmp_path / "x.xlsx", One=[["name"], ["Acme"]], Two=[["name"], ["Beta"]])
    with pytest.raises(BadWorkbook, match="several sheets"):
        bring(data, entity="company", file="c.xlsx")
    named = 'sheet = "Two"\n[[target]]\nentity = "company"\nfields.name = "name"\n'
    assert bring(data, named, file="c.xlsx").counts == {"company created": 1}
    wish = Wish(path=tmp_path / "c.xlsx", sheet="One", entity="company")
    run_import(crm, firm.owner, wish, _bar)
    assert names(crm, firm, Company) == ["Acme", "Beta"]
    with pytest.raises(FileRefused, match="has no sheets"):
        bring("name\nAcme\n", named, file="c.csv")
    with pytest.raises(FileRefused, match="has no sheets"):
        bring('{"name": "Acme"}\n', named, file="c.jsonl")


class _Bar:
    def __enter__(self) -> Callable[[int], None]:
        return lambda _steps: None

    def __exit__(self, *_: object) -> None:
        return None


def _bar(_label: str, _length: int) -> _Bar:
    return _Bar()


NAUGHTY = [
    "=1+1",
    "+1",
    "-x",
    "@SUM(A1)",
    "'quoted",
    "''=2",
    "00123",
    "a,b;c",
    'say "hi"',
    "line\nbreak",
    "1e5",
    "TRUE",
]


@pytest.mark.parametrize("ending", ["csv", "xlsx", "jsonl"])
def test_what_is_exported_comes_back_the_same(bring: Bring, crm: CRM, firm: Firm, tmp_path: Path, ending: str) -> None:
    """Text that looks like formulas or numbers, with its zeros; ids bring the records up to date: nothing changes."""
    for text in NAUGHTY:
        make_company(
            crm, by=firm.owner, name=text.replace("\n", " "), description=text, revenue="1234.50", currency="EUR"
        )
    data = exported(crm, firm.owner, Query(Company, sort="id"), f"c.{ending}")
    done = bring(data, entity="company", file=f"c.{ending}")
    assert (done.errors, done.counts) == ([], {"company unchanged": len(NAUGHTY)})


@pytest.mark.parametrize("ending", ["csv", "xlsx", "jsonl"])
def test_custom_fields_and_times_come_back_the_same(
    bring: Bring, crm: CRM, firm: Firm, tmp_path: Path, ending: str
) -> None:
    """Several choices, an amount, a date and a time; the time is the same instant in any zone."""
    kinds = {"day": "date", "at": "datetime", "sum": "money", "ok": "yes_no", "n": "number"}
    with crm.work(firm.owner) as work:
        made = [{"entity": "deal", "key": key, "label": key, "kind": kind} for key, kind in kinds.items()]
        made.append({"entity": "deal", "key": "some", "label": "s", "kind": "choices", "choices": ["a", "b", "=c"]})
        records.create(work, [Create(CustomField, values=each) for each in made])
    values = {"day": "2024-02-29", "at": "2024-07-01T10:00:00+09:00", "sum": "0.1", "sum_currency": "JPY", "ok": False}
    values |= {"n": "12345678901234.5678", "some": ["a", "=c"], "title": "x", "sum": "5"}
    with crm.work(firm.owner) as work:
        records.create(work, [Create("deal", values=values)])
    data = exported(crm, firm.owner, Query(Deal, sort="id"), f"d.{ending}")
    done = bring(data, entity="deal", file=f"d.{ending}")
    assert (done.errors, done.counts) == ([], {"deal unchanged": 1})


def test_json_lines_carry_parts_both_ways(bring: Bring, crm: CRM, firm: Firm, tmp_path: Path) -> None:
    """`points` are a list of objects in each line; into an empty workspace they go as contact points."""
    points = [
        {"kind": "email", "value": "ann@example.com", "label": "Work"},
        {"kind": "phone", "value": "020 7183 8750"},
    ]
    make_contact(crm, by=firm.owner, name="Ann", points=points)
    make_contact(crm, by=firm.owner, name="Bob")
    data = exported(crm, firm.owner, Query(Contact, fields=("name",), sort="id"), "c.jsonl", ("points",))
    lines = [json.loads(line) for line in data.splitlines()]
    assert [len(line["points"]) for line in lines] == [2, 0]
    done = bring(data.replace(b"Ann", b"Zoe"), entity="contact", file="c.jsonl")
    assert (done.errors, done.counts) == ([], {"contact created": 2})
    with crm.read(firm.owner) as reader:
        found = [(row.kind, row.key, row.label) for row in reader.stream(Query(ContactPoint, sort="id"))]
    assert found == [("email", "ann@example.com", "Work"), ("phone", "+442071838750", None)] * 2


def test_a_part_that_there_is_not_is_refused(bring: Bring) -> None:
    """By its column's name; nothing is dropped in silence."""
    for name in ("shoes[0].size", "points[0].size", "points"):
        with pytest.raises(UnknownField):
            bring(json.dumps({"name": "x", name: "5"}), entity="contact", file="c.jsonl")


def test_a_bad_line_of_json_is_told_by_its_number(bring: Bring) -> None:
    """The others are kept."""
    done = bring(b'{"name": "Ann"}\n{"name": "B\xff"}\n{"name": 5\n', entity="contact", file="c.jsonl")
    assert done.counts == {"contact created": 1}
    assert [(row["row"], row["code"]) for row in done.errors] == [("2", "unreadable_row"), ("3", "unreadable_row")]


TARGET = '[[target]]\nentity = "company"\n'


def test_a_map_names_the_columns_of_a_file_without_a_header(bring: Bring, crm: CRM, firm: Firm) -> None:
    """Its first line is a row; another number of columns is refused."""
    named = f'header = ["n", "c"]\n{TARGET}fields.name = "n"\nfields.city = "c"\n'
    assert bring("Acme,York\nBeta,Leeds\n", named).counts == {"company created": 2}
    with pytest.raises(BadHeader, match="has 3 columns, and the map names 2"):
        bring("Acme,York,x\n", named)


@pytest.mark.parametrize(
    "text, source, amount",
    [
        ("€ 1.200,50", 'without = ["€"], decimal = ","', "1200.50"),
        ('"$1,200.50"', 'without = ["$"], decimal = "."', "1200.50"),
        ("5 руб.", 'without = ["руб."]', "5.00"),
        ('"1,200"', 'decimal = "."', "1200.00"),
    ],
)
def test_amounts_are_freed_of_their_signs(
    bring: Bring, crm: CRM, firm: Firm, text: str, source: str, amount: str
) -> None:
    """Signs, words, and what stands between thousands."""
    fields = (
        f'fields.name = "n"\nfields.revenue = {{ column = "r", {source} }}\nfields.currency = {{ value = "EUR" }}\n'
    )
    done = bring(f"n,r\nAcme,{text}\n".replace(",€ 1.200,50", ',"€ 1.200,50"'), TARGET + fields)
    assert done.errors == []
    with crm.read(firm.owner) as reader:
        [row] = reader.stream(Query(Company, sort="id"))
    assert f"{row.revenue:.2f}" == amount


@pytest.mark.parametrize(
    "text, said, told",
    [
        ("1.200,50", '"."', '"1.200,50" is no number with decimal = "." and 1200.50 with decimal = ","'),
        ("1,200.50", '","', '"1,200.50" is no number with decimal = "," and 1200.50 with decimal = "."'),
    ],
)
def test_a_number_written_with_the_other_sign_stays_out(
    bring: Bring, crm: CRM, firm: Firm, text: str, said: str, told: str
) -> None:
    """Row, field and both readings are told; no other number is stored."""
    fields = f'fields.name = "n"\nfields.revenue = {{ column = "r", decimal = {said} }}\n'
    done = bring(f'n,r\nAcme,5\nBeta,"{text}"\n', TARGET + fields + 'fields.currency = { value = "EUR" }\n')
    [error] = done.errors
    assert (error["row"], error["column"], error["value"]) == ("3", "r", text)
    assert error["reason"] == f"revenue must be a number written as the map says: {told}"
    assert names(crm, firm, Company) == ["Acme"]


def test_a_number_that_the_map_holds_is_what_it_is(bring: Bring, crm: CRM, firm: Firm) -> None:
    """The decimal sign is that of the file's texts."""
    source = '{ column = "r", decimal = ",", default = 1.5, translate = { many = 2.25 } }'
    fields = f'fields.name = "n"\nfields.revenue = {source}\nfields.currency = {{ value = "EUR" }}\n'
    assert bring('n,r\nAcme,\nBeta,many\nCeta,"1,5"\n', TARGET + fields).errors == []
    with crm.read(firm.owner) as reader:
        assert [str(row.revenue) for row in reader.stream(Query(Company, sort="id"))] == ["1.50", "2.25", "1.50"]


def test_an_optional_target_needs_a_value_of_its_own(bring: Bring, crm: CRM, firm: Firm) -> None:
    """A row in which all its columns are blank goes without it, though it has a key."""
    named = (
        'system = "s"\n[[target]]\nname = "person"\nentity = "contact"\nkey = "id"\noptional = true\n'
        'fields.name = { column = "who", default = "Nobody" }\n[[target.parts.points]]\nkind = { value = "email" }\n'
        'value = "mail"\n[[target]]\nentity = "deal"\nkey = "id"\nfields.title = "id"\n'
        'fields.contact_id = { target = "person" }\n'
    )
    done = bring("id,who,mail\n1,Ann,\n2,,\n3,,a@example.com\n", named)
    assert (done.errors, done.counts) == ([], {"contact created": 2, "deal created": 3})
    assert names(crm, firm, Contact) == ["Ann", "Nobody"]


FIELDS = (
    'system = "s"\n[[fields]]\nentity = "company"\nkey = "size"\nlabel = "Size"\nkind = "choice"\n'
    'choices = ["S", "L"]\n'
    f'{TARGET}key = "n"\nfields.name = "n"\nfields.size = "z"\n'
)


def test_a_map_brings_its_fields_along(bring: Bring, crm: CRM, firm: Firm) -> None:
    """They are made once; a dry run makes none, and judges with them all the same."""
    rows = "n,z\nAcme,S\nBeta,XL\n"
    dry = bring(rows, FIELDS, dry_run=True)
    assert (dry.counts, len(dry.errors)) == ({"company created": 1}, 1)
    assert "size" not in crm.catalogue.entity("company").fields
    for counts in ({"company created": 1}, {"company unchanged": 1}):
        assert bring(rows, FIELDS).counts == counts
    with crm.read(firm.owner) as reader:
        assert [row.size for row in reader.stream(Query(Company, sort="id"))] == ["S"]


def test_a_field_that_is_there_stays_as_it_is(bring: Bring, crm: CRM, firm: Firm) -> None:
    """A map makes fields; it does not change those of the company."""
    with crm.work(firm.owner) as work:
        values = {"entity": "company", "key": "size", "label": "Mine", "kind": "text"}
        records.create(work, [Create(CustomField, values=values)])
    assert bring("n,z\nAcme,XL\n", FIELDS).counts == {"company created": 1}
    assert crm.catalogue.entity("company").fields["size"].label == "Mine"


def test_who_may_not_add_fields_is_told_which_are_needed(bring: Bring, crm: CRM, firm: Firm) -> None:
    """Once an owner has brought them in, others may use the map."""
    with pytest.raises(BadMap, match=r"only an owner may add: company\.size"):
        bring("n,z\nAcme,S\n", FIELDS, by=firm.lead)
    bring("n,z\n", FIELDS)
    assert bring("n,z\nAcme,S\n", FIELDS, by=firm.lead).counts == {"company created": 1}


def test_a_definition_that_cannot_be_is_refused(bring: Bring, crm: CRM, firm: Firm) -> None:
    """Before the first row is written."""
    for old, new in (
        ('kind = "choice"', 'kind = "shoe"'),
        ('"company"\nkey', '"shoe"\nkey'),
        ('choices = ["S", "L"]', ""),
    ):
        with pytest.raises(InputError):
            bring("n,z\nAcme,S\n", FIELDS.replace(old, new, 1))
    assert names(crm, firm, Company) == []


GUESSED = {
    "people.csv": "First name;Last name;E-mail;Phone;Company;Job title;Shoe size\n"
    + "".join(f"A{at};B{at};a{at}@example.com;020 7183 8{at:03};Firm {at % 3};Boss;{at % 4}\n" for at in range(20)),
    "deals.csv": "Deal ID,Amount,Currency,Created,Contact,Hot,Quality\n"
    + "".join(f'{at},"$1,{at:03}.50",Dollar,{at + 1:02}/13/2024,,{"YN"[at % 2]},Select\n' for at in range(9)),
    "odd.csv": "a;b\n1;2\n",
    "one.csv": "Name\nAnn\n",
}


AGAIN = {
    "people.csv": {"company found": 3, "contact unchanged": 20},
    "deals.csv": {"deal unchanged": 9},
    "odd.csv": {"contact found": 1},
    "one.csv": {"contact found": 1},
}


@pytest.mark.parametrize("file", GUESSED)
def test_a_guess_is_a_map_that_can_be_used_as_it_is(
    bring: Bring, crm: CRM, firm: Firm, tmp_path: Path, file: str
) -> None:
    """Nobody has to change a line; every row comes in, and a second time nothing changes."""
    path = tmp_path / file
    path.write_text(GUESSED[file])
    named = propose_map(crm, firm.owner, Wish(path=path))
    first = bring(GUESSED[file], named, file=file)
    assert first.errors == []
    again = bring(GUESSED[file], named, file=file)
    assert (again.errors, again.counts) == ([], AGAIN[file])


def test_a_workbook_and_json_lines_have_guesses_too(bring: Bring, crm: CRM, firm: Firm, tmp_path: Path) -> None:
    """By the same words; the sheet stands in the map."""
    rows = [["Full name", "E-mail"], ["Ann", "ann@example.com"]]
    data = sheets(tmp_path / "x.xlsx", People=rows, Other=[["x"]])
    named = propose_map(crm, firm.owner, Wish(path=tmp_path / "x.xlsx", sheet="People"))
    assert bring(data, named, file="x.xlsx").counts == {"contact created": 1}
    line = json.dumps(dict(zip(*rows, strict=True)))
    (tmp_path / "x.jsonl").write_text(line)
    assert 'entity = "contact"' in propose_map(crm, firm.owner, Wish(path=tmp_path / "x.jsonl"))


def test_each_sheet_of_a_workbook_has_its_own_error_file(crm: CRM, firm: Firm, tmp_path: Path) -> None:
    """No sheet takes away what another one's rows were rejected for."""
    rows = [["name", "employees"], ["Acme", "many"]]
    sheets(tmp_path / "x.xlsx", One=rows, Two=[["name", "employees"], ["Beta", "few"], ["Gama", 5]])
    sheet = '[[file]]\npath = "x.xlsx"\nsheet = "{}"\n[[file.target]]\nentity = "company"\n'
    sheet += 'fields.name = "name"\nfields.employees = "employees"\n'
    (tmp_path / "map.toml").write_text(sheet.format("One") + sheet.format("Two"))
    wish = Wish(path=tmp_path / "x.xlsx", map=tmp_path / "map.toml")
    one, two = run_import(crm, firm.owner, wish, _bar)
    assert one.errors == tmp_path / "x.xlsx.errors.csv"
    assert two.errors == tmp_path / "x.xlsx.2.errors.csv"
    assert ("Acme" in one.errors.read_text(), "Beta" in two.errors.read_text()) == (True, True)
    assert names(crm, firm, Company) == ["Gama"]
