"""What lets somebody in as a user, so that whoever does it may act as them."""

from __future__ import annotations

from opencrm.core.access.rights import Rights
from opencrm.core.change import Change, Kind
from opencrm.services.delegation.refusals import Refusal


def opens(change: Change) -> bool:
    """Say whether a change opens an account: it sends its links elsewhere, or ends that nobody signs in to it."""
    before, after = change.before, change.after
    if before is None or change.kind is Kind.DELETED:
        return False
    return change.kind is Kind.RESTORED or _readdressed(change) or (after["active"] and not before["active"])


def by_key(rights: Rights, change: Change) -> Refusal | None:
    """Refuse a key that says where somebody else's links go; it binds the keys of owners too."""
    if rights.principal.kind != "token" or change.entity != "user" or change.id == rights.user_id:
        return None
    return Refusal(rule="target", text="a key changes nobody's e-mail address") if _readdressed(change) else None


def _readdressed(change: Change) -> bool:
    return change.before is not None and change.before["email"] != change.after["email"]
