"""What declarations are given: lists of the right things, and words of a few; a fault names where it stands."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable
from typing import Any, TypeAlias

import attrs

_KEY = re.compile(r"[a-z][a-z0-9_]{0,63}")

Validator: TypeAlias = Callable[[Any, "attrs.Attribute[Any]", Any], None]


def listed(given: Any) -> Any:
    """Return a list as a tuple, and what is none as it is: `all_of` refuses that with its place."""
    return tuple(given) if isinstance(given, Iterable) and not isinstance(given, str) else given


def all_of(kinds: Any, what: str, like: str) -> Validator:
    """Return what refuses anything but a list of some things.

    Args:
        kinds: The classes that they may be of.
        what: What one of them is called.
        like: What one looks like, as in `required("amount")`; a text in its place is put for `amount`.
    """

    def check(owner: Any, attribute: attrs.Attribute[Any], given: Any) -> None:
        at = f"{place(owner)}: {attribute.name}"
        if not isinstance(given, tuple):
            raise ValueError(f"{at}: must be a list, also of one {what}: [{like}]")
        for each in given:
            if not isinstance(each, kinds):
                meant = like.replace("amount", each) if isinstance(each, str) else like
                raise ValueError(f"{at}: {each!r} is no {what} such as {meant}")

    return check


def one_of(several: Collection[str]) -> Validator:
    """Return what refuses anything but some words."""

    def check(_owner: Any, attribute: attrs.Attribute[Any], given: Any) -> None:
        if given not in several:
            raise ValueError(f"{attribute.name}: {given!r} is none of {', '.join(several)}")

    return check


def stable_key(_owner: object, _attribute: object, given: Any) -> None:
    """Refuse what is no stable name.

    Raises:
        ValueError: It is none.
    """
    if not isinstance(given, str) or not _KEY.fullmatch(given):
        raise ValueError(
            f"key: {given!r} is no name of at most 64 small letters, digits and _ that begins with a letter"
        )


def place(owner: Any) -> str:
    """Return how a declaration is named where something is wrong with it: `task 'call'`."""
    return f"{type(owner).__name__.removesuffix('Spec').lower()} {owner.key!r}"
