"""The door for people: signing in, invitations and forgotten passwords, before there is a principal."""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Any

from opencrm.core.access.principal import Principal
from opencrm.core.values import Id
from opencrm.errors import NotSignedIn, OpenCRMError
from opencrm.hooks import Attempt, Hooks
from opencrm.services.identity import limits, sessions
from opencrm.services.identity.door import Door
from opencrm.services.identity.mail import inviting, links
from opencrm.services.identity.mail.posting import Post
from opencrm.services.identity.mail.sending import Invitation, Sending
from opencrm.services.identity.passwords import credentials
from opencrm.services.identity.passwords.choosing import Choosing
from opencrm.services.identity.passwords.hashing import Passwords
from opencrm.services.identity.policy import SignIn
from opencrm.services.identity.sessions import Opened
from opencrm.services.workspaces.signing_in import resolve
from opencrm.services.workspaces.workspace import Workspace
from opencrm.services.writing.work import Work
from opencrm.storage.transactions import Transaction

_LOG = logging.getLogger("opencrm.identity")
_TOUCHED_EVERY = timedelta(minutes=5)
_MOST_REMEMBERED = 10_000


class Accounts:
    """Whoever comes without being known yet, and what makes them known: passwords, sessions, links.

    Args:
        workspace: The workspace.
        policy: What the host decided.
        hooks: Gives the plugins' hooks in force.
        open_work: Opens a work block as a principal.
    """

    def __init__(
        self,
        workspace: Workspace,
        policy: SignIn,
        hooks: Callable[[], Hooks],
        open_work: Callable[[Principal], AbstractContextManager[Work]],
    ) -> None:
        self.policy = policy
        self._workspace = workspace
        self._hooks = hooks
        self._passwords = Passwords(policy.cost)
        self._choosing = Choosing(workspace, self._passwords, open_work)
        self._sending = Sending(workspace, policy, hooks, open_work)
        self._touched: OrderedDict[str, datetime] = OrderedDict()

    # Signing in.

    def sign_in(self, attempt: Attempt, *, label: str | None = None) -> Opened:
        """Sign somebody in; return the session, whose secret is not shown again.

        Args:
            attempt: What they gave.
            label: What they sign in with, such as a browser's name.

        Raises:
            NotSignedIn: The credentials are not good, whatever is wrong with them.
            TooManyAttempts: It was tried too often, for an account that exists or for one that does not.
            PluginError: A plugin that says who somebody is failed.
        """
        now, remote = self._workspace.clock.now(), limits.network(attempt.remote)
        account = None if attempt.email is None else credentials.normal(attempt.email)
        limits.count(self._workspace.database, limits.REMOTE, remote, now)
        limits.count(self._workspace.database, limits.ACCOUNT, account, now)
        hooks = self._hooks()
        found = hooks.identity(attempt, lambda plugin: Door(self._workspace, self._passwords, hooks, plugin, now))
        if found is None or found.user_id is None:
            raise _refused()
        with self._workspace.database.write() as tx:
            opened = self._begin(tx, found.user_id, label, since=now)
            limits.forget(tx, limits.ACCOUNT, account)
            limits.give_back(tx, limits.REMOTE, remote)
        self._sweep()
        return opened

    def _begin(self, tx: Transaction, user_id: Id, label: str | None, *, since: datetime) -> Opened:
        """Begin a session of somebody whose credentials were good since an instant."""
        now = self._workspace.clock.now()
        try:
            rights, _ = resolve(tx, self._workspace, Principal.user(user_id), now)
        except NotSignedIn:
            raise _refused() from None
        if credentials.changed_since(tx, user_id, since):
            raise _refused()
        return sessions.begin(tx, self._workspace.ids.new(), rights, self.policy, label=label, now=now)

    def touch(self, principal: Principal) -> None:
        """Write down that a session or a key is in use, every few minutes at most; it keeps a session from ending.

        Nobody waits for it: where somebody else writes, it is for the next use.
        """
        now = self._workspace.clock.now()
        known = self._touched.get(principal.id)
        if principal.kind not in ("session", "token") or (known is not None and now < known):
            return
        self._touched[principal.id] = now + min(_TOUCHED_EVERY, self.policy.idle / 4)
        while len(self._touched) > _MOST_REMEMBERED:
            self._touched.popitem(last=False)
        try:
            self._touch(principal, now)
        except OpenCRMError as error:
            _LOG.warning("the use of a %s could not be written down: %s", principal.kind, error)

    def _touch(self, principal: Principal, now: datetime) -> None:
        with self._workspace.database.write_if_free() as tx:
            if tx is None:
                self._touched.pop(principal.id, None)
            elif principal.kind == "session":
                sessions.touch(tx, principal.id, self.policy, now)
            else:
                sessions.touch_key(tx, principal.id, now)

    # Letting people in.

    def invite(self, principal: Principal, user_id: Id) -> Invitation:
        """Make an invitation for a user, and send it where there is a way to.

        Raises:
            OpenCRMError: See `inviting.invite`.
        """
        return self._sending.link(principal, user_id, "invitation", inviting.invite)

    def make_reset(self, principal: Principal, user_id: Id) -> Invitation:
        """Make a link for a user who forgot their password, for an owner to hand over; it is not sent.

        Raises:
            OpenCRMError: See `inviting.reset`.
        """
        return self._sending.link(principal, user_id, "reset", inviting.reset)

    def accept(self, secret: str, password: Any, *, remote: str | None = None) -> None:
        """Choose the first password by an invitation; afterwards one signs in.

        Raises:
            NotFound: The link is not good, or no longer.
            InputError: The password cannot be chosen.
            TooManyAttempts: It was tried too often.
        """
        self._choosing.by_link("invitation", secret, password, remote)

    # Passwords.

    def request_reset(self, email: Any, *, remote: str | None = None) -> None:
        """Send whoever has this address a link to choose another password; nobody learns whether somebody has it.

        Raises:
            TooManyAttempts: It was tried too often, for an address that is known or for one that is not.
        """
        now, address = self._workspace.clock.now(), credentials.normal(email)
        limits.count(self._workspace.database, limits.RESETS_REMOTE, limits.network(remote), now)
        limits.count(self._workspace.database, limits.RESETS, address, now)
        self._sending.reset_later(address)

    def reset(self, secret: str, password: Any, *, remote: str | None = None) -> None:
        """Choose another password by a link; all sessions and all keys of the user end.

        Raises:
            NotFound: The link is not good, or no longer.
            InputError: The password cannot be chosen.
            TooManyAttempts: It was tried too often.
        """
        self._choosing.by_link("reset", secret, password, remote)

    def change_password(self, principal: Principal, current: Any, password: Any, *, keys: bool = False) -> None:
        """Change one's own password; all other sessions end.

        Args:
            principal: Whoever changes it, signed in by a session.
            current: The password that they have.
            password: The one that they choose.
            keys: Whether their keys end too.

        Raises:
            PermissionDenied: The principal is no person, or a key.
            InputError: The current password is wrong, or the other one cannot be chosen.
            TooManyAttempts: It was tried too often.
            ConflictError: It was changed meanwhile.
        """
        self._choosing.change(principal, current, password, keys=keys)

    def set_password(self, principal: Principal, user_id: Id, password: Any) -> None:
        """Give a user a password; all their sessions end. For the command line, where a workspace begins.

        Raises:
            PermissionDenied: The principal is no owner, or is a key or a session.
            NotFound: There is no such user.
            InputError: The password cannot be chosen, or the user has no e-mail address.
        """
        self._choosing.put(principal, user_id, password)

    # What is over.

    @property
    def post(self) -> Post:
        """Where messages wait to be delivered."""
        return self._sending.post

    def _sweep(self) -> None:
        now = self._workspace.clock.now()
        with self._workspace.database.write() as tx:
            for part in (limits, sessions, links):
                part.sweep(tx, now)

    def close(self) -> None:
        """Deliver what waits, and end."""
        self.post.close()


def _refused() -> NotSignedIn:
    text = "these credentials are not good"
    return NotSignedIn(text, principal="somebody", action="sign in", reason="unknown, wrong or disabled")
