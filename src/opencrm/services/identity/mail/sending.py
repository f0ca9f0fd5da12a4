"""Making links and sending them: invitations, and resets for whoever asks."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from urllib.parse import urlsplit

import attrs

from opencrm.core.access.principal import Principal
from opencrm.core.values import Id
from opencrm.hooks import Hooks
from opencrm.services.identity.mail import links, messages
from opencrm.services.identity.mail.links import Kind
from opencrm.services.identity.mail.posting import Post
from opencrm.services.identity.passwords import credentials
from opencrm.services.identity.policy import SignIn
from opencrm.services.workspaces.configuration import Configuration
from opencrm.services.workspaces.signing_in import resolve
from opencrm.services.workspaces.workspace import Workspace
from opencrm.services.writing.work import Work

_LOG = logging.getLogger("opencrm.identity")


@attrs.frozen(kw_only=True)
class Invitation:
    """A link that was made for somebody.

    Attributes:
        link: The address that they follow; it begins with `/` where the host did not say its own.
        sent: Whether it is on its way to them.
    """

    link: str = attrs.field(repr=False)
    sent: bool


@attrs.frozen
class Sending:
    """Makes links, and hands messages that carry them to whoever delivers.

    Attributes:
        workspace: The workspace.
        policy: What the host decided.
        hooks: Gives the plugins' hooks in force.
        open_work: Opens a work block as a principal.
        post: Where messages wait.
    """

    workspace: Workspace
    policy: SignIn
    hooks: Callable[[], Hooks]
    open_work: Callable[[Principal], AbstractContextManager[Work]]
    post: Post = attrs.field(factory=Post)

    def link(self, principal: Principal, user_id: Id, kind: Kind, make: Callable[[Work, Id], str]) -> Invitation:
        """Make a link for a user; an invitation is sent where there is a way to."""
        with self.open_work(principal) as work:
            secret = make(work, user_id)
            user = credentials.by_id(work.tx, user_id)
            sends = kind == "invitation" and self._can_send(work.configuration)
        address = messages.link(self.policy.base_url, kind, secret)
        if sends and user is not None:
            self.post.later(partial(self._deliver, kind, user["email"], address))
        return Invitation(link=address, sent=sends)

    def reset_later(self, email: str) -> None:
        """Send a reset to whoever has this address, if somebody has, beside the request that asks for it."""
        self.post.later(partial(self._reset, email))

    def _reset(self, email: str) -> None:
        with self.workspace.database.read() as tx:
            user = credentials.by_email(tx, email)
            asked = Principal.system("send a link")
            _, configuration = resolve(tx, self.workspace, asked, self.workspace.clock.now())
        if user is None or not user["active"]:
            return
        if not self._can_send(configuration):
            why = self.workspace.held_back(configuration) or "set a base URL and a mail server"
            _LOG.warning("a new password was asked for, but no link can be sent: %s", why)
            return
        with self.workspace.database.write() as tx:
            new_id, now = self.workspace.ids.new(), self.workspace.clock.now()
            secret = links.make(tx, new_id, "reset", user, by="anonymous", now=now)
        self._deliver("reset", email, messages.link(self.policy.base_url, "reset", secret))

    def _can_send(self, configuration: Configuration) -> bool:
        """Say whether links can be made that lead here, somebody takes them, and no sandbox holds them back."""
        taken = self.policy.base_url is not None and configuration.hooks.delivers(self.policy.mail_url)
        return taken and self.workspace.held_back(configuration) is None

    def _deliver(self, kind: Kind, to: str, address: str) -> None:
        sender = self.policy.mail_from or f"opencrm@{urlsplit(address).hostname}"
        if not self.hooks().deliver(messages.message(kind, to, address), self.policy.mail_url, sender):
            _LOG.warning("a message was not delivered: no plugin took it")
