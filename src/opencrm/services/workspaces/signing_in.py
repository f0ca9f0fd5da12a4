"""From a principal to its rights: one statement, which also tells whether the configuration changed."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import attrs
from sqlalchemy import Select, and_, bindparam, select

from opencrm.core.access.grants import EVERYTHING, Grant, read_grants
from opencrm.core.access.memberships import SEATED
from opencrm.core.access.organisation import Seat, mark_of
from opencrm.core.access.principal import Principal
from opencrm.core.access.rights import Rights
from opencrm.core.change import Values
from opencrm.core.columns import IdColumn, key_column
from opencrm.core.conditions import timely
from opencrm.core.conditions.binding.relative import zone_of
from opencrm.core.entities import Membership, User
from opencrm.core.values import is_id
from opencrm.errors import ConfigurationError, NotSignedIn
from opencrm.services.workspaces.configuration import Configuration
from opencrm.services.workspaces.standing import Others, Person, contact_of, is_shared_with, others
from opencrm.services.workspaces.workspace import Workspace
from opencrm.storage import tables
from opencrm.storage.transactions import Transaction

_USER, _SEAT, _TOKEN, _SESSION = User.__table__, Membership.__table__, tables.token, tables.session
_PEOPLE = ("user", "token", "session")
"""The kinds of principals behind which a person stands."""
_TOKEN_COLUMNS = [_TOKEN.c[name] for name in ("expires_at", "revoked_at", "scopes")]
_SESSION_COLUMNS = [_SESSION.c[name] for name in ("idle_at", "expires_at", "ended_at", "rights")]


def resolve(tx: Transaction, workspace: Workspace, principal: Principal, now: datetime) -> tuple[Rights, Configuration]:
    """Look up what a principal may do now.

    Raises:
        NotSignedIn: There is no such person, key or automation, or no longer.
        ConfigurationError: The workspace was never set up.
    """
    if principal.kind == "user" and not is_id(principal.id):
        raise _nobody(principal)
    rows = tx.query(("principal", principal.kind), lambda: _statement(principal), {"id": principal.id})
    if not rows:
        raise ConfigurationError("this workspace is not set up yet: run `opencrm init`")
    configuration = workspace.configuration(tx, rows[0]["config_version"])
    if principal.kind in _PEOPLE:
        return _person(tx, principal, rows, configuration, now), configuration
    grants: tuple[Grant, ...] = (EVERYTHING,) if principal.kind == "system" else ()
    if principal.kind == "automation":
        grants = _approved(principal, configuration)
    return _rights(tx, _Making(configuration, principal, now), rows[0], grants=grants), configuration


def automated(configuration: Configuration, principal: Principal, now: datetime) -> Rights:
    """Return what an automation may do, by a configuration that was read in the transaction under way.

    Raises:
        NotSignedIn: It is not enabled here.
    """
    making, grants = _Making(configuration, principal, now), _approved(principal, configuration)
    me = Person(id="", seats=(), zone=None, contact_id=None)
    if making.timely((), grants):
        return making.rights(me, grants, Others())
    return configuration.rights.get(principal, lambda: making.rights(me, grants, Others()))


def _person(
    tx: Transaction, principal: Principal, rows: list[Values], configuration: Configuration, now: datetime
) -> Rights:
    first = rows[0]
    if first["user_id"] is None or not first["active"]:
        raise _nobody(principal)
    if principal.kind == "token" and not _alive(first, now):
        raise _nobody(principal)
    seats = configuration.organisation.seats([row for row in rows if row["id"] is not None], now)
    if principal.kind == "session" and not _signed_in(first, seats, now):
        raise _nobody(principal)
    limits = None if first.get("scopes") is None else read_grants(first["scopes"])
    return _rights(tx, _Making(configuration, principal, now, limits), first, seats)


def _rights(
    tx: Transaction, making: _Making, row: Values, seats: tuple[Seat, ...] = (), grants: tuple[Grant, ...] = ()
) -> Rights:
    configuration, principal, now = making.configuration, making.principal, making.now
    through = Others()
    user_id = row.get("user_id")
    if user_id is not None:
        through = others(tx, configuration, user_id, now, making.other, shared=row["shared"])
    me = Person(id=user_id or "", seats=seats, zone=row.get("zone"), contact_id=row.get("contact_id"))
    if through or making.timely(seats, grants):
        return making.rights(me, grants, through)
    held = tuple((seat.id, seat.unit_id, seat.role.id, seat.is_head, seat.is_primary) for seat in seats)
    known = (principal, user_id, held, making.limits, me.contact_id)
    return configuration.rights.get(known, lambda: making.rights(me, grants, through))


@attrs.frozen
class _Making:
    """Makes rights: the principal's, and those of the people through whom they may do something."""

    configuration: Configuration
    principal: Principal
    now: datetime
    limits: tuple[Grant, ...] | None = None

    def rights(self, one: Person, grants: tuple[Grant, ...], through: Others) -> Rights:
        """Return the principal's."""
        timely = bool(through) or self.timely(one.seats, grants)
        return self._made(one, through, principal=self.principal, grants=grants, now=self.now if timely else None)

    def other(self, one: Person, through: Others, stood_in_for: bool) -> Rights:  # noqa: FBT001  # see `Make`
        """Return theirs through whom the principal may do something."""
        free = self if stood_in_for else attrs.evolve(self, limits=None)
        return free._made(one, through, principal=Principal.user(one.id), grants=(), now=self.now)

    def timely(self, seats: tuple[Seat, ...], grants: tuple[Grant, ...]) -> bool:
        """Say whether what is granted, or restricted, depends on the instant."""
        written = [*(it.when for it in grants), *(it.condition for it in self.configuration.guards)]
        return any(seat.role.timely for seat in seats) or any(it is not None and timely(it) for it in written)

    def _made(
        self, one: Person, through: Others, *, principal: Principal, grants: tuple[Grant, ...], now: datetime | None
    ) -> Rights:
        locale = self.configuration.locale
        return Rights(
            principal=principal,
            name=f"user:{one.id}" if one.id else principal.name,
            user_id=one.id or None,
            seats=one.seats,
            organisation=self.configuration.organisation,
            entities=self.configuration.catalogue.entities,
            grants=grants,
            locale=locale,
            zone=zone_of(one.zone, locale.zone).key,
            now=now,
            limits=self.limits,
            contact_id=one.contact_id,
            standing_in=() if one.contact_id is not None else through.standing_in,
            sharers=through.sharers,
            shared=through.shared,
            guards=self.configuration.guards,
            circles=self.configuration.circles,
        )


def _approved(principal: Principal, configuration: Configuration) -> tuple[Grant, ...]:
    approved = configuration.approved(principal.id)
    if approved is None:
        raise NotSignedIn(
            f"{_called(principal.id)} is not enabled here",
            principal=principal.name,
            action="sign in",
            reason="not enabled",
        )
    return approved


def _called(automation: str) -> str:
    """Return what an automation is: of a plugin, or of a pipeline or rule of the workspace's own."""
    kind, dot, key = automation.partition(".")
    return f"{kind} {key!r}" if dot else f"plugin {automation!r}"


def _alive(row: Values, now: datetime) -> bool:
    return row["revoked_at"] is None and (row["expires_at"] is None or now < row["expires_at"])


def _signed_in(row: Values, seats: tuple[Seat, ...], now: datetime) -> bool:
    """Say whether a session goes on: not ended, not too old, and its person's rights are those that it began with."""
    goes_on = row["ended_at"] is None and now < min(row["idle_at"], row["expires_at"])
    return goes_on and row["rights"] == mark_of(seats, row.get("contact_id"))


def _nobody(principal: Principal) -> NotSignedIn:
    return NotSignedIn(
        "this key or user cannot sign in",
        principal=principal.kind,
        action="sign in",
        reason="unknown or disabled",
    )


def _statement(principal: Principal) -> Select[Any]:
    work = tables.workspace
    if principal.kind not in _PEOPLE:
        return select(work.c.config_version)
    seat = and_(_SEAT.c.user_id == _USER.c.id, _SEAT.c.deleted_at.is_(None))
    columns = [work.c.config_version, _USER.c.id.label("user_id"), _USER.c.active, _USER.c.zone]
    columns += [contact_of(_USER.c.id).label("contact_id"), is_shared_with(_USER.c.id).label("shared")]
    columns += [_SEAT.c[name] for name in SEATED]
    living = _USER.c.deleted_at.is_(None)
    if principal.kind == "user":
        user = and_(_USER.c.id == bindparam("id", type_=IdColumn()), living)
        return select(*columns).select_from(work.outerjoin(_USER, user).outerjoin(_SEAT, seat))
    key, more = (_SESSION, _SESSION_COLUMNS) if principal.kind == "session" else (_TOKEN, _TOKEN_COLUMNS)
    named = key.c.digest == bindparam("id", type_=key_column(64))
    person = and_(_USER.c.id == key.c.user_id, living)
    joined = work.outerjoin(key, named).outerjoin(_USER, person).outerjoin(_SEAT, seat)
    return select(*columns, *more).select_from(joined)
