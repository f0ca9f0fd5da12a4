"""What passes between opencrm and plugins about people: who signs in, and what is sent to them."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from datetime import datetime
from types import MappingProxyType
from typing import Any, Protocol

import attrs

from opencrm.core.ports import OwnTables
from opencrm.core.values import Id

_NOTHING: Mapping[str, Any] = MappingProxyType({})


@attrs.frozen(kw_only=True)
class Attempt:
    """Somebody's attempt to sign in.

    Attributes:
        email: The address that they gave, in the form in which users have it.
        password: The password that they gave.
        more: Whatever else they sent: a code of a second factor, what another system answered.
        remote: The network address that they come from, where it is known.
    """

    email: str | None = None
    password: str | None = attrs.field(default=None, repr=False)
    more: Mapping[str, Any] = attrs.field(default=_NOTHING, repr=False)
    remote: str | None = None


@attrs.frozen
class Identity:
    """Who somebody is found to be.

    Args:
        user_id: The user; None where the credentials are not good, and nobody else is to be asked.
    """

    user_id: Id | None


@attrs.frozen(kw_only=True)
class Message:
    """A message to one person.

    Args:
        to: Their e-mail address.
        subject: One line.
        text: Plain text.
        id: What tells it from every other message and stays the same when it is sent again, as a mail's `Message-ID`;
            None where nobody sends it again.
    """

    to: str
    subject: str
    text: str = attrs.field(repr=False)
    id: str | None = None


class IdentityDoor(Protocol):
    """What may be asked while somebody signs in; no transaction is open."""

    @property
    def now(self) -> datetime:
        """The present instant."""

    def user(self, email: str) -> Id | None:
        """Return the user with an address; None where there is none who may sign in."""

    def verified(self, email: str | None, password: str | None) -> Id | None:
        """Return the user whose password this is; None where it is nobody's, after the same time."""

    def own(self) -> AbstractContextManager[OwnTables]:
        """Open a transaction on the plugin's own tables: for keys of a second factor, and codes that were used."""
