"""TOML as a person would write it: inline tables, a comment at the end of a line."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_COMMENT_AT = 60


def quoted(text: str) -> str:
    """Return a text as a TOML string; what nobody could see is written as an escape, half a character replaced."""
    clean = text.encode("utf-8", "replace").decode()
    return "".join(each if each.isprintable() else _escaped(each) for each in json.dumps(clean, ensure_ascii=False))


def _escaped(mark: str) -> str:
    return f"\\u{ord(mark):04x}" if ord(mark) < 0x10000 else f"\\U{ord(mark):08x}"


def key(text: str) -> str:
    """Return a key, quoted where it must be."""
    return text if _BARE.fullmatch(text) else quoted(text)


def inline(value: Any) -> str:
    """Return a value on one line."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        pairs = ", ".join(f"{key(name)} = {inline(each)}" for name, each in value.items())
        return f"{{ {pairs} }}"
    if isinstance(value, str):
        return quoted(value)
    return f"[{', '.join(map(inline, value))}]" if isinstance(value, Sequence) else str(value)


def line(name: str, value: Any, why: str = "", *, off: bool = False) -> str:
    """Return `name = value`, with a comment; commented out altogether if it is off."""
    text = f"{'# ' if off else ''}{'.'.join(map(key, name.split('.'))) if name else ''} = {inline(value)}"
    return f"{text.ljust(_COMMENT_AT)}  # {commented(why)}" if why else text


def commented(text: str) -> str:
    """Return a text that may stand in a comment: on one line, without control characters."""
    flat = " ".join(text.split())
    return "".join(mark if mark.isprintable() else "?" for mark in flat)
