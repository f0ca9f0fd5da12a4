"""Why a file of JSON lines cannot be read."""

from __future__ import annotations

from typing import ClassVar

from opencrm import InputError


class NotJsonLines(InputError):
    """No line of the file is an object."""

    code: ClassVar[str] = "not_json_lines"

    def __init__(self, file: str, text: str) -> None:
        super().__init__({file: [text]})
