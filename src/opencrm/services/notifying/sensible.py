"""Texts with places, as somebody may read them: what they may not know is left out, and the sentence stays one."""

from __future__ import annotations

import re
from collections.abc import Mapping

from opencrm.core.process.values import places

_PLACE = re.compile(r"\{([^{}]*)\}")
_BETWEEN = re.compile(r"(\s*[:;,\u2013\u2014]\s+|\s+-\s+)")
_WORD = re.compile(r"\w")
HIDDEN = "…"
"""Stands within a sentence for what somebody may not know."""
NOTHING = "Something happened of which you may not read more"


def sensible(template: str, values: Mapping[str, str | None]) -> str:
    """Return a text with its places filled.

    A part between commas or colons that is about what is hidden, and about nothing else, is left out with what leads
    to it: `"Overdue: {title}"` becomes `"Overdue"`.

    Args:
        template: The text.
        values: What to fill in, by place; None for what is hidden.
    """
    kept = ""
    between = ""
    for at, part in enumerate(_BETWEEN.split(template)):
        if at % 2:
            between = part
        elif not _about_nothing_else(part, values):
            kept += (between if kept else "") + _filled(part, values)
    return " ".join(kept.split()).rstrip(" :;,-\u2013\u2014") or NOTHING


def _about_nothing_else(part: str, values: Mapping[str, str | None]) -> bool:
    hidden = any(values.get(path) is None for path in places(part))
    return hidden and not _WORD.search(_PLACE.sub("", part))


def _filled(part: str, values: Mapping[str, str | None]) -> str:
    def value(found: re.Match[str]) -> str:
        given = values.get(found[1])
        return HIDDEN if given is None else given

    return _PLACE.sub(value, part)
