"""How a file comes in: as a form's part, or as the body itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from flask import request
from werkzeug.datastructures import FileStorage

from opencrm import CRM, InputError
from opencrm.plugins.rest.asking.query_strings import only, optional, pairs

_FORM = "multipart/form-data"
_PLAIN_FORM = "application/x-www-form-urlencoded"
_AROUND = 2**16
"""Bytes that a form may have around its file."""


@contextmanager
def received(crm: CRM) -> Iterator[tuple[IO[bytes], str | None]]:
    """Give the file that a request brings, and its name: of the query string, of the form, or of the form's part.

    Whoever opens this has found out that it is wanted: from here on the body is read.

    Raises:
        InputError: It is too large, there is not exactly one, or a parameter is unknown.
    """
    given = optional(only(pairs(), "name"), "name")
    contents = crm.workspace.contents
    contents.check_size(max((request.content_length or 0) - _AROUND, 0))
    request.max_content_length = contents.largest + _AROUND
    if request.mimetype == _PLAIN_FORM:
        raise InputError({"file": [f"is required: send the form as {_FORM}"]})
    if request.mimetype != _FORM:
        yield request.stream, given
        return
    part = _part()
    try:
        yield part.stream, given or request.form.get("name") or part.filename
    finally:
        part.close()


def _part() -> FileStorage:
    """Return the only file of a form."""
    parts = [(name, part) for name, several in request.files.lists() for part in several]
    unknown = sorted({name for name, _ in parts if name != "file"} | {name for name in request.form if name != "name"})
    if unknown:
        raise InputError({name: ["is no part here: send file and, if you like, name"] for name in unknown})
    if len(parts) != 1:
        raise InputError({"file": ["is required, once"]})
    return parts[0][1]
