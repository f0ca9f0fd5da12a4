"""Telephone numbers as the digits by which they are found, in whatever notation they are asked for."""

from __future__ import annotations

FEWEST = 3
"""Digits from which on they may begin a telephone number."""


def phone_words(key: str) -> list[str]:
    """Return the digits of a number in international form, with the calling code and without: `+442071838750`."""
    digits = key.removeprefix("+")
    national = digits[_calling_code(digits) :]
    return [digits, national] if national and national != digits else [digits]


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


def _national_prefix(region: str) -> str | None:
    from phonenumbers import PhoneMetadata

    known = PhoneMetadata.metadata_for_region(region, None)
    return None if known is None else known.national_prefix
