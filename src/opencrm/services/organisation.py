"""Units, people, roles and memberships: who decides who may do what."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import or_, select

from opencrm.core.access.grants import ANY, Grant, Scope, read_grants
from opencrm.core.change import Change, JournalEntry, Kind
from opencrm.core.entities import Core, Membership, Role, Unit, User, specs
from opencrm.core.values import Id
from opencrm.errors import DomainError, InputError, NotFound
from opencrm.services import records
from opencrm.services.commands import Create, Update
from opencrm.services.configuration import bump, load_organisation
from opencrm.storage import tables

if TYPE_CHECKING:
    from opencrm.services.reading import Reader
    from opencrm.services.work import Work

_EVERYTHING = Grant(ANY, ANY, Scope.ALL)


def add_user(work: Work, name: str, *, email: str | None, role: str, unit: str) -> Id:
    """Make a user with one membership; return the user's id.

    Args:
        work: The work block, of an owner.
        name: The person's full name.
        email: Their address; without one they cannot sign in.
        role: Key or name of the role.
        unit: Name or id of the unit.

    Raises:
        NotFound: There is no such role or unit, or more than one.
    """
    role_id, unit_id = find(work, Role, role), find(work, Unit, unit)
    [made] = records.create(work, [Create(User, name=name, email=email)])
    records.create(work, [Create(Membership, user_id=made.record_id, unit_id=unit_id, role_id=role_id)])
    return made.record_id


def disable(work: Work, user_id: Id) -> JournalEntry:
    """Take a user's access away at once; their records stay."""
    [changed] = records.update(work, [Update(User, user_id, active=False)])
    return changed


def find(reader: Reader, entity: type[Core], text: str) -> Id:
    """Return the id of the one record that a person means by an id, a key or a name.

    Raises:
        NotFound: There is none, or more than one.
    """
    spec = entity.spec
    if len(text) == 36 and reader.states(spec, [text]):
        return text
    for name in spec.options.lookup:
        try:
            found = reader.lookup(spec, name, [text])[text]
        except InputError:  # The text is nothing that the field could hold: a name is no e-mail address.
            continue
        if len(found) == 1:
            return found[0]
        if found:
            raise NotFound(
                f"{len(found)} records are called {text!r}: give the id of the {spec.name}", entity=spec.name
            )
    raise NotFound(f"there is no {spec.name} {text!r}", entity=spec.name)


class _Organisation:
    """Bound to the entities that make up the organisation."""

    entities = frozenset(spec.name for spec in specs(Core) if spec.options.organisation)

    def judge(self, work: Work, changes: Sequence[Change]) -> None:
        """Take the organisation's one lock, and refuse circles in the tree."""
        table = tables.workspace
        work.tx.query("organisation lock", lambda: _locked(select(table.c.id), work), {})
        for at, change in enumerate(changes):
            parent = change.after.get("parent_id") if change.entity == "unit" else None
            if parent is not None and load_organisation(work.tx, "").would_cycle(change.id, parent):
                wrong = {"parent_id": ["would make the unit a part of itself"]}
                raise InputError(wrong, rows={at: wrong})

    def follow(self, work: Work, own: Sequence[Change], changes: Sequence[Change]) -> Sequence[Change]:
        """Tell every process, and make sure that an owner remains and that nothing hangs in the air."""
        bump(work.tx, work.new_id())
        if any(change.kind is not Kind.CREATED for change in own):
            _keep_an_owner(work)
            _leave_nothing_hanging(work)
        return ()


def _locked(statement: Any, work: Work) -> Any:
    return statement if work.tx.sqlite else statement.with_for_update()


def owners(reader: Reader) -> list[Id]:
    """Return the ids of the active users who hold an owner's role for good."""
    user, seat, role = User.__table__, Membership.__table__, Role.__table__

    def build() -> Any:
        joined = seat.join(user, seat.c.user_id == user.c.id).join(role, seat.c.role_id == role.c.id)
        living = [table.c.deleted_at.is_(None) for table in (user, seat, role)]
        return select(user.c.id, role.c.grants, seat.c.valid_to).select_from(joined).where(user.c.active, *living)

    rows = reader.tx.query("owners", build, {})
    return sorted({row["id"] for row in rows if _EVERYTHING in read_grants(row["grants"]) and row["valid_to"] is None})


def _keep_an_owner(work: Work) -> None:
    if not owners(work):
        raise DomainError("an active owner must remain", rule="last owner")


def _leave_nothing_hanging(work: Work) -> None:
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
