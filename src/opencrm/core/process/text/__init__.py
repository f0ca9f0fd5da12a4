"""Declarations as JSON and TOML hold them: `plain` writes them, the others read them again.

What is left at its default is not written. Numbers, dates and amounts that a field is set to become what the field
reads back: `Decimal("1.50")` is `"1.50"`. Nothing, which TOML cannot write, is `{empty = true}`.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from opencrm.core import conditions
from opencrm.core.pipeline.definition import Pipeline, Stage
from opencrm.core.pipeline.requirements import Requirement
from opencrm.core.process.actions import ACTIONS, Action
from opencrm.core.process.asking.forms import Form
from opencrm.core.process.events import EVENTS, Event
from opencrm.core.process.rules import Rule
from opencrm.core.process.selectors import SELECTORS, Selector
from opencrm.core.process.tasks import Escalation, TaskSpec
from opencrm.core.process.text import grammar, parts
from opencrm.core.process.text.bounds import LONGEST_NAME, MOST_NODES, check_bounds
from opencrm.core.process.text.events import EVENT
from opencrm.core.process.text.kinds import Kind
from opencrm.core.process.text.places import DEEPEST, Faults, Place, Unreadable
from opencrm.core.process.timing.calendars import Calendar
from opencrm.core.process.values import By, Duration, Value

_KINDS: Mapping[type[Any], Kind] = MappingProxyType(
    {
        Pipeline: grammar.PIPELINE,
        Stage: grammar.STAGE,
        Requirement: grammar.REQUIREMENT,
        TaskSpec: grammar.TASK,
        Escalation: grammar.ESCALATION,
        Rule: grammar.RULE,
        Form: parts.FORM,
        Calendar: parts.CALENDAR,
        By: parts.DURATION,
        str: parts.DURATION,
        Value: parts.VALUE,
        **dict.fromkeys(ACTIONS, grammar.ACTION),
        **dict.fromkeys(EVENTS, EVENT),
        **dict.fromkeys(SELECTORS, parts.SELECTOR),
    }
)


def plain(declaration: Any) -> Any:
    """Return a declaration, or a list of them, as JSON and TOML hold it.

    Raises:
        ValueError: It is no declaration, or holds something that cannot be written.
    """
    if isinstance(declaration, list | tuple):
        return [plain(each) for each in declaration]
    kind = _KINDS.get(type(declaration))
    return conditions.plain(declaration) if kind is None else kind.write(declaration)


def pipeline_of(raw: Any, at: str = "pipeline") -> Pipeline:
    """Read a pipeline.

    Args:
        raw: What JSON or TOML holds.
        at: What faults call it, such as `"pipelines[1]"`.

    Raises:
        Unreadable: It is none; says in which places, and why. The readers below do the same.
    """
    found: Pipeline = _read(grammar.PIPELINE, raw, at)
    return found


def stage_of(raw: Any, at: str = "stage") -> Stage:
    """Read a stage."""
    found: Stage = _read(grammar.STAGE, raw, at)
    return found


def requirement_of(raw: Any, at: str = "requirement") -> Requirement:
    """Read a requirement."""
    found: Requirement = _read(grammar.REQUIREMENT, raw, at)
    return found


def rule_of(raw: Any, at: str = "rule") -> Rule:
    """Read a rule."""
    found: Rule = _read(grammar.RULE, raw, at)
    return found


def task_of(raw: Any, at: str = "task") -> TaskSpec:
    """Read a task."""
    found: TaskSpec = _read(grammar.TASK, raw, at)
    return found


def action_of(raw: Any, at: str = "action") -> Action:
    """Read an action."""
    found: Action = _read(grammar.ACTION, raw, at)
    return found


def actions_of(raw: Any, at: str = "actions") -> tuple[Action, ...]:
    """Read a list of actions."""
    found: tuple[Action, ...] = _read(grammar.ACTIONS, raw, at)
    return found


def event_of(raw: Any, at: str = "event") -> Event:
    """Read an event."""
    found: Event = _read(EVENT, raw, at)
    return found


def selector_of(raw: Any, at: str = "selector") -> Selector:
    """Read a selector."""
    found: Selector = _read(parts.SELECTOR, raw, at)
    return found


def duration_of(raw: Any, at: str = "duration") -> Duration:
    """Read a duration."""
    found: Duration = _read(parts.DURATION, raw, at)
    return found


def form_of(raw: Any, at: str = "form") -> Form:
    """Read a form."""
    found: Form = _read(parts.FORM, raw, at)
    return found


def calendar_of(raw: Any, at: str = "calendar") -> Calendar:
    """Read a calendar."""
    found: Calendar = _read(parts.CALENDAR, raw, at)
    return found


def _read(kind: Kind, raw: Any, at: str) -> Any:
    place = Place(at)
    check_bounds(raw, place)
    return kind.read(raw, place)


__all__ = [
    "DEEPEST",
    "LONGEST_NAME",
    "MOST_NODES",
    "Faults",
    "Unreadable",
    "action_of",
    "actions_of",
    "calendar_of",
    "duration_of",
    "event_of",
    "form_of",
    "pipeline_of",
    "plain",
    "requirement_of",
    "rule_of",
    "selector_of",
    "stage_of",
    "task_of",
]
