"""Writing down what became of claimed deliveries: done together, failed ones put off, the rest given back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import attrs
from sqlalchemy import bindparam, delete, update

from opencrm.services.queue import circuits
from opencrm.services.queue.deliveries import (
    TABLE,
    WAITING,
    Delivery,
    among,
    given,
    id_parameter,
    later,
    line_values,
    new,
    numbered,
    of_line,
)
from opencrm.services.queue.leases import backoff
from opencrm.services.queue.once import storable_error
from opencrm.storage.transactions import Transaction


@attrs.frozen
class Failure:
    """A delivery that went wrong.

    Attributes:
        one: Which.
        error: Why.
    """

    one: Delivery
    error: str


@attrs.frozen
class Ended:
    """What came of writing it down.

    Attributes:
        lost: How many deliveries were somebody else's by then: their lease ended.
        opened: Plugins that are left alone from now on.
        closed: Plugins that are no longer.
    """

    lost: int = 0
    opened: tuple[circuits.Circuit, ...] = ()
    closed: tuple[circuits.Circuit, ...] = ()


def finish(
    tx: Transaction, done: Sequence[Delivery], failures: Sequence[Failure], back: Sequence[Delivery], now: datetime
) -> Ended:
    """Forget what was done, try what failed again later, and give back what was not tried.

    What comes behind one that failed is held until it is done; after its last attempt a person decides.

    Args:
        tx: The transaction.
        done: Deliveries that were made.
        failures: Those that went wrong.
        back: Those that were claimed and not tried.
        now: The present instant.
    """
    ours = _forget(tx, done)
    for it in done:
        if it.attempts > 1:
            release(tx, it, now)
    give_back(tx, back, now)
    counted = [it for it in failures if _put_off(tx, it, now)]
    opened, closed = circuits.ended(tx, _outcomes(done, counted), now) if done or counted else ([], [])
    return Ended(len(done) - ours, tuple(opened), tuple(closed))


def _outcomes(done: Sequence[Delivery], failures: Sequence[Failure]) -> dict[str, circuits.Outcome]:
    """Return how each plugin fared."""
    found = {it.plugin: circuits.Outcome(succeeded=True) for it in done}
    for it in failures:
        last = found.get(it.one.plugin, circuits.Outcome())
        found[it.one.plugin] = attrs.evolve(last, failures=last.failures + 1, error=it.error)
    return found


def give_back(tx: Transaction, several: Sequence[Delivery], now: datetime) -> None:
    """Let claimed deliveries wait again, as if they had not been claimed."""
    if several:
        number, values = numbered([it.id for it in several])

        def build() -> Any:
            waits = {name: value for name, value in given(later(now)).items() if name != "run_at"}
            return update(TABLE).where(*_mine(number)).values(**waits, attempts=TABLE.c.attempts - 1)

        tx.run(("give back", number), build, [{**values, "lease": several[0].lease, **new(later(now))}])


def leave_out(tx: Transaction, several: Sequence[Delivery], why: str, now: datetime) -> None:
    """Let claimed deliveries be, and say why; what was held back behind them goes on."""
    if several:
        values = {**WAITING, "state": "dropped", "error": why}
        number, ids = numbered([it.id for it in several])
        build = lambda: update(TABLE).where(*_mine(number)).values(given(values))  # noqa: E731
        tx.run(("leave out", number), build, [{**ids, "lease": several[0].lease, **new(values)}])
        for it in several:
            if it.attempts > 1:
                release(tx, it, now)


def release(tx: Transaction, one: Delivery, now: datetime) -> None:
    """Let what was held back behind a delivery wait again."""

    def build() -> Any:
        return update(TABLE).where(*of_line(), TABLE.c.state == "held").values(given(later(now)))

    tx.run("release", build, [{**line_values(one), **new(later(now))}])


def _forget(tx: Transaction, done: Sequence[Delivery]) -> int:
    if not done:
        return 0
    number, values = numbered([it.id for it in done])
    statement = lambda: delete(TABLE).where(*_mine(number))  # noqa: E731
    return tx.run(("delivered", number), statement, [{**values, "lease": done[0].lease}])


def _put_off(tx: Transaction, failure: Failure, now: datetime) -> bool:
    """Try a delivery again later, or leave it for a person after the last attempt; say whether it is still ours."""
    one, error = failure.one, storable_error(failure.error)
    at = now + backoff(one.attempts)
    values = {**later(at), "state": "dead" if one.last else "waiting", "error": error}

    def build() -> Any:
        return update(TABLE).where(*_mine(1)).values(given(values))

    if not tx.run("put off", build, [{"i0": one.id, "lease": one.lease, **new(values)}]):
        return False
    _hold(tx, one)
    return True


def _hold(tx: Transaction, one: Delivery) -> None:
    def build() -> Any:
        behind = (TABLE.c.state == "waiting", TABLE.c.entry_id > id_parameter("entry_id"))
        return update(TABLE).where(*of_line(), *behind).values(given({"state": "held"}))

    tx.run("hold what is behind", build, [{**line_values(one), "entry_id": one.entry_id, "new_state": "held"}])


def _mine(number: int) -> tuple[Any, ...]:
    held = (TABLE.c.state == "running", TABLE.c.lease == bindparam("lease", type_=TABLE.c.lease.type))
    return (among(TABLE.c.id, number), *held)
