"""Why a file, a map or a row cannot be used; each with its own stable code."""

from __future__ import annotations

from typing import ClassVar

import attrs

from opencrm import InputError


class FileRefused(InputError):
    """The whole file cannot be read; nothing of it was written."""

    code: ClassVar[str] = "file_refused"

    def __init__(self, file: str, text: str) -> None:
        super().__init__({file: [text]})


class EmptyFile(FileRefused):
    """The file holds no header."""

    code = "empty_file"


class NotCsv(FileRefused):
    """The file is something else than its name says: a workbook, a PDF, a web page."""

    code = "not_csv"


class BadEncoding(FileRefused):
    """The file's bytes are no text in the encoding that was found or asked for."""

    code = "bad_encoding"


class BadHeader(FileRefused):
    """A column that is needed is missing, or stands there twice."""

    code = "bad_header"


class UnknownField(FileRefused):
    """A file without a map has a column that is no field of the entity."""

    code = "unknown_field"


class BadMap(InputError):
    """The map says something that opencrm does not know."""

    code = "bad_map"

    def __init__(self, place: str, text: str) -> None:
        super().__init__({place: [text]})


@attrs.frozen
class Fault:
    """Why one row was rejected: a line of the error file.

    Args:
        column: The header of the column to look at; empty where the whole row is at fault.
        code: Stable name of the reason, such as `"ragged_row"`.
        reason: A sentence for the user.
        value: The cell's text, as far as one cell is at fault.
    """

    column: str
    code: str
    reason: str
    value: str = ""
