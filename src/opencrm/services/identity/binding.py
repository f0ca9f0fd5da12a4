"""What follows for the signed in when a user is disabled or goes: it is over for good, not until they come back."""

from __future__ import annotations

from collections.abc import Sequence

from opencrm.core.change import Change
from opencrm.core.entities import User
from opencrm.services.identity import sessions
from opencrm.services.identity.mail import links
from opencrm.services.writing.block import Block


class _Leaving:
    """Bound to users."""

    entities = frozenset({User.spec.name})

    def judge(self, work: Block, changes: Sequence[Change]) -> None:
        """Refuse nothing: the organisation's own rules do."""

    def follow(self, work: Block, own: Sequence[Change], changes: Sequence[Change]) -> Sequence[Change]:
        """End the sessions and links of those who may no longer sign in."""
        for change in own:
            if change.before is not None and not _welcome(change):
                sessions.end_all(work.tx, change.id, work.now)
                links.end_all(work.tx, change.id, work.now)
        return ()


def _welcome(change: Change) -> bool:
    return bool(change.after["active"]) and change.after["deleted_at"] is None


BINDING = _Leaving()
