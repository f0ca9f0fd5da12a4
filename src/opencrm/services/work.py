"""A work block: one principal, one transaction, one act; and the one write path."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime

import attrs

from opencrm.core.access.principal import Principal
from opencrm.core.access.rights import Rights
from opencrm.core.change import Change, JournalEntry, Values
from opencrm.core.entity import Spec
from opencrm.core.pipeline import StageMove
from opencrm.core.values import Id
from opencrm.services import checking, journal, judging, storing
from opencrm.services.bindings import Binding, bindings_of
from opencrm.services.configuration import Configuration
from opencrm.services.reading import Reader
from opencrm.services.signing_in import resolve
from opencrm.services.workspace import Workspace
from opencrm.storage.transactions import Transaction


@attrs.frozen(kw_only=True)
class Act:
    """What all journal lines of a work block have in common.

    Attributes:
        id: Shared by them.
        principal: Who began it, such as `"user:0190..."`.
        acting_as: As whom, inside `acting_as`.
        cause: The journal line that this reacts to.
        origin: The external system, file or undone act that it comes from.
    """

    id: Id
    principal: str
    acting_as: str | None = None
    cause: Id | None = None
    origin: str | None = None


class Work(Reader):
    """Reads and writes as one principal, in one transaction that the door commits.

    What `get` returns stays locked until the end, so that reading and then writing loses no update.
    """

    _lock_rows = True

    def __init__(
        self,
        tx: Transaction,
        workspace: Workspace,
        rights: Rights,
        configuration: Configuration,
        now: datetime,
        act: Act,
    ) -> None:
        super().__init__(tx, workspace, rights, configuration, now)
        self._act = act

    @property
    def act(self) -> Id:
        """Id of this act, in the journal."""
        return self._act.id

    @property
    def origin(self) -> str | None:
        """The external system, file or undone act that this comes from."""
        return self._act.origin

    def new_id(self) -> Id:
        """Return a fresh id."""
        return self.workspace.ids.new()

    def new_ids(self, number: int) -> list[Id]:
        """Return so many fresh ids, in order."""
        return self.workspace.ids.many(number)

    def apply(
        self,
        changes: Sequence[Change],
        *,
        past: Mapping[Id, Sequence[StageMove]] | None = None,
        undo: bool = False,
    ) -> tuple[JournalEntry, ...]:
        """Make changes come true, all of them or none: the one way in, for one record and for a hundred thousand.

        Args:
            changes: What is to happen, built by a service.
            past: For records that come from another system, the stages that they went through there.
            undo: Whether this takes back what was done: moves need not be in the pipeline's graph.

        Returns:
            The journal's lines, in the order of the changes, with the fields that the principal may read.

        Raises:
            PermissionDenied: The principal may not do this to one of the records.
            InputError: A reference leads to no record that the principal may know of.
            Objected: A rule or a plugin objects.
            Duplicate: A value that must be unique is taken.
            ConflictError: A record changed meanwhile.
        """
        judging.judge(self, changes)
        return journal.readable_entries(self._store(changes, past or {}, undo=undo), self.rights)

    def _store(
        self,
        changes: Sequence[Change],
        past: Mapping[Id, Sequence[StageMove]],
        *,
        undo: bool,
        by: Binding | None = None,
    ) -> list[JournalEntry]:
        """Store changes and what follows from them; what follows is not asked of the binding that it comes from."""
        bound = [(binding, own) for binding, own in bindings_of(changes) if binding is not by]
        for binding, own in bound:
            binding.judge(self, own)
        checking.check(self, changes, past, undo=undo)
        lines = [journal.entry(change, line) for change, line in zip(changes, self.stamps(len(changes)), strict=True)]
        storing.store(self, changes, lines, past)
        self.configuration.hooks.record_change(changes, self.door)
        for binding, own in bound:
            further = binding.follow(self, own, changes)
            if further:
                self._store(further, {}, undo=undo, by=binding)
        return lines

    def stamps(self, number: int) -> Iterator[dict[str, object]]:
        """Give what so many lines of the journal have besides their change: ids, the instant, and who."""
        common = {"act": self._act.id, "at": self.now, **_who(self._act)}
        return ({"id": id, **common} for id in self.new_ids(number))

    def door(self, plugin: str) -> checking.WorkDoor:
        """Return what a plugin's hook may ask."""
        return checking.WorkDoor(self, plugin)

    def unchanged(self, change: Change) -> JournalEntry:
        """Return the line of a change that changes nothing; it is not stored."""
        return journal.entry(change, next(self.stamps(1)))

    @contextmanager
    def acting_as(self, plugin: str, *, cause: Id | None = None) -> Iterator[Work]:
        """Work as a plugin's automation, in the same transaction; the journal tells both.

        Raises:
            NotSignedIn: The plugin is not enabled here.
        """
        principal = Principal.automation(plugin)
        rights, configuration = resolve(self.tx, self.workspace, principal, self.now)
        act = attrs.evolve(self._act, acting_as=principal.name, cause=cause or self._act.cause)
        yield Work(self.tx, self.workspace, rights, configuration, self.now, act)

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """Take back what is done inside, and only that, when it raises."""
        with self.tx.savepoint():
            yield

    def existing(self, spec: Spec, ids: Sequence[Id], *, deleted: bool = False) -> dict[Id, Values]:
        """Return the states of the records that a command names, locked.

        Raises:
            NotFound: One is not there, or the principal may not know of it.
        """
        return judging.existing(self, spec, ids, deleted=deleted)


def _who(act: Act) -> dict[str, object]:
    return {"principal": act.principal, "acting_as": act.acting_as, "cause": act.cause, "origin": act.origin}
