"""What messages about accounts say, and the links in them."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from opencrm.hooks import Message
from opencrm.services.identity.mail.links import Kind

_PAGES: Mapping[str, str] = MappingProxyType({"invitation": "/invitation", "reset": "/password-reset"})
_SUBJECTS: Mapping[str, str] = MappingProxyType(
    {"invitation": "You are invited", "reset": "Choose a new password"},
)
_TEXTS: Mapping[str, str] = MappingProxyType(
    {
        "invitation": "You are invited to work in opencrm. Follow this link within a week and choose a password:\n",
        "reset": (
            "Somebody, perhaps you, asked to choose a new password for this address in opencrm.\n"
            "Follow this link within an hour; it works once. If it was not you, do nothing.\n"
        ),
    }
)


def link(base_url: str | None, kind: Kind, secret: str) -> str:
    """Return the address that a person follows: below the host's own address; without one it begins with `/`.

    The secret stands behind `#`, where no browser sends it to a server, and no log or referrer has it.
    """
    return f"{base_url or ''}{_PAGES[kind]}#{secret}"


def message(kind: Kind, to: str, address: str) -> Message:
    """Return the message that carries a link."""
    return Message(to=to, subject=_SUBJECTS[kind], text=f"{_TEXTS[kind]}\n{address}\n")
