"""Why a workbook cannot be read or written, each with its own stable code."""

from __future__ import annotations

from typing import ClassVar

from opencrm import InputError


class BadWorkbook(InputError):
    """The file is no workbook, is damaged or encrypted, or has no such sheet."""

    code: ClassVar[str] = "bad_workbook"

    def __init__(self, file: str, text: str) -> None:
        super().__init__({file: [text]})


class WorkbookTooLarge(BadWorkbook):
    """The workbook would take more memory than a stated limit; it was not opened."""

    code = "workbook_too_large"


class DoesNotFit(InputError):
    """The records do not fit into one sheet of a workbook."""

    code: ClassVar[str] = "does_not_fit"

    def __init__(self, place: str, text: str) -> None:
        super().__init__({place: [f"{text}; export CSV or JSON lines instead"]})
