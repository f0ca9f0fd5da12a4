"""Reading the company for the rules of delegation: as it stands in this transaction, whoever may read it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from sqlalchemy import Column, Select, and_, bindparam, select

from opencrm.core.access.covering import Coverage
from opencrm.core.access.organisation import Organisation
from opencrm.core.change import Change, Kind, Values
from opencrm.core.columns import IdColumn
from opencrm.core.entities import Customer, Deputy, Membership, Role, Unit, User
from opencrm.core.values import Id
from opencrm.services.delegation.company import Company, Origin, Terms, terms_of
from opencrm.services.reading.reader import Reader
from opencrm.storage.statements import padded

_ROLE = ("id", "rank", "grants", "delegable", "field_rules", "home_unit_id")


def load_company(reader: Reader, changes: Iterable[Change] = ()) -> Company:
    """Return the company, with the units and roles that the changes make, in whatever order they do."""
    changes = list(changes)
    made = [change for change in changes if change.kind in (Kind.CREATED, Kind.RESTORED)]
    units = {row["id"]: row["parent_id"] for row in reader.tx.query("delegation units", _units, {})}
    units |= {it.id: it.after["parent_id"] for it in made if it.entity == "unit"}
    roles = _roles(reader.tx.query("delegation roles", _all_roles, {}))
    roles |= _roles(it.after for it in made if it.entity == "role")
    places = reader.tx.query("delegation places", _places, {})
    clients = reader.tx.query("delegation customers", _customers, {})
    return Company(
        tree=Organisation("", units, {}),
        roles=roles,
        places=places,
        customers=(row["user_id"] for row in clients),
        deputies=reader.tx.query("delegation deputies", _deputies, {"now": reader.now}),
        origins=_origins(reader, {_person(it) for it in changes if it.entity in ("membership", "user")}),
    )


def coverage_of(reader: Reader) -> Coverage:
    """Return what judges grants in this workspace."""
    return Coverage(reader.configuration.catalogue.entities)


def places_of(reader: Reader, ids: Iterable[Id], field: str = "user_id") -> list[Values]:
    """Return the memberships of some people, or with `unit_id` those in some units, past and future ones too."""
    return _among(reader, f"delegation places of {field}", _places, Membership.__table__.c[field], ids)


def _person(change: Change) -> Id:
    return str(change.after["user_id"] if change.entity == "membership" else change.id)


def _origins(reader: Reader, ids: Iterable[Id]) -> dict[Id, Origin]:
    """Return where people come from: who made them, and the units of the places that were taken away."""
    found: dict[Id, Origin] = {}
    for row in _among(reader, "delegation origins", _users, User.__table__.c.id, ids):
        units = found[row["id"]].units if row["id"] in found else frozenset[Id]()
        found[row["id"]] = Origin(row["created_by"], units | ({row["unit_id"]} if row["unit_id"] else frozenset()))
    return found


def _among(
    reader: Reader, name: str, build: Callable[[], Select[Any]], column: Column[Any], ids: Iterable[Id]
) -> list[Values]:
    """Return the rows of a statement of which a column is one of some ids."""
    several = sorted(set(ids))
    if not several:
        return []
    wanted = padded(several)

    def narrowed() -> Select[Any]:
        return build().where(column.in_([bindparam(f"i{at}", type_=IdColumn()) for at in range(len(wanted))]))

    given = {f"i{at}": id for at, id in enumerate(wanted)}
    return [*reader.tx.query((name, len(wanted)), narrowed, given)]


def _units() -> Select[Any]:
    unit = Unit.__table__
    return select(unit.c.id, unit.c.parent_id).where(unit.c.deleted_at.is_(None))


def _all_roles() -> Select[Any]:
    role = Role.__table__
    return select(*[role.c[name] for name in _ROLE]).where(role.c.deleted_at.is_(None))


def _customers() -> Select[Any]:
    customer = Customer.__table__
    return select(customer.c.user_id).where(customer.c.deleted_at.is_(None))


def _deputies() -> Select[Any]:
    deputy = Deputy.__table__
    ends = deputy.c.valid_to
    return select(deputy.c.id, deputy.c.to_id, ends).where(
        deputy.c.deleted_at.is_(None), ends > bindparam("now", type_=ends.type)
    )


def _users() -> Select[Any]:
    user, seat = User.__table__, Membership.__table__
    gone = and_(seat.c.user_id == user.c.id, seat.c.deleted_at.is_not(None))
    return select(user.c.id, user.c.created_by, seat.c.unit_id).select_from(user.outerjoin(seat, gone))


def _places() -> Select[Any]:
    seat, user = Membership.__table__, User.__table__
    return (
        select(*seat.c, user.c.active)
        .select_from(seat.join(user, seat.c.user_id == user.c.id))
        .where(seat.c.deleted_at.is_(None))
        .order_by(seat.c.id)
    )


def _roles(rows: Iterable[Values]) -> dict[Id, Terms]:
    return {row["id"]: terms_of(row) for row in rows}
