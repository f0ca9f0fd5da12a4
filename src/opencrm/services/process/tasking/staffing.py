"""Selectors with nobody: roles that nobody holds, and people who are not there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from sqlalchemy import select

from opencrm.core.access.memberships import valid
from opencrm.core.entities import Membership, User
from opencrm.core.pipeline import Pipeline
from opencrm.core.process.checks import Finding, parts_of
from opencrm.core.process.rules import Rule
from opencrm.core.process.selectors import HeadOf, Person, Pick, Selector
from opencrm.services.reading.reader import Reader


def unstaffed(reader: Reader, declared: Iterable[Pipeline | Rule]) -> Iterator[tuple[Pipeline | Rule, Finding]]:
    """Give the selectors that find nobody, each with its declaration.

    A task that nobody is found for waits in the queue of its record's unit, and the unit's head is told.
    """
    asked = [(it, part) for it in declared for part in parts_of(it, "definition", ())]
    several = [(it, part.at, person) for it, part in asked for person in _named(part.item)]
    if not several:
        return
    roles, emails = _held(reader), _emails(reader)
    keys = {role.key: role.id for role in reader.rights.organisation.roles.values()}
    for it, at, one in several:
        if isinstance(one, Pick) and one.role in keys and keys[one.role] not in roles:
            yield it, Finding(at, f"nobody holds the role {one.role!r}", grave=False)
        elif isinstance(one, Person) and one.email not in emails:
            yield it, Finding(at, "nobody has this e-mail address", grave=False)


def _named(item: Any) -> Iterator[Selector]:
    match item:
        case HeadOf(of):
            yield from _named(of)
        case Pick() | Person():
            yield item


def _held(reader: Reader) -> set[str]:
    seat, user = Membership.__table__, User.__table__

    def build() -> Any:
        living = (seat.c.deleted_at.is_(None), user.c.active, user.c.deleted_at.is_(None))
        columns = (seat.c.role_id, seat.c.valid_from, seat.c.valid_to)
        return select(*columns).join(user, user.c.id == seat.c.user_id).where(*living)

    return {row["role_id"] for row in reader.tx.query("roles held", build, {}) if valid(row, reader.now)}


def _emails(reader: Reader) -> set[str]:
    user = User.__table__

    def build() -> Any:
        living = (user.c.active, user.c.deleted_at.is_(None), user.c.email.is_not(None))
        return select(user.c.email).where(*living)

    return {row["email"] for row in reader.tx.query("emails of users", build, {})}
