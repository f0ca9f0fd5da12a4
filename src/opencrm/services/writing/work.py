"""A work block: one principal, one transaction, one act; and the one write path."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import attrs

from opencrm.core.access.principal import Principal
from opencrm.core.access.rights import Rights
from opencrm.core.change import Change, JournalEntry
from opencrm.core.pipeline import StageMove
from opencrm.core.process.reactions import Source
from opencrm.core.values import Id
from opencrm.errors import ConflictError
from opencrm.services import journal
from opencrm.services.process import reacting
from opencrm.services.process.tasking import departing, handing
from opencrm.services.process.timing import keeping
from opencrm.services.reading import saved
from opencrm.services.workspaces.configuration import Configuration
from opencrm.services.workspaces.signing_in import automated, resolve
from opencrm.services.writing import checking, judging, preparing, rolling, storing
from opencrm.services.writing.bindings import Binding, bindings_of
from opencrm.services.writing.block import NOBODY, Act, Block


class Work(Block):
    """Reads and writes as one principal, in one transaction that the door commits."""

    def apply(
        self,
        changes: Sequence[Change],
        *,
        past: Mapping[Id, Sequence[StageMove]] | None = None,
        undoes: Sequence[Id] = (),
        causes: Sequence[Id] = (),
    ) -> tuple[JournalEntry, ...]:
        """Make changes come true, all of them or none: the one way in, for one record and for a hundred thousand.

        Args:
            changes: What is to happen, built by a service.
            past: For records that come from another system, the stages that they went through there.
            causes: For each change, the journal's line that it reacts to, where they differ.
            undoes: Of what takes back what was done, each change's line: its move need not be in the pipeline's graph.

        Returns:
            The journal's lines, in the order of the changes, with the fields that the principal may read.

        Raises:
            PermissionDenied: The principal may not do this to one of the records.
            InputError: A reference leads to no record that the principal may know of.
            Objected: A rule or a plugin objects.
            Duplicate: A value that must be unique is taken.
            ConflictError: A record changed meanwhile.
        """
        for change in changes:
            if not self.read_here(change):
                raise ConflictError(f"this {change.entity} was not read so in this work block", entity=change.entity)
        changes = preparing.prepared(self, changes)
        behalf = judging.judge(self, changes)
        stored = self._store(changes, past or {}, undoes, behalf=behalf, causes=causes)
        lines = journal.readable_entries(stored, self.rights)
        return saved.lines(self.rights, lines, (change.before or change.after for change in changes))

    def _store(
        self,
        changes: Sequence[Change],
        past: Mapping[Id, Sequence[StageMove]],
        undoes: Sequence[Id],
        *,
        by: Binding | None = None,
        behalf: Mapping[int, str] = NOBODY,
        causes: Sequence[Id] = (),
    ) -> list[JournalEntry]:
        """Store changes and what follows from them; what follows is not asked of the binding that it comes from."""
        bound = [(binding, own) for binding, own in bindings_of(changes) if binding is not by]
        for binding, own in bound:
            binding.judge(self, own)
        checking.check(self, changes, past, undo=bool(undoes))
        stamps = self.stamps(len(changes), undoes, behalf, causes)
        lines = [journal.entry(change, line) for change, line in zip(changes, stamps, strict=True)]
        with self.storing():
            storing.store(self, changes, lines, past)
            touched = rolling.keep(self.tx, self.configuration, changes)
            keeping.keep(self, changes, past, quiet=bool(undoes) or not self.automated)
            keeping.keep_rolled(self, touched)
            departing.follow(self, changes, lines)
            self.configuration.hooks.record_change(changes, self.door)
            for binding, own in bound:
                further = binding.follow(self, own, changes)
                if further:
                    behalf, taken = judging.judge(self, further), [min(undoes)] * len(further) if undoes else ()
                    self._store(further, {}, taken, by=binding, behalf=behalf)
            if self.automated and not undoes and not self.entailed:
                handing.tell_hands(self, changes, past)
                reacting.react(self, changes, lines, past)
        return lines

    def door(self, plugin: str) -> checking.WorkDoor:
        """Return what a plugin's hook may ask."""
        return checking.WorkDoor(self, plugin, writes=True)

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
        act = attrs.evolve(self._act, acting_as=principal.name, cause=cause or self._act.cause)
        with self._as(principal, act) as inner:
            yield inner

    @contextmanager
    def reacting_as(self, source: Source, *, cause: Id | None = None) -> Iterator[Work]:
        """Do what a rule, a stage or a task entails, as its automation, in the same transaction; the journal tells all.

        Raises:
            NotSignedIn: The automation is not enabled here.
        """
        principal = Principal.automation(source.automation)
        act = attrs.evolve(
            self._act,
            acting_as=principal.name,
            cause=cause or self._act.cause,
            rule=source.name,
            depth=self._act.depth + 1,
            behind=self.behind,
        )
        with self._as(principal, act) as inner:
            yield inner

    @contextmanager
    def entailing(self, reason: str) -> Iterator[Work]:
        """Do what an act that was judged entails beyond its principal's reach: references that follow a merge.

        opencrm itself does it, in the same transaction and the same act; the journal tells both, and why.
        """
        act = attrs.evolve(
            self._act, acting_as=journal.SYSTEM, entailed=True, origin=self._act.origin or f"system: {reason}"[:200]
        )
        with self._as(Principal.system(reason), act) as inner:
            yield inner

    @contextmanager
    def _as(self, principal: Principal, act: Act) -> Iterator[Work]:
        rights, configuration = self._resolved(principal)
        inner = Work(self.tx, self.workspace, rights, configuration, self.now, act)
        try:
            yield inner
        finally:
            self._half = self._half or inner._half
        self.config_version = inner.config_version

    def _resolved(self, principal: Principal) -> tuple[Rights, Configuration]:
        """Look up what a principal may do; of an automation, what is known where the configuration is the same."""
        if principal.kind == "automation" and self.config_version == self.configuration.version:
            return automated(self.configuration, principal, self.now), self.configuration
        return resolve(self.tx, self.workspace, principal, self.now)
