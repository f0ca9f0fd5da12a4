"""Declarations as tables: which names stand in one, and what is made of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from inspect import Parameter, signature
from types import MappingProxyType
from typing import Any, Protocol

import attrs

from opencrm.core.process.text.kinds import Kind
from opencrm.core.process.text.places import Faults, Place


class Form(Kind, Protocol):
    """A kind that is a table."""

    @property
    def make(self) -> Callable[..., Any]:
        """What makes the declaration."""

    @property
    def sample(self) -> str:
        """A short one, as TOML has it within a line."""


def _kinds(given: Mapping[str, Kind]) -> Mapping[str, Kind]:
    return MappingProxyType(dict(given))


def _forms(given: Mapping[str, Form]) -> Mapping[str, Form]:
    return MappingProxyType(dict(given))


def parts_of(item: Any) -> Mapping[str, Any]:
    """Return what an attrs class was made of.

    Raises:
        ValueError: It is of none.
    """
    if not attrs.has(type(item)):
        raise ValueError(f"{item!r} cannot be written")
    return {each.name: getattr(item, each.name) for each in attrs.fields(type(item)) if each.init}


@attrs.frozen
class Table:
    """A declaration as a table.

    Args:
        make: Its class, or the function that makes it.
        kinds: Its arguments, in the order in which they are written.
        word: Another name for the first of them, by which the table is told from others: `{pick = "seller"}`.
        parts: How the arguments are got back.
        sample: A short one, as TOML has it within a line.
        meant: What to write instead of names that one may expect in it.
    """

    make: Callable[..., Any]
    kinds: Mapping[str, Kind] = attrs.field(converter=_kinds)
    word: str | None = None
    parts: Callable[[Any], Mapping[str, Any]] = parts_of
    sample: str = attrs.field(default="", kw_only=True)
    meant: Mapping[str, str] = attrs.field(default=MappingProxyType({}), kw_only=True)
    _defaults: Mapping[str, Any] = attrs.field(init=False, eq=False, repr=False)

    @_defaults.default
    def _read_defaults(self) -> Mapping[str, Any]:
        return {name: each.default for name, each in signature(self.make).parameters.items()}

    def read(self, raw: Any, at: Place) -> Any:
        at, faults, values = at.deeper(), Faults(), {}
        names = {self.name_of(argument): argument for argument in self.kinds}
        given = at.table(raw, names)
        with faults.caught():
            at.only(given, names, self.meant)
        for name, argument in names.items():
            with faults.caught():
                if name in given:
                    values[argument] = self.kinds[argument].read(given[name], at.of(name))
                elif self.is_required(argument):
                    raise at.of(name).fault("is missing")
        faults.settle()
        with at.told():
            return self.make(**values)

    def write(self, item: Any) -> dict[str, Any]:
        if isinstance(self.make, type) and type(item) is not self.make:
            raise ValueError(f"{item!r} cannot be written where {self.make.__name__} stands")
        return {self.name_of(name): self.kinds[name].write(value) for name, value in self._said(item)}

    def _said(self, item: Any) -> Iterator[tuple[str, Any]]:
        """Give the arguments that are not as they are by default."""
        given = self.parts(item)
        for name in (*self.kinds, *(set(given) - set(self.kinds))):
            default = self._default(name, item)
            if given[name] == default:
                continue
            if name not in self.kinds or given[name] is None:
                raise ValueError(f"{item!r} cannot be written: {name} is {given[name]!r}")
            yield name, given[name]

    def name_of(self, argument: str) -> str:
        """Return how an argument is called in writing."""
        return self.word if self.word is not None and argument == next(iter(self.kinds)) else argument

    def is_required(self, argument: str) -> bool:
        """Say whether an argument must be given."""
        return self._defaults[argument] is Parameter.empty

    def _default(self, name: str, item: Any) -> Any:
        default = self._defaults.get(name, ())
        if default is not attrs.NOTHING:
            return default
        factory = next(each.default for each in attrs.fields(type(item)) if each.name == name)
        return factory.factory(item) if factory.takes_self else factory.factory()


@attrs.frozen
class Under:
    """A declaration as a table under one word: `{notify = {to = "owner", text = "..."}}`."""

    word: str
    table: Table
    sample: str = attrs.field(kw_only=True)

    @property
    def make(self) -> Callable[..., Any]:
        """What makes the declaration."""
        return self.table.make

    def read(self, raw: Any, at: Place) -> Any:
        given = at.table(raw, (self.word,))
        at.only(given, (self.word,))
        return self.table.read(given[self.word], at.of(self.word))

    def write(self, item: Any) -> dict[str, Any]:
        return {self.word: self.table.write(item)}


@attrs.frozen
class Choice:
    """One of several declarations, each told by the word that its table must have.

    Args:
        forms: By that word.
        words: Those that are a single word.
        text: What any other text is.
        word_of: Which of the forms something has; by default, that which makes its class.
    """

    forms: Mapping[str, Form] = attrs.field(converter=_forms)
    words: Mapping[str, Any] = MappingProxyType({})
    text: Kind | None = None
    word_of: Callable[[Any], str | None] | None = None

    def read(self, raw: Any, at: Place) -> Any:
        if isinstance(raw, str) and raw in self.words:
            return self.words[raw]
        if isinstance(raw, str) and self.text is not None:
            return self.text.read(raw, at)
        told = [word for word in self.forms if isinstance(raw, Mapping) and word in raw]
        if len(told) != 1:
            raise at.fault(f"must be one of {self._allowed()}{', not several' if told else ''}")
        return self.forms[told[0]].read(raw, at)

    def write(self, item: Any) -> Any:
        for word, known in self.words.items():
            if item == known:
                return word
        if isinstance(item, str) and self.text is not None:
            return self.text.write(item)
        form = next((form for word, form in self.forms.items() if self._is(word, item)), None)
        if form is None:
            raise ValueError(f"{item!r} cannot be written as one of {self._allowed()}")
        return form.write(item)

    def _is(self, word: str, item: Any) -> bool:
        return self.word_of(item) == word if self.word_of is not None else self.forms[word].make is type(item)

    def _allowed(self) -> str:
        text = ["text"] if self.text is not None else []
        return ", ".join([*(f'"{word}"' for word in self.words), *text, *(form.sample for form in self.forms.values())])


@attrs.frozen
class Later:
    """A kind that is declared further below."""

    kind: Callable[[], Kind]

    def read(self, raw: Any, at: Place) -> Any:
        return self.kind().read(raw, at)

    def write(self, item: Any) -> Any:
        return self.kind().write(item)
