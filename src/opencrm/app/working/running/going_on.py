"""Going on with rules: what they do after the commit, and what they wait for."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from datetime import datetime

import attrs

from opencrm.app.working.delivering.deliveries import PATIENCE
from opencrm.app.working.keeping import Keeper
from opencrm.app.working.running.corresponding import Letters, handed_over
from opencrm.app.working.running.doors import Opening, ServiceDoor, check_lease, principal, work_of
from opencrm.app.working.running.outcomes import after, failed
from opencrm.app.working.running.outside import Elsewhere, elsewhere
from opencrm.core.clock import monotonic
from opencrm.core.process.actions import Action, Call, Send, Wait
from opencrm.core.values import Id
from opencrm.errors import OpenCRMError, Unavailable
from opencrm.services import queue
from opencrm.services.identity.policy import SignIn
from opencrm.services.process import acting, corresponding, failing, running, runs, showing
from opencrm.services.process.corresponding import Unsendable
from opencrm.services.process.rendering import Words
from opencrm.services.process.runs import Run
from opencrm.services.queue import leases
from opencrm.services.workspaces.workspace import Workspace
from opencrm.storage.transactions import Transaction

_LOG = logging.getLogger("opencrm.worker")


class GoingOn:
    """The station that goes on with runs, one action after the other.

    What touches data only is done and written down in one transaction. What a service does outside is written down
    after it: a process that dies in between makes it happen again.

    Args:
        workspace: Whose runs.
        opening: Opens blocks of automations.
        policy: Which server takes mail, and whom it comes from.
        share: With which of them; a mail server that takes long holds up letters, and nothing else.
    """

    timely = True
    calls_out = True

    def __init__(self, workspace: Workspace, opening: Opening, policy: SignIn, share: runs.Share | None = None) -> None:
        self._workspace = workspace
        self._opening = opening
        self._letters = Letters(workspace, opening, policy)
        self._share = share
        self._stop = threading.Event()
        self._keeper = Keeper()

    def heed(self, stop: threading.Event) -> None:
        """Give back what is not under way once this is set."""
        self._stop = stop

    def work(self) -> int:
        """Go on with the runs that are due, a number of them; return how many there were."""
        claimed = self.take(runs.MOST)
        if claimed:
            self.go_on(claimed)
        return len(claimed)

    def take(self, most: int) -> list[Run]:
        """Claim runs that are due, a number at most."""
        with self._workspace.database.read() as tx:
            at = self.next_at(tx)
        now = self._workspace.clock.now()
        if at is None or at > now:
            return []
        with self._workspace.database.write() as tx:
            real = self._workspace.clock.real()
            return runs.claim(tx, self._workspace.ids.new(), now, most, self._share, real=real)

    def go_on(self, claimed: Sequence[Run]) -> None:
        """Go on with runs that were claimed together; what is not begun in time is given back for others."""
        begun = monotonic()
        with self._keeper.prolonging(lambda: self._prolong(claimed[0].lease), leases.LEASE.total_seconds() / 3):
            for number, run in enumerate(claimed):
                if number and (self._stop.is_set() or monotonic() - begun > PATIENCE):
                    with self._workspace.database.write() as tx:
                        runs.give_back(tx, claimed[number:])
                    return
                self._one(run)

    def _one(self, run: Run) -> None:
        """Go on with one run; whatever goes wrong is written down, and it is tried again later.

        Raises:
            Unavailable: The database is away. Where a service says so, of its file store, that is the run's failure.
        """
        try:
            self._go_on(run)
        except Unavailable:
            raise
        except Elsewhere as failure:
            self._failed(run, _why(run, failure.error), final=isinstance(failure.error, Unsendable))
        except Exception as error:  # noqa: BLE001  # one run's fault must not stop the others
            self._failed(run, _why(run, error), final=isinstance(error, Unsendable))

    def _prolong(self, lease: Id | None) -> None:
        with self._workspace.database.write() as tx:
            runs.prolong(tx, lease or "", self._workspace.clock.real())

    def next_at(self, tx: Transaction) -> datetime | None:
        """Return when the next run goes on."""
        return runs.next_at(tx, self._share, ahead=self._workspace.clock.ahead)

    def _go_on(self, run: Run) -> None:
        while run.state == "running":
            action = run.rest[0]
            match action:
                case Send() if self._share == "others":
                    self._leave(run)
                    return
                case Call():
                    run = self._outside(run, action)
                case Send():
                    run = self._letters.sent(run, action)
                case Wait():
                    run = self._waited(run)
                case _:
                    run = self._inside(run, action)

    def _leave(self, run: Run) -> None:
        """Leave a run to whoever goes on with letters."""
        now = self._workspace.clock.now()
        with self._workspace.database.write() as tx:
            runs.save(tx, attrs.evolve(run, state="waiting", due_at=now, attempts=run.attempts - 1))

    def _inside(self, run: Run, action: Action) -> Run:
        with work_of(self._opening, run) as work:
            check_lease(work, run)
            spec = work.entity(run.entity)
            states = work.states(spec, [run.record_id])
            left = acting.act(work, [action], spec, states, {run.record_id: run.cause or run.id})
            done = after(run, action, work.now, stopped=run.record_id not in left)
            runs.save(work.tx, done)
            return done

    def _waited(self, run: Run) -> Run:
        """Have a run wait that was begun again where it was to wait first."""
        with self._workspace.database.write() as tx:
            waiting = running.waiting(run, run.rest, self._workspace.clock.now())
            runs.save(tx, waiting)
            return waiting

    def _outside(self, run: Run, action: Call) -> Run:
        with self._opening.read(principal(run)) as reader:
            service = reader.configuration.hooks.service(action.service)
            spec = reader.entity(run.entity)
            state = reader.states(spec, [run.record_id]).get(run.record_id)
            values = None if state is None else Words(reader, spec, state).given(action.values)
            showing.check(reader, run.source.automation, action.service, spec.name, values)
        if values is not None:
            with elsewhere():
                service(ServiceDoor(self._workspace, self._opening, run), values)
        with self._workspace.database.write() as tx:
            done = after(run, action, self._workspace.clock.now(), stopped=values is None)
            runs.save(tx, done)
            return done

    def _failed(self, run: Run, error: str, *, final: bool = False) -> None:
        """Write down why the run did not go on from where it got to; what is final is not tried again."""
        now = self._workspace.clock.now()
        with self._workspace.database.write() as tx:
            stands = runs.of_id(tx, run.id)
            if stands is None or stands.lease != run.lease:
                _LOG.warning("rule %s, %s %s: %s", run.source.name, run.entity, run.record_id, error)
                return
            stands = attrs.evolve(stands, attempts=runs.MOST_ATTEMPTS) if final else stands
            runs.save(tx, failed(stands, error, now))
        if stands.last_attempt or stands.attempts == runs.TOLD_AFTER:
            self._tell(stands, error)
        _LOG.log(
            logging.ERROR if stands.last_attempt else logging.WARNING,
            "rule %s, %s %s, attempt %d: %s",
            run.source.name,
            run.entity,
            run.record_id,
            stands.attempts,
            queue.storable(error),
        )

    def _tell(self, run: Run, error: str) -> None:
        """Tell whoever answers for the record: of a letter in the end, of anything else as soon as it fails again."""
        try:
            with work_of(self._opening, run) as work:
                if not isinstance(run.rest[0], Send):
                    failing.unfinished(work, run)
                elif run.last_attempt:
                    told = corresponding.unnoted if handed_over(run) else corresponding.unsent
                    told(work, work.entity(run.entity), run.record_id, queue.storable(error))
        except OpenCRMError as problem:
            _LOG.warning("rule %s, %s %s: %s", run.source.name, run.entity, run.record_id, problem)


def _why(run: Run, error: Exception) -> str:
    """Return why a run did not go on; where it came from is logged, if nobody meant it."""
    if isinstance(error, OpenCRMError):
        return str(error)
    _LOG.error("rule %s, %s %s", run.source.name, run.entity, run.record_id, exc_info=error)
    return f"{type(error).__name__}: {error}"
