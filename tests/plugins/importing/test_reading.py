"""CSV as it comes out of other systems: encodings, delimiters, shapes, and files that are something else."""

from __future__ import annotations

from pathlib import Path

import pytest

from opencrm.plugins.importing.files.reading import TableFile, open_csv
from opencrm.plugins.importing.problems import BadEncoding, BadHeader, EmptyFile, FileRefused, NotCsv


def opened(folder: Path, data: bytes, encoding: str | None = None) -> TableFile:
    path = folder / "file.csv"
    path.write_bytes(data)
    return open_csv(path, encoding=encoding)


def told(file: TableFile) -> list[tuple[int, list[str], str | None]]:
    return [(row.line, list(row.cells), row.fault.code if row.fault else None) for row in file.rows()]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1251"])
def test_the_encoding_is_found(tmp_path: Path, encoding: str) -> None:
    """Cyrillic text is read whatever of the usual encodings it is in."""
    text = "имя;город и страна\nПётр;Тверь, Russia\nЖанна;Псков, Russia\n"  # Russian
    file = opened(tmp_path, text.encode(encoding))
    assert file.header == ("имя", "город и страна")
    assert told(file)[0] == (2, ["Пётр", "Тверь, Russia"], None)


def test_western_text_that_is_not_utf8_is_taken_for_cp1252_and_said_so(tmp_path: Path) -> None:
    """Accented letters that stand alone make the file Western; the guess is told."""
    file = opened(tmp_path, "name,city\nMüller,Köln\nJosé,Genève\n".encode("cp1252"))
    assert (file.guess, told(file)[0][1]) == ("cp1252", ["Müller", "Köln"])


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_mark_counts_more_than_what_is_said(tmp_path: Path, encoding: str) -> None:
    """The mark is the file's own; what a map says may be of another file."""
    file = opened(tmp_path, "größe,straße\nMüller,Köln\n".encode(encoding), "cp1252")
    assert (file.guess, file.header, told(file)[0][1]) == (None, ("größe", "straße"), ["Müller", "Köln"])


@pytest.mark.parametrize("title", ["List", "List;;;", '"List"\nof,2025;;\n\n;;;'])
def test_the_header_may_stand_on_another_line(tmp_path: Path, title: str) -> None:
    """The delimiter is found from there on; a line that is blank or not there is told."""
    path = tmp_path / "file.csv"
    path.write_text(f"{title}\na;b,c;d\n1;2;3\n")
    line = title.count("\n") + 2
    file = open_csv(path, header_row=line)
    assert (file.header, told(file)) == (("a", "b,c", "d"), [(line + 1, ["1", "2", "3"], None)])
    with pytest.raises(BadHeader, match=f"on its line {line}"):
        file.position("x")
    with pytest.raises(EmptyFile, match="no header on line 99"):
        open_csv(path, header_row=99)


def test_blank_rows_above_the_header_are_left_out(tmp_path: Path) -> None:
    """As in a workbook."""
    assert opened(tmp_path, b",,\na,b,c\n1,2,3\n").header == ("a", "b", "c")


def test_one_broken_byte_costs_one_row_of_a_utf8_file(tmp_path: Path) -> None:
    """A file that is UTF-8 but for one cell loses that row, and keeps its other letters."""
    file = opened(tmp_path, "name,city\nMüller,Köln\nJos".encode() + b"\xe9,Bonn\nx,y\n")
    assert [row[2] for row in told(file)] == [None, "bad_encoding", None]


def test_an_encoding_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    """UTF-16 that ends within a character is refused with the file's name."""
    with pytest.raises(BadEncoding, match=r"file\.csv"):
        opened(tmp_path, b"\xff\xfea\x00,\x00b\x00\n\x00\x00")


def test_half_a_surrogate_pair_costs_one_row(tmp_path: Path) -> None:
    """UTF-16 can hold it, text cannot."""
    half = "a,b\n1,x".encode("utf-16") + b"\x00\xd8" + "\n2,y\n".encode("utf-16-le")
    assert [row[2] for row in told(opened(tmp_path, half))] == ["bad_encoding", None]


def test_a_cell_without_bounds_costs_one_row(tmp_path: Path) -> None:
    """It is told apart from an open quote."""
    data = b"a,b\n1," + b"x" * 200_000 + b"\n2,y\n"
    assert [row[2] for row in told(opened(tmp_path, data))] == ["long_cell", None]


def test_an_open_quote_does_not_swallow_a_long_file(tmp_path: Path) -> None:
    """Thousands of short lines below it are read."""
    rows = told(opened(tmp_path, b'a,b\n"x,1\n' + b"y,2\n" * 5_000))
    assert [row[2] for row in rows].count(None) == 5_000


def test_an_unknown_encoding_is_refused(tmp_path: Path) -> None:
    """The name of an encoding that does not exist, or is none of text, is refused."""
    for name in ("klingon", "base64"):
        with pytest.raises(BadEncoding, match=name):
            opened(tmp_path, b"a,b\n", encoding=name)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found_with_others_inside_the_cells(tmp_path: Path, delimiter: str) -> None:
    """Decimal commas and quoted delimiters do not mislead."""
    rows = [["name", "price"], ["a", "1,5"], ["b; c", "2,5"], ["d | e", "3,5"]]
    text = "\n".join(delimiter.join(f'"{cell}"' for cell in row) for row in rows)
    assert told(opened(tmp_path, text.encode()))[1] == (3, ["b; c", "2,5"], None)


def test_excels_hint_is_followed_and_not_a_row(tmp_path: Path) -> None:
    """`sep=;` on the first line is no header."""
    file = opened(tmp_path, b"sep=;\na;b\n1;2\n")
    assert (file.header, told(file)) == (("a", "b"), [(3, ["1", "2"], None)])


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_are_counted_as_an_editor_counts_them(tmp_path: Path, end: str) -> None:
    """A quoted line break makes a row longer, and the next one's number higher."""
    file = opened(tmp_path, end.join(["a,b", f'"x{end}y",1', "", "z,2", ""]).encode())
    assert [row[0] for row in told(file)] == [2, 5]


def test_a_delimiter_at_the_end_of_the_header_or_of_the_rows_alone_is_no_fault(tmp_path: Path) -> None:
    """Exports that end lines with a delimiter are read, wherever they forget it."""
    assert told(opened(tmp_path, b"a;b;\n1;2;\n3;4\n")) == [(2, ["1", "2", ""], None), (3, ["3", "4", ""], None)]
    assert told(opened(tmp_path, b"a;b\n1;2;\n3;4;;\n")) == [(2, ["1", "2"], None), (3, ["3", "4"], None)]


def test_rows_of_another_width_are_ragged(tmp_path: Path) -> None:
    """A cell too many or too few rejects the row, not the file."""
    codes = [row[2] for row in told(opened(tmp_path, b"a,b,c\n1,2\n1,2,3,4\n1,2,3\n"))]
    assert codes == ["ragged_row", "ragged_row", None]


def test_an_open_quote_costs_its_own_line_only(tmp_path: Path) -> None:
    """What an open quote would swallow is read as rows of its own."""
    rows = told(opened(tmp_path, b'a,b\n"x,1\ny,2\n"z"z,3\nw,4\n"v,5\n'))
    assert [(row[0], row[2]) for row in rows] == [
        (2, "bad_quotes"), (3, None), (4, "bad_quotes"), (5, None), (6, "bad_quotes")
    ]  # fmt: skip


def test_a_header_in_the_middle_is_no_row(tmp_path: Path) -> None:
    """Files that were joined end to end repeat their header; it is reported."""
    assert [row[2] for row in told(opened(tmp_path, b"a,b\n1,2\na,b\n3,4\n"))] == [None, "repeated_header", None]


def test_blank_lines_and_rows_are_left_out(tmp_path: Path) -> None:
    """Neither an empty line nor one of delimiters and blanks is a row."""
    assert [row[0] for row in told(opened(tmp_path, b"a,b\n\n , \n1,2\n,\n"))] == [4]


def test_columns_are_found_whatever_their_case_and_blanks(tmp_path: Path) -> None:
    """A map's `Deal Name` is the file's ` deal  name`."""
    assert opened(tmp_path, b"id, deal  name\n").position("Deal Name") == 1


@pytest.mark.parametrize("column", ["twice", "missing"])
def test_a_column_that_is_missing_or_doubled_is_refused_when_it_is_needed(tmp_path: Path, column: str) -> None:
    """The header is judged by what the map needs."""
    file = opened(tmp_path, b"twice,twice,once\n1,2,3\n")
    assert file.position("once") == 2
    with pytest.raises(BadHeader, match=column):
        file.position(column)


@pytest.mark.parametrize("data", [b"", b"\n\n", b"  \r\n", b"\xef\xbb\xbf", b"\xff\xfe", b";;\n"])
def test_an_empty_file_is_refused(tmp_path: Path, data: bytes) -> None:
    """A file without a header is empty, whatever blanks it holds."""
    with pytest.raises(EmptyFile):
        opened(tmp_path, data)


@pytest.mark.parametrize(
    "data",
    [
        b"PK\x03\x04\x14\x00",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        b"%PDF-1.7",
        b"\x1f\x8b\x08",
        b"\x89PNG\r\n",
        b"<html><table>",
        b'\xef\xbb\xbf<?xml version="1.0"?>',
        b"BEGIN:VCARD\n",
        bytes(range(256)) * 20,
    ],
)
def test_a_file_that_is_something_else_is_refused(tmp_path: Path, data: bytes) -> None:
    """A workbook, a PDF, a picture or a web page called .csv is not read as text."""
    with pytest.raises(NotCsv):
        opened(tmp_path, data)


def test_a_line_without_end_is_refused_before_it_fills_the_memory(tmp_path: Path) -> None:
    """A megabyte without a line break is no row."""
    with pytest.raises(NotCsv, match="longer than"):
        opened(tmp_path, b"a,b\n1," + b"x" * 2_000_000)


def test_the_digest_tells_files_apart(tmp_path: Path) -> None:
    """Other bytes, another digest."""
    assert opened(tmp_path, b"a\n1\n").digest != opened(tmp_path, b"a\n2\n").digest


def test_what_is_refused_says_so_with_the_files_name(tmp_path: Path) -> None:
    """Every refusal is an InputError that names the file."""
    with pytest.raises(FileRefused) as caught:
        opened(tmp_path, b"")
    assert caught.value.fields == {"file.csv": ["is empty"]}
