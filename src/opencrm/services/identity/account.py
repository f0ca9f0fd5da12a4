"""What somebody does with their own account: their sessions, and how they are called and see the time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel import Locale, UnknownLocaleError

from opencrm.core.change import Values
from opencrm.core.entities import User
from opencrm.core.values import Id
from opencrm.errors import InputError, PermissionDenied
from opencrm.services import records, tokens
from opencrm.services.commands import Update
from opencrm.services.delegation.refusals import denied
from opencrm.services.identity import sessions

if TYPE_CHECKING:
    from opencrm.services.reading.reader import Reader
    from opencrm.services.writing.work import Work

OWN_FIELDS = ("name", "language", "zone")
"""What everybody may change of their own entry among the users."""


def session(reader: Reader) -> Values | None:
    """Return what is known of the session that is in use; None where somebody came without one."""
    principal = reader.rights.principal
    return sessions.find(reader.tx, principal.id) if principal.kind == "session" else None


def sign_out(work: Work) -> None:
    """End the session that is in use.

    Raises:
        InputError: There is none.
    """
    principal = work.rights.principal
    if principal.kind != "session":
        raise InputError({"session": ["there is none: this is no session's secret"]})
    sessions.end(work.tx, principal.id, work.now)


def sign_out_everywhere(work: Work, user_id: Id | None = None, *, keys: bool = False) -> int:
    """End all sessions of a person at once; return how many sessions and keys there were.

    Args:
        work: The work block, of that person or of an owner.
        user_id: The person; by default whoever works.
        keys: Whether their keys end too.

    Raises:
        PermissionDenied: The principal is neither an owner nor that person.
    """
    whom = user_id or myself(work, "user.sign_out")
    tokens.may_manage(work, whom, "user.sign_out")
    return sessions.end_all(work.tx, whom, work.now) + (tokens.revoke(work, whom) if keys else 0)


def change(work: Work, given: Mapping[str, Any]) -> None:
    """Change one's own name, language or time zone; the journal tells that one did.

    Raises:
        InputError: Another field is named, or a value cannot be used.
        PermissionDenied: No person stands behind the principal, or it is a key that was narrowed.
    """
    user_id = myself(work, "user.update")
    if work.rights.limits is not None:
        raise narrowed(work, "user.update")
    wrong = {name: ["is not yours to change"] for name in given if name not in OWN_FIELDS} | dict(_wrong(given))
    if wrong:
        raise InputError(wrong)
    with work.entailing("one's own account") as inner:
        records.update(inner, [Update(User, user_id, values=dict(given))])


def myself(reader: Reader, action: str) -> Id:
    """Return the person behind the principal.

    Raises:
        PermissionDenied: There is none.
    """
    if reader.rights.user_id is None:
        raise denied(reader, action, "person", "no person stands behind this")
    return reader.rights.user_id


def narrowed(reader: Reader, action: str) -> PermissionDenied:
    """Return the refusal of what a narrowed key is not for, to be raised."""
    return denied(reader, action, "key", "this key was narrowed to some acts")


def _wrong(given: Mapping[str, Any]) -> Mapping[str, list[str]]:
    found = {}
    if given.get("zone") is not None and not _is_zone(given["zone"]):
        found["zone"] = ["must be a time zone such as Europe/London"]
    if given.get("language") is not None and not _is_language(given["language"]):
        found["language"] = ["must be a language such as en or de-AT"]
    return found


def _is_zone(name: Any) -> bool:
    try:
        return isinstance(name, str) and ZoneInfo(name).key == name
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False


def _is_language(name: Any) -> bool:
    try:
        return isinstance(name, str) and bool(Locale.parse(name.replace("_", "-"), sep="-"))
    except (UnknownLocaleError, ValueError):
        return False
