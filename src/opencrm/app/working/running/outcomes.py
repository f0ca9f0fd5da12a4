"""What becomes of a run: after one of its actions, and after a failure."""

from __future__ import annotations

from datetime import datetime

import attrs

from opencrm.core.process.actions import Action
from opencrm.services.process import running
from opencrm.services.process.runs import Run
from opencrm.services.queue.leases import backoff


def failed(run: Run, error: str, now: datetime) -> Run:
    """Return a run after a failure: tried again later, or left for a person after the last attempt."""
    if run.last_attempt:
        step = running.step(run.rest[0], now, "failed", error)
        return attrs.evolve(run, state="failed", error=error, steps=(*run.steps, step))
    return attrs.evolve(run, state="waiting", error=error, due_at=now + backoff(run.attempts))


def after(
    run: Run, action: Action, now: datetime, *, stopped: bool, held: str | None = None, error: str | None = None
) -> Run:
    """Return a run after one of its actions.

    Args:
        run: As it was.
        action: What was done.
        now: The present instant.
        stopped: Whether nothing more is done.
        held: Why it was held back, though the run goes on.
        error: What went wrong though it was done.
    """
    state = "stopped" if stopped else "done" if held is None else "held"
    steps = (*run.steps, running.step(action, now, state, held or error))
    if stopped:
        return attrs.evolve(run, state="stopped", steps=steps, rest=(), due_at=None, error=None)
    rest = run.rest[1:]
    done = attrs.evolve(run, steps=steps, error=None, attempts=1, rest=rest)
    if not rest or running.waits(rest):
        return running.waiting(done, rest, now)
    return done
