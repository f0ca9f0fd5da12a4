"""Reading a plugin's implementations: pluggy checks names and signatures, and is asked nothing else."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeAlias

import attrs
import pluggy

from opencrm.core.clock import monotonic
from opencrm.errors import PluginError
from opencrm.hooks import specs
from opencrm.hooks.markers import PROJECT, TERMS, Terms

Answers: TypeAlias = tuple[Any, ...]


@attrs.frozen(kw_only=True)
class Implementation:
    """One plugin's implementation of one hook, ready to be called.

    Attributes:
        hook: The hook's name.
        plugin: The plugin's name.
        entity: The only entity whose changes it is told, or None.
        priority: The higher goes first.
        function: What is called.
        wants: The positions, among the hook's arguments, of those that the function takes.
    """

    hook: str
    plugin: str
    entity: str | None
    priority: int
    function: Callable[..., Any]
    wants: tuple[int, ...]

    @property
    def where(self) -> str:
        """The function's module and name."""
        return f"{self.function.__module__}:{self.function.__qualname__}"

    def run(self, *given: Any) -> Answers:
        """Call it and take everything that it gives, to the end.

        Raises:
            PluginError: It raised, at once or while it gave; the cause is kept.
        """
        try:
            return _all(self.function(*[given[at] for at in self.wants]))
        except (Exception, SystemExit) as error:
            raise self.broken(f"{type(error).__name__}: {error}") from error

    def broken(self, why: str) -> PluginError:
        """Return the error that names plugin and hook."""
        text = f"plugin {self.plugin!r} failed in {self.hook}: {why}"
        return PluginError(text, plugin=self.plugin, hook=self.hook)


@attrs.frozen(kw_only=True)
class Traced(Implementation):
    """An implementation whose every call leaves a line on stderr."""

    def run(self, *given: Any) -> Answers:
        start, outcome = monotonic(), "raised"
        try:
            answers = Implementation.run(self, *given)
            outcome = f"gave {len(answers)}"
        finally:
            spent = (monotonic() - start) * 1000
            sys.stderr.write(f"{self.hook} {self.plugin} {outcome} in {spent:.2f} ms\n")
        return answers


def traced(implementation: Implementation) -> Implementation:
    """Return the same, leaving a line on stderr for each call."""
    return Traced(**attrs.asdict(implementation, recurse=False))


def hook_names() -> tuple[str, ...]:
    """Return the names of all hooks, in the order of `specs.py`."""
    return tuple(name for name in vars(specs) if name.startswith("opencrm_"))


def arguments(hook: str) -> tuple[str, ...]:
    """Return the names of a hook's arguments."""
    return tuple(inspect.signature(getattr(specs, hook)).parameters)


def implementations(plugin: str, source: object) -> tuple[Implementation, ...]:
    """Return what a plugin implements.

    Args:
        plugin: The plugin's name.
        source: Its module, or an object with methods.

    Raises:
        PluginError: A hook is misspelt, unmarked, or cannot be called as the contract says.
    """
    manager = pluggy.PluginManager(PROJECT)
    manager.add_hookspecs(specs)
    try:
        manager.register(source, plugin)
        manager.check_pending()
        callers = manager.get_hookcallers(source) or []
    except pluggy.PluginValidationError as error:
        raise PluginError(f"plugin {plugin!r}: {_one_line(error)}", plugin=plugin) from error
    except (Exception, SystemExit) as error:
        raise PluginError(f"plugin {plugin!r} cannot be read: {error}", plugin=plugin) from error
    found = tuple(_read(plugin, caller.name, it) for caller in callers for it in caller.get_hookimpls())
    _refuse_unmarked(plugin, source, {it.hook for it in found})
    return found


def _read(plugin: str, hook: str, found: pluggy.HookImpl) -> Implementation:
    terms = getattr(found.function, TERMS, None)
    if not isinstance(terms, Terms):
        raise _unfit(plugin, hook, "mark it with opencrm's own hookimpl")
    offered = arguments(hook)
    _check_signature(plugin, hook, found, offered)
    if terms.entity is not None and not {"changes", "entry"} & set(offered):
        raise _unfit(plugin, hook, "entity= is for hooks that are told of changes")
    return Implementation(
        hook=hook,
        plugin=plugin,
        entity=terms.entity,
        priority=terms.priority,
        function=found.function,
        wants=tuple(offered.index(name) for name in found.argnames),
    )


def _check_signature(plugin: str, hook: str, found: pluggy.HookImpl, offered: Sequence[str]) -> None:
    """Refuse what pluggy lets pass: functions that would never be awaited, given an argument, or callable."""
    if inspect.iscoroutinefunction(found.function) or inspect.isasyncgenfunction(found.function):
        raise _unfit(plugin, hook, "must be a plain function: opencrm is synchronous")
    for name in set(found.kwargnames) & set(offered):
        raise _unfit(plugin, hook, f"argument {name!r} must not have a default")
    try:
        inspect.signature(found.function).bind(*found.argnames)
    except TypeError as error:
        raise _unfit(plugin, hook, f"{error}; the hook gives {', '.join(offered) or 'none'}") from error


def _refuse_unmarked(plugin: str, source: object, marked: Iterable[str]) -> None:
    for hook in set(hook_names()) - set(marked):
        if inspect.isroutine(getattr(source, hook, None)):
            raise _unfit(plugin, hook, "is not marked with @hookimpl, and would never be called")


def _unfit(plugin: str, hook: str, why: str) -> PluginError:
    return PluginError(f"plugin {plugin!r}, {hook}: {why}", plugin=plugin, hook=hook)


def _one_line(error: Exception) -> str:
    """Return pluggy's message on one line."""
    return " ".join(str(error).split())


def _all(answer: Any) -> Answers:
    if isinstance(answer, Iterable) and not isinstance(answer, str):
        return tuple(answer)
    return () if answer is None else (answer,)
