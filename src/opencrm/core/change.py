"""What happens to a record, as a value: the one thing that rules, checks, history and events are computed from."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from typing import Any, TypeAlias

import attrs

from opencrm.core.values import Id

Values: TypeAlias = Mapping[str, Any]
"""A record's state: each field's name with its typed value."""


class Kind(StrEnum):
    """The kinds of change, named as the journal names them."""

    CREATED = "created"
    CHANGED = "changed"
    MOVED = "moved"
    ASSIGNED = "assigned"
    DELETED = "deleted"
    RESTORED = "restored"


@attrs.frozen
class Change:
    """One record's step from one state to the next.

    Args:
        entity: The entity's name, such as `"deal"`.
        id: The record's id.
        kind: What sort of step it is.
        before: The whole state before; None for a creation.
        after: The whole state after; of a deletion, the state in which it was deleted.
    """

    entity: str
    id: Id
    kind: Kind
    before: Values | None
    after: Values

    @cached_property
    def fields(self) -> tuple[str, ...]:
        """Names of the fields that the step sets to something else; for a creation, of those that hold a value."""
        if self.before is None:
            return tuple([name for name, value in self.after.items() if value is not None])
        before = self.before
        return tuple(name for name, value in self.after.items() if before.get(name) != value)

    def becoming(self, after: Values) -> Change:
        """Return the same step to another state."""
        return Change(self.entity, self.id, self.kind, self.before, after)


@attrs.frozen
class Objection:
    """A rule's refusal of one record's change.

    Args:
        record: Id of the record that must not change so.
        code: Stable name of the reason.
        text: A sentence for the user.
        field: The field to show it at, if it is about one.
    """

    record: Id
    code: str
    text: str
    field: str | None = None


@attrs.frozen(kw_only=True)
class JournalEntry:
    """One line of the journal: what happened, to what, when, by whom and why.

    Attributes:
        entry_id: The line's own id, time-ordered; not the record's.
        act: Id shared by everything that was done in one work block.
        at: When.
        entity: The entity's name.
        record_id: The record's id.
        kind: What sort of step it was.
        principal: Who, such as `"user:0190..."`.
        acting_as: As whom, where a rule or a plugin acted for somebody: `"automation:NAME"`.
        cause: Id of the line that the rule or plugin reacted to.
        origin: The external system or file that it came from, or the reason of the system.
        rule: Name of the rule, the stage or the task that caused it, such as `"windows.request"`.
        undoes: Id of the line that it takes back; of what follows from an undo, of the oldest one.
        before: The changed fields as they were; None for a creation.
        after: The changed fields as they became.
    """

    entry_id: Id
    act: Id
    at: datetime
    entity: str
    record_id: Id
    kind: Kind
    principal: str
    acting_as: str | None = None
    cause: Id | None = None
    origin: str | None = None
    rule: str | None = None
    undoes: Id | None = None
    before: Values | None
    after: Values
