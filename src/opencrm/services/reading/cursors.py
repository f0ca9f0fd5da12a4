"""Cursors: where a page ended, opaque, signed, and of use to nobody else and for no other list."""

from __future__ import annotations

import base64
import hmac
from typing import Any

import orjson

from opencrm.errors import InputError

_BYTES = 16


def write(secret: bytes, binding: str, position: list[Any]) -> str:
    """Return a cursor for a position in the list that `binding` names."""
    body = orjson.dumps(position)
    return base64.urlsafe_b64encode(_sign(secret, binding, body) + body).decode().rstrip("=")


def read(secret: bytes, binding: str, cursor: str) -> list[Any]:
    """Return the position that a cursor stands for.

    Raises:
        InputError: It is not a cursor of this list and this reader.
    """
    try:
        raw = base64.urlsafe_b64decode(cursor.encode() + b"=" * (-len(cursor) % 4))
    except ValueError:
        raw = b""
    signature, body = raw[:_BYTES], raw[_BYTES:]
    if not hmac.compare_digest(signature, _sign(secret, binding, body)):
        raise InputError({"cursor": ["is not a cursor of this list; start again without one"]})
    found: list[Any] = orjson.loads(body)
    return found


def _sign(secret: bytes, binding: str, body: bytes) -> bytes:
    return hmac.digest(secret, binding.encode() + b"\x00" + body, "sha256")[:_BYTES]
