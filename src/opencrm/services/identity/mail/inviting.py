"""Letting people in: who may make a link for whom."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opencrm.core.change import Change, Kind, Values
from opencrm.core.entities import User
from opencrm.core.values import Id
from opencrm.errors import InputError, NotFound
from opencrm.services.delegation import judging as delegating
from opencrm.services.delegation.refusals import denied, unallowed
from opencrm.services.identity.mail import links
from opencrm.services.identity.mail.links import Kind as LinkKind
from opencrm.services.identity.passwords import credentials
from opencrm.services.writing import judging
from opencrm.services.writing.judging import organisation as organising

if TYPE_CHECKING:
    from opencrm.services.writing.work import Work


def invite(work: Work, user_id: Id) -> str:
    """Make an invitation, by which a user chooses their first password; return its secret.

    Args:
        work: The work block, of an owner or of whoever may change that user.
        user_id: The user.

    Raises:
        NotFound: There is no such user, or none that the principal may know of.
        PermissionDenied: The principal may not change the user, nor give them all of their places, or is a key.
        InputError: The user has no e-mail address, or is disabled.
        DomainError: They have a password already.
    """
    user = _invited(work, user_id)
    known = credentials.by_id(work.tx, user_id)
    if known is not None and known["hash"] is not None:
        raise unallowed("invited once", "this user has a password already: they ask for another one themselves")
    return _link(work, "invitation", user)


def reset(work: Work, user_id: Id) -> str:
    """Make a link by which a user who forgot their password chooses another one; return its secret.

    Args:
        work: The work block, of an owner.
        user_id: The user.

    Raises:
        NotFound: There is no such user.
        PermissionDenied: The principal is no owner, or is a key.
        InputError: The user has no e-mail address, or is disabled.
    """
    if not work.rights.owner:
        raise denied(work, "user.reset", "owner", "not an owner")
    return _link(work, "reset", _invited(work, user_id))


def _link(work: Work, kind: LinkKind, user: Values) -> str:
    return links.make(work.tx, work.new_id(), kind, user, by=work.rights.name, now=work.now)


def _invited(work: Work, user_id: Id) -> Values:
    if work.rights.principal.kind == "token":
        raise denied(work, "user.invite", "key", "a key lets nobody in")
    user = work.states(User.spec, [user_id]).get(user_id)
    if user is None:
        raise NotFound("there is no such user", entity="user")
    _judge(work, user)
    if user["email"] is None:
        raise InputError({"user_id": ["this user has no e-mail address to sign in with"]})
    if not user["active"]:
        raise InputError({"user_id": ["this user is disabled"]})
    return user


def _judge(work: Work, user: Values) -> None:
    """Ask the write path whether the principal may change this user; nothing is changed."""
    change = Change(User.spec.name, user["id"], Kind.CHANGED, user, {**user, "updated_at": work.now})
    judging.judge(work, [change])
    organising.BINDING.judge(work, [change])
    delegating.judge_invitation(work, user)
