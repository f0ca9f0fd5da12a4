"""What a declaration says of a record that is not there yet: values, texts and durations that are worked out later."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from types import MappingProxyType
from typing import Any, TypeAlias

import attrs

from opencrm.core.process.timing.durations import Span, span

_PATH = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)?")
_PLACE = re.compile(r"\{([^{}]*)\}")
LONGEST_TEXT = 2_000
"""How many characters a text with places in it may have."""


def path(text: str) -> str:
    """Return a path to a field: `"amount"`, or `"contact.name"` of the record that `contact_id` refers to.

    Raises:
        ValueError: It is no such path.
    """
    if not _PATH.fullmatch(text):
        raise ValueError(f"{text!r} is no field such as amount or contact.name")
    return text


@lru_cache(maxsize=1000)
def places(text: str) -> tuple[str, ...]:
    """Return the paths that a text names in braces.

    Raises:
        ValueError: A place is no path, a brace is left open, or the text is too long.
    """
    if len(text) > LONGEST_TEXT:
        raise ValueError(f"a text has at most {LONGEST_TEXT} characters")
    if re.search(r"[{}]", _PLACE.sub("", text)):
        raise ValueError(f"{text!r}: a place is written as {{field}}")
    return tuple(path(found) for found in _PLACE.findall(text))


def filled(text: str, values: Mapping[str, str]) -> str:
    """Return a text with its places filled; a place without a value is left out."""
    return " ".join(_PLACE.sub(lambda found: values.get(found[1], ""), text).split())


def length(text: str) -> str:
    """Return a duration such as `"15m"` or `"2d"`, after checking it.

    Raises:
        ValueError: It is none, or longer than a hundred years.
    """
    span(text)
    return text


def moment(text: str) -> str:
    """Return an offset from when a task is due, after checking it: `"due"`, `"+10m"`, `"-5m"`.

    Raises:
        ValueError: It is none, or lies more than a hundred years off.
    """
    if text != "due":
        if text[:1] not in ("+", "-"):
            raise ValueError(f"{text!r} is none of due, +10m (after it) and -5m (before it)")
        span(text[1:])
    return text


@contextmanager
def naming(name: str) -> Iterator[None]:
    """Put a name before what is raised inside.

    Raises:
        ValueError: That.
    """
    try:
        yield
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None


def some_length(text: str | None) -> str | None:
    """Return a duration that is longer than nothing after checking it; None where there is none.

    Raises:
        ValueError: It is none, or no time at all.
    """
    if text is not None and span(text) == Span():
        raise ValueError(f"{text!r} is no time at all")
    return text


@attrs.frozen
class Value:
    """The value of a field, copied as it is; see `value`."""

    path: str = attrs.field(converter=path)


def value(field: str) -> Value:
    """Name a field of the record that an event is about, whose value is copied: `value("contact_id")`.

    Args:
        field: Its name, or `"contact.source"` for one of the record that `contact_id` refers to.

    Raises:
        ValueError: It is no such path.
    """
    return Value(field)


def _cases(given: Mapping[str, str]) -> Mapping[str, str]:
    found = {}
    for key, text in given.items():
        with naming(str(key)):
            found[str(key)] = length(text)
    return MappingProxyType(found)


def _otherwise(text: str | None) -> str | None:
    with naming("otherwise"):
        return None if text is None else length(text)


@attrs.frozen
class By:
    """A duration that a field decides; see `by`."""

    field: str = attrs.field(converter=path)
    cases: Mapping[str, str] = attrs.field(converter=_cases, hash=False)
    otherwise: str | None = attrs.field(converter=_otherwise, default=None)

    def of(self, found: Any) -> str | None:
        """Return the duration for a field's value; None for no time at all."""
        return self.cases.get(str(found), self.otherwise) if found is not None else self.otherwise


def by(field: str, /, cases: Mapping[str, str] | None = None, *, otherwise: str | None = None, **named: str) -> By:
    """Let a field decide how long something may take: `by("priority", high="15m", otherwise="1d")`.

    Args:
        field: The field's name, or `"contact.source"`.
        cases: Durations by the field's value, where a value is no Python name.
        otherwise: For every other value, and for none; without it there is no limit then.
        named: Durations by the field's value.

    Raises:
        ValueError: A duration or the field's name cannot be read.
    """
    return By(field, {**(cases or {}), **named}, otherwise)


def paths_in(given: Any) -> tuple[str, ...]:
    """Return the paths to fields that a value, a text or a duration is worked out from."""
    match given:
        case str():
            return places(given)
        case Value(path) | By(path):
            return (path,)
    return ()


Duration: TypeAlias = str | By
"""How long: `"15m"`, or as a field decides."""


def duration(given: Duration) -> Duration:
    """Return a duration after checking it.

    Raises:
        ValueError: It is none.
    """
    return given if isinstance(given, By) else length(given)
