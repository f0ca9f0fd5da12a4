"""Letters of notifications: which are to be sent, which are under way, and what became of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import attrs
from sqlalchemy import ColumnElement, Select, bindparam, func, select, update

from opencrm.core.change import Values
from opencrm.core.columns import IdColumn, InstantColumn
from opencrm.core.entities import User
from opencrm.core.values import Id
from opencrm.services.notifying import choices
from opencrm.services.queue.deliveries import among, numbered
from opencrm.services.queue.leases import backoff
from opencrm.services.queue.once import storable_error
from opencrm.storage import tables
from opencrm.storage.transactions import Transaction

LEASE = timedelta(minutes=5)
"""How long a letter that is being sent is left to whoever sends it, who prolongs that meanwhile."""
MOST_ATTEMPTS = 8
MOST = 10
"""How many letters one worker takes at once."""
OLD = timedelta(days=7)
"""What nobody could send for so long is not sent any more."""
_FIRST = timedelta(seconds=30)
_PAGE = 200
_LOST = "the worker was lost at every attempt"
_TOLD, _USER = tables.notification, User.__table__


@attrs.frozen(kw_only=True)
class Letter:
    """A letter to be sent, claimed.

    Attributes:
        row: The notification, as the table holds it.
        to: The person's address.
        attempts: How many times it was tried, with this time.
        lease: What tells this claim from every other.
    """

    row: Values = attrs.field(hash=False)
    to: str
    attempts: int
    lease: Id

    @property
    def last(self) -> bool:
        """Whether it is not tried again after this."""
        return self.attempts >= MOST_ATTEMPTS


@attrs.frozen
class Claimed:
    """What came of looking at a page of letters that are due.

    Attributes:
        letters: Those to be sent, some of them.
        others: Of how many it was written down why they are not.
    """

    letters: tuple[Letter, ...]
    others: int


def next_at(tx: Transaction, *, ahead: timedelta = timedelta()) -> datetime | None:
    """Return when the next letter is to be looked at, or the lease of one ends.

    Args:
        tx: The transaction.
        ahead: By how much the workspace's clock is ahead of real time, by which leases go.
    """
    if ahead:
        due, held = (_first_at(tx, leased=leased) for leased in (False, True))
        return min((at for at in (due, held + ahead if held is not None else None) if at is not None), default=None)
    return _first_at(tx, leased=None)


def claim(
    tx: Transaction, lease: Id, now: datetime, *, real: datetime | None = None, cannot: str | None = None
) -> Claimed:
    """Take letters that are to be sent, under a lease; of the others write down why they are not.

    Args:
        tx: The transaction.
        lease: What tells this claim from every other.
        now: The present instant.
        real: What time it really is, by which leases go; None where that is `now`.
        cannot: Why no letter can be sent at all, if none can.
    """
    real = real or now
    rows = _due(tx, now, real)
    chosen = choices.chosen_by(tx, {row["user_id"] for row in rows})
    taken: list[Letter] = []
    others: dict[tuple[str, str], list[Id]] = {}
    for row in rows:
        why = _why_not(row, chosen[row["user_id"]], now) or cannot
        if why is not None:
            others.setdefault(("none", why), []).append(row["id"])
        elif row["mail_attempts"] >= MOST_ATTEMPTS:
            others.setdefault(("dead", _LOST), []).append(row["id"])
        elif len(taken) < MOST:
            taken.append(Letter(row=row, to=row["email"], attempts=row["mail_attempts"] + 1, lease=lease))
    for (mail, why), ids in others.items():
        _decide(tx, ids, mail, why)
    _take(tx, taken, lease, real)
    return Claimed(tuple(taken), sum(map(len, others.values())))


def prolong(tx: Transaction, lease: Id, real: datetime) -> int:
    """Let a lease last longer; return of how many letters."""
    build = lambda: update(_TOLD).where(_held()).values(_given("mail_at"))  # noqa: E731
    return tx.run("prolong letters", build, [{"lease": lease, "new_mail_at": real + LEASE}])


def sent(tx: Transaction, letter: Letter) -> bool:
    """Write down that a letter is on its way; say whether it was still ours to send."""
    return _save(tx, letter, "sent", None, None)


def refused(tx: Transaction, letter: Letter, why: str) -> bool:
    """Write down why a letter is not sent."""
    return _save(tx, letter, "none", why, None)


def failed(tx: Transaction, letter: Letter, error: str, now: datetime) -> bool:
    """Try a letter again later, or leave it for a person after the last attempt; say whether it was still ours."""
    if letter.last:
        return _save(tx, letter, "dead", error, None)
    return _save(tx, letter, "sending", error, now + backoff(letter.attempts, first=_FIRST))


def put_off(tx: Transaction, several: Sequence[Letter], now: datetime) -> None:
    """Give letters back that were not tried, since the one before them could not be sent."""
    number, ids = numbered([letter.row["id"] for letter in several])

    def build() -> Any:
        values = {**_given("mail_at"), "mail_lease": None, "mail_attempts": _TOLD.c.mail_attempts - 1}
        return update(_TOLD).where(among(_TOLD.c.id, number), _held()).values(values)

    tx.run(("put letters off", number), build, [{**ids, "lease": several[0].lease, "new_mail_at": now + _FIRST}])


def _save(tx: Transaction, letter: Letter, mail: str, error: str | None, at: datetime | None) -> bool:
    """Write down what became of a letter, unless somebody else took it when the lease ended."""

    def build() -> Any:
        mine = (_TOLD.c.id == bindparam("one", type_=IdColumn()), _held())
        return update(_TOLD).where(*mine).values(**_given("mail", "mail_error", "mail_at"), mail_lease=None)

    given = {"new_mail": mail, "new_mail_error": storable_error(error), "new_mail_at": at}
    return bool(tx.run("letter", build, [{"one": letter.row["id"], "lease": letter.lease, **given}]))


def _decide(tx: Transaction, ids: Sequence[Id], mail: str, why: str) -> None:
    """Write down why letters are not sent."""
    number, given = numbered(ids)

    def build() -> Any:
        values = {**_given("mail", "mail_error"), "mail_at": None, "mail_lease": None}
        return update(_TOLD).where(among(_TOLD.c.id, number)).values(values)

    tx.run(("letters not sent", number), build, [{**given, "new_mail": mail, "new_mail_error": why}])


def _take(tx: Transaction, several: Sequence[Letter], lease: Id, real: datetime) -> None:
    if not several:
        return
    number, ids = numbered([letter.row["id"] for letter in several])

    def build() -> Any:
        values = {**_given("mail", "mail_at", "mail_lease"), "mail_attempts": _TOLD.c.mail_attempts + 1}
        return update(_TOLD).where(among(_TOLD.c.id, number)).values(values)

    given = {"new_mail": "sending", "new_mail_at": real + LEASE, "new_mail_lease": lease}
    tx.run(("take letters", number), build, [{**ids, **given}])


def _given(*names: str) -> dict[str, Any]:
    return {name: bindparam(f"new_{name}", type_=_TOLD.c[name].type) for name in names}


def _held() -> ColumnElement[bool]:
    return (_TOLD.c.mail == "sending") & (_TOLD.c.mail_lease == bindparam("lease", type_=IdColumn()))


def _first_at(tx: Transaction, *, leased: bool | None) -> datetime | None:
    """Return the first instant that stands at a letter: of those under a lease, of the others, or of all."""

    def build() -> Select[Any]:
        mine = [] if leased is None else [_TOLD.c.mail_lease.is_not(None) if leased else _TOLD.c.mail_lease.is_(None)]
        return select(func.min(_TOLD.c.mail_at).label("at")).where(_TOLD.c.mail_at.is_not(None), *mine)

    at: datetime | None = tx.query(("next letter", leased), build, {})[0]["at"]
    return at


def _due(tx: Transaction, now: datetime, real: datetime) -> list[Values]:
    def build() -> Select[Any]:
        there = (_USER.c.active & _USER.c.deleted_at.is_(None)).label("there")
        due = _TOLD.c.mail_at <= bindparam("now", type_=InstantColumn())
        over = _TOLD.c.mail_lease.is_(None) | (_TOLD.c.mail_at <= bindparam("real", type_=InstantColumn()))
        found = select(_TOLD, _USER.c.email, there).join(_USER, _USER.c.id == _TOLD.c.user_id).where(due, over)
        found = found.order_by(_TOLD.c.mail_at, _TOLD.c.id).limit(_PAGE)
        return found if tx.sqlite else found.with_for_update(skip_locked=True, of=_TOLD)

    return tx.query("due letters", build, {"now": now, "real": real})


def _why_not(row: Values, chosen: Mapping[tuple[str, str], bool], now: datetime) -> str | None:
    if not choices.wants(chosen, row["kind"], "mail", row["how"]):
        return "not wanted by mail"
    if not row["there"]:
        return "the person cannot sign in"
    if row["email"] is None:
        return "no address"
    if row["read_at"] is not None:
        return "read before it was sent"
    return "too old" if now - row["at"] > OLD else None
