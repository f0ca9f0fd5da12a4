"""From a principal to its rights: one statement, which also tells whether the configuration changed."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Select, and_, bindparam, select

from opencrm.core.access.grants import ANY, Grant, Scope, read_grants
from opencrm.core.access.organisation import Seat
from opencrm.core.access.principal import Principal
from opencrm.core.access.rights import Rights
from opencrm.core.change import Values
from opencrm.core.columns import IdColumn, key_column
from opencrm.core.conditions.binding.relative import zone_of
from opencrm.core.entities import Membership, User
from opencrm.core.values import is_id
from opencrm.errors import ConfigurationError, NotSignedIn
from opencrm.services.workspaces.configuration import Configuration
from opencrm.services.workspaces.workspace import Workspace
from opencrm.storage import tables
from opencrm.storage.transactions import Transaction

_USER, _SEAT, _TOKEN = User.__table__, Membership.__table__, tables.token
_EVERYTHING = (Grant(ANY, ANY, Scope.ALL),)


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
    if principal.kind in ("user", "token"):
        return _person(principal, rows, configuration, now), configuration
    grants: tuple[Grant, ...] = _EVERYTHING if principal.kind == "system" else ()
    if principal.kind == "automation":
        grants = _approved(principal, configuration)
    return _rights(principal, rows[0], (), grants, configuration, now), configuration


def _person(principal: Principal, rows: list[Values], configuration: Configuration, now: datetime) -> Rights:
    first = rows[0]
    if first["user_id"] is None or not first["active"]:
        raise _nobody(principal)
    if principal.kind == "token" and not _alive(first, now):
        raise _nobody(principal)
    seats = configuration.organisation.seats([row for row in rows if row["id"] is not None], now)
    return _rights(principal, first, seats, (), configuration, now)


def _rights(
    principal: Principal,
    row: Values,
    seats: tuple[Seat, ...],
    grants: tuple[Grant, ...],
    configuration: Configuration,
    now: datetime,
) -> Rights:
    user_id, zone = row.get("user_id"), configuration.locale.zone
    name = principal.name if user_id is None else f"user:{user_id}"
    timely = any(seat.role.timely for seat in seats) or any(it.when is not None for it in grants)

    def make() -> Rights:
        return Rights(
            principal=principal,
            name=name,
            user_id=user_id,
            seats=seats,
            organisation=configuration.organisation,
            entities=configuration.catalogue.entities,
            grants=grants,
            locale=configuration.locale,
            zone=zone_of(row.get("zone"), zone).key,
            now=now if timely else None,
        )

    held = tuple((seat.id, seat.unit_id, seat.role.id, seat.is_head, seat.is_primary) for seat in seats)
    return make() if timely else configuration.rights.get((principal, name, held), make)


def _approved(principal: Principal, configuration: Configuration) -> tuple[Grant, ...]:
    approved = configuration.granted.get(principal.id)
    if approved is None:
        raise NotSignedIn(
            f"plugin {principal.id!r} is not enabled here",
            principal=principal.name,
            action="sign in",
            reason="not enabled",
        )
    return read_grants(approved["grants"])


def _alive(row: Values, now: datetime) -> bool:
    return row["revoked_at"] is None and (row["expires_at"] is None or now < row["expires_at"])


def _nobody(principal: Principal) -> NotSignedIn:
    return NotSignedIn(
        "this key or user cannot sign in",
        principal=principal.kind,
        action="sign in",
        reason="unknown or disabled",
    )


def _statement(principal: Principal) -> Select[Any]:
    work = tables.workspace
    if principal.kind not in ("user", "token"):
        return select(work.c.config_version)
    seat = and_(_SEAT.c.user_id == _USER.c.id, _SEAT.c.deleted_at.is_(None))
    columns = [work.c.config_version, _USER.c.id.label("user_id"), _USER.c.active, _USER.c.zone]
    columns += [
        _SEAT.c[name] for name in ("id", "unit_id", "role_id", "is_head", "is_primary", "valid_from", "valid_to")
    ]
    living = _USER.c.deleted_at.is_(None)
    if principal.kind == "user":
        user = and_(_USER.c.id == bindparam("id", type_=IdColumn()), living)
        return select(*columns).select_from(work.outerjoin(_USER, user).outerjoin(_SEAT, seat))
    token = _TOKEN.c.digest == bindparam("id", type_=key_column(64))
    tables_ = (
        work.outerjoin(_TOKEN, token)
        .outerjoin(_USER, and_(_USER.c.id == _TOKEN.c.user_id, living))
        .outerjoin(_SEAT, seat)
    )
    return select(*columns, _TOKEN.c.expires_at, _TOKEN.c.revoked_at).select_from(tables_)
