"""The table of runs: what rules did, and what of it waits."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal, TypeAlias

import attrs
from sqlalchemy import Select, bindparam, case, func, select, update

from opencrm.core.change import Values
from opencrm.core.columns import IdColumn, InstantColumn, key_column
from opencrm.core.process.actions import Action, Send
from opencrm.core.process.reactions import Source
from opencrm.core.process.text import actions_of, plain
from opencrm.core.values import Id
from opencrm.errors import ConflictError
from opencrm.services.queue import leases
from opencrm.services.queue.once import storable_error
from opencrm.storage import tables
from opencrm.storage.choosing import chosen
from opencrm.storage.transactions import Transaction

MOST = 20
"""How many runs are claimed at once."""
MOST_ATTEMPTS = 8
TOLD_AFTER = 3
"""After how many attempts those who answer for the record are told that an action fails."""
Share: TypeAlias = Literal["letters", "others"]
"""The runs that one of a worker's threads goes on with: those whose next step is a letter, or the others."""
_LOST = "the worker was lost at every attempt"
_RUN = tables.run
_ANEW = ("state", "attempts", "due_at", "generation")


@attrs.frozen
class Step:
    """What became of one action of a run.

    Attributes:
        action: Its name, such as `"update"`.
        at: When it was done.
        state: `"done"`, `"stopped"` (by `only_if`), `"failed"`, `"sent"` of a letter that is still to be noted, or
            `"held"` of one that a sandbox held back.
        error: Why it failed.
        detail: What it is about: which service, template or task, and whom; None of what needs none.
    """

    action: str
    at: datetime
    state: str = "done"
    error: str | None = attrs.field(default=None, converter=storable_error)
    detail: str | None = None

    def row(self) -> dict[str, Any]:
        """Return it as the table holds it."""
        return {name: value for name, value in (attrs.asdict(self) | {"at": self.at.isoformat()}).items() if value}


@attrs.frozen(kw_only=True)
class Run:
    """What a rule does for one record.

    Attributes:
        id: Its own; an idempotency key for what it does outside.
        source: As whom, and by which rule.
        entity: What kind of record it is about.
        record_id: Which one.
        cause: The journal's line that it reacts to.
        at: When it began.
        state: `waiting`, `running` under a lease, `done`, `stopped` (by `only_if`), `given_up` or `failed`.
        steps: What was done so far.
        rest: What is still to be done.
        anew: What tells it from runs that it takes the place of.
        attempts: How many times its next action was tried.
        due_at: When it goes on.
        error: Why its last attempt failed.
        lease: What tells the claim of a running one from every other.
        generation: How many runs and timers lie behind what it does, with itself; since somebody did something.
    """

    id: Id
    source: Source
    entity: str
    record_id: Id
    cause: Id | None
    at: datetime
    state: str
    steps: tuple[Step, ...] = ()
    rest: tuple[Action, ...] = ()
    anew: str | None = None
    attempts: int = 0
    due_at: datetime | None = None
    error: str | None = None
    lease: Id | None = None
    generation: int = 0

    @property
    def last_attempt(self) -> bool:
        """Whether its next action is not tried again."""
        return self.attempts >= MOST_ATTEMPTS


def enter(tx: Transaction, several: Sequence[Run]) -> None:
    """Write new runs down; a worker is told of those that wait."""
    tx.insert(_RUN, [_row(run) for run in several])
    tx.wakes |= any(run.state == "waiting" for run in several)


def save(tx: Transaction, run: Run) -> None:
    """Write down what became of a run; one that still runs keeps its lease.

    Raises:
        ConflictError: It was claimed, and is somebody else's by now.
    """
    held = run.lease is not None
    kept = ("id", "at", "lease_until", "lease") if run.state == "running" else ("id", "at")
    row = {name: value for name, value in _row(run).items() if name not in kept}
    given = {"one": run.id, "old_lease": run.lease, **{f"new_{name}": value for name, value in row.items()}}
    if not tx.run(("save run", held, tuple(row)), lambda: _saving(row, held=held), [given]):
        raise ConflictError("this run was taken by another worker meanwhile", run=run.id)
    tx.wakes |= run.state == "waiting"


def _saving(names: Iterable[str], *, held: bool) -> Any:
    given = {name: bindparam(f"new_{name}", type_=_RUN.c[name].type) for name in names}
    mine = [_RUN.c.id == bindparam("one", type_=IdColumn())]
    if held:
        mine += [_RUN.c.state == "running", _RUN.c.lease == bindparam("old_lease", type_=IdColumn())]
    return update(_RUN).where(*mine).values(given)


def give_up(tx: Transaction, anew: str) -> int:
    """Give up the runs that wait for the same thing; return how many."""

    def build() -> Any:
        same = (_RUN.c.anew == bindparam("same", type_=key_column(200)), _RUN.c.state == "waiting")
        return update(_RUN).where(*same).values(state=bindparam("new", type_=key_column(16)))

    return tx.run("give up runs", build, [{"same": anew, "new": "given_up"}])


def next_at(tx: Transaction, share: Share | None = None, *, ahead: timedelta = timedelta()) -> datetime | None:
    """Return when the next run goes on, or the lease of one ends.

    Args:
        tx: The transaction.
        share: Of which of them; None for all.
        ahead: By how much the workspace's clock is ahead of real time.
    """

    def build() -> Select[Any]:
        due = func.min(case((_RUN.c.state == "waiting", _RUN.c.due_at)))
        held = func.min(case((_RUN.c.state == "running", _RUN.c.lease_until)))
        return select(due.label("due"), held.label("held")).where(_alive(), *_of(share))

    [row] = tx.query(("next run", share), build, {})
    held = None if row["held"] is None else row["held"] + ahead
    return min((at for at in (row["due"], held) if at is not None), default=None)


def claim(
    tx: Transaction,
    lease: Id,
    now: datetime,
    most: int = MOST,
    share: Share | None = None,
    *,
    real: datetime | None = None,
) -> list[Run]:
    """Take the next runs that are due, under one lease; those whose lease ended too.

    Args:
        tx: The transaction.
        lease: What tells this claim from every other.
        now: The present instant.
        most: How many at most.
        share: Of which of them; None for all.
        real: What time it really is, by which leases go; None where that is `now`.
    """
    real = real or now
    _take_back(tx, real)

    def build() -> Any:
        due = (_RUN.c.state == "waiting", _RUN.c.due_at <= bindparam("now", type_=InstantColumn()))
        mine = select(_RUN.c.id).where(*due, *_of(share)).order_by(_RUN.c.due_at, _RUN.c.id).limit(most)
        free = mine if tx.sqlite else mine.with_for_update(skip_locked=True)
        taken = update(_RUN).where(chosen(_RUN.c.id, free, sqlite=tx.sqlite))
        return taken.values(**_leased(), attempts=_RUN.c.attempts + 1).returning(*_RUN.c)

    rows = tx.query(("claim runs", most, share), build, {"now": now, **_lease_values(lease, real)})
    rows.sort(key=lambda row: (row["due_at"], row["id"]))
    return [read(row) for row in rows]


def prolong(tx: Transaction, lease: Id, real: datetime) -> int:
    """Let a lease last longer; return of how many runs. What somebody has locked needs it the least."""

    def build() -> Any:
        mine = select(_RUN.c.id).where(
            _RUN.c.state == "running", _RUN.c.lease == bindparam("new_lease", type_=IdColumn())
        )
        free = mine if tx.sqlite else mine.with_for_update(skip_locked=True)
        return update(_RUN).where(chosen(_RUN.c.id, free, sqlite=tx.sqlite)).values(_leased())

    return tx.run("prolong runs", build, [_lease_values(lease, real)])


def give_back(tx: Transaction, several: Sequence[Run]) -> None:
    """Let claimed runs wait again, as if they had not been claimed."""
    for run in several:
        save(tx, attrs.evolve(run, state="waiting", attempts=run.attempts - 1))


def revive(tx: Transaction, id: Id | None, now: datetime) -> int:
    """Begin a run that failed again with the step that failed, or all of them where none is named; return how many.

    It is somebody's doing: nothing lies behind it. What is only written down, and has nothing left to do, is not begun
    again.
    """

    def build() -> Any:
        given = {name: bindparam(f"new_{name}", type_=_RUN.c[name].type) for name in _ANEW}
        mine = [_RUN.c.state == bindparam("was", type_=key_column(16)), _RUN.c.rest.is_not(None)]
        if id is not None:
            mine.append(_RUN.c.id == bindparam("one", type_=IdColumn()))
        return update(_RUN).where(*mine).values(given)

    values = {
        "one": id,
        "was": "failed",
        "new_state": "waiting",
        "new_attempts": 0,
        "new_due_at": now,
        "new_generation": 0,
    }
    tx.wakes = True
    return tx.run(("revive runs", id is None), build, [values])


def still_held(tx: Transaction, run: Run) -> bool:
    """Say whether a run is still its claimer's; it stays so until the transaction ends."""

    def build() -> Any:
        lease = _RUN.c.lease == bindparam("lease", type_=IdColumn())
        found = select(_RUN.c.id).where(
            _RUN.c.id == bindparam("one", type_=IdColumn()), _RUN.c.state == "running", lease
        )
        return found if tx.sqlite else found.with_for_update()

    return bool(tx.query("run still held", build, {"one": run.id, "lease": run.lease}))


def _take_back(tx: Transaction, real: datetime) -> None:
    """Let what is held by a lease that ended wait again; what lost its worker at each attempt waits for a person."""

    def build() -> Any:
        lost = (_RUN.c.state == "running", _RUN.c.lease_until < bindparam("now", type_=InstantColumn()))
        found = select(_RUN.c.id).where(*lost)
        free = found if tx.sqlite else found.with_for_update(skip_locked=True)
        spent = _RUN.c.attempts >= MOST_ATTEMPTS
        values = {"state": case((spent, "failed"), else_="waiting"), "error": case((spent, _LOST), else_=_RUN.c.error)}
        return (
            update(_RUN).where(chosen(_RUN.c.id, free, sqlite=tx.sqlite)).values(**values, lease=None, lease_until=None)
        )

    tx.run("take runs back", build, [{"now": real}])


def _leased() -> dict[str, Any]:
    return {name: bindparam(f"new_{name}", type_=_RUN.c[name].type) for name in ("state", "lease", "lease_until")}


def _lease_values(lease: Id, real: datetime) -> dict[str, Any]:
    return {"new_state": "running", "new_lease": lease, "new_lease_until": leases.until(real)}


def of_id(tx: Transaction, id: Id) -> Run | None:
    """Return a run; None where there is none."""
    mine = _RUN.c.id == bindparam("one", type_=IdColumn())
    rows = tx.query("run", lambda: select(_RUN).where(mine), {"one": id})
    return read(rows[0]) if rows else None


def read(row: Values) -> Run:
    """Return a row as a run; the step that failed is no part of one that was begun again."""
    names = ("id", "entity", "record_id", "cause", "at", "state", "anew", "attempts", "due_at", "error", "lease")
    return Run(
        **{name: row[name] for name in names},
        source=Source(row["automation"], row["rule"]),
        generation=row["generation"] or 0,
        steps=tuple(step for step in _steps(row["steps"]) if row["state"] == "failed" or step.state != "failed"),
        rest=actions_of(row["rest"]) if row["rest"] else (),
    )


def _steps(plain: Iterable[Values]) -> Iterator[Step]:
    return (Step(**{**it, "at": datetime.fromisoformat(it["at"])}) for it in plain)


def _alive() -> Any:
    return (_RUN.c.state == "waiting") | (_RUN.c.state == "running")


def _of(share: Share | None) -> list[Any]:
    """Say in SQL that a run is of a share; one that was written before there were shares is of the others."""
    if share is None:
        return []
    return [_RUN.c.letter.is_(True) if share == "letters" else _RUN.c.letter.is_not(True)]


def _row(run: Run) -> dict[str, Any]:
    names = ("id", "entity", "record_id", "cause", "at", "state", "anew", "attempts", "due_at", "generation")
    return {
        **{name: getattr(run, name) for name in names},
        "rule": run.source.name,
        "automation": run.source.automation,
        "steps": [step.row() for step in run.steps],
        "rest": plain(run.rest) if run.rest else None,
        "letter": bool(run.rest) and isinstance(run.rest[0], Send),
        "lease_until": None,
        "lease": None,
        "error": storable_error(run.error),
    }
