"""Running what declarations say: data at once, in the transaction of the event, and the rest by the worker."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import attrs

from opencrm.core.change import Values
from opencrm.core.clock import duration
from opencrm.core.entity import Spec
from opencrm.core.process.actions import Action, Wait
from opencrm.core.process.reactions import Source
from opencrm.core.process.rules import MOST_GENERATIONS
from opencrm.core.values import Id
from opencrm.services.process import acting, demanding, detailing, runs
from opencrm.services.process.runs import Run, Step
from opencrm.services.process.tasking import nobody

if TYPE_CHECKING:
    from opencrm.services.writing.work import Work


_ENDLESS = f"goes on for ever: {MOST_GENERATIONS} runs set each other off, and nobody did anything meanwhile"
_STOPPED = f"This was stopped, since it goes on for ever without anybody ({MOST_GENERATIONS} times by now): "


@attrs.frozen
class Job:
    """What is to be run.

    Attributes:
        source: As whom, and by which rule, stage or job.
        actions: What, in order.
        told: Whether it is written down even where nothing of it waits, as of rules.
        anew: The field of which a run takes the place of those that wait for the same value.
    """

    source: Source
    actions: Sequence[Action]
    told: bool
    anew: str | None = None


def begin(work: Work, job: Job, spec: Spec, states: Mapping[Id, Values], causes: Mapping[Id, Id]) -> None:
    """Do what touches data only, up to the first action that does not, and leave the rest to the worker.

    Where too many runs and timers lie behind it, nothing is left to the worker, and nothing done that only a time set
    off: it has failed, those who answer for the records are told, and a person may begin it again.

    Args:
        work: As the automation.
        job: What is to be done.
        spec: The records' entity.
        states: The records.
        causes: For each, the journal's line that it reacts to.
    """
    endless = work.generation >= MOST_GENERATIONS
    now, rest = split(job.actions) if causes or not endless else ((), job.actions)
    left = acting.act(work, now, spec, states, causes)
    if not (job.told or rest):
        return
    demanding.check(work, rest, spec, {id: state for id, state in states.items() if id in left})
    if job.anew is not None:
        for value in {_anew(job, state) for state in states.values()}:
            runs.give_up(work.tx, value)
    found = []
    for (id, state), run_id in zip(states.items(), work.new_ids(len(states)), strict=True):
        run = Run(
            id=run_id,
            source=job.source,
            entity=spec.name,
            record_id=id,
            cause=causes.get(id),
            at=work.now,
            state="done" if id in left else "stopped",
            steps=tuple(step(action, work.now) for action in now) if id in left else (),
            anew=None if job.anew is None else _anew(job, state),
            generation=work.generation + 1,
        )
        found.append(_left(run, rest, work.now, endless=endless) if rest and id in left else run)
    runs.enter(work.tx, found)
    stopped = [states[run.record_id] for run in found if run.state == "failed"]
    if stopped:
        nobody.tell_instead(work, spec, stopped, _STOPPED + job.source.name, kind="rule")


def _left(run: Run, rest: Sequence[Action], now: datetime, *, endless: bool) -> Run:
    """Return a run of which something is left to be done: one that goes on for ever has failed."""
    if not endless:
        return waiting(run, rest, now)
    failed = step(rest[0], now, "failed", _ENDLESS)
    return attrs.evolve(run, state="failed", steps=(*run.steps, failed), rest=tuple(rest), error=_ENDLESS)


def split(actions: Sequence[Action]) -> tuple[Sequence[Action], Sequence[Action]]:
    """Return the actions that are done in the transaction of their event, and those from the first one that waits."""
    at = next((at for at, it in enumerate(actions) if it.when == "after_commit"), len(actions))
    return actions[:at], actions[at:]


def waiting(run: Run, rest: Sequence[Action], now: datetime) -> Run:
    """Return a run that goes on with the rest: later where that begins with `wait`, else as soon as a worker can."""
    due, steps = now, run.steps
    while rest and isinstance(rest[0], Wait):
        due, steps, rest = due + duration(rest[0].duration), (*steps, step(rest[0], now)), rest[1:]
    state = "waiting" if rest else "done"
    return attrs.evolve(run, state=state, due_at=due if rest else None, rest=tuple(rest), steps=steps, attempts=0)


def waits(rest: Sequence[Action]) -> bool:
    """Say whether the next action is to wait."""
    return isinstance(rest[0], Wait)


def step(action: Action, at: datetime, state: str = "done", error: str | None = None) -> Step:
    """Return what the history of runs tells of an action that was done, or was not."""
    return Step(action_name(action), at, state, error, detailing.detail(action))


def action_name(action: Action) -> str:
    """Return what the history of runs calls an action: the word that declares it."""
    return acting.WORDS[type(action)]


def written(work: Work, source: Source, spec: Spec, record: Id, steps: Sequence[Step]) -> None:
    """Write down a run that has ended."""
    run = Run(
        id=work.new_id(),
        source=source,
        entity=spec.name,
        record_id=record,
        cause=None,
        at=work.now,
        state=steps[-1].state,
        steps=tuple(steps),
        error=steps[-1].error,
    )
    runs.enter(work.tx, [run])


def _anew(job: Job, state: Values) -> str:
    return f"{job.source.name}:{state.get(job.anew or '')}"[:200]
