"""The rules of the organisation: one lock, no circles, usable roles, an owner who remains."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import attrs
from sqlalchemy import or_, select

from opencrm.core.access.grants import ACTIONS, ANY, Grant, Scope, read_field_rules, read_grants
from opencrm.core.change import Change, Kind, Values
from opencrm.core.conditions import TRUE, Asker, Condition, bind
from opencrm.core.entities import Core, Membership, Role, Unit, User, specs
from opencrm.core.entity import Spec
from opencrm.core.values import Id
from opencrm.errors import ConflictError, DomainError, InputError
from opencrm.services.reading.reader import Reader
from opencrm.services.workspaces.configuration import bump, load_organisation
from opencrm.services.writing.block import Block
from opencrm.storage import tables

_GRANTS = ("grants", "delegable")
_EVERYTHING = Grant(ANY, ANY, Scope.ALL)


class _Organisation:
    """Bound to the entities that make up the organisation."""

    entities = frozenset(spec.name for spec in specs(Core) if spec.options.organisation)

    def judge(self, work: Block, changes: Sequence[Change]) -> None:
        """Take the organisation's one lock; refuse circles in the tree, and roles that cannot be used."""
        table = tables.workspace
        [row] = work.tx.query("organisation lock", lambda: _locked(select(table.c.config_version), work), {})
        if row["config_version"] != work.config_version:
            raise ConflictError("somebody else changed the organisation meanwhile; try again")
        _check_tree(work, changes)
        _check_roles(work, changes)

    def follow(self, work: Block, own: Sequence[Change], changes: Sequence[Change]) -> Sequence[Change]:
        """Tell every process, and make sure that an owner remains and that nothing hangs in the air."""
        work.config_version = work.new_id()
        bump(work.tx, work.config_version)
        if any(change.kind is not Kind.CREATED for change in own):
            _keep_an_owner(work)
            _leave_nothing_hanging(work)
        return ()


def _check_tree(work: Block, changes: Sequence[Change]) -> None:
    """Judge the tree as it is after all of the changes."""
    moved = {change.id: change.after["parent_id"] for change in changes if change.entity == "unit"}
    if not any(moved.values()):
        return
    found = load_organisation(work.tx, "")
    tree = attrs.evolve(found, parents={**found.parents, **moved})
    for at, change in enumerate(changes):
        if change.id in moved and tree.in_circle(change.id):
            wrong = {"parent_id": ["would make the unit a part of itself"]}
            raise InputError(wrong, rows={at: wrong})


def _check_roles(work: Block, changes: Sequence[Change]) -> None:
    """Refuse grants and field rules about what is not there, and conditions that their holders may not read."""
    for at, change in enumerate(changes):
        if change.entity == "role" and {*_GRANTS, "field_rules"} & set(change.fields):
            found = {name: list(_wrong_grants(work, change.after, name)) for name in _GRANTS}
            found["field_rules"] = list(_unknown_fields(work, change.after))
            wrong = {name: texts for name, texts in found.items() if texts}
            if wrong:
                raise InputError(wrong, rows={at: wrong})


def _wrong_grants(work: Block, role: Values, field: str) -> Iterator[str]:
    grants = read_grants(role[field])
    yield from _unknown_grants(work, grants)
    yield from _unusable(work, grants, _OpenFields(role))


def _unknown_grants(work: Block, grants: Sequence[Grant]) -> Iterator[str]:
    known = work.configuration.catalogue.entities
    for number, grant in enumerate(grants, 1):
        if grant.entity != ANY and grant.entity not in known:
            yield f"grant {number}: there is no entity {grant.entity!r}"
        if grant.action not in ACTIONS and not grant.action.startswith("move:"):
            yield f"grant {number}: there is no action {grant.action!r}"


def _unknown_fields(work: Block, role: Values) -> Iterator[str]:
    known = work.configuration.catalogue.entities
    for number, rule in enumerate(read_field_rules(role["field_rules"]), 1):
        if rule.entity not in known or rule.field not in known[rule.entity].fields:
            yield f"field rule {number}: there is no field {rule.entity}.{rule.field}"


def _unusable(work: Block, grants: Sequence[Grant], open_fields: _OpenFields) -> Iterator[str]:
    known = work.configuration.catalogue.entities
    for number, grant in enumerate(grants, 1):
        for spec in known.values() if grant.when is not None else ():
            if grant.when is not None and grant.entity in (spec.name, ANY):
                yield from _unbound(work, number, grant.when, spec, open_fields)


class _OpenFields:
    """Tells the fields of an entity that a role's holders may read."""

    def __init__(self, role: Values) -> None:
        self._rules = {(rule.entity, rule.field): rule.read for rule in read_field_rules(role["field_rules"])}

    def __call__(self, spec: Spec) -> list[str]:
        return [name for name, field in spec.fields.items() if self._rules.get((spec.name, name), not field.sensitive)]


def _unbound(work: Block, number: int, when: Condition, spec: Spec, readable: _OpenFields) -> Iterator[str]:
    locale = work.configuration.locale
    asker = Asker(
        now=work.now,
        zone=locale.zone,
        name="",
        user_id=None,
        units=(),
        entities=work.configuration.catalogue.entities,
        readable=readable,
        scope=lambda _: TRUE,
        journal=False,
    )
    try:
        bind(when, spec, readable(spec), locale, asker)
    except InputError as error:
        yield f"grant {number}: {error}"


def _locked(statement: Any, work: Block) -> Any:
    return statement if work.tx.sqlite else statement.with_for_update()


def owners(reader: Reader) -> list[Id]:
    """Return the ids of the active users who hold an owner's role for good."""
    user, seat, role = User.__table__, Membership.__table__, Role.__table__

    def build() -> Any:
        joined = seat.join(user, seat.c.user_id == user.c.id).join(role, seat.c.role_id == role.c.id)
        living = [table.c.deleted_at.is_(None) for table in (user, seat, role)]
        columns = (user.c.id, role.c.grants, seat.c.valid_from, seat.c.valid_to)
        return select(*columns).select_from(joined).where(user.c.active, *living)

    rows = reader.tx.query("owners", build, {})
    return sorted({row["id"] for row in rows if _EVERYTHING in read_grants(row["grants"]) and _for_good(row, reader)})


def _for_good(seat: Values, reader: Reader) -> bool:
    return seat["valid_to"] is None and (seat["valid_from"] is None or seat["valid_from"] <= reader.now)


def _keep_an_owner(work: Block) -> None:
    if not owners(work):
        raise DomainError("an active owner must remain", rule="last owner")


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
        raise DomainError(
            "something is still a part of it: end the memberships and move the units first", rule="in use"
        )


BINDING = _Organisation()
