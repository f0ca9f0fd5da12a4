"""Workbooks that opencrm writes: nothing runs, nothing is rounded, and reading them gives the same."""

from __future__ import annotations

import io
import json
import os
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest

from opencrm.plugins.spreadsheets import writing
from opencrm.plugins.spreadsheets.problems import DoesNotFit
from opencrm.plugins.spreadsheets.reading import sheet_rows
from opencrm.plugins.spreadsheets.writing import write_xlsx

SHARED = Path(os.environ.get("OPENCRM_SHARED_DATA") or Path(__file__).parents[4] / "shared" / "data")
NAUGHTY = SHARED / "naughty-strings" / "blns.json"


def there_and_back(folder: Path, *values: Any) -> list[Any]:
    """Write each value into a row of its own, and read them again."""
    path = folder / "a.xlsx"
    with path.open("wb") as stream:
        write_xlsx(stream, ["value", "end"], [[value, "."] for value in values])
    with sheet_rows(path, "") as rows:
        return [row.cells[0] for row in rows][1:]


def sheet_of(*values: Any) -> str:
    stream = io.BytesIO()
    write_xlsx(stream, ["v"], [[value] for value in values])
    with ZipFile(stream) as archive:
        return archive.read("xl/worksheets/sheet1.xml").decode()


def test_no_text_is_a_formula() -> None:
    """Whatever it begins with, it is text; nor does an address become a link."""
    xml = sheet_of("=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "=cmd|'/c calc'!A0", "https://example.com", "{=1}")
    assert "<f>" not in xml
    assert "hyperlink" not in xml
    assert xml.count('t="inlineStr"') == 9


def test_values_come_back_as_they_were(tmp_path: Path) -> None:
    """Text as text, numbers exactly, dates as dates, instants as the same instants."""
    moment = datetime(2026, 3, 2, 9, 20, 17, tzinfo=timezone(timedelta(hours=2)))
    values = ["=1+1", "00123", "x\r\ny", " z ", 5, Decimal("1200.5"), Decimal("0.0001"), date(2026, 3, 2), moment]
    assert there_and_back(tmp_path, *values) == [*values[:-1], moment.astimezone(UTC)]
    assert there_and_back(tmp_path, True, False, None) == ["true", "false", None]
    assert there_and_back(tmp_path, ["b", "a"], {"k": 1}) == ['["b", "a"]', '{"k": 1}']


def test_a_number_that_a_sheet_would_round_is_text(tmp_path: Path) -> None:
    """A sheet keeps 15 digits."""
    fits, long, whole = Decimal("99999999999.9999"), Decimal("12345678901234.5678"), 9_007_199_254_740_993
    assert there_and_back(tmp_path, fits, long, whole) == [fits, "12345678901234.5678", "9007199254740993"]


def test_a_day_that_programs_disagree_about_is_text(tmp_path: Path) -> None:
    """Before March 1900."""
    assert there_and_back(tmp_path, date(1899, 12, 31), date(1900, 3, 1)) == ["1899-12-31", date(1900, 3, 1)]


def test_control_characters_come_back(tmp_path: Path) -> None:
    """They are written as Excel writes them, and so is text that only looks like that."""
    values = [*(f"a{chr(code)}b" for code in range(1, 32)), "_x0041_", "_x005F_", "\x7f\x85\u2028\u202e\ufeff"]
    assert there_and_back(tmp_path, *values) == values


@pytest.mark.skipif(not NAUGHTY.is_file(), reason="OPENCRM_SHARED_DATA names no folder with the naughty strings")
def test_naughty_strings_come_back(tmp_path: Path) -> None:
    """All of them but one: U+FFFE is no character, and comes back as its escape."""
    strings = json.loads(NAUGHTY.read_text(encoding="utf-8"))
    found = there_and_back(tmp_path, *strings)
    lost = {text: back for text, back in zip(strings, found, strict=True) if (back or "") != text}
    assert lost == {text: text.replace("\ufffe", "_xFFFE_") for text in strings if "\ufffe" in text}


def test_what_does_not_fit_is_told_and_nothing_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    """A cell's characters count as the program counts them; an unfinished file leaves nothing behind."""
    write_xlsx(io.BytesIO(), ["a"], [["x" * 32_767], ["😀" * 16_383]])
    for text in ("x" * 32_768, "😀" * 16_384):
        with pytest.raises(DoesNotFit, match=r"row 2, a: a cell has at most 32,767 characters"):
            write_xlsx(io.BytesIO(), ["a"], [[text]])
    with pytest.raises(DoesNotFit, match="at most 16,384 columns"):
        write_xlsx(io.BytesIO(), ["a"] * 16_385, [])
    monkeypatch.setattr(writing, "MOST_ROWS", 3)
    stream = io.BytesIO()
    with pytest.raises(DoesNotFit, match="at most 3 rows"):
        write_xlsx(stream, ["a"], [["x"]] * 3)
    assert stream.getvalue() == b""


def test_rows_are_not_held_in_memory() -> None:
    """Peak memory does not grow with the rows."""
    import tracemalloc

    peaks = []
    for rows in (2_000, 20_000):
        tracemalloc.start()
        with open(os.devnull, "wb") as stream:  # noqa: PTH123  # the null device is no path
            write_xlsx(stream, ["a", "b"], ([f"text {at}", at] for at in range(rows)))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] + 1_000_000
