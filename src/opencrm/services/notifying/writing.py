"""What a letter of a notification says: what its reader may know at that moment."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from opencrm.hooks import Message
from opencrm.services.identity.policy import SignIn
from opencrm.services.notifying import reporting
from opencrm.services.notifying.letters import Letter
from opencrm.services.notifying.rendering import rendered

if TYPE_CHECKING:
    from opencrm.services.reading.reader import Reader

_LONGEST_SUBJECT = 150
_FOOT = (
    "You are told of this by mail because you chose so in opencrm, or because it is usual; you can choose otherwise."
)


def message(reader: Reader, letter: Letter, host: str) -> Message:
    """Return the message of a letter.

    Args:
        reader: Whoever gets it.
        letter: The letter.
        host: The host that its id is unique at.
    """
    [told] = rendered(reader, [letter.row])
    body = reporting.text_of(reader, told) if told.kind == "report" else None
    parts = [told.text, *([body] if body else []), f"-- \n{_FOOT}"]
    subject = told.text if len(told.text) <= _LONGEST_SUBJECT else f"{told.text[: _LONGEST_SUBJECT - 1]}…"
    return Message(to=letter.to, subject=subject, text="\n\n".join(parts) + "\n", id=f"{told.id}@{host}")


def host_of(policy: SignIn) -> str | None:
    """Return the host from which messages come; None where the host program said neither its address nor a sender."""
    if policy.base_url is not None:
        return urlsplit(policy.base_url).hostname
    return policy.mail_from.rpartition("@")[2].rstrip(">") if policy.mail_from else None


def sender_of(policy: SignIn) -> str:
    """Return whom messages come from."""
    return policy.mail_from or f"opencrm@{host_of(policy)}"
