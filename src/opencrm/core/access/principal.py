"""Whoever acts."""

from __future__ import annotations

from typing import Literal

import attrs

from opencrm.core.values import Id


@attrs.frozen
class Principal:
    """Whoever acts: no work is done without one.

    Made by its class methods; what it may do is looked up when a read or a work begins.

    Attributes:
        kind: The kind of principal.
        id: A user's id, the digest of a key's or a session's secret, or a plugin's name.
        reason: Why the system acts; for `system` alone.
    """

    kind: Literal["user", "token", "session", "automation", "anonymous", "system"]
    id: str = ""
    reason: str = ""

    @classmethod
    def user(cls, user_id: Id) -> Principal:
        """A person."""
        return cls("user", user_id)

    @classmethod
    def token(cls, digest: str) -> Principal:
        """A person's key, by the digest of its secret."""
        return cls("token", digest)

    @classmethod
    def session(cls, digest: str) -> Principal:
        """A person who signed in, by the digest of the session's secret."""
        return cls("session", digest)

    @classmethod
    def automation(cls, plugin: str) -> Principal:
        """A plugin's reaction, with the grants that an owner approved for it."""
        return cls("automation", plugin)

    @classmethod
    def anonymous(cls) -> Principal:
        """Somebody who did not sign in."""
        return cls("anonymous")

    @classmethod
    def system(cls, reason: str) -> Principal:
        """opencrm itself, unrestricted; `reason` is written into the journal.

        Raises:
            ValueError: No reason is given.
        """
        if not reason.strip():
            raise ValueError("system acts only for a written reason")
        return cls("system", reason=reason)

    @property
    def name(self) -> str:
        """How the journal names it, such as `"user:0190..."`."""
        return f"{self.kind}:{self.id}" if self.id else self.kind
