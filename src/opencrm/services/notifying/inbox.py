"""A person's inbox: what they were told, by themselves alone."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import attrs
from sqlalchemy import ColumnElement, Integer, Select, and_, bindparam, case, func, select, update

from opencrm.core.columns import IdColumn, InstantColumn, key_column
from opencrm.core.values import Id, is_id
from opencrm.errors import InputError, NotFound
from opencrm.services.notifying import choices
from opencrm.services.notifying.rendering import Notification, rendered
from opencrm.storage import tables

if TYPE_CHECKING:
    from opencrm.services.reading.reader import Reader
    from opencrm.services.writing.work import Work

MOST = 200
"""How many notifications a page has at most."""
_TOLD, _CHOICE = tables.notification, tables.notification_choice
_BY_MAIL = "mail"
"""How somebody is told who is told by mail alone."""
_USER = bindparam("user", type_=IdColumn())


@attrs.frozen
class InboxPage:
    """One page of an inbox, the newest first.

    Attributes:
        items: The notifications.
        unread: How many of the whole inbox are unread.
        next: What `before` takes for the next page; None at the end.
    """

    items: tuple[Notification, ...]
    unread: int
    next: Id | None


def page(reader: Reader, *, limit: int = 50, before: Id | None = None, unread: bool = False) -> InboxPage:
    """Return one page of the reader's own inbox, with what they may read now.

    Args:
        reader: Whose inbox.
        limit: How many at most.
        before: Only those that came before this one.
        unread: Only those that are unread.

    Raises:
        PermissionDenied: The reader is no person.
        InputError: An argument cannot be used.
    """
    user = choices.oneself(reader)
    _check(limit, before)
    given = {"user": user, "before": before, "most": limit + 1}
    rows = reader.tx.query(("inbox", before is None, unread), lambda: _page(before, unread=unread), given)
    more = rows[limit - 1]["id"] if len(rows) > limit else None
    return InboxPage(tuple(rendered(reader, rows[:limit])), _unread(reader, user), more)


def get(reader: Reader, id: Id) -> Notification:
    """Return one notification of the reader's own.

    Raises:
        PermissionDenied: The reader is no person.
        NotFound: There is no such notification of theirs.
    """

    def build() -> Select[Any]:
        return select(_TOLD).where(_TOLD.c.id == bindparam("one", type_=IdColumn()), _TOLD.c.user_id == _USER)

    given = {"one": id, "user": choices.oneself(reader)}
    rows = reader.tx.query("notification", build, given) if is_id(id) else []
    if not rows:
        raise NotFound("there is no such notification", entity="notification")
    return rendered(reader, rows)[0]


def tag(reader: Reader) -> str:
    """Return what changes when something comes into the reader's inbox, is read there, or their rights change.

    It is one cheap statement, so that whoever looks every second may do so; a text whose record changed keeps its tag.

    Raises:
        PermissionDenied: The reader is no person.
    """

    def build() -> Select[Any]:
        newest = select(_TOLD.c.id).where(_TOLD.c.user_id == _USER).order_by(_TOLD.c.id.desc()).limit(1)
        number = select(func.count()).where(_TOLD.c.user_id == _USER, _TOLD.c.read_at.is_(None)).scalar_subquery()
        chosen = select(func.max(_CHOICE.c.at)).where(_CHOICE.c.user_id == _USER).scalar_subquery()
        return select(newest.scalar_subquery().label("last"), number.label("unread"), chosen.label("chosen"))

    [row] = reader.tx.query("inbox tag", build, {"user": choices.oneself(reader)})
    known = (reader.configuration.version, reader.rights.principal.id, *row.values())
    return hashlib.sha256(repr(known).encode()).hexdigest()[:32]


def mark_read(work: Work, ids: Sequence[Id]) -> int:
    """Mark notifications of one's own as read; return how many were unread.

    Raises:
        PermissionDenied: The principal is no person, or a key that is narrowed.
        NotFound: There is no such notification of theirs.
    """
    for id in ids:
        get(work, id)
    one = _TOLD.c.id == bindparam("one", type_=IdColumn())
    given = [{"one": id, "user": choices.in_person(work), "now": work.now} for id in ids]
    return work.tx.run("read one", lambda: _read(one), given) if given else 0


def mark_all_read(work: Work, *, until: Id | None = None) -> int:
    """Mark all notifications of one's own as read, or those up to one; return how many were unread.

    Raises:
        PermissionDenied: The principal is no person, or a key that is narrowed.
        InputError: `until` is no id.
    """
    _check(1, until, name="until")
    user = choices.in_person(work)
    older = _TOLD.c.id <= bindparam("until", type_=IdColumn())
    some = () if until is None else (older,)
    given = {"user": user, "now": work.now, **({} if until is None else {"until": until})}
    return work.tx.run(("read all", until is None), lambda: _read(*some), [given])


def _read(*some: ColumnElement[bool]) -> Any:
    mine = (_TOLD.c.user_id == _USER, _TOLD.c.read_at.is_(None), *some)
    return update(_TOLD).where(*mine).values(read_at=bindparam("now", type_=InstantColumn()))


def _page(before: Id | None, *, unread: bool) -> Select[Any]:
    where: list[ColumnElement[bool]] = [_TOLD.c.user_id == _USER, _wanted()]
    if before is not None:
        where.append(_TOLD.c.id < bindparam("before", type_=IdColumn()))
    if unread:
        where.append(_TOLD.c.read_at.is_(None))
    return select(_TOLD).where(*where).order_by(_TOLD.c.id.desc()).limit(bindparam("most", type_=Integer()))


def _unread(reader: Reader, user: Id) -> int:
    def build() -> Select[Any]:
        mine = (_TOLD.c.user_id == _USER, _TOLD.c.read_at.is_(None), _wanted())
        return select(func.count().label("number")).where(*mine)

    number: int = reader.tx.query("unread", build, {"user": user})[0]["number"]
    return number


def _wanted() -> ColumnElement[bool]:
    """Say in SQL that it was said to be told here, or that its kind is not one that its reader does not want here."""
    same = and_(_CHOICE.c.user_id == _TOLD.c.user_id, _CHOICE.c.kind == _TOLD.c.kind, _CHOICE.c.channel == _here())
    unwanted = select(_CHOICE.c.kind).where(same, ~_CHOICE.c.wanted).correlate(_TOLD).exists()
    return case((_TOLD.c.how.is_(None), ~unwanted), else_=_TOLD.c.how != _BY_MAIL)


def _here() -> Any:
    return bindparam("channel", "inbox", type_=key_column(16))


def _check(limit: int, id: Id | None, *, name: str = "before") -> None:
    wrong = {} if 1 <= limit <= MOST else {"limit": [f"must lie between 1 and {MOST}"]}
    if id is not None and not is_id(id):
        wrong[name] = ["must be an id"]
    if wrong:
        raise InputError(wrong)
