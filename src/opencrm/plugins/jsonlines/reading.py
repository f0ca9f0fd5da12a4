"""Rows of a file of JSON lines, read twice: once for the names of its columns, once for its cells."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from opencrm.embed import Row
from opencrm.plugins.jsonlines.flattening import flat
from opencrm.plugins.jsonlines.problems import NotJsonLines

LONGEST = 4 * 1024 * 1024
"""Bytes of a line; a longer one costs that line, and is never held in memory."""

MOST_COLUMNS = 2_000


@contextmanager
def object_rows(path: Path) -> Iterator[Iterator[Row]]:
    """Open a file and give its objects as rows below a header of all their names.

    Raises:
        NotJsonLines: No line of it is an object, or they have too many names.
    """
    header = _header(path)
    with path.open("rb") as stream:
        yield _rows(stream, header)


def _rows(stream: BinaryIO, header: dict[str, int]) -> Iterator[Row]:
    yield Row(0, list(header))
    for line, found in _objects(stream):
        if isinstance(found, str):
            yield Row(line, (), found)
        elif not found.keys() <= header.keys():
            yield Row(line, (), "was changed while the file was read")
        else:
            yield Row(line, [found.get(name) for name in header])


def _header(path: Path) -> dict[str, int]:
    """Return the names of all objects, in the order in which they first appear."""
    names: dict[str, int] = {}
    fault: tuple[int, str] | None = None
    with path.open("rb") as stream:
        _refuse_others(path, stream)
        for line, found in _objects(stream):
            if isinstance(found, str):
                fault = fault or (line, found)
                continue
            for name in found:
                names.setdefault(name, len(names))
            if len(names) > MOST_COLUMNS:
                raise NotJsonLines(path.name, f"line {line}: the objects have more than {MOST_COLUMNS:,} names")
    if not names:
        why = f"line {fault[0]} {fault[1]}" if fault else "it is empty"
        raise NotJsonLines(path.name, f"holds no JSON object on a line of its own: {why}")
    return names


def _refuse_others(path: Path, stream: BinaryIO) -> None:
    start = stream.read(64)
    if b"\x00" in start:
        raise NotJsonLines(path.name, "is not UTF-8")
    if start.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"["):
        raise NotJsonLines(path.name, "is a JSON array: write each of its objects on a line of its own")
    stream.seek(0)


def _objects(stream: BinaryIO) -> Iterator[tuple[int, dict[str, str | None] | str]]:
    """Give the number of each line that is not blank, with its cells or with what is wrong."""
    for line, raw in _lines(stream):
        if raw is None:
            yield line, f"is longer than {LONGEST:,} bytes"
        elif raw.strip():
            try:
                yield line, flat(raw.decode("utf-8-sig" if line == 1 else "utf-8"))
            except UnicodeDecodeError as error:
                yield line, f"is not UTF-8: byte {error.start + 1} of the line is {raw[error.start]:#04x}"
            except ValueError as error:
                yield line, str(error)


def _lines(stream: BinaryIO) -> Iterator[tuple[int, bytes | None]]:
    """Give the lines; None for one that is too long."""
    line = 0
    while raw := stream.readline(LONGEST + 1):
        line += 1
        if len(raw) <= LONGEST or raw.endswith(b"\n"):
            yield line, raw
            continue
        while raw and not raw.endswith(b"\n"):
            raw = stream.readline(LONGEST)
        yield line, None
