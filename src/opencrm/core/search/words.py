"""Texts as the words by which they are found."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from opencrm.core.latin import PLAIN

LONGEST_TEXT = 20_000
"""So much of a text is looked into."""

LONGEST_WORD = 64
"""So much of a word counts."""

_ASCII = re.compile(r"[0-9a-z]+")


def words(text: str) -> list[str]:
    """Return the words of a text in order, folded as `core.values.fold` does, of letters and digits alone.

    `words("Müller & Söhne, anna@gmx.de")` is `["muller", "sohne", "anna", "gmx", "de"]`.
    """
    if text.isascii():
        found = _ASCII.findall(text[:LONGEST_TEXT].lower())
    else:
        apart = unicodedata.normalize("NFKD", text[:LONGEST_TEXT].casefold())
        found = "".join(map(_plain, apart)).casefold().translate(PLAIN).split()
    return [word[:LONGEST_WORD] for word in found]


@lru_cache(maxsize=5000)
def _plain(mark: str) -> str:
    """Return a letter, a digit or a vowel sign as it is, nothing for an accent, and a blank for all else."""
    if mark.isalnum():
        return mark
    if unicodedata.combining(mark):
        return ""
    return mark if unicodedata.category(mark).startswith("M") else " "
