"""What somebody filled in, checked field by field; whatever is wrong is told by the field's name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from opencrm.core.fields import Choices, Text
from opencrm.core.process.asking.web_forms import MARKS
from opencrm.errors import InputError
from opencrm.services.process.submitting.asking import Asked

_MARK = Text(500)
_ONCE = 150


def loaded(several: Sequence[Asked], given: Any) -> dict[str, Any]:
    """Return the typed answers, without those that are empty.

    Args:
        several: What is asked for.
        given: What came, by name.

    Raises:
        InputError: Names each field that is unknown, missing or cannot be used.
    """
    raw = _object("answers", given)
    known = {it.name: it for it in several}
    wrong: dict[str, list[str]] = {_told(name): ["is not asked for"] for name in raw if name not in known}
    found: dict[str, Any] = {}
    for name, field in known.items():
        try:
            value = _typed(field, raw.get(name))
        except ValueError as error:
            wrong[name] = [str(error)]
            continue
        if value is not None:
            found[name] = value
        elif field.required:
            wrong[name] = ["is required"]
    wrong |= {} if wrong else _unreachable(known, found)
    if wrong:
        raise InputError(wrong)
    return found


def marks(given: Any) -> dict[str, str]:
    """Return what is known of the way by which somebody came.

    Raises:
        InputError: Names each mark that is unknown or cannot be used.
    """
    raw, wrong = _object("attribution", given), dict[str, list[str]]()
    found: dict[str, str] = {}
    for name, value in raw.items():
        try:
            if name not in MARKS:
                raise ValueError(f"is none of {', '.join(MARKS)}")
            text = None if value in (None, "") else _MARK.parse(value)
        except ValueError as error:
            wrong[f"attribution.{_told(name)}"] = [str(error)]
        else:
            found |= {} if text is None else {name: text}
    if wrong:
        raise InputError(wrong)
    return found


def agreed(text: str | None, given: Any) -> str | None:
    """Return the text that somebody agreed to.

    Raises:
        InputError: They did not, or did not say yes or no.
    """
    if given not in (None, True, False):
        raise InputError({"consent": ["must be true or false"]})
    if text is not None and not given:
        raise InputError({"consent": ["is required"]})
    return text


def once_of(given: Any) -> str:
    """Return what tells one sending from others.

    Raises:
        InputError: It is no short text.
    """
    if not isinstance(given, str) or not given.isascii() or not given.isprintable() or not 0 < len(given) <= _ONCE:
        raise InputError({"once": [f"must be 1 to {_ONCE} printable ASCII characters"]})
    return given


def dumped(several: Sequence[Asked], answers: Mapping[str, Any]) -> dict[str, Any]:
    """Return answers as JSON carries them."""
    return {it.name: it.type.dump(answers[it.name]) for it in several if it.name in answers}


def _object(name: str, given: Any) -> Mapping[str, Any]:
    if given is None:
        return {}
    if not isinstance(given, Mapping) or not all(isinstance(each, str) for each in given):
        raise InputError({name: ["must be an object"]})
    return given


def _typed(field: Asked, given: Any) -> Any:
    if isinstance(given, str):
        given = given.strip()
    if given is None or given in ("", []):
        return None
    if isinstance(given, list | dict) and not isinstance(field.type, Choices):
        raise ValueError("must be one value")
    return field.type.parse(given)


def _unreachable(known: Mapping[str, Asked], found: Mapping[str, Any]) -> dict[str, list[str]]:
    """Say that nobody could be called or written to, where both may be left empty."""
    ways = [name for name in ("email", "phone") if name in known and known[name].place.value == "point"]
    if not ways or any(name in found for name in ways):
        return {}
    return {name: ["is required" if len(ways) == 1 else "or the other way to reach you is required"] for name in ways}


def _told(name: str) -> str:
    """Return a stranger's name for a field so that it can be shown and logged."""
    return name.encode("ascii", "backslashreplace").decode()[:100]
