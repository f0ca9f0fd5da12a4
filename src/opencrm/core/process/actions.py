"""What: the actions that rules, stages and tasks name.

Each says whether it is done in the transaction of its event, which it may only be where it touches nothing but data,
or after the commit, by the worker.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, ClassVar, Literal, TypeAlias

import attrs

from opencrm.core.access.grants import Grant
from opencrm.core.clock import duration
from opencrm.core.conditions import Condition
from opencrm.core.entity import Entity, Spec
from opencrm.core.process.asking.forms import Form, names
from opencrm.core.process.selectors import Selector, selector
from opencrm.core.process.tasks import TaskSpec
from opencrm.core.process.values import Value, length, naming, places

When: TypeAlias = Literal["in_transaction", "after_commit"]


def _values(given: Mapping[str, Any]) -> Mapping[str, Any]:
    for value in given.values():
        if isinstance(value, str):
            places(value)
    return MappingProxyType(dict(given))


def _text(given: str) -> str:
    places(given)
    return given


def _said(given: str) -> str:
    if not given.strip():
        raise ValueError("a letter says nothing: give it a subject and a text")
    return _text(given)


def _duration(text: str) -> str:
    with naming("duration"):
        if duration(length(text)):
            return text
        raise ValueError("a wait takes some time: what is done at once stands in the same list")


@attrs.frozen
class CreateRecord:
    """Make a record; see `create`."""

    when: ClassVar[When] = "in_transaction"
    entity: str
    values: Mapping[str, Any] = attrs.field(converter=_values, hash=False)
    once: tuple[str, ...] = attrs.field(default=(), converter=names)


@attrs.frozen
class UpdateRecord:
    """Set fields of the record; see `update`."""

    when: ClassVar[When] = "in_transaction"
    values: Mapping[str, Any] = attrs.field(converter=_values, hash=False)


@attrs.frozen
class MoveRecord:
    """Move the record; see `move`."""

    when: ClassVar[When] = "in_transaction"
    to: str


@attrs.frozen
class AssignRecord:
    """Give the record to somebody; see `assign`."""

    when: ClassVar[When] = "in_transaction"
    to: Selector = attrs.field(converter=selector)


@attrs.frozen
class GiveTask:
    """Give somebody a task; see `give`."""

    when: ClassVar[When] = "in_transaction"
    task: TaskSpec


@attrs.frozen
class Notify:
    """Tell somebody; see `notify`."""

    when: ClassVar[When] = "in_transaction"
    to: Selector = attrs.field(converter=selector)
    text: str = attrs.field(converter=_text)


@attrs.frozen
class Send:
    """Write to the record's client; see `send`."""

    when: ClassVar[When] = "after_commit"
    subject: str = attrs.field(converter=_said)
    text: str = attrs.field(converter=_said)


@attrs.frozen
class FillIn:
    """Put what was filled in with a task into its record; follows from the task's form, and is in no declaration."""

    when: ClassVar[When] = "in_transaction"
    form: Form
    answers: Mapping[str, Any] = attrs.field(hash=False)
    owner_id: str | None


@attrs.frozen
class OnlyIf:
    """Go on only if a condition holds; see `only_if`."""

    when: ClassVar[When] = "in_transaction"
    condition: Condition


@attrs.frozen
class Wait:
    """Go on later; see `wait`."""

    when: ClassVar[When] = "after_commit"
    duration: str = attrs.field(converter=_duration)


@attrs.frozen
class Call:
    """Have a plugin do something; see `call`."""

    when: ClassVar[When] = "after_commit"
    service: str
    values: Mapping[str, Any] = attrs.field(converter=_values, hash=False)


RECORD = "record"
"""In what a service needs, the entity of the record that it is called for."""

Needs: TypeAlias = Mapping[str, Sequence[Grant]]
"""What services must be allowed, by the service."""

Action: TypeAlias = (
    CreateRecord | UpdateRecord | MoveRecord | AssignRecord | GiveTask | Notify | Send | FillIn | OnlyIf | Wait | Call
)
ACTIONS = (CreateRecord, UpdateRecord, MoveRecord, AssignRecord, GiveTask, Notify, Send, OnlyIf, Wait, Call)


def create(entity: type[Entity] | Spec | str, *, once: tuple[str, ...] | str = (), **values: Any) -> CreateRecord:
    """Make a record.

    Args:
        entity: Its class or name.
        once: Fields that tell whether it is there already: then that one is taken, and nothing is made.
        values: Its fields: constants, texts with places such as `"{title}"`, or `value("contact_id")`.
    """
    name = entity if isinstance(entity, str) else entity.name if isinstance(entity, Spec) else entity.spec.name
    return CreateRecord(name, values, (once,) if isinstance(once, str) else once)


def update(**values: Any) -> UpdateRecord:
    """Set fields of the record that the event is about: `update(source="fair", description="{contact.name}")`."""
    return UpdateRecord(values)


def move(to: str) -> MoveRecord:
    """Move the record to a stage: `"agreed"`, or `"sales.new"` of another pipeline."""
    return MoveRecord(to)


def assign(to: Selector) -> AssignRecord:
    """Give the record to somebody."""
    return AssignRecord(to)


def give(task: TaskSpec) -> GiveTask:
    """Give somebody a task about the record."""
    return GiveTask(task)


def notify(to: Selector, text: str) -> Notify:
    """Tell somebody, in their inbox and as they chose; places in the text are fields that they may read."""
    return Notify(to, text)


def send(subject: str, text: str) -> Send:
    """Write an e-mail to the record's client, after the commit: to the address of its contact, or of its company.

    The address is the preferred one of those that are valid, and for which consent was not withdrawn; without one the
    step fails, and whoever answers for the record is told. The letter stands on the record's timeline.

    Args:
        subject: One line; places are fields, as in `"Your order {title}"`.
        text: What it says, with places too; lines stay lines.
    """
    return Send(subject, text)


def only_if(condition: Condition) -> OnlyIf:
    """Go on with the next action only if the record meets a condition now."""
    return OnlyIf(condition)


def wait(duration: str) -> Wait:
    """Go on with the next action after so much time: `"6w"`."""
    return Wait(duration)


GENERATE = "documents_generate"
"""The service of the plugin `documents`, in the box."""


def generate(template: str) -> Call:
    """Have a document made from a template and added to the record's files, by the plugin `documents`.

    What the template needs must be there: else the act that this follows from is refused, with what is missing.
    """
    return Call(GENERATE, {"template": template})


def call(service: str, **values: Any) -> Call:
    """Have a plugin do something after the commit: a service that it registered, with values as for `create`."""
    return Call(service, values)


def cure(service: str) -> str:
    """Return what to do where no active plugin brings a service."""
    return _CURES.get(service, "the plugin that its name begins with has none of this name, or is not enabled")


_CURES: Mapping[str, str] = MappingProxyType({GENERATE: "enable the plugin 'documents', which has it"})

__all__ = [
    "ACTIONS",
    "RECORD",
    "Action",
    "AssignRecord",
    "Call",
    "CreateRecord",
    "GiveTask",
    "MoveRecord",
    "Needs",
    "Notify",
    "OnlyIf",
    "Send",
    "UpdateRecord",
    "Value",
    "Wait",
    "When",
    "assign",
    "call",
    "create",
    "generate",
    "give",
    "move",
    "notify",
    "only_if",
    "send",
    "update",
    "wait",
]
