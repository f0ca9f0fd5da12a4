"""Parts of texts that are looked for."""

from __future__ import annotations

import re
from typing import Any

from opencrm.core.conditions.nodes import All, AtLeast, Condition, Less
from opencrm.core.fields import Email, FieldType, Link, Phone, Text
from opencrm.core.fields.base import plain_text
from opencrm.core.values import FOLDED, fold, lowered

_LAST = 0x10FFFF
_SURROGATES = range(0xD800, 0xE000)


def needle(kind: FieldType[Any], raw: Any) -> str:
    """Return a part of a text in the form in which a field of this type is compared.

    Raises:
        ValueError: It is no text, too long, or nothing that could be found.
    """
    text = plain_text(raw)
    if len(text) > FOLDED:
        raise ValueError(f"must be compared with at most {FOLDED} characters")
    found = _normal(kind, text)
    if not found:
        raise ValueError("must be compared with some text; for nothing, use empty")
    return found


def beginning(field: str, prefix: str) -> Condition:
    """Return that a text begins so: as a range, which an index finds."""
    beyond = _beyond(prefix)
    return AtLeast(field, prefix) if beyond is None else All((AtLeast(field, prefix), Less(field, beyond)))


def _normal(kind: FieldType[Any], text: str) -> str:
    if isinstance(kind, Link) or (isinstance(kind, Text) and not kind.folded):
        return lowered(text)
    if isinstance(kind, Text):
        return fold(text)
    if isinstance(kind, Phone):
        return re.sub("[^0-9+]", "", text)
    return text.strip().casefold() if isinstance(kind, Email) else text


def _beyond(prefix: str) -> str | None:
    """Return the first text after all that begin with a prefix, in order of code points; None where there is none."""
    kept = prefix.rstrip(chr(_LAST))
    if not kept:
        return None
    after = ord(kept[-1]) + 1
    return kept[:-1] + chr(_SURROGATES.stop if after in _SURROGATES else after)
