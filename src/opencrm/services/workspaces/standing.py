"""What a person may do through others: whom they stand in for now, and who shares records with them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

import attrs
from sqlalchemy import Select, bindparam, or_, select

from opencrm.core.access.memberships import SEATED
from opencrm.core.access.organisation import Seat
from opencrm.core.access.rights import Rights, StandIn
from opencrm.core.change import Values
from opencrm.core.columns import IdColumn, InstantColumn
from opencrm.core.entities import Customer, Membership, Share, User
from opencrm.core.values import Id, is_id
from opencrm.services.workspaces.configuration import Configuration
from opencrm.storage.statements import padded
from opencrm.storage.transactions import Transaction

FURTHEST = 3
"""Over how many hands, at most, a share is passed on, or a deputy's deputy is looked at."""

_USER, _SEAT, _SHARE, _CUSTOMER = User.__table__, Membership.__table__, Share.__table__, Customer.__table__
_BY = "user:"


@attrs.frozen(kw_only=True)
class Person:
    """Somebody through whom others may do something.

    Attributes:
        id: The user.
        seats: Their valid memberships; none of a disabled user.
        zone: IANA name of the zone in which their days begin; None for the workspace's.
        contact_id: Of a customer, the contact that they are.
    """

    id: Id
    seats: tuple[Seat, ...]
    zone: str | None
    contact_id: Id | None


@attrs.frozen(kw_only=True)
class Others:
    """Those through whom somebody may do something, as `Rights` wants them."""

    standing_in: tuple[StandIn, ...] = ()
    sharers: tuple[Rights, ...] = ()
    shared: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.standing_in or self.sharers)


Make = Callable[[Person, Others, bool], Rights]
"""Makes a person's rights; the last says whether they are stood in for, so that a key's limits hold for them."""


def others(
    tx: Transaction, configuration: Configuration, user_id: Id, now: datetime, make: Make, *, shared: bool
) -> Others:
    """Return those through whom a user may do something now.

    Args:
        tx: The transaction.
        configuration: What is in force.
        user_id: The user.
        now: The instant.
        make: Makes a person's rights.
        shared: Whether there is any share with the user: if not, none is looked for.
    """
    deputed = any(it.to == user_id and it.valid(now) for it in configuration.organisation.deputyships)
    if not (shared or deputed):
        return Others()
    return _Web(tx, configuration, now, make).of(user_id, ())


class _Web:
    """Who lends what to whom, read hand by hand."""

    def __init__(self, tx: Transaction, configuration: Configuration, now: datetime, make: Make) -> None:
        self._tx = tx
        self._organisation = configuration.organisation
        self._now = now
        self._make = make
        self._shares: dict[Id, dict[Id, set[str]]] = {}
        self._people: dict[Id, Person] = {}

    def of(self, user: Id, path: tuple[Id, ...], *, deputyships: bool = True) -> Others:
        """Return those through whom a user may do something, but for those who stand on the way there."""
        path = (*path, user)
        if len(path) > FURTHEST:
            return Others()
        lent = {by: entities for by, entities in self._sharers(user).items() if by not in path}
        deputed = [it for it in self._organisation.deputyships if it.to == user and it.valid(self._now)]
        deputed = [it for it in deputed if it.of not in path] if deputyships else []
        self._meet({*lent, *(it.of for it in deputed)})
        return Others(
            standing_in=tuple(
                StandIn(self._rights(it.of, path, stood_in_for=True), it.entities)
                for it in deputed
                if it.of in self._people
            ),
            sharers=tuple(self._rights(by, path, stood_in_for=False) for by in sorted(lent) if by in self._people),
            shared=frozenset(entity for entities in lent.values() for entity in entities),
        )

    def _rights(self, id: Id, path: tuple[Id, ...], *, stood_in_for: bool) -> Rights:
        return self._make(self._people[id], self.of(id, path, deputyships=not stood_in_for), stood_in_for)

    def _sharers(self, user: Id) -> Mapping[Id, set[str]]:
        """Return who shares with a user, and records of which entities."""
        if user not in self._shares:
            found: dict[Id, set[str]] = {}
            for row in self._tx.query("sharers", _sharers, {"user": user, "now": self._now}):
                by = str(row["created_by"]).removeprefix(_BY)
                if is_id(by):
                    found.setdefault(by, set()).add(row["entity"])
            self._shares[user] = found
        return self._shares[user]

    def _meet(self, ids: Iterable[Id]) -> None:
        missing = sorted(set(ids) - self._people.keys())
        if not missing:
            return
        new = padded(missing)
        given = {f"i{at}": id for at, id in enumerate(new)}
        several: dict[Id, list[Values]] = {}
        for row in self._tx.query(("people", len(new)), lambda: _people(len(new)), given):
            several.setdefault(row["user_id"], []).append(row)
        for id, rows in several.items():
            seats = self._organisation.seats([row for row in rows if row["id"] is not None], self._now)
            self._people[id] = Person(id=id, seats=seats, zone=rows[0]["zone"], contact_id=rows[0]["contact_id"])


def is_shared_with(user: Any) -> Any:
    """Return an expression that says whether anything is shared with a user.

    Args:
        user: The column of the user's id.
    """
    return select(_SHARE.c.id).where(_SHARE.c.user_id == user, _SHARE.c.deleted_at.is_(None)).exists()


def contact_of(user: Any) -> Any:
    """Return an expression for the contact that a user is; nothing where they are no customer.

    Args:
        user: The column of the user's id.
    """
    mine = (_CUSTOMER.c.user_id == user, _CUSTOMER.c.deleted_at.is_(None))
    return select(_CUSTOMER.c.contact_id).where(*mine).scalar_subquery()


def _sharers() -> Select[Any]:
    until = or_(_SHARE.c.until.is_(None), _SHARE.c.until > bindparam("now", type_=InstantColumn()))
    mine = (_SHARE.c.user_id == bindparam("user", type_=IdColumn()), _SHARE.c.deleted_at.is_(None), until)
    return select(_SHARE.c.created_by, _SHARE.c.entity).where(*mine).distinct()


def _people(number: int) -> Select[Any]:
    chosen = _USER.c.id.in_([bindparam(f"i{at}", type_=IdColumn()) for at in range(number)])
    seat = (_SEAT.c.user_id == _USER.c.id) & _SEAT.c.deleted_at.is_(None)
    columns = [
        _USER.c.id.label("user_id"),
        _USER.c.zone,
        contact_of(_USER.c.id).label("contact_id"),
        *(_SEAT.c[name] for name in SEATED),
    ]
    living = (_USER.c.deleted_at.is_(None), _USER.c.active)
    return select(*columns).select_from(_USER.outerjoin(_SEAT, seat)).where(chosen, *living)
