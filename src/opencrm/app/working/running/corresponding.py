"""Sending what rules and stages write to clients: handed over, remembered, and then noted on the record."""

from __future__ import annotations

import logging

import attrs

from opencrm.app.working.running.doors import Opening, check_lease, principal, work_of
from opencrm.app.working.running.outcomes import after
from opencrm.app.working.running.outside import elsewhere
from opencrm.core.process.actions import Send
from opencrm.errors import ConfigurationError, ConflictError, OpenCRMError, Unavailable
from opencrm.hooks import Hooks, Message
from opencrm.services import queue
from opencrm.services.identity.policy import SignIn
from opencrm.services.notifying import writing
from opencrm.services.process import corresponding, running, runs
from opencrm.services.process.corresponding import ClientLetter
from opencrm.services.process.runs import Run
from opencrm.services.workspaces.workspace import Workspace

_LOG = logging.getLogger("opencrm.worker")
_SENT = "sent"


def handed_over(run: Run) -> bool:
    """Say whether the letter that a run's next action means is on its way already: only its note is wanting."""
    return bool(run.steps) and run.steps[-1].state == _SENT


class Letters:
    """Writes to the clients of records for runs.

    Args:
        workspace: Whose runs.
        opening: Opens blocks of automations.
        policy: Which server takes mail, and whom it comes from.
    """

    def __init__(self, workspace: Workspace, opening: Opening, policy: SignIn) -> None:
        self._workspace = workspace
        self._opening = opening
        self._policy = policy

    def sent(self, run: Run, action: Send) -> Run:
        """Write to the record's client, remember that, and note it; return the run after it.

        A process that dies before it is remembered writes again; whatever happens to the note, nobody does.

        Raises:
            Elsewhere: The letter was not taken.
            Unsendable: There is nobody to be written to, or nothing to be said.
        """
        letter, held = None, None
        if not handed_over(run):
            with self._opening.read(principal(run)) as reader:
                hooks, spec = reader.configuration.hooks, reader.entity(run.entity)
                held = self._workspace.held_back(reader.configuration)
                state = reader.states(spec, [run.record_id]).get(run.record_id)
                letter = None if state is None else corresponding.composed(reader, spec, state, action)
            if letter is None:
                return self._saved(after(run, action, self._workspace.clock.now(), stopped=True))
            if held is None:
                with elsewhere():
                    deliver(hooks, self._policy, run, letter)
                run = self._remembered(run, action)
        return self._noted(run, action, letter, held)

    def _remembered(self, run: Run, action: Send) -> Run:
        step = running.step(action, self._workspace.clock.now(), _SENT)
        return self._saved(attrs.evolve(run, steps=(*run.steps, step)))

    def _saved(self, run: Run) -> Run:
        with self._workspace.database.write() as tx:
            runs.save(tx, run)
        return run

    def _noted(self, run: Run, action: Send, letter: ClientLetter | None, held: str | None) -> Run:
        """Note a letter on the record: as it was sent, or as it would be sent now where a process died before that."""
        try:
            with work_of(self._opening, run) as work:
                check_lease(work, run)
                spec = work.entity(run.entity)
                state = work.states(spec, [run.record_id]).get(run.record_id)
                if state is not None:
                    written = letter or corresponding.composed(work, spec, state, action)
                    corresponding.noted(work, spec, state, written, held)
                done = after(_before(run), action, work.now, stopped=state is None, held=held)
                runs.save(work.tx, done)
                return done
        except (ConflictError, Unavailable):
            raise
        except Exception as error:  # of whatever plugin: the letter is on its way
            if held is not None:
                raise
            return self._unnoted(run, action, error)

    def _unnoted(self, run: Run, action: Send, error: Exception) -> Run:
        """Go on without the note, and tell whoever answers for the record."""
        why = queue.storable(str(error) if isinstance(error, OpenCRMError) else repr(error))
        _LOG.warning("rule %s, %s %s: a letter was not noted: %s", run.source.name, run.entity, run.record_id, why)
        with work_of(self._opening, run) as work:
            check_lease(work, run)
            corresponding.unnoted(work, work.entity(run.entity), run.record_id, why)
            done = after(_before(run), action, work.now, stopped=False, error=why)
            runs.save(work.tx, done)
            return done


def _before(run: Run) -> Run:
    """Return a run as it was before its letter was handed over."""
    return attrs.evolve(run, steps=run.steps[:-1]) if handed_over(run) else run


def deliver(hooks: Hooks, policy: SignIn, run: Run, letter: ClientLetter) -> None:
    """Hand a letter to whoever takes messages; sent again, it has the same `Message-ID`.

    Raises:
        ConfigurationError: Nobody takes messages, or nobody is set whom they come from.
        PluginError: It could not be sent.
    """
    host = writing.host_of(policy)
    if not hooks.delivers(policy.mail_url):
        raise ConfigurationError("no mail server is set")
    if not host:
        raise ConfigurationError("neither a base URL nor a sender of mail is set")
    id = f"{run.id}.{len(run.steps)}@{host}"
    message = Message(to=letter.to, subject=letter.subject, text=letter.text + "\n", id=id)
    if not hooks.deliver(message, policy.mail_url, writing.sender_of(policy)):
        raise ConfigurationError("nobody took the letter")
