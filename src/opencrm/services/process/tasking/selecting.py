"""Finding who a selector means, now: whoever asks, and of those who are there."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from sqlalchemy import Select, and_, bindparam, func, select

from opencrm.core.access.memberships import valid
from opencrm.core.change import Values
from opencrm.core.columns import IdColumn
from opencrm.core.entities import Membership, Task, User
from opencrm.core.process.reactions import FINISHED
from opencrm.core.process.selectors import Creator, HeadOf, Owner, Person, Pick, Selector
from opencrm.core.values import Id
from opencrm.services import organisation
from opencrm.services.process.tasking.appointing import Diary
from opencrm.services.process.tasking.turns import take_turn
from opencrm.storage.statements import padded

if TYPE_CHECKING:
    from opencrm.services.reading.reader import Reader
    from opencrm.services.writing.block import Block

Places: TypeAlias = Sequence[tuple[Id, Id]]
"""People, each with the unit in which they hold a role."""


def find(work: Block, selector: Selector, state: Values, diary: Diary | None = None) -> Id | None:
    """Return the person that a selector means for a record; None for nobody.

    Args:
        work: The work block; of `pick` with `round_robin`, whose turn it was is written.
        selector: Whom to find.
        state: The record's state.
        diary: What people have on, where somebody is found for an appointment.
    """
    match selector:
        case Owner():
            return state.get("owner_id")
        case Creator():
            kind, _, id = (state.get("created_by") or "").partition(":")
            return id if kind == "user" else None
        case Person(email):
            return _by_email(work, email)
        case HeadOf(of):
            return _head(work, find(work, of, state), state.get("unit_id"))
        case Pick():
            return _pick(work, selector, state.get("unit_id"), diary)


def head_of_unit(reader: Reader, unit: Id | None) -> Id | None:
    """Return the head of a unit, or of the nearest one above that has one."""
    return None if unit is None else organisation.head_above(reader, unit)


def _head(work: Block, person: Id | None, unit: Id | None) -> Id | None:
    """Return somebody's head; of nobody, the head of the record's unit."""
    return organisation.head_of(work, person) if person is not None else head_of_unit(work, unit)


def _by_email(work: Block, email: str) -> Id | None:
    user = User.__table__

    def build() -> Select[Any]:
        same = user.c.email == bindparam("email", type_=user.c.email.type)
        return select(user.c.id).where(same, user.c.active, user.c.deleted_at.is_(None))

    rows = work.tx.query("person by email", build, {"email": email})
    return rows[0]["id"] if rows else None


def _pick(work: Block, pick: Pick, unit: Id | None, diary: Diary | None) -> Id | None:
    near = _nearest(work, pick, unit, _holders(work, pick.role))
    people = _present(work, sorted({person for person, _ in near}))
    if len(people) < 2:
        return people[0] if people else None
    match pick.strategy:
        case "round_robin":
            return take_turn(work, pick.turn, people)
        case "free_slot" if diary is not None:
            return diary.first(people)
    open_tasks = _loads(work, people)
    return min(people, key=lambda person: (open_tasks.get(person, 0), person))


def _holders(work: Block, role: str) -> Places:
    """Return who holds a role now, and where."""
    ids = [it.id for it in work.rights.organisation.roles.values() if it.key == role]
    if not ids:
        return []
    seat, user = Membership.__table__, User.__table__

    def build() -> Select[Any]:
        columns = [seat.c[name] for name in ("user_id", "unit_id", "valid_from", "valid_to")]
        there = (seat.c.role_id == bindparam("role", type_=IdColumn()), seat.c.deleted_at.is_(None))
        living = (user.c.active, user.c.deleted_at.is_(None))
        return select(*columns).join(user, user.c.id == seat.c.user_id).where(*there, *living).order_by(seat.c.id)

    rows = work.tx.query("holders of role", build, {"role": ids[0]})
    return [(row["user_id"], row["unit_id"]) for row in rows if valid(row, work.now)]


def _nearest(work: Block, pick: Pick, unit: Id | None, holders: Places) -> Places:
    """Return the holders within the pick's unit, or nearest to the record's, going up."""
    tree = work.rights.organisation
    if pick.within not in (None, "record"):
        unit = organisation.unit_named(work, pick.within)
    if unit is None:
        return holders if pick.within is None else []
    for above in tree.above(unit) if pick.within is None else (unit,):
        below = set(tree.subtree(above))
        near = [place for place in holders if place[1] in below]
        if near:
            return near
    return []


def _present(work: Block, people: Sequence[Id]) -> Sequence[Id]:
    """Return those who are not on leave; all of them where everybody is."""
    away = {it.of for it in work.rights.organisation.deputyships if it.valid(work.now)}
    return [person for person in people if person not in away] or people


def _loads(work: Block, people: Iterable[Id]) -> dict[Id, int]:
    """Return how many open tasks each person has."""
    wanted, task = padded(sorted(people)), Task.__table__

    def build() -> Select[Any]:
        among = task.c.owner_id.in_([bindparam(f"i{at}", type_=IdColumn()) for at in range(len(wanted))])
        still = (and_(*[task.c.state != state for state in FINISHED]), task.c.deleted_at.is_(None))
        return select(task.c.owner_id, func.count().label("number")).where(among, *still).group_by(task.c.owner_id)

    rows = work.tx.query(("loads", len(wanted)), build, {f"i{at}": id for at, id in enumerate(wanted)})
    return {row["owner_id"]: row["number"] for row in rows}
