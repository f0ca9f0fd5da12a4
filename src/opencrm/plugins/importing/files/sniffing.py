"""What a file is: text or not, in which encoding, with which delimiter."""

from __future__ import annotations

import codecs
import csv
import hashlib
import re
from pathlib import Path

import attrs

from opencrm.plugins.importing.problems import BadEncoding, EmptyFile, NotCsv

DELIMITERS = (",", ";", "\t", "|")
_SAMPLE = 256 * 1024
_WIDTH_BELOW_TITLE = 3
_BLOCK = 1024 * 1024
_LONGEST_LINE = 1_000_000
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_KINDS = (
    (b"PK\x03\x04", "a workbook or another zip archive (xlsx, ods, docx)"),
    (b"PK\x05\x06", "an empty zip archive"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old workbook (xls)"),
    (b"%PDF-", "a PDF document"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"7z\xbc\xaf", "a 7z archive"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"GIF8", "a picture"),
    (b"SQLite format 3\x00", "a database"),
    (b"{\\rtf", "a rich-text document"),
    (b"BEGIN:VCARD", "a list of vCards"),
    (b"BEGIN:VCALENDAR", "a calendar"),
)
_MARKUP = re.compile(rb"\s*<(\?xml|!doctype|html|table|head|body)\b", re.IGNORECASE)
_CONTROLS = bytes(each for each in range(32) if each not in b"\t\n\v\f\r\x1b")
_HIGH = re.compile(rb"[\x80-\xff]")
_CYRILLIC = re.compile(rb"[\xc0-\xff\xa8\xb8]{2,}")
_ESCAPED = re.compile("[\udc80-\udcff]")
_ERROR_LINE = re.compile(r'\ufeff?"?row"?(.)"?column"?\1"?reason"?\1"?value"?\1"?code"?\1')
_SEPARATOR_LINE = re.compile(r'"?sep=(.)"?\r?\n?', re.IGNORECASE)


@attrs.frozen(kw_only=True)
class Format:
    """How to read a file.

    Attributes:
        encoding: Name of the codec.
        guessed: Whether the encoding is a guess that the user should look at.
        clean: Whether every byte of the file is known to be text in that encoding.
        delimiter: What stands between two cells.
        skip: Lines before the header that say only how to read the file (`sep=;`).
        digest: SHA-256 of the file's bytes, in hexadecimal.
        lines: How many line feeds it has.
    """

    encoding: str
    guessed: bool
    clean: bool
    delimiter: str
    skip: int
    digest: str
    lines: int


@attrs.frozen
class _Scan:
    """What one pass over the bytes tells: line feeds, characters of valid UTF-8 beyond ASCII, bytes that are none."""

    digest: str
    lines: int
    wide: int
    broken: int


def detect(
    path: Path, *, encoding: str | None = None, delimiter: str | None = None, header_row: int | None = None
) -> Format:
    """Find out how to read a file; what is given is not guessed, unless the file itself says otherwise.

    A mark at the beginning decides the encoding, and the first line of an error file the delimiter: the map that they
    are read with may have been made for another file.

    Raises:
        EmptyFile, NotCsv, BadEncoding: The file cannot be read as a table of text.
    """
    with path.open("rb") as stream:
        sample = stream.read(_SAMPLE)
    _refuse_others(path, sample)
    scan = _scan(path)
    told = _marked(sample) or encoding
    found, guessed = (told, False) if told else _encoding(path, sample, scan)
    text = _text(path, sample, found)
    if not text.strip():
        raise EmptyFile(path.name, "is empty")
    _check_lines(path, found)
    hint, errors = _SEPARATOR_LINE.match(text), _ERROR_LINE.match(text)
    return Format(
        encoding=found,
        guessed=guessed,
        clean=found in ("utf-8", "utf-8-sig") and not scan.broken,
        delimiter=errors[1]
        if errors
        else delimiter or (hint[1] if hint else _delimiter(text[:65536], header_row or 1)),
        skip=1 if hint else 0,
        digest=scan.digest,
        lines=scan.lines,
    )


def _refuse_others(path: Path, sample: bytes) -> None:
    if not sample.strip():
        raise EmptyFile(path.name, "is empty")
    kind = next((name for magic, name in _KINDS if sample.startswith(magic)), None)
    if kind is None and _MARKUP.match(sample.removeprefix(codecs.BOM_UTF8)):
        kind = "a web page or XML"
    if kind is not None:
        raise NotCsv(path.name, f"is {kind}, not CSV: save or export it as CSV first")


def _scan(path: Path) -> _Scan:
    digest, lines, wide, broken = hashlib.sha256(), 0, 0, 0
    decode = codecs.getincrementaldecoder("utf-8")("surrogateescape").decode
    with path.open("rb") as stream:
        while block := stream.read(_BLOCK):
            digest.update(block)
            lines += block.count(b"\n")
            text = decode(block)
            if not text.isascii():
                bad = len(_ESCAPED.findall(text))
                broken += bad
                wide += len(text) - len(text.encode("ascii", "ignore")) - bad
    tail = decode(b"", True)
    return _Scan(digest.hexdigest(), lines, wide, broken + len(tail))


def _marked(sample: bytes) -> str | None:
    """Return the encoding that a mark at the file's beginning tells, if there is one."""
    return next((name for mark, name in _BOMS if sample.startswith(mark)), None)


def _encoding(path: Path, sample: bytes, scan: _Scan) -> tuple[str, bool]:
    """Return the encoding of a file without a mark, and whether it is a guess."""
    wide = next((name for name in ("utf-16-le", "utf-16-be") if _is_utf16(sample, name)), None)
    if wide is not None:
        return wide, True
    if scan.broken == 0 or scan.wide >= scan.broken:
        return "utf-8", False
    if len(sample.translate(None, delete=_CONTROLS)) < 0.95 * len(sample):
        raise NotCsv(path.name, "is not text")
    high, cyrillic = len(_HIGH.findall(sample)), sum(map(len, _CYRILLIC.findall(sample)))
    return ("cp1251" if cyrillic * 2 > high else "cp1252"), True


def _is_utf16(sample: bytes, encoding: str) -> bool:
    """Say whether bytes without a mark are UTF-16: they hold NULs, and line breaks when they are read so."""
    if sample.count(0) * 50 < len(sample):
        return False
    try:
        text = codecs.getincrementaldecoder(encoding)().decode(sample)
    except UnicodeError:
        return False
    return "\n" in text or "\r" in text


def _text(path: Path, sample: bytes, encoding: str) -> str:
    try:
        if not codecs.lookup(encoding)._is_text_encoding:
            raise LookupError(encoding)
        return codecs.getincrementaldecoder(encoding)(errors_of(encoding)).decode(sample)
    except LookupError:
        raise BadEncoding(path.name, f"{encoding!r} is not the name of an encoding, such as utf-8 or cp1252") from None
    except UnicodeError as error:
        raise BadEncoding(path.name, f"is not text in {encoding}: {error}") from None


def errors_of(encoding: str) -> str:
    """Return how bytes that are no text become visible in single cells, so that they cost a row and not the file."""
    return "surrogatepass" if codecs.lookup(encoding).name.startswith(("utf-16", "utf-32")) else "surrogateescape"


def _check_lines(path: Path, encoding: str) -> None:
    """Read every line once, before anything is written."""
    number = 0
    try:
        with path.open(encoding=encoding, errors=errors_of(encoding), newline="") as stream:
            while line := stream.readline(_LONGEST_LINE):
                number += 1
                if len(line) == _LONGEST_LINE:
                    raise NotCsv(path.name, f"line {number} is longer than {_LONGEST_LINE:,} characters")
    except UnicodeError as error:
        raise BadEncoding(path.name, f"is not text in {encoding} after line {number}: {error}") from None


def _delimiter(text: str, header_row: int) -> str:
    """Return the delimiter by which most of the first rows have as many cells as the header, and the header most."""
    lines = text.splitlines(keepends=True)[header_row - 1 :][:40]
    return max(DELIMITERS, key=lambda each: _score(lines, each))


def _score(lines: list[str], delimiter: str) -> tuple[float, int]:
    try:
        rows = [row for row in csv.reader(lines, delimiter=delimiter) if row]
    except csv.Error:
        return 0.0, 0
    width = next((len(row) for row in rows if len(row) > 1), 0)
    if width < 2 or (len(rows[0]) == 1 and width < _WIDTH_BELOW_TITLE):
        return 0.0, width
    return sum(len(row) == width for row in rows) / len(rows), width
