"""Where in a written declaration a fault stands, and what is told of it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from types import MappingProxyType
from typing import Any

import attrs

DEEPEST = 12
"""How many declarations may stand one within the other: a stage in a pipeline, a task in a stage ..."""
MOST_FAULTS = 50
"""Of how many places the faults are told."""
_NONE: Mapping[str, str] = MappingProxyType({})


class Unreadable(ValueError):
    """A declaration that cannot be read.

    Attributes:
        faults: `{path: [sentence, ...]}`, as `InputError` takes it: `pipelines[1].stages[2].key` and what is wrong.
    """

    def __init__(self, faults: Mapping[str, Sequence[str]]) -> None:
        self.faults = {path: list(texts) for path, texts in islice(faults.items(), MOST_FAULTS)}
        super().__init__("; ".join(f"{path}: {text}" for path, texts in self.faults.items() for text in texts))


class Faults:
    """Collects what is wrong in several places, so that all of it is told at once."""

    def __init__(self) -> None:
        self._found: dict[str, list[str]] = {}

    @contextmanager
    def caught(self) -> Iterator[None]:
        """Keep what is unreadable within, and go on."""
        try:
            yield
        except Unreadable as error:
            for path, texts in error.faults.items():
                self._found.setdefault(path, []).extend(texts)

    def settle(self) -> None:
        """Refuse what was caught.

        Raises:
            Unreadable: Something was.
        """
        if self._found:
            raise Unreadable(self._found)


@attrs.frozen
class Place:
    """A place in a written declaration.

    Args:
        path: Its name: `pipelines[1].stages[2]`.
        depth: In how many declarations it stands.
    """

    path: str
    depth: int = 0

    def of(self, name: str) -> Place:
        """Return the place of a name in a table."""
        return attrs.evolve(self, path=f"{self.path}.{name}")

    def item(self, index: int) -> Place:
        """Return the place of an item in a list."""
        return attrs.evolve(self, path=f"{self.path}[{index}]")

    def deeper(self) -> Place:
        """Return the same place, within one more declaration.

        Raises:
            Unreadable: There are too many.
        """
        if self.depth == DEEPEST:
            raise self.fault(f"is nested more than {DEEPEST} deep")
        return attrs.evolve(self, depth=self.depth + 1)

    def fault(self, sentence: str) -> Unreadable:
        """Return what is wrong here."""
        return Unreadable({self.path: [sentence]})

    @contextmanager
    def told(self) -> Iterator[None]:
        """Tell what a constructor refuses as a fault of this place."""
        try:
            yield
        except Unreadable:
            raise
        except OverflowError:
            raise self.fault("is out of range") from None
        except ValueError as error:  # What attrs raises holds more than its sentence.
            raise self.fault(str(error.args[0]) if error.args else "cannot be read") from None

    def table(self, raw: Any, names: Iterable[str]) -> Mapping[str, Any]:
        """Return a table after checking that it is one.

        Raises:
            Unreadable: It is none.
        """
        if not isinstance(raw, Mapping):
            raise self.fault(f"must be a table of {', '.join(names)}")
        return raw

    def only(self, given: Iterable[str], names: Collection[str], meant: Mapping[str, str] = _NONE) -> None:
        """Refuse names other than those that a table may have.

        Args:
            given: The names that it has.
            names: Those that it may have.
            meant: What to write instead of some that it may not.

        Raises:
            Unreadable: There are some.
        """
        known = ", ".join(names)
        told = {name: f"{name!r} is none of {known}" for name in given if name not in names}
        unknown = [f"{text}: {meant[name]}" if name in meant else text for name, text in told.items()]
        if unknown:
            raise Unreadable({self.path: unknown[:MOST_FAULTS]})

    def list(self, raw: Any) -> Sequence[Any]:
        """Return a list after checking that it is one.

        Raises:
            Unreadable: It is none.
        """
        if not isinstance(raw, list | tuple):
            raise self.fault("must be a list")
        return raw
