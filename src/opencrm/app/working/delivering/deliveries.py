"""Telling plugins what was committed."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

import attrs

from opencrm.app.working.delivering.receivers import Receivers
from opencrm.app.working.delivering.telling import Letter, PluginDoor, letters
from opencrm.app.working.keeping import Keeper
from opencrm.core.access.principal import Principal
from opencrm.core.clock import monotonic
from opencrm.core.values import Id
from opencrm.errors import OpenCRMError
from opencrm.hooks import Hooks
from opencrm.services import queue
from opencrm.services.queue import Barred, Delivery, Failure, leases
from opencrm.services.queue.circuits import MOST_FAILURES
from opencrm.services.queue.ending import Ended
from opencrm.services.reading.reader import Reader
from opencrm.services.workspaces.sandbox import HELD_BACK
from opencrm.services.workspaces.signing_in import resolve
from opencrm.services.workspaces.workspace import Workspace
from opencrm.services.writing.work import Work
from opencrm.storage.transactions import Transaction

_LOG = logging.getLogger("opencrm.worker")
PATIENCE = 1.0
"""After so many seconds what is left of a batch is given back, so that other workers may have it; and what plugins
may read is read anew."""


@attrs.define
class Outcome:
    """What became of a batch."""

    done: list[Delivery] = attrs.Factory(list)
    failures: list[Failure] = attrs.Factory(list)
    back: list[Delivery] = attrs.Factory(list)
    held: list[Delivery] = attrs.Factory(list)

    def holds_back(self, one: Delivery) -> bool:
        """Say whether one is not to be tried: behind one that failed, or of a plugin that failed again and again."""
        failed = [it.one for it in self.failures]
        last = [it for it in failed[-MOST_FAILURES:] if it.plugin == one.plugin]
        return any(it.line == one.line for it in failed) or len(last) >= MOST_FAILURES


class Deliveries:
    """The station that fans the journal out and makes deliveries, a batch at a time.

    Args:
        workspace: Whose queue it works.
        work: Opens a work block in a transaction.
    """

    timely = False
    calls_out = True

    def __init__(self, workspace: Workspace, work: Callable[..., Work]) -> None:
        self._workspace = workspace
        self._work = work
        self._most = queue.MOST
        self._stop = threading.Event()
        self._keeper = Keeper()
        self._receivers: Receivers | None = None

    def heed(self, stop: threading.Event) -> None:
        """Give back what is not under way once this is set."""
        self._stop = stop

    @contextmanager
    def branching(self, ring: Callable[[], None]) -> Iterator[None]:
        """Deliver to channels in threads of their own while the block runs."""
        self._receivers = Receivers(lambda several: self.end(self.make(several)), ring)
        try:
            yield
        finally:
            self._receivers.close()
            self._receivers = None

    def work(self) -> int:
        """Fan out what is pending, and make deliveries as long as there are some; return how many were begun."""
        self.fan_out()
        begun, claimed = 0, self.take(self._most)
        while claimed:
            mine, refused = self._parted(claimed)
            outcome = self.make(mine)
            begun += len(claimed) - len(refused) - len(outcome.back)
            claimed = self._next(outcome, refused)
        return begun

    def next_at(self, tx: Transaction) -> datetime | None:
        """Return when the next delivery is due that can be begun."""
        if queue.anything_pending(tx):
            return self._workspace.clock.now()
        return queue.next_at(tx, self._barred(), ahead=self._workspace.clock.ahead)

    def fan_out(self) -> int:
        """Fan out all that is pending; return how many lines."""
        total = 0
        while not self._stop.is_set() and (number := self._fan_out()):
            total += number
        return total

    def take(self, most: int, but: Barred = queue.NOTHING) -> list[Delivery]:
        """Claim deliveries, a number at most, and none of some."""
        now, but = self._workspace.clock.now(), self._barred() if but is queue.NOTHING else but
        with self._workspace.database.read() as tx:
            at = queue.next_at(tx, but, ahead=self._workspace.clock.ahead)
        if at is None or at > now:
            return []
        with self._workspace.database.write() as tx:
            return queue.claim(tx, self._workspace.ids.new(), now, most, but, real=self._workspace.clock.real())

    def make(self, claimed: Sequence[Delivery]) -> Outcome:
        """Make deliveries that were claimed together, in order; what became of them is still to be written down."""
        outcome, begun = Outcome(), monotonic()
        if not claimed:
            return outcome
        with self._keeper.prolonging(lambda: self._prolong(claimed[0].lease), leases.LEASE.total_seconds() / 3):
            told, hooks, holds = self._letters(claimed)
            for one in claimed:
                if holds and one.channel:
                    outcome.held.append(one)
                    continue
                late = monotonic() - begun > PATIENCE and (outcome.done or outcome.failures)
                if late or self._stop.is_set() or outcome.holds_back(one):
                    outcome.back.append(one)
                    continue
                problem = self._tell(one, told[one.id], hooks)
                if problem is None:
                    outcome.done.append(one)
                else:
                    outcome.failures.append(Failure(one, str(problem)))
                    _log(one, problem)
        return outcome

    def end(self, outcome: Outcome) -> None:
        """Write down what became of a batch."""
        with self._workspace.database.write() as tx:
            ended = self._end(tx, outcome)
            tx.wakes |= any(it.channel for it in outcome.done)  # What waits for its channel may be sent now.
        _log_end(ended)

    def _parted(self, claimed: list[Delivery]) -> tuple[list[Delivery], list[Delivery]]:
        """Begin with what goes to channels, where that is done apart; return the rest, and what has no room."""
        if self._receivers is None:
            return claimed, []
        return [it for it in claimed if not it.channel], self._receivers.take([it for it in claimed if it.channel])

    def _barred(self) -> Barred:
        return queue.NOTHING if self._receivers is None else self._receivers.barred()

    def _next(self, outcome: Outcome, refused: list[Delivery]) -> list[Delivery]:
        """Write down what became of a batch, and claim the next one in the same transaction."""
        self._most = max(len(outcome.done), 1) if outcome.back else min(2 * self._most, queue.MOST)
        outcome.back += refused
        with self._workspace.database.write() as tx:
            ended, claimed = self._end(tx, outcome), []
            if not self._stop.is_set():
                now, but = self._workspace.clock.now(), self._barred()
                real = self._workspace.clock.real()
                claimed = queue.claim(tx, self._workspace.ids.new(), now, self._most, but, real=real)
        _log_end(ended)
        return claimed

    def _end(self, tx: Transaction, outcome: Outcome) -> Ended:
        tx.wakes |= bool(outcome.back)
        now = self._workspace.clock.now()
        queue.leave_out(tx, outcome.held, HELD_BACK, now)
        return queue.finish(tx, outcome.done, outcome.failures, outcome.back, now)

    def _prolong(self, lease: Id) -> None:
        with self._workspace.database.write() as tx:
            queue.prolong(tx, lease, self._workspace.clock.real())

    def _fan_out(self) -> int:
        with self._workspace.database.read() as tx:
            if not queue.anything_pending(tx):
                return 0
        now = self._workspace.clock.now()
        with self._workspace.database.write() as tx:
            _, configuration = resolve(tx, self._workspace, Principal.system("fan the journal out"), now)
            return queue.fan_out(tx, configuration.hooks.listeners, self._workspace.ids.many, now)

    def _letters(self, claimed: Sequence[Delivery]) -> tuple[dict[Id, Letter], Hooks, bool]:
        now = self._workspace.clock.now()
        with self._workspace.database.read() as tx:
            rights, configuration = resolve(tx, self._workspace, Principal.system("tell plugins"), now)
            reader = Reader(tx, self._workspace, rights, configuration, now)
            return letters(reader, claimed), configuration.hooks, self._workspace.held_back(configuration) is not None

    def _tell(self, one: Delivery, letter: Letter, hooks: Hooks) -> OpenCRMError | None:
        """Call the plugin's hook; return what went wrong."""
        if letter is None or isinstance(letter, OpenCRMError):
            return letter
        failure = hooks.on_change(one.whose, letter, PluginDoor(self._workspace, self._work, one))
        return failure.error if failure else None


def _log(one: Delivery, problem: OpenCRMError) -> None:
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


def _log_end(ended: Ended) -> None:
    if ended.lost:
        _LOG.warning("%d deliveries took so long that another worker made them too", ended.lost)
    for one in ended.opened:
        _LOG.error("plugin %s failed %d times in a row: nothing more until %s", one.plugin, one.failures, one.until)
    for one in ended.closed:
        _LOG.warning("plugin %s takes deliveries again", one.plugin)
