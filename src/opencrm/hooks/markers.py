"""The two marks: what is a hook, and what implements one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, overload

import attrs
import pluggy

from opencrm.core.entity import Entity

HOOK_API = 1
"""Number of the contract in `specs.py`; it grows when a plugin written for the old one may no longer work."""

PROJECT = "opencrm"

TERMS = "opencrm_terms"
"""Name of the attribute that carries an implementation's terms."""

hookspec = pluggy.HookspecMarker(PROJECT)

_mark = pluggy.HookimplMarker(PROJECT)

F = TypeVar("F", bound=Callable[..., Any])


@attrs.frozen
class Terms:
    """On what terms a function implements a hook."""

    entity: str | None = None
    priority: int = 0


@overload
def hookimpl(function: F) -> F: ...


@overload
def hookimpl(
    function: None = None, *, entity: str | type[Entity] | None = None, priority: int = 0
) -> Callable[[F], F]: ...


def hookimpl(
    function: F | None = None, *, entity: str | type[Entity] | None = None, priority: int = 0
) -> F | Callable[[F], F]:
    """Mark a function, by its name, as a plugin's implementation of a hook.

    Args:
        function: The function, where the mark is written without brackets.
        entity: Call it for this entity's changes alone; its class or its name.
        priority: The higher goes first; opencrm's own plugins come before all others, and names decide a tie.

    Raises:
        TypeError: `entity` is neither a name nor an entity.
    """
    terms = Terms(_name(entity), priority)

    def mark(marked: F) -> F:
        setattr(marked, TERMS, terms)
        return _mark(marked)

    return mark if function is None else mark(function)


def _name(entity: str | type[Entity] | None) -> str | None:
    if entity is None or isinstance(entity, str):
        return entity
    if not hasattr(entity, "spec"):
        raise TypeError(f"entity: must be an entity's name or class, not {entity!r}")
    return entity.spec.name
