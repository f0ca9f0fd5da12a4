"""The normal form of phone numbers, addresses and the like, by which contacts are recognised."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from opencrm.core.values import fold


def email_key(text: str) -> str:
    """Return the normal form of an e-mail address (RFC 5321, 6531; no look-up of the domain).

    Raises:
        ValueError: It is not an e-mail address.
    """
    from email_validator import EmailNotValidError, validate_email

    try:
        found = validate_email(text.strip(), check_deliverability=False, test_environment=True)
    except EmailNotValidError as error:
        raise ValueError(f"is not an e-mail address: {error}") from None
    return f"{found.local_part}@{found.domain}".casefold()


def phone_key(text: str, region: str) -> str:
    """Return a phone number in the international form of E.164, such as `+442071838750`.

    Args:
        text: The number in any notation.
        region: ISO 3166 code of the country whose national notation is understood, such as `"GB"`.

    Raises:
        ValueError: It is not a possible phone number.
    """
    import phonenumbers

    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        raise ValueError("is not a phone number") from None
    if not phonenumbers.is_possible_number(number):
        raise ValueError("is not a possible phone number")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def point_key(kind: str, value: str, region: str) -> str:
    """Return the key of a contact point: two points of one kind are the same when their keys are.

    Raises:
        ValueError: The value is not of its kind.
    """
    return _KEYS.get(kind, _folded)(value, region)


def _folded(value: str, _region: str) -> str:
    return fold(value)[:254]


_KEYS: Mapping[str, Callable[[str, str], str]] = {
    "email": lambda value, _region: email_key(value),
    "phone": phone_key,
}
