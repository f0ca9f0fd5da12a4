"""How a file goes out: as an attachment of a safe type, whole or a part of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from flask import Response, request
from werkzeug.http import is_resource_modified, parse_range_header

from opencrm.plugins.rest.filing.outgoing import Outgoing

_PLAIN = re.compile(r"[^A-Za-z0-9 !#$&+.^_`~()-]")


def sent(outgoing: Outgoing, version: Any, opened: Callable[[], Any]) -> Response:
    """Answer with a content, or with what the client wants of it.

    Args:
        outgoing: Sends it.
        version: What it is.
        opened: Opens it and writes down who is given it; is called only where bytes are sent.
    """
    headers = _headers(version)
    if not is_resource_modified(request.environ, etag=version.sha256, ignore_if_range=True):
        return Response(status=HTTPStatus.NOT_MODIFIED, headers=headers)
    start, end = 0, version.size
    status = HTTPStatus.OK
    wanted = _range(version)
    if wanted is not None:
        span = _span(wanted, version.size)
        if span is None:
            unfit = {**headers, "Content-Range": f"bytes */{version.size}", "Content-Length": "0"}
            return Response(status=HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, headers=unfit)
        (start, end), status = span, HTTPStatus.PARTIAL_CONTENT
        headers = {**headers, "Content-Range": f"bytes {start}-{end - 1}/{version.size}"}
    if request.method == "HEAD":
        return Response(status=status, headers={**headers, "Content-Length": str(end - start)})
    return outgoing.answer(lambda: opened().file, start, end, headers.items(), status)


def _range(version: Any) -> Any:
    """Return the only range that the client wants, where it wants one and of this very content."""
    if request.if_range.etag not in (None, version.sha256) or request.if_range.date is not None:
        return None
    found = parse_range_header(request.headers.get("Range"))
    return found if found is not None and found.units == "bytes" and len(found.ranges) == 1 else None


def _span(wanted: Any, size: int) -> tuple[int, int] | None:
    """Return where a range begins and ends; of a content that is shorter than its wanted end all, by RFC 9110."""
    start, _ = wanted.ranges[0]
    if start is not None and -start > size > 0:
        return 0, size
    found: tuple[int, int] | None = wanted.range_for_length(size)
    return found


def _headers(version: Any) -> Mapping[str, str]:
    return {
        "Content-Type": version.media_type,
        "Content-Disposition": attachment(version.name),
        "ETag": f'"{version.sha256}"',
        "Accept-Ranges": "bytes",
        "Cache-Control": "private, no-cache",
    }


def attachment(name: str) -> str:
    """Return what names an attachment, by RFC 6266: for old clients in ASCII, and for all others as it is."""
    plain = _PLAIN.sub("_", name)
    told = f'attachment; filename="{plain}"'
    return told if plain == name else f"{told}; filename*=UTF-8''{quote(name, safe='')}"
