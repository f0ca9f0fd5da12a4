"""Choosing a password: by a link, knowing the present one, or on the command line."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import attrs

from opencrm.core.access.principal import Principal
from opencrm.core.change import Values
from opencrm.core.values import Id
from opencrm.errors import ConflictError, InputError, NotFound
from opencrm.services import tokens
from opencrm.services.delegation.refusals import denied
from opencrm.services.identity import limits, sessions
from opencrm.services.identity.mail import links
from opencrm.services.identity.mail.links import Kind
from opencrm.services.identity.passwords import credentials
from opencrm.services.identity.passwords.hashing import Passwords, check_new
from opencrm.services.workspaces.workspace import Workspace
from opencrm.services.writing.work import Work
from opencrm.storage.transactions import Transaction


@attrs.frozen
class Choosing:
    """The ways to a password of one's own; each is described where `Accounts` offers it.

    Attributes:
        workspace: The workspace.
        passwords: Hashes and compares.
        open_work: Opens a work block as a principal.
    """

    workspace: Workspace
    passwords: Passwords
    open_work: Callable[[Principal], AbstractContextManager[Work]]

    def by_link(self, kind: Kind, secret: str, password: Any, remote: str | None) -> None:
        """Choose one by an invitation, or by the link of a reset, which ends all keys as well."""
        now = self.workspace.clock.now()
        limits.count(self.workspace.database, limits.LINKS_REMOTE, limits.network(remote), now)
        with self.workspace.database.read() as tx:
            user = links.find(tx, kind, secret, now)
        if user is None:
            raise _no_link()
        kept = self.passwords.hash(check_new(password, user["email"]))
        with self.workspace.database.write() as tx:
            if links.find(tx, kind, secret, now) is None or not links.spend(tx, secret, now):
                raise _no_link()
            self._keep(tx, user, kept)
            if kind == "reset":
                tokens.end_all(tx, user["id"], now)

    def change(self, principal: Principal, current: Any, password: Any, *, keys: bool) -> None:
        """Choose another one in the place of one's present one; on demand one's keys end too."""
        user = self._who_changes(principal)
        now = self.workspace.clock.now()
        limits.count(self.workspace.database, limits.ACCOUNT, user["email"], now)
        if not self.passwords.verify(user["hash"], current):
            raise InputError({"current": ["is not your password"]})
        kept = self.passwords.hash(check_new(password, user["email"]))
        with self.open_work(principal) as work:
            if not credentials.replace(work.tx, user["id"], kept, user["hash"]):
                raise ConflictError("the password was changed meanwhile", entity="user")
            self._keep(work.tx, user, kept, but=principal.id)
            limits.forget(work.tx, limits.ACCOUNT, user["email"])
            if keys:
                tokens.end_all(work.tx, user["id"], now)

    def _who_changes(self, principal: Principal) -> Values:
        with self.open_work(principal) as work:
            user = credentials.by_id(work.tx, work.rights.user_id or "") if work.rights.user_id else None
            if user is None:
                raise denied(work, "user.password", "person", "no person stands behind this")
            if principal.kind == "token":
                raise denied(work, "user.password", "key", "sign in with the password first")
            return user

    def put(self, principal: Principal, user_id: Id, password: Any) -> None:
        """Give a user a password, as the command line does."""
        with self.open_work(principal) as work:
            if not work.rights.owner or principal.kind in ("token", "session"):
                text = "a password is chosen by its user, through a link"
                raise denied(work, "user.password", "key" if principal.kind == "token" else "owner", text)
            user = credentials.by_id(work.tx, user_id)
        if user is None:
            raise NotFound("there is no such user", entity="user")
        if user["email"] is None:
            raise InputError({"email": ["is missing: nobody signs in without an address"]})
        kept = self.passwords.hash(check_new(password, user["email"]))
        with self.open_work(principal) as work:
            self._keep(work.tx, user, kept)

    def _keep(self, tx: Transaction, user: Values, kept: str, *, but: str = "") -> None:
        """Keep a password, and end what came from the one before."""
        now = self.workspace.clock.now()
        credentials.store(tx, user["id"], kept, now)
        sessions.end_all(tx, user["id"], now, but=but)
        links.end_all(tx, user["id"], now)


def _no_link() -> NotFound:
    return NotFound("this link is not good, or no longer")
