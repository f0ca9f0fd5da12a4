"""The worker: tells plugins what was committed."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from opencrm.core.access.principal import Principal
from opencrm.core.change import JournalEntry
from opencrm.errors import ConflictError, OpenCRMError, Unavailable
from opencrm.services import journal, queue
from opencrm.services.reading.reader import Reader
from opencrm.services.workspaces.signing_in import resolve
from opencrm.services.workspaces.workspace import Workspace
from opencrm.services.writing.work import Work

_LOG = logging.getLogger("opencrm.worker")
_PAUSE = 1.0


class Worker:
    """Fans the journal out and makes deliveries, one at a time; any number of workers may run.

    Args:
        workspace: Whose queue it works.
        work: Opens a work block in a transaction.
        upkeep: What is to be done when there is time; see `Upkeep`.
    """

    def __init__(self, workspace: Workspace, work: Callable[..., Work], upkeep: Callable[[], None]) -> None:
        self._workspace = workspace
        self._work = work
        self._upkeep = upkeep

    def run_once(self) -> int:
        """Deliver everything that is due; return how many deliveries were tried."""
        tried = 0
        self._upkeep()
        while self._fan_out():
            pass
        while self._deliver():
            tried += 1
            self._fan_out()
        return tried

    def run(self, stop: threading.Event) -> None:
        """Work until `stop` is set; a delivery under way is finished."""
        while not stop.is_set():
            try:
                busy = self._fan_out() or self._deliver()
                if not busy:
                    self._upkeep()
            except (ConflictError, Unavailable) as error:  # Somebody held the database for too long, or it is away.
                _LOG.warning("the queue waits: %s", error)
                busy = False
            if not busy:
                stop.wait(_PAUSE)

    @contextmanager
    def running(self) -> Iterator[Future[None]]:
        """Work in a thread of its own while the block runs.

        Yields:
            The thread's outcome, which raises what broke it.
        """
        stop = threading.Event()
        with ThreadPoolExecutor(1, "opencrm worker") as threads:
            try:
                yield threads.submit(self.run, stop)
            finally:
                stop.set()

    def _fan_out(self) -> int:
        with self._workspace.database.read() as tx:
            if not queue.anything_pending(tx):
                return 0
        now = self._workspace.clock.now()
        with self._workspace.database.write() as tx:
            _, configuration = resolve(tx, self._workspace, Principal.system("fan the journal out"), now)
            return queue.fan_out(tx, configuration.hooks.listeners, self._workspace.ids.new, now)

    def _deliver(self) -> bool:
        with self._workspace.database.write() as tx:
            claimed = queue.claim(tx, self._workspace.clock.now())
        if claimed is None:
            return False
        problem = self._tell(claimed)
        with self._workspace.database.write() as tx:
            if problem is None:
                queue.done(tx, claimed)
            else:
                queue.failed(tx, claimed, str(problem), self._workspace.clock.now())
        if problem is not None:
            _log(claimed, problem)
        return True

    def _tell(self, one: queue.Delivery) -> OpenCRMError | None:
        """Call the plugin's hook; return what went wrong."""
        door = PluginDoor(self._workspace, self._work, one)
        try:
            with door.read() as reader:
                entry, hooks = _readable(reader, one), reader.configuration.hooks
        except OpenCRMError as error:
            return error
        if entry is None:
            return None
        failure = hooks.on_change(one.plugin, entry, door)
        return failure.error if failure else None


class PluginDoor:
    """What a plugin may do after a commit; see `core.ports.AfterDoor`."""

    def __init__(self, workspace: Workspace, work: Callable[..., Work], one: queue.Delivery) -> None:
        self._workspace = workspace
        self._open = work
        self._one = one
        self._principal = Principal.automation(one.plugin)

    @property
    def now(self) -> datetime:
        """The present instant."""
        return self._workspace.clock.now()

    @property
    def plugin(self) -> str:
        """The plugin's name."""
        return self._one.plugin

    @contextmanager
    def work(self) -> Iterator[Work]:
        """Open a work block as the plugin's automation; what it writes names the entry as its cause."""
        with self._workspace.database.write() as tx:
            work = self._open(tx, self._principal, cause=self._one.entry_id)
            yield work
            work.must_be_whole()

    @contextmanager
    def read(self) -> Iterator[Reader]:
        """Open a read block as the plugin's automation."""
        with self._workspace.database.read() as tx:
            rights, configuration = resolve(tx, self._workspace, self._principal, self.now)
            yield Reader(tx, self._workspace, rights, configuration, self.now)

    def once(self, work: Any, key: str) -> bool:
        """Say whether the plugin comes here for the first time with this key, and remember it in that transaction."""
        return queue.first_time(work.tx, self._one.plugin, key, self.now)


def _log(one: queue.Delivery, problem: OpenCRMError) -> None:
    """Tell operators of a failure; where it came from, only to those who look for the cause."""
    _LOG.log(
        logging.ERROR if one.last else logging.WARNING,
        "plugin %s, %s %s, attempt %d%s: %s",
        one.plugin,
        one.entity,
        one.record_id,
        one.attempts,
        ", dead and not tried again" if one.last else "",
        " ".join(queue.storable(str(problem)).split()),
        exc_info=problem if _LOG.isEnabledFor(logging.DEBUG) else None,
    )


def _readable(reader: Reader, one: queue.Delivery) -> JournalEntry | None:
    """Return the line as the plugin's automation may see it; None if it may not know of the record."""
    rows = journal.of_id(reader.tx, one.entry_id)
    if not rows or rows[0]["entity"] not in reader.configuration.catalogue.entities:
        return None
    spec = reader.entity(rows[0]["entity"])
    if not reader.states(spec, [rows[0]["record_id"]], deleted=None):
        return None
    line = journal.read(rows[0], reader.configuration.schemas.dumper(spec))
    return journal.readable_entry(line, reader.rights.readable(spec))
