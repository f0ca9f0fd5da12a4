"""How commands are told with which records, and how errors speak in the words of the command line."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from opencrm.core.conditions import Condition
    from opencrm.core.entity import Spec
    from opencrm.services.reading.reader import Reader

C = TypeVar("C", bound=Callable[..., Any])


def where_option(command: C) -> C:
    """Give a command `--where`, as its argument `wheres`."""
    text = "Which records: a filter, or a condition as JSON; several must all hold."
    return click.option("--where", "wheres", multiple=True, metavar="FIELD[OP]=VALUE|JSON", help=text)(command)


def condition_of(reader: Reader, spec: Spec, wheres: Iterable[str]) -> Condition | None:
    """Return what `--where` asks for; None where it says nothing.

    Raises:
        InputError: It cannot be read; names the field.
    """
    from opencrm.services.viewing.asking import asked

    with called({"where": "--where"}):
        return asked(reader, spec, wheres)


@contextmanager
def called(names: Mapping[str, str]) -> Iterator[None]:
    """Let errors from within name the options by which the command line says these fields."""
    from opencrm.errors import InputError

    try:
        yield
    except InputError as error:
        raise error.called(names) from None


def check_one(what: str, options: Mapping[str, Any]) -> None:
    """Refuse a command that says something by none of these options, or by more than one."""
    if sum(bool(given) for given in options.values()) != 1:
        *most, last = options
        raise click.UsageError(f"say {what}, by one of {', '.join(most)} and {last}")


@contextmanager
def by_options(spec: Spec) -> Iterator[None]:
    """Say of a field that is not simply set by which option it is changed."""
    from opencrm.errors import InputError

    try:
        yield
    except InputError as error:
        told = {name: _with_option(spec, name, texts) for name, texts in error.fields.items()}
        raise type(error)(told) from None


def _with_option(spec: Spec, name: str, texts: Sequence[str]) -> list[str]:
    author = spec.fields[name].author if name in spec.fields else None
    option = {"move": "--move", "assign": f"--{name.removesuffix('_id')}"}.get(author or "")
    return [f"{text}: say {option}" if option and "is changed by" in text else text for text in texts]
