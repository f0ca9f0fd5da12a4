"""Telephone numbers as the digits by which they are found, in whatever notation they are asked for."""

from __future__ import annotations

from functools import lru_cache

FEWEST = 3
"""Digits from which on they may begin a telephone number."""

FEWEST_LAST = 4
"""Digits from which on they may end one."""

_BACKWARDS = "\N{LATIN SMALL LETTER SHARP S}"
"""Begins a number that is written backwards: no folded word holds this letter."""

_AT_HOME = 2 * _BACKWARDS
"""Begins a number as it is dialled in its own country: as a word, its first digits would be those of all numbers."""


def phone_words(key: str) -> list[str]:
    """Return a number in international form, `+442071838750`, as it is dialled, and backwards.

    Its digits come with the calling code, without it, and as they are dialled in their own country.
    """
    digits = key.removeprefix("+")
    code = _calling_code(digits)
    national = digits[code:]
    at_home = _own_prefix(digits[:code]) + national
    marked = [] if at_home in (digits, national) else [_AT_HOME + at_home]
    return [*dict.fromkeys([digits, national or digits]), *marked, _BACKWARDS + digits[::-1]]


def marked(digits: str) -> tuple[str, ...]:
    """Return how the marked forms of a number begin that these digits begin at home, or that ends with them."""
    return (_AT_HOME + digits, *((_BACKWARDS + digits[::-1],) if len(digits) >= FEWEST_LAST else ()))


def dialled(digits: str, region: str) -> tuple[str, ...]:
    """Return what a number may begin with that is dialled so from a region: as it is, and without its prefixes."""
    found = [digits, digits.removeprefix("00")]
    if digits.startswith(prefix := _national_prefix(region) or "0"):
        found.append(digits.removeprefix(prefix))
    if digits.startswith("0"):
        found.append(digits.removeprefix("0"))
    return tuple(it for it in dict.fromkeys(found) if len(it) >= FEWEST)


def _calling_code(digits: str) -> int:
    """Return how many digits the calling code has; none begins with another."""
    from phonenumbers import COUNTRY_CODE_TO_REGION_CODE

    return next((at for at in (1, 2, 3) if int(digits[:at] or 0) in COUNTRY_CODE_TO_REGION_CODE), 0)


@lru_cache(maxsize=300)
def _own_prefix(code: str) -> str:
    """Return what is dialled before the numbers of a calling code within its country."""
    from phonenumbers import COUNTRY_CODE_TO_REGION_CODE

    regions = COUNTRY_CODE_TO_REGION_CODE.get(int(code or 0), ("",))
    return _national_prefix(regions[0]) or ""


def _national_prefix(region: str) -> str | None:
    from phonenumbers import PhoneMetadata

    known = PhoneMetadata.metadata_for_region(region, None)
    return None if known is None else known.national_prefix
