"""An error file, once repaired, is brought in with the map of the file that its rows come from."""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from opencrm import CRM, Company, InputError, Query
from opencrm.plugins.importing.running import Wish, propose_map, run_import
from opencrm.testing import Firm


@contextmanager
def no_bar(_label: str, _length: int) -> Iterator[Callable[[int], None]]:
    yield lambda _steps: None


TEXT = "Größe;Firma;Straße;Mitarbeiter\n1;Müller;Köln;5\n2;Böhm;Düren;viele\n3;Jäger;Zürich;6\n"
MAP = '[[target]]\nentity = "company"\nfields.name = "Firmä"\nfields.employees = "Zahl"\n'


def names(crm: CRM, firm: Firm) -> list[str]:
    with crm.read(firm.owner) as reader:
        return sorted(row.name for row in reader.stream(Query(Company, sort="id")))


@pytest.mark.parametrize("encoding", ["cp1252", "utf-16", "utf-16-le", "utf-8"])
def test_a_guessed_map_reads_the_repaired_error_file(crm: CRM, firm: Firm, tmp_path: Path, encoding: str) -> None:
    """Whatever encoding the map names for the original: no letter of headers and values is lost."""
    path, mapped = tmp_path / "x.csv", tmp_path / "map.toml"
    path.write_bytes(TEXT.encode(encoding))
    mapped.write_text(propose_map(crm, firm.owner, Wish(path=path, entity="company")), encoding="utf-8")
    [first] = run_import(crm, firm.owner, Wish(path=path, map=mapped), no_bar)
    assert first.errors is not None
    assert first.errors.read_bytes().startswith(codecs.BOM_UTF8)
    told = first.errors.read_text(encoding="utf-8-sig")
    assert told.splitlines()[0] == "row;column;reason;value;code;Größe;Firma;Straße;Mitarbeiter"
    first.errors.write_text(told.replace(";viele\n", ";7\n"), encoding="utf-8-sig")
    [again] = run_import(crm, firm.owner, Wish(path=first.errors, map=mapped), no_bar)
    assert (again.errors, again.progress.rejected) == (None, 0)
    assert names(crm, firm) == ["Böhm", "Jäger", "Müller"]


@pytest.mark.parametrize(
    "head, rows",
    [
        ('header = ["Firmä", "Zahl"]\n', "Ä;5\nÖ;x\n"),
        ("header_row = 3\n", "Liste\n\nFirmä;Zahl\nÄ;5\nÖ;x\n"),
        ('header_row = 2\nheader = ["Firmä", "Zahl"]\n', "Liste;\nZahl;Zahl\nÄ;5\nÖ;x\n"),
        ('delimiter = ";"\nencoding = "cp1252"\n', "Firmä;Zahl\nÄ;5\nÖ;x\n"),
    ],
)
def test_what_a_map_says_of_a_files_shape_does_not_count_for_its_error_file(
    bring: Callable[..., Any], crm: CRM, firm: Firm, head: str, rows: str
) -> None:
    """An error file has its own header on its first line, and its own encoding."""
    first = bring(rows.encode("cp1252"), head + MAP)
    assert first.errors == [first.errors[0] | {"column": "Zahl", "value": "x", "Firmä": "Ö"}]
    repaired = first.outcome.errors.read_bytes().replace(b";x\n", b";7\n")
    assert bring(repaired, head + MAP, file="rows.csv.errors.csv").counts == {"company created": 1}
    assert names(crm, firm) == ["Ä", "Ö"]


def test_columns_called_like_those_of_the_error_file_are_no_trouble(bring: Callable[..., Any]) -> None:
    """The five columns before the cells are left out, with a map and without one; a spreadsheet may quote them."""
    named = '[[target]]\nentity = "company"\nfields.name = "value"\nfields.employees = "row"\n'
    first = bring("value,row\nAcme,x\n", named)
    data = first.outcome.errors.read_bytes().replace(b",x\n", b",7\n")
    assert bring(data, named, file="rows.csv.errors.csv").counts == {"company created": 1}
    plain = 'row;"column";reason;value;code;name\n2;x;x;x;x;Beta\n3;x;x;x;x\n'
    done = bring(plain, entity="company", file="e.csv")
    assert (done.counts, [row["code"] for row in done.errors]) == ({"company created": 1}, ["ragged_row"])


def test_an_error_file_of_a_sheet_is_read_with_the_map_that_names_the_sheet(
    bring: Callable[..., Any], tmp_path: Path
) -> None:
    """It is text; another text file is refused."""
    import xlsxwriter

    book = xlsxwriter.Workbook(str(tmp_path / "rows.xlsx"))
    sheet = book.add_worksheet("One")
    for row, cells in enumerate([["Firmä", "Zahl"], ["Ä", "x"]]):
        sheet.write_row(row, 0, cells)
    book.close()
    named = f'sheet = "One"\n{MAP}'
    first = bring((tmp_path / "rows.xlsx").read_bytes(), named, file="rows.xlsx")
    data = first.outcome.errors.read_bytes().replace(b",x\n", b",7\n")
    assert bring(data, named, file="rows.xlsx.errors.csv").counts == {"company created": 1}
    with pytest.raises(InputError, match="has no sheets"):
        bring("Firmä,Zahl\nÄ,5\n", named)


def test_an_error_file_belongs_to_its_file_of_a_map_of_several(bring: Callable[..., Any]) -> None:
    """By its name; the second of a workbook's by its number."""
    files = [("a.csv", "company", "a"), ("b.csv", "contact", "b"), ("b.csv", "company", "c")]
    part = '[[file]]\npath = "{}"\n[[file.target]]\nentity = "{}"\nfields.name = "{}"\n'
    named = "".join(part.format(*each) for each in files)
    assert bring("a\nAcme\n", named, file="a.csv.errors.csv").counts == {"company created": 1}
    assert bring("b\nAnn\n", named, file="b.csv.errors.csv").counts == {"contact created": 1}
    assert bring("c\nBeta\n", named, file="b.csv.2.errors.csv").counts == {"company created": 1}
    with pytest.raises(InputError, match="says nothing of a file"):
        bring("c\nBeta\n", named, file="b.csv.3.errors.csv")
