"""What plugins are told of deliveries, and the door that they are given."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, TypeAlias

from opencrm.core.access.principal import Principal
from opencrm.core.change import JournalEntry, Values
from opencrm.core.entity import Entity, Spec
from opencrm.core.values import Id
from opencrm.errors import ConfigurationError, ConflictError, NotSignedIn, OpenCRMError
from opencrm.services import journal, kept_secrets, queue
from opencrm.services.reading.reader import Reader
from opencrm.services.workspaces.signing_in import automated, resolve
from opencrm.services.workspaces.workspace import Workspace
from opencrm.services.writing.work import Work

Letter: TypeAlias = JournalEntry | OpenCRMError | None
"""What a plugin may see of a line; None where it may not know of the record, or why it is told nothing."""


def letters(reader: Reader, several: Sequence[queue.Delivery]) -> dict[Id, Letter]:
    """Return what each delivery tells its plugin, by the delivery's id, in a few statements for all.

    Args:
        reader: As the system.
        several: The deliveries.
    """
    lines = {row["id"]: row for row in journal.of_ids(reader.tx, [one.entry_id for one in several])}
    groups: dict[tuple[str, str], list[queue.Delivery]] = defaultdict(list)
    for one in several:
        groups[one.plugin, one.entity].append(one)
    found: dict[Id, Letter] = {}
    for (plugin, entity), group in groups.items():
        try:
            found |= _of_plugin(reader, plugin, entity, group, lines)
        except OpenCRMError as error:
            found |= {one.id: error for one in group}
    return found


def _of_plugin(
    reader: Reader, plugin: str, entity: str, group: Sequence[queue.Delivery], lines: Mapping[Id, Values]
) -> dict[Id, Letter]:
    if entity not in reader.configuration.catalogue.entities:
        return {one.id: None for one in group}
    mine = _as_plugin(reader, plugin)
    spec = mine.entity(entity)
    there = mine.known(spec, list({one.record_id for one in group}))
    return {
        one.id: _readable(mine, spec, lines[one.entry_id]) if one.entry_id in lines and one.record_id in there else None
        for one in group
    }


def _as_plugin(reader: Reader, plugin: str) -> Reader:
    rights = automated(reader.configuration, Principal.automation(plugin.partition(":")[0]), reader.now)
    return Reader(reader.tx, reader.workspace, rights, reader.configuration, reader.now)


def _readable(reader: Reader, spec: Spec, row: Values) -> JournalEntry:
    line = journal.read(row, reader.configuration.schemas.dumper(spec))
    return journal.readable_entry(line, reader.rights.readable(spec))


class PluginDoor:
    """What a plugin may do after a commit; see `core.ports.AfterDoor`."""

    def __init__(self, workspace: Workspace, work: Callable[..., Work], one: queue.Delivery) -> None:
        self._workspace = workspace
        self._open = work
        self._one = one
        self._principal = Principal.automation(one.whose)

    @property
    def now(self) -> datetime:
        """The present instant."""
        return self._workspace.clock.now()

    @property
    def plugin(self) -> str:
        """The plugin's name."""
        return self._one.whose

    @property
    def channel(self) -> str | None:
        """For which of the plugin's own channels this is."""
        return self._one.channel

    @property
    def intranet(self) -> frozenset[str]:
        """The hosts that outgoing calls may reach though they are no public ones."""
        return self._workspace.intranet

    @contextmanager
    def work(self) -> Iterator[Work]:
        """Open a work block as the plugin's automation; what it writes names the entry as its cause.

        Raises:
            ConflictError: The delivery is somebody else's by now, since this worker took too long.
        """
        with self._workspace.database.write() as tx:
            if not queue.still_held(tx, self._one):
                raise ConflictError("this delivery was taken by another worker meanwhile", plugin=self.plugin)
            work = self._open(tx, self._principal, cause=self._one.entry_id)
            yield work
            work.must_be_whole()

    @contextmanager
    def read(self) -> Iterator[Reader]:
        """Open a read block as the plugin's automation."""
        with self._workspace.database.read() as tx:
            rights, configuration = resolve(tx, self._workspace, self._principal, self.now)
            yield Reader(tx, self._workspace, rights, configuration, self.now)

    def pass_on(self, work: Work, channels: Iterable[str]) -> None:
        """Have the same entry delivered to channels of the plugin's own."""
        queue.pass_on(work.tx, self._one, channels, self._workspace.ids.new, self.now)

    def seen_by(self, user_id: Id) -> JournalEntry | None:
        """Return the entry as a person may see it now; None if they may not know of the record, or cannot sign in."""
        with self._workspace.database.read() as tx:
            try:
                rights, configuration = resolve(tx, self._workspace, Principal.user(user_id), self.now)
            except NotSignedIn:
                return None
            reader = Reader(tx, self._workspace, rights, configuration, self.now)
            rows = journal.of_ids(tx, [self._one.entry_id])
            spec = configuration.catalogue.entities.get(self._one.entity)
            if not rows or spec is None or not reader.states(spec, [self._one.record_id], deleted=None):
                return None
            return _readable(reader, spec, rows[0])

    def secret(self, entity: type[Entity], id: Id, *, of: str) -> tuple[str, Id] | None:
        """Return the secret of a record of the plugin's own, and the person who took it."""
        if entity.prefix != self.plugin:
            raise ConfigurationError(f"plugin {self.plugin!r}: {entity.__name__} is not its own", plugin=self.plugin)
        with self._workspace.database.read() as tx:
            return kept_secrets.find(tx, entity.spec.name, id, of=of)

    def once(self, work: Any, key: str) -> bool:
        """Say whether the plugin comes here for the first time with this key, and remember it in that transaction."""
        return queue.first_time(work.tx, self._one.whose, key, self.now)
