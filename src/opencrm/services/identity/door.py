"""What plugins may ask while somebody signs in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

import attrs

from opencrm.core.ports import OwnTables
from opencrm.core.values import Id
from opencrm.hooks import Hooks
from opencrm.services.identity.passwords import credentials
from opencrm.services.identity.passwords.hashing import Passwords
from opencrm.services.workspaces.workspace import Workspace
from opencrm.services.writing.own_tables import PluginTables


@attrs.frozen
class Door:
    """See `opencrm.hooks.IdentityDoor`; each question is a transaction of its own, and passwords are hashed in none."""

    workspace: Workspace
    passwords: Passwords
    hooks: Hooks
    plugin: str
    now: datetime

    def user(self, email: str) -> Id | None:
        """Return the user with an address; None where there is none who may sign in."""
        with self.workspace.database.read() as tx:
            found = credentials.by_email(tx, credentials.normal(email))
        return found["id"] if found is not None and found["active"] else None

    def verified(self, email: str | None, password: str | None) -> Id | None:
        """Return the user whose password this is; None where it is nobody's, after the same time."""
        with self.workspace.database.read() as tx:
            found = credentials.by_email(tx, credentials.normal(email))
        kept: str | None = found["hash"] if found is not None and found["active"] else None
        if not self.passwords.verify(kept, password) or found is None or kept is None:
            return None
        self._renew(found["id"], kept, password or "")
        return str(found["id"])

    @contextmanager
    def own(self) -> Iterator[OwnTables]:
        """Open a transaction on the plugin's own tables."""
        allowed = self.hooks.tables(self.plugin)
        with self.workspace.database.write() as tx:
            yield PluginTables(tx, self.plugin, allowed, writes=True)

    def _renew(self, user_id: Id, kept: str, password: str) -> None:
        """Hash a password anew, where hashes cost something else today, unless it was changed meanwhile."""
        if self.passwords.outdated(kept):
            renewed = self.passwords.hash(password)
            with self.workspace.database.write() as tx:
                credentials.replace(tx, user_id, renewed, kept)
