"""Letters that no server took, however often it was tried: a person has them tried again, or drops them.

Letters for which nobody said how they are sent are counted, with what is to be set.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any

from sqlalchemy import ColumnElement, Integer, Select, bindparam, func, literal_column, or_, select, update

from opencrm.core.change import Values
from opencrm.core.columns import IdColumn, key_column
from opencrm.core.entities import User
from opencrm.core.ids import earliest
from opencrm.core.values import Id
from opencrm.services.notifying.letters import OLD
from opencrm.services.workspaces.sandbox import HELD_BACK
from opencrm.storage import tables
from opencrm.storage.transactions import Transaction

UNSET: Mapping[str, str] = MappingProxyType(
    {
        HELD_BACK: "set OPENCRM_SANDBOX_SENDS, or CRM(..., sandbox_sends=True), for those that are still to come",
        "no mail server is set": "set OPENCRM_SMTP_URL, or CRM(..., sign_in=SignIn(mail_url=...))",
        "neither a base URL nor a sender of mail is set": (
            "set OPENCRM_BASE_URL or OPENCRM_MAIL_FROM, or CRM(..., sign_in=SignIn(base_url=..., mail_from=...))"
        ),
    }
)
"""Why no letter at all can be sent, each with what to do."""
_TOLD, _USER = tables.notification, User.__table__


def dead(tx: Transaction, most: int) -> list[Values]:
    """Return the letters that failed too often, as rows with the person's `name`, the oldest first."""

    def build() -> Select[Any]:
        found = select(_TOLD, _USER.c.name).join(_USER, _USER.c.id == _TOLD.c.user_id).where(_dead())
        return found.order_by(_TOLD.c.at, _TOLD.c.id).limit(bindparam("most", type_=Integer()))

    return list(tx.query("dead letters", build, {"most": most}))


def revive(tx: Transaction, id: Id | None, now: datetime) -> int:
    """Have one letter that failed too often, or all of them, tried again; return how many there were."""
    tx.wakes = True
    return _become(tx, id, {"mail": "sending", "mail_at": now, "mail_attempts": 0})


def drop(tx: Transaction, id: Id, why: str) -> int:
    """Give up a letter that failed too often; what it says stays in the inbox. Return how many there were."""
    return _become(tx, id, {"mail": "none", "mail_error": why})


def counted() -> Select[Any]:
    """Return the statement that counts them, for the queue's overview."""
    kind, name = (bindparam(it, "mail", type_=key_column(16)) for it in ("kind", "name"))
    columns = (kind.label("kind"), name.label("name"), _TOLD.c.mail.label("state"), func.count().label("number"))
    return select(*columns, func.min(_TOLD.c.at).label("oldest")).where(_dead()).group_by(_TOLD.c.mail)


def unsent(tx: Transaction, now: datetime) -> list[Values]:
    """Return how many letters of the last days were not sent since something is not set, as rows with `why`."""

    def build() -> Select[Any]:
        several = [_TOLD.c.mail_error == bindparam(f"w{at}", type_=_TOLD.c.mail_error.type) for at in range(len(UNSET))]
        recent = _TOLD.c.id >= bindparam("since", type_=IdColumn())
        columns = (_TOLD.c.mail_error.label("why"), func.count().label("number"), func.min(_TOLD.c.at).label("oldest"))
        return select(*columns).where(recent, or_(*several)).group_by(_TOLD.c.mail_error)

    given = {f"w{at}": why for at, why in enumerate(UNSET)}
    rows = tx.query("unsent letter counts", build, {**given, "since": earliest(now - OLD)})
    same = {"kind": "mail", "name": "mail", "state": "unsent"}
    return [{**same, **row, "why": f"{row['why']}: {UNSET[row['why']]}"} for row in rows]


def _become(tx: Transaction, id: Id | None, values: dict[str, Any]) -> int:
    def build() -> Any:
        given = {name: bindparam(f"new_{name}", type_=_TOLD.c[name].type) for name in values}
        one = () if id is None else (_TOLD.c.id == bindparam("one", type_=IdColumn()),)
        return update(_TOLD).where(_dead(), *one).values(given)

    told = {f"new_{name}": value for name, value in values.items()}
    return tx.run(("dead letters become", id is None, *values), build, [{"one": id, **told}])


def _dead() -> ColumnElement[bool]:
    """Say it as the index says it, which holds no other letters."""
    return _TOLD.c.mail == literal_column("'dead'")
