"""JSON lines: whatever a line holds, its row or its fault; what is written comes back."""

from __future__ import annotations

import io
import json
import tracemalloc
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opencrm.plugins.jsonlines import reading
from opencrm.plugins.jsonlines.flattening import flat
from opencrm.plugins.jsonlines.problems import NotJsonLines
from opencrm.plugins.jsonlines.reading import object_rows
from opencrm.plugins.jsonlines.writing import write_objects


def read(folder: Path, data: str | bytes) -> list[tuple[int, list[str | None], str | None]]:
    path = folder / "a.jsonl"
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    with object_rows(path) as rows:
        return [(row.line, list(row.cells), row.fault) for row in rows]


def test_the_header_holds_every_name_of_every_line(tmp_path: Path) -> None:
    """In the order in which they first appear; a name that a line lacks is blank."""
    found = read(tmp_path, '{"name": "Ann", "n": 1}\n\n{"city": "Graz", "name": "Bob"}\n')
    assert found == [(0, ["name", "n", "city"], None), (1, ["Ann", "1", None], None), (3, ["Bob", None, "Graz"], None)]


def test_what_an_object_holds_inside_becomes_columns(tmp_path: Path) -> None:
    """Objects by a point, lists of objects by their number; of a list of words the words are joined."""
    nested = '"a": {"b": 1, "c": {}}, "points": [{"kind": "email"}, {"kind": "phone"}]'
    line = f'{{{nested}, "words": ["x", 2], "odd": ["a,b"], "no": []}}'
    header, row = read(tmp_path, line)
    assert dict(zip(header[1], row[1], strict=True)) == {
        "a.b": "1",
        "points[0].kind": "email",
        "points[1].kind": "phone",
        "words": "x,2",
        "odd": '["a,b"]',
    }


def test_numbers_keep_every_digit(tmp_path: Path) -> None:
    """Nothing is read as a float, and no exponent is unfolded."""
    _, row = read(tmp_path, '{"a": 12345678901234567890.10, "b": 1e999999999, "c": -0.0, "d": true, "e": null}')
    assert row[1] == ["12345678901234567890.10", "1e999999999", "-0.0", "true", None]


FAULTS = {
    b'{"a": 1': "is not JSON",
    b"[1]": "is no JSON object",
    b"5": "is no JSON object",
    b'{"a": NaN}': "NaN is no number",
    b'{"a": 1, "a": 2}': "names 'a' twice",
    b'{"a": {"b": 1}, "a.b": 2}': "names 'a.b' twice",
    b'{"a": "\xff"}': "is not UTF-8: byte 8 of the line is 0xff",
    b'{"a": ' * 100_000: "is nested too deeply",
    b'{"a": ' * 20 + b"1" + b"}" * 20: "is nested more than 8 levels deep",
    b'{"a": 1} {"a": 2}': "is not JSON: Extra data",
}


@pytest.mark.parametrize("line", FAULTS, ids=FAULTS.values())
def test_a_line_that_cannot_be_used_costs_itself_alone(tmp_path: Path, line: bytes) -> None:
    """Its number and its reason are told; the lines around it are read."""
    found = read(tmp_path, b'{"a": "x"}\n' + line + b'\n{"a": "y"}\n')
    assert [(at, cells) for at, cells, fault in found if not fault] == [(0, ["a"]), (1, ["x"]), (3, ["y"])]
    [(at, fault)] = [(at, fault) for at, _, fault in found if fault]
    assert at == 2
    assert FAULTS[line] in fault


def test_a_line_without_end_is_never_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A line of 64 MB costs that row and no memory; so would one of a gigabyte."""
    monkeypatch.setattr(reading, "LONGEST", 100_000)
    path = tmp_path / "a.jsonl"
    with path.open("wb") as stream:
        stream.write(b'{"a": "')
        for _ in range(64):
            stream.write(b"x" * 1_000_000)
        stream.write(b'"}\n{"a": "y"}\n')
    tracemalloc.start()
    with object_rows(path) as rows:
        found = [(row.line, row.fault) for row in rows]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found == [(0, None), (1, "is longer than 100,000 bytes"), (2, None)]
    assert peak < 2_000_000


def test_a_line_of_exactly_the_limit_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With its line feed or at the end of the file; one byte more is too long."""
    monkeypatch.setattr(reading, "LONGEST", 12)
    for data in (b'{"a": "xyz"}\n', b'{"a": "xyz"}'):
        assert read(tmp_path, data)[1] == (1, ["xyz"], None)
    assert read(tmp_path, b'{"a": 1}\n{"a": "wxyz"}\n')[2][2] == "is longer than 12 bytes"


REFUSED = {
    b"": "it is empty",
    b"\n\n": "it is empty",
    b"[\n": "is a JSON array",
    b'\xef\xbb\xbf[{"a": 1}]': "is a JSON array",
    '{"a": 1}'.encode("utf-16"): "is not UTF-8",
    b"name,city\nAnn,Graz\n": "line 1 is not JSON",
    b'{\n  "a": 1\n}\n': "line 1 is not JSON",
}


@pytest.mark.parametrize("data", REFUSED, ids=REFUSED.values())
def test_a_file_without_an_object_is_refused(tmp_path: Path, data: bytes) -> None:
    """With its name, and what it seems to be."""
    with pytest.raises(NotJsonLines, match=rf"a\.jsonl.*{REFUSED[data]}"):
        read(tmp_path, data)


def test_a_file_with_names_without_end_is_refused(tmp_path: Path) -> None:
    """Each line may bring new ones."""
    lines = "".join(f'{{"n{at}": 1}}\n' for at in range(2_001))
    with pytest.raises(NotJsonLines, match="line 2001: the objects have more than 2,000 names"):
        read(tmp_path, lines)


def test_a_mark_at_the_beginning_is_no_part_of_a_name(tmp_path: Path) -> None:
    """Windows programs write one."""
    assert read(tmp_path, b'\xef\xbb\xbf{"a": 1}\r\n')[0] == (0, ["a"], None)


def test_values_are_written_as_rest_gives_them() -> None:
    """Numbers are text, so that no reader rounds them; times are in UTC."""
    stream = io.BytesIO()
    row = ["Zoë", Decimal("1200.5"), 5, True, None, date(2026, 3, 2), datetime(2026, 3, 2, 9, tzinfo=UTC), [{"k": 1}]]
    write_objects(stream, [f"f{at}" for at in range(8)], [row, row])
    first, second = stream.getvalue().decode().splitlines()
    assert first == second
    assert "Zoë" in first
    assert list(json.loads(first).values()) == [
        "Zoë",
        "1200.50",
        5,
        True,
        None,
        "2026-03-02",
        "2026-03-02T09:00:00Z",
        [{"k": 1}],
    ]


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=1))
def test_any_text_comes_back(texts: list[str]) -> None:
    """Whatever a text holds, it stands on one line and is read as it was written."""
    stream = io.BytesIO()
    write_objects(stream, ["a"], [[text] for text in texts])
    lines = stream.getvalue().split(b"\n")
    assert lines.pop() == b""
    assert [flat(line.decode())["a"] for line in lines] == texts


@given(st.text())
def test_no_line_raises_anything_but_a_sentence(line: str) -> None:
    """Cells, or a ValueError."""
    try:
        assert all(isinstance(name, str) for name in flat(line))
    except ValueError as error:
        assert str(error)
