"""The people whom records are given to."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import attrs
from sqlalchemy import Select, bindparam, select

from opencrm.core.access.memberships import SEATED
from opencrm.core.change import Values
from opencrm.core.columns import IdColumn
from opencrm.core.entities import Membership, User
from opencrm.core.values import Id
from opencrm.services.writing.block import Block
from opencrm.storage.statements import padded

_MOST = 10_000
"""Of so many people it is kept where they have their places."""


@attrs.frozen
class Receiver:
    """Somebody who is given records.

    Attributes:
        id: Who.
        active: Whether they are there and may sign in.
        units: Where they have a place now, their main place first.
    """

    id: Id
    active: bool = False
    units: tuple[Id, ...] = ()


def receivers(work: Block, users: Iterable[Id]) -> dict[Id, Receiver]:
    """Return people by their ids, in one statement; somebody who is not there is not active.

    Whom rules give records to is known once they were looked up, until the organisation changes. Whom people name is
    looked up each time: else the cost of a refusal would tell who is there.
    """
    wanted = sorted(users)
    current = work.config_version == work.configuration.version
    known = work.configuration.seated if current and work.rule is not None else {}
    unknown = [id for id in wanted if id not in known]
    found = {id: known[id] for id in wanted if id in known}
    if unknown:
        read = _read(work, unknown)
        found |= read
        if len(known) > _MOST:
            known.clear()
        known.update(read)
    return {id: _receiver(work, id, found[id]) for id in wanted}


def _read(work: Block, wanted: list[Id]) -> dict[Id, list[Values]]:
    ids = padded(wanted)
    rows: dict[Id, list[Values]] = {id: [] for id in wanted}
    given = {f"i{at}": id for at, id in enumerate(ids)}
    for row in work.tx.query(("receivers", len(ids)), lambda: _seated(given), given):
        rows[row["user_id"]].append(row)
    return rows


def _receiver(work: Block, id: Id, rows: list[Values]) -> Receiver:
    seats = work.rights.organisation.seats([row for row in rows if row["id"] is not None], work.now)
    return Receiver(id, any(row["active"] for row in rows), tuple(seat.unit_id for seat in seats))


def _seated(names: Iterable[str]) -> Select[Any]:
    """Select the people of these parameters, each with every place of theirs, or once with none."""
    user, seat = User.__table__, Membership.__table__
    chosen = user.c.id.in_([bindparam(name, type_=IdColumn()) for name in names])
    joined = user.outerjoin(seat, (seat.c.user_id == user.c.id) & seat.c.deleted_at.is_(None))
    columns = [user.c.id.label("user_id"), user.c.active, *(seat.c[name] for name in SEATED)]
    return select(*columns).select_from(joined).where(chosen, user.c.deleted_at.is_(None))
