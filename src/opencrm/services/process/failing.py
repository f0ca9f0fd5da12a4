"""What cannot be done when it is due: it keeps nothing else from being done, and is tried again by itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

import attrs

from opencrm.core.change import Change, Kind
from opencrm.core.entities import Task
from opencrm.core.process.reactions import TASK
from opencrm.core.values import Id
from opencrm.errors import ConflictError, OpenCRMError, Unavailable
from opencrm.services.process.detailing import detail
from opencrm.services.process.running import action_name, written
from opencrm.services.process.runs import Run, Step
from opencrm.services.process.tasking.nobody import tell_instead
from opencrm.services.process.tasking.waking import AGAIN, stepped
from opencrm.services.process.timing import table
from opencrm.services.process.timing.table import Timer

if TYPE_CHECKING:
    from opencrm.services.writing.work import Work

T = TypeVar("T")


def each(
    work: Work, several: Sequence[T], do: Callable[[Sequence[T]], object], failed: Callable[[T, Exception], object]
) -> None:
    """Do something for several at once; where that fails, for each by itself.

    Args:
        work: The work block.
        several: For what.
        do: Does it for some of them.
        failed: Called with each for which it cannot be done, and why.

    Raises:
        ConflictError: Somebody else held the database too long: nothing is kept, and all of it is tried again.
        Unavailable: The database is away.
    """
    try:
        with work.savepoint():
            do(several)
    except Exception as error:  # noqa: BLE001  # whatever it is, it comes again, for the one that it is of
        _let_through(work, error)
        for one in several:
            _alone(work, one, do, failed)


def told(error: Exception) -> str:
    """Return what people read of an error."""
    return str(error) if isinstance(error, OpenCRMError) else repr(error)


def later(work: Work, timer: Timer, error: Exception) -> None:
    """Have a timer try again what could not be done for a record, later each time."""
    [id] = work.new_ids(1)
    table.set_all(work.tx, [timer], [id])
    table.failed(work.tx, attrs.evolve(timer, id=id), told(error), work.now)


def put_off(work: Work, id: Id, error: Exception) -> None:
    """Try the steps of a task that are due again later; until then it is not woken."""
    state = work.states(work.entity(Task), [id]).get(id)
    if state is None or state["wakes_at"] is None:
        return
    _, source, _ = stepped(work, state)
    payload = {"rule": source.name, "automation": source.automation}
    timer = Timer(kind=AGAIN, key=f"{AGAIN}:{id}", entity=TASK, record_id=id, due_at=work.now, payload=payload)
    later(work, timer, error)


def skip(work: Work, id: Id, why: str | None = None) -> None:
    """Leave out the steps of a task that cannot be done, and write down why, unless somebody else does."""
    state = work.states(work.entity(Task), [id]).get(id)
    if state is None or state["wakes_at"] is None or state["wakes_at"] > work.now:
        return
    after, source, _ = stepped(work, state)
    with work.named(source.name if source.automation else None):
        work.apply([Change(TASK, id, Kind.CHANGED, state, after)])
    if why is not None:
        written(work, source, work.entity(Task), id, [Step("escalate", work.now, "failed", why)])


def unfinished(work: Work, run: Run) -> None:
    """Tell whoever answers for a record which action of a rule fails; why is for those who keep the rules."""
    spec = work.entity(run.entity)
    state = work.states(spec, [run.record_id]).get(run.record_id)
    if state is None:
        return
    what = " ".join(filter(None, (action_name(run.rest[0]), detail(run.rest[0]))))
    then = "and is not tried again" if run.last_attempt else f"{run.attempts} times, and is tried again"
    text = f"This failed {then}: {what} (of {run.source.name})".replace("{", "(").replace("}", ")")
    tell_instead(work, spec, [state], text, kind="rule")


def _alone(work: Work, one: T, do: Callable[[Sequence[T]], object], failed: Callable[[T, Exception], object]) -> None:
    try:
        with work.savepoint():
            do([one])
    except Exception as error:  # noqa: BLE001  # of whatever plugin: one must not keep the others waiting
        _let_through(work, error)
        failed(one, error)


def _let_through(work: Work, error: Exception) -> None:
    """Raise the database's own trouble, also where a plugin met it: it is nobody's fault, and soon over.

    Raises:
        ConflictError: Somebody else held the database too long.
        Unavailable: It is away.
    """
    found: BaseException | None = error
    while found is not None:
        if isinstance(found, (ConflictError, Unavailable)) and work.tx.caused(found):
            raise found
        found = found.__cause__
