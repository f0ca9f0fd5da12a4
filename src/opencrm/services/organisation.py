"""Units, people, roles and memberships: who decides who may do what."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opencrm.core.change import JournalEntry
from opencrm.core.entities import Core, Membership, Role, Unit, User
from opencrm.core.values import Id, is_id
from opencrm.errors import NotFound
from opencrm.services import records
from opencrm.services.commands import Create, Update

if TYPE_CHECKING:
    from opencrm.services.reading.reader import Reader
    from opencrm.services.writing.work import Work


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
    if is_id(text) and reader.states(spec, [text]):
        return text
    for name in spec.options.lookup:
        found = reader.lookup(spec, name, [text])[text]
        if len(found) == 1:
            return found[0]
        if found:
            raise NotFound(
                f"{len(found)} records are called {text!r}: give the id of the {spec.name}", entity=spec.name
            )
    raise NotFound(f"there is no {spec.name} {text!r}", entity=spec.name)
