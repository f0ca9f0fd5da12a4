"""Makers of small plugins, changes and doors."""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Callable
from datetime import UTC, datetime
from types import ModuleType
from typing import Any

import attrs
import pytest

from opencrm.core.change import Change, JournalEntry, Kind
from opencrm.hooks import Plugin, hookimpl, specs
from opencrm.hooks.plugin import Source, read_plugin

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


@attrs.frozen
class FakeDoor:
    """A door that only tells whose it is."""

    plugin: str
    now: datetime = NOON


@pytest.fixture
def make_plugin() -> Callable[..., Plugin]:
    """Make a plugin of functions, each named as the hook that it implements."""

    def make(name: str, *functions: Callable[..., Any], source: Source = "given") -> Plugin:
        module = ModuleType(name)
        for function in functions:
            marked = hasattr(function, "opencrm_terms")
            setattr(module, function.__name__, function if marked else hookimpl(function))
        return read_plugin(name, module, source=source)

    return make


@pytest.fixture
def make_change() -> Callable[..., Change]:
    def make(
        id: str = "1",
        *,
        entity: str = "deal",
        kind: Kind = Kind.CHANGED,
        stage: str | None = None,
        **after: Any,
    ) -> Change:
        before = None if kind is Kind.CREATED else {"id": id}
        return Change(entity, id, kind, before, {"id": id, "stage": stage, **after})

    return make


@pytest.fixture
def make_entry() -> Callable[..., JournalEntry]:
    def make(entity: str = "deal", kind: Kind = Kind.CREATED, **after: Any) -> JournalEntry:
        return JournalEntry(
            entry_id="e1",
            act="a1",
            at=NOON,
            entity=entity,
            record_id="r1",
            kind=kind,
            principal="user:1",
            before=None,
            after=after,
        )

    return make


@pytest.fixture
def door_for() -> Callable[[str], Any]:
    return FakeDoor


@pytest.fixture
def example() -> Callable[[str], Plugin]:
    """Make a plugin of the example in a hook's documentation, as an author would copy it."""

    def make(hook: str) -> Plugin:
        text = textwrap.dedent(inspect.getdoc(getattr(specs, hook)).partition("Example:\n")[2])
        module = ModuleType("example")
        exec(compile(text, f"example of {hook}", "exec", dont_inherit=True), vars(module))
        return read_plugin("example", module, source="given")

    return make
