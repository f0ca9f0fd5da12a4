"""A pipeline that tells people, and a server that takes their mail."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator, Sequence
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import attrs
import pytest
from aiosmtpd.controller import Controller

from opencrm import (
    CRM,
    Deal,
    Pipeline,
    Principal,
    Rule,
    Stage,
    TaskSpec,
    changed,
    head_of,
    hookimpl,
    inbox,
    notify,
    owner,
    report,
)
from opencrm.services.notifying.rendering import Notification

ORDER = Pipeline(
    "order",
    [
        Stage("request", tasks=[TaskSpec("call", title="Call {contact.name}", due="15m")]),
        Stage("won", kind="won", do=[report("finished_order", to=head_of(owner))]),
    ],
    moves={("request", "won")},
)
TELL = Rule(
    "telling", on=changed(Deal, "title"), do=[notify(owner, "Renamed: {title}, {amount} {currency}, by {contact.name}")]
)


class Telling:
    """Tells the owner of a new title, and the head of a finished order."""

    @hookimpl
    def opencrm_register_pipelines(self) -> Iterator[Pipeline]:
        yield ORDER

    @hookimpl
    def opencrm_register_rules(self) -> Iterator[Rule]:
        yield TELL


@pytest.fixture
def crm_plugins() -> Sequence[object]:
    return [Telling()]


@pytest.fixture
def read(crm: CRM) -> Callable[..., tuple[Notification, ...]]:
    """`read(firm.seller)`: what somebody finds in their inbox, the newest first."""

    def found(principal: Principal, **how: Any) -> tuple[Notification, ...]:
        with crm.read(principal) as reader:
            return inbox.page(reader, **how).items

    return found


@attrs.define
class Letterbox:
    """Keeps what a mail server takes, and refuses as it is told."""

    letters: list[EmailMessage] = attrs.field(factory=list)
    refuses: list[str] = attrs.field(factory=list)
    url: str = ""

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802  # aiosmtpd's name
        if self.refuses:
            return self.refuses.pop(0)
        self.letters.append(message_from_bytes(envelope.content, policy=policy.default))
        return "250 OK"

    @property
    def texts(self) -> list[str]:
        """What the letters say."""
        return [letter.get_content() for letter in self.letters]


@pytest.fixture
def letterbox() -> Iterator[Letterbox]:
    """A mail server that is there."""
    box = Letterbox()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    controller = Controller(box, hostname="127.0.0.1", port=port)
    controller.start()
    box.url = f"smtp://127.0.0.1:{port}"
    yield box
    controller.stop()
