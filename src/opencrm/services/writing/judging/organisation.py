"""The rules of the organisation: one lock, no circles, usable roles, an owner who remains."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import attrs
from sqlalchemy import Select, bindparam, or_, select

from opencrm.core.access.grants import EVERYTHING, read_grants
from opencrm.core.change import Change, Kind, Values
from opencrm.core.columns import IdColumn
from opencrm.core.entities import Core, Customer, Membership, Role, Unit, User, specs
from opencrm.core.entity import Spec
from opencrm.core.values import Id
from opencrm.errors import InputError
from opencrm.services.delegation import doubles, mains, roles
from opencrm.services.delegation import judging as delegating
from opencrm.services.delegation.refusals import unallowed, unusable
from opencrm.services.reading.reader import Reader
from opencrm.services.workspaces.configuration import bump, load_organisation
from opencrm.services.writing.block import Block
from opencrm.services.writing.locking import lock
from opencrm.storage.statements import padded

if TYPE_CHECKING:
    from opencrm.services.writing.work import Work


class _Organisation:
    """Bound to the entities that make up the organisation."""

    entities = frozenset(spec.name for spec in specs(Core) if spec.options.organisation)

    def judge(self, work: Block, changes: Sequence[Change]) -> None:
        """Take the organisation's one lock; refuse what may not be handed down, doubles, circles, unusable roles."""
        lock(work)
        delegating.judge(work, changes)
        doubles.check(work, changes)
        _check_tree(work, changes)
        _check_deputies(work, changes)
        roles.check(work, changes)

    def follow(self, work: Work, own: Sequence[Change], changes: Sequence[Change]) -> Sequence[Change]:
        """Tell every process; see that an owner remains, nothing hangs in the air, and each has a main place."""
        work.config_version = work.new_id()
        bump(work.tx, work.config_version)
        if any(change.kind is not Kind.CREATED or change.entity == "customer" for change in own):
            _keep_an_owner(work)
            _leave_nothing_hanging(work)
            _leave_nothing_behind(work, [it.id for it in own if it.entity == "unit" and it.kind is Kind.DELETED])
        mains.hand_on(work, own)
        return mains.given_up(work, own)


def _check_tree(work: Block, changes: Sequence[Change]) -> None:
    """Judge the tree as it is after all of the changes."""
    moved = {change.id: change.after["parent_id"] for change in changes if change.entity == "unit"}
    if not any(moved.values()):
        return
    found = load_organisation(work.tx, "")
    tree = attrs.evolve(found, parents={**found.parents, **moved})
    for at, change in enumerate(changes):
        if change.id in moved and tree.in_circle(change.id):
            wrong = {"parent_id": ['rule "no cycle": would make the unit a part of itself']}
            raise unusable("no cycle", wrong, at)


def _check_deputies(work: Block, changes: Sequence[Change]) -> None:
    """Refuse a deputy for entities that are not there."""
    known = work.configuration.catalogue.entities
    for at, change in enumerate(changes):
        if change.entity == "deputy" and "entities" in change.fields:
            unknown = [f"there is no entity {name!r}" for name in change.after["entities"] or () if name not in known]
            if unknown:
                raise InputError({"entities": unknown}, rows={at: {"entities": unknown}})


def owners(reader: Reader) -> list[Id]:
    """Return the ids of the active users who hold an owner's role for good, and are nobody's customers."""
    user, seat, role, customer = User.__table__, Membership.__table__, Role.__table__, Customer.__table__

    def build() -> Any:
        joined = seat.join(user, seat.c.user_id == user.c.id).join(role, seat.c.role_id == role.c.id)
        living = [table.c.deleted_at.is_(None) for table in (user, seat, role)]
        clients = select(customer.c.user_id).where(customer.c.deleted_at.is_(None))
        columns = (user.c.id, role.c.grants, seat.c.valid_from, seat.c.valid_to)
        return select(*columns).select_from(joined).where(user.c.active, user.c.id.not_in(clients), *living)

    rows = reader.tx.query("owners", build, {})
    return sorted({row["id"] for row in rows if EVERYTHING in read_grants(row["grants"]) and _for_good(row, reader)})


def _for_good(seat: Values, reader: Reader) -> bool:
    return seat["valid_to"] is None and (seat["valid_from"] is None or seat["valid_from"] <= reader.now)


def _keep_an_owner(work: Block) -> None:
    if not owners(work):
        raise unallowed("last owner", "an active owner must remain")


def _leave_nothing_hanging(work: Block) -> None:
    """Refuse to take away a unit, a role or a user that memberships or units still need."""
    user, seat, role, unit = User.__table__, Membership.__table__, Role.__table__, Unit.__table__
    above = unit.alias()

    def seats() -> Any:
        joined = (
            seat.join(user, seat.c.user_id == user.c.id)
            .join(role, seat.c.role_id == role.c.id)
            .join(unit, seat.c.unit_id == unit.c.id)
        )
        gone = or_(user.c.deleted_at.is_not(None), role.c.deleted_at.is_not(None), unit.c.deleted_at.is_not(None))
        return select(seat.c.id).select_from(joined).where(seat.c.deleted_at.is_(None), gone).limit(1)

    def units() -> Any:
        joined = unit.join(above, unit.c.parent_id == above.c.id)
        return (
            select(unit.c.id)
            .select_from(joined)
            .where(unit.c.deleted_at.is_(None), above.c.deleted_at.is_not(None))
            .limit(1)
        )

    if work.tx.query("hanging seats", seats, {}) or work.tx.query("hanging units", units, {}):
        raise unallowed("in use", "something is still a part of it: end the memberships and move the units first")


def _leave_nothing_behind(work: Block, units: Sequence[Id]) -> None:
    """Refuse to take away a unit that still has records, or is the home of roles."""
    entities = work.configuration.catalogue.entities.values()
    placed = [(spec, "unit_id") for spec in entities if spec.owned and not spec.options.personal]
    for spec, field in (*placed, (Role.spec, "home_unit_id")) if units else ():
        names = padded(sorted(units))
        there = partial(_in_units, spec, field, len(names))
        given = {f"i{at}": id for at, id in enumerate(names)}
        if work.tx.query(("in units", spec.name, len(names)), there, given):
            raise unallowed("in use", f"it still has {spec.plural}: give them another unit first")


def _in_units(spec: Spec, field: str, number: int) -> Select[Any]:
    table = spec.table
    among = table.c[field].in_([bindparam(f"i{at}", type_=IdColumn()) for at in range(number)])
    return select(table.c.id).where(among, table.c.deleted_at.is_(None)).limit(1)


BINDING = _Organisation()
