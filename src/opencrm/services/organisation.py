"""Units, people, roles and memberships: who decides who may do what."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from sqlalchemy import Select, bindparam, select

from opencrm.core.access.memberships import main_first, valid
from opencrm.core.change import JournalEntry, Values
from opencrm.core.entities import Core, Role, Unit, User
from opencrm.core.entity import Spec
from opencrm.core.values import MOST_OFFERED, Id, fold, is_id, offered
from opencrm.errors import NotFound
from opencrm.services import records
from opencrm.services.commands import Create, Update
from opencrm.services.delegation import loading
from opencrm.services.reading.rows import Query

if TYPE_CHECKING:
    from opencrm.services.reading.reader import Reader
    from opencrm.services.writing.work import Work


def add_user(work: Work, name: str, *, email: str | None, role: str, unit: str) -> Id:
    """Make a user with one membership; return the user's id.

    Args:
        work: The work block, of somebody who may give the role there.
        name: The person's full name.
        email: Their address; without one they cannot sign in.
        role: Key or name of the role.
        unit: Name or id of the unit.

    Raises:
        NotFound: There is no such role or unit, or more than one.
        PermissionDenied: The rules of delegation refuse it; names the rule.
    """
    place = {"role_id": find(work, Role, role), "unit_id": find(work, Unit, unit)}
    [made] = records.create(work, [Create(User, name=name, email=email, memberships=[place])])
    return made.record_id


def disable(work: Work, user_id: Id) -> JournalEntry:
    """Take a user's access away at once; their records stay."""
    [changed] = records.update(work, [Update(User, user_id, active=False)])
    return changed


def head_of(reader: Reader, user_id: Id) -> Id | None:
    """Return the head of somebody: of the nearest unit, going up from their main place, whose head is somebody else.

    A head counts who is there now: active, by a membership that is valid. It is found whoever asks.

    Args:
        reader: The reader.
        user_id: Whose head.

    Returns:
        The head's id, of several the one who has been head for longest; None if nobody is.
    """
    home = next((place["unit_id"] for place in main_first(_valid_places(reader, [user_id], "user_id"))), None)
    return None if home is None else head_above(reader, home, other_than=user_id)


def head_above(reader: Reader, unit: Id, *, other_than: Id | None = None) -> Id | None:
    """Return the head of a unit, or of the nearest one above it that has one; see `head_of`."""
    above = reader.rights.organisation.above(unit)
    heads: dict[Id, Id] = {}
    for place in _valid_places(reader, above, "unit_id"):
        if place["is_head"] and place["active"] and place["user_id"] != other_than:
            heads.setdefault(place["unit_id"], place["user_id"])
    return next((heads[each] for each in above if each in heads), None)


def unit_named(reader: Reader, name: str) -> Id | None:
    """Return the unit of a name, whoever asks; None where there is none, or more than one."""
    key, unit = Unit.spec.folded["name"], Unit.__table__

    def build() -> Select[Any]:
        return select(unit.c.id).where(
            unit.c[key] == bindparam("name", type_=unit.c[key].type), unit.c.deleted_at.is_(None)
        )

    rows = reader.tx.query("unit named", build, {"name": fold(name)})
    return rows[0]["id"] if len(rows) == 1 else None


def _valid_places(reader: Reader, ids: Collection[Id], field: str) -> list[Values]:
    """Return the memberships of people or in units that are valid now, in the order in which they were made."""
    return [place for place in loading.places_of(reader, ids, field) if valid(place, reader.now)]


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
    raise NotFound(f"there is no {spec.name} {text!r}{_known(reader, spec)}", entity=spec.name)


def _known(reader: Reader, spec: Spec) -> str:
    """Return the roles or units that there are, as far as the reader may know: of people none are listed."""
    by = spec.options.lookup[0]
    closed = by not in reader.rights.readable(spec) or reader.rights.expression(spec, "read").nothing
    if closed or spec not in (Role.spec, Unit.spec):
        return ""
    return offered(row.values()[by] for row in reader.list(Query(spec, sort=by, limit=MOST_OFFERED + 1)).rows)
