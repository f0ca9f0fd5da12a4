"""Sending letters of notifications to those who want them."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from datetime import datetime

from opencrm.app.working.keeping import Keeper
from opencrm.core.access.principal import Principal
from opencrm.core.values import Id
from opencrm.errors import OpenCRMError
from opencrm.services.identity.policy import SignIn
from opencrm.services.notifying import letters, writing
from opencrm.services.notifying.letters import Letter
from opencrm.services.queue import storable
from opencrm.services.reading.reader import Reader
from opencrm.services.workspaces.signing_in import resolve
from opencrm.services.workspaces.workspace import Workspace
from opencrm.storage.transactions import Transaction

_ENOUGH = 2
"""After so many letters in a row that could not be sent, the rest wait."""
_LOG = logging.getLogger("opencrm.worker")


class Mailing:
    """The station that sends letters, each at least once, outside of any transaction.

    Args:
        workspace: Whose notifications.
        policy: Which server takes mail, and whom it comes from.
    """

    timely = False
    calls_out = True

    def __init__(self, workspace: Workspace, policy: SignIn) -> None:
        self._workspace = workspace
        self._policy = policy
        self._stop = threading.Event()
        self._keeper = Keeper()

    def heed(self, stop: threading.Event) -> None:
        """Begin nothing more once this is set."""
        self._stop = stop

    def work(self) -> int:
        """Send some of the letters that are due; return how many were tried."""
        now = self._workspace.clock.now()
        with self._workspace.database.read() as tx:
            at = self.next_at(tx)
        if at is None or at > now:
            return 0
        several = self._claimed(now)
        if several:
            with self._keeper.prolonging(lambda: self._prolong(several[0].lease), letters.LEASE.total_seconds() / 3):
                self._send(several)
        return len(several)

    def next_at(self, tx: Transaction) -> datetime | None:
        """Return when the next letter is due."""
        return letters.next_at(tx, ahead=self._workspace.clock.ahead)

    def _claimed(self, now: datetime) -> Sequence[Letter]:
        """Take letters; those that nobody wants are written down page by page, each in a transaction of its own."""
        while not self._stop.is_set():
            with self._workspace.database.write() as tx:
                real, cannot = self._workspace.clock.real(), self._cannot(tx)
                found = letters.claim(tx, self._workspace.ids.new(), now, real=real, cannot=cannot)
            if found.letters or not found.others:
                return found.letters
        return ()

    def _prolong(self, lease: Id) -> None:
        with self._workspace.database.write() as tx:
            letters.prolong(tx, lease, self._workspace.clock.real())

    def _cannot(self, tx: Transaction) -> str | None:
        """Say why no letter can be sent at all, if none can."""
        _, configuration = resolve(tx, self._workspace, Principal.system("send letters"), self._workspace.clock.now())
        held_back = self._workspace.held_back(configuration)
        if held_back is not None:
            return held_back
        if not configuration.hooks.delivers(self._policy.mail_url):
            return "no mail server is set"
        return None if writing.host_of(self._policy) else "neither a base URL nor a sender of mail is set"

    def _send(self, several: Sequence[Letter]) -> None:
        """Send letters; after some in a row that could not be, the rest wait: a server that is away costs little."""
        failures = 0
        for at, letter in enumerate(several):
            if self._stop.is_set() or failures >= _ENOUGH:
                with self._workspace.database.write() as tx:
                    letters.put_off(tx, several[at:], self._workspace.clock.now())
                return
            failures = failures + 1 if self._sent(letter) is not None else 0

    def _sent(self, letter: Letter) -> OpenCRMError | None:
        """Send one letter and write down what became of it; return what went wrong."""
        problem, taken = self._delivered(letter)
        with self._workspace.database.write() as tx:
            if problem is not None:
                ours = letters.failed(tx, letter, str(problem), self._workspace.clock.now())
            else:
                ours = letters.sent(tx, letter) if taken else letters.refused(tx, letter, "nobody took it")
        if not ours:
            _LOG.warning("letter %s took so long that another worker sent it too", letter.row["id"])
        if problem is not None:
            _log(letter, problem)
        return problem

    def _delivered(self, letter: Letter) -> tuple[OpenCRMError | None, bool]:
        try:
            with self._workspace.database.read() as tx:
                now, person = self._workspace.clock.now(), Principal.user(letter.row["user_id"])
                rights, configuration = resolve(tx, self._workspace, person, now)
                reader = Reader(tx, self._workspace, rights, configuration, now)
                message = writing.message(reader, letter, writing.host_of(self._policy) or "")
            taken = configuration.hooks.deliver(message, self._policy.mail_url, writing.sender_of(self._policy))
        except OpenCRMError as error:
            return error, False
        return None, taken


def _log(letter: Letter, problem: OpenCRMError) -> None:
    _LOG.log(
        logging.ERROR if letter.last else logging.WARNING,
        "letter %s, attempt %d%s: %s",
        letter.row["id"],
        letter.attempts,
        ", dead and not tried again" if letter.last else "",
        " ".join(storable(str(problem)).split()),
    )
