"""The kinds of things that a declaration holds, each with how it is written and read again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any, Protocol

import attrs

from opencrm.core import conditions
from opencrm.core.fields.base import plain_text
from opencrm.core.process.text.places import Faults, Place
from opencrm.core.values import Money, normal


class Kind(Protocol):
    """How something is written, and read again."""

    def read(self, raw: Any, at: Place) -> Any:
        """Read it.

        Raises:
            Unreadable: It is of another kind.
        """

    def write(self, item: Any) -> Any:
        """Write it as JSON and TOML can hold it.

        Raises:
            ValueError: It is of another kind.
        """


@attrs.frozen
class Text:
    """A text, which `check` refuses with a ValueError.

    Args:
        check: Judges it.
        like: What one looks like, where not any text will do: `1d`.
    """

    check: Callable[[str], object] = str
    like: str = ""

    def read(self, raw: Any, at: Place) -> str:
        if not isinstance(raw, str):
            raise at.fault(f'must be text such as "{self.like}"' if self.like else "must be text")
        text = plain_text(raw)
        with at.told():
            self.check(text)
        return text

    def write(self, item: Any) -> str:
        return normal(str.__str__(_checked(item, str)))


@attrs.frozen
class Scalar:
    """A whole number, or true and false."""

    type: type[Any]
    what: str

    def read(self, raw: Any, at: Place) -> Any:
        if type(raw) is not self.type:
            raise at.fault(f"must be {self.what}")
        return raw

    def write(self, item: Any) -> Any:
        return _checked(item, self.type)


@attrs.frozen
class OneOf:
    """One of a few words."""

    words: tuple[str, ...]

    def read(self, raw: Any, at: Place) -> str:
        if raw not in self.words:
            raise at.fault(f"must be one of {', '.join(self.words)}")
        return str(raw)

    def write(self, item: Any) -> str:
        return str(_checked(item, str))


@attrs.frozen
class Several:
    """A list of things of one kind; `least` says how many there must be."""

    kind: Kind
    least: int = 0

    def read(self, raw: Any, at: Place) -> tuple[Any, ...]:
        given, found, faults = at.list(raw), [], Faults()
        if len(given) < self.least:
            raise at.fault(f"must hold at least {self.least}")
        for index, item in enumerate(given):
            with faults.caught():
                found.append(self.kind.read(item, at.item(index)))
        faults.settle()
        return tuple(found)

    def write(self, item: Any) -> list[Any]:
        return [self.kind.write(each) for each in _checked(item, list | tuple)]


@attrs.frozen
class Named:
    """A table of things of one kind, with names that are free."""

    kind: Kind

    def read(self, raw: Any, at: Place) -> dict[str, Any]:
        if not isinstance(raw, Mapping):
            raise at.fault("must be a table")
        found, faults = {}, Faults()
        for name, item in raw.items():
            with faults.caught():
                found[plain_text(name)] = self.kind.read(item, at.of(name))
        faults.settle()
        return found

    def write(self, item: Any) -> dict[str, Any]:
        return {normal(name): self.kind.write(each) for name, each in dict(item).items()}


@attrs.frozen
class Pairs:
    """A set of pairs of texts, written in order."""

    def read(self, raw: Any, at: Place) -> frozenset[tuple[str, ...]]:
        found, faults = set(), Faults()
        for index, pair in enumerate(at.list(raw)):
            with faults.caught():
                found.add(self._pair(pair, at.item(index)))
        faults.settle()
        return frozenset(found)

    def write(self, item: Any) -> list[list[str]]:
        return sorted([Text().write(start), Text().write(end)] for start, end in item)

    def _pair(self, raw: Any, at: Place) -> tuple[str, ...]:
        if not isinstance(raw, list | tuple) or len(raw) != 2:
            raise at.fault('must be a pair such as ["new", "won"]')
        return Several(Text()).read(raw, at)


@attrs.frozen
class Filter:
    """A condition."""

    def read(self, raw: Any, at: Place) -> conditions.Condition:
        with at.told():
            return conditions.condition(raw)

    def write(self, item: Any) -> dict[str, Any]:
        return conditions.plain(item)


@attrs.frozen
class Off:
    """A text, or `off` for nothing: TOML has no null."""

    def read(self, raw: Any, at: Place) -> str | None:
        return None if raw == "off" else Text().read(raw, at)

    def write(self, item: Any) -> str:
        return "off" if item is None else Text().write(item)


def plain_scalar(item: Any) -> Any:
    """Return a constant as JSON holds it, in the form that its field's type reads back.

    Raises:
        ValueError: There is no such form.
    """
    match item:
        case str():
            return Text().write(item)
        case Money():
            return str(item)
        case Decimal():
            return f"{item:f}"
        case date():  # A datetime is one, too.
            return item.isoformat()
        case bool() | int() | float():
            return item
    raise ValueError(f"{item!r} cannot be written: it is no text, number, date or truth value")


def _checked(item: Any, wanted: Any) -> Any:
    if not isinstance(item, wanted):
        raise ValueError(f"{item!r} cannot be written")
    return item
