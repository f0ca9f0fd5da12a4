"""The plugin `smtp`: mail, to a real server."""

from __future__ import annotations

import socket

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from opencrm import CRM, ConfigurationError
from opencrm.embed import Message, SignIn
from opencrm.plugins.smtp import opencrm_provide_delivery

HELLO = Message(to="ann@example.com", subject="Grüße", text="Follow this link:\nhttps://crm.example.com/#abc\n")


class Letterbox:
    """Keeps what a server takes."""

    def __init__(self) -> None:
        self.letters = []

    async def handle_DATA(self, server, session, envelope):  # noqa: N802  # aiosmtpd's name
        self.letters.append(envelope)
        return "250 OK"


def opened(letterbox, **how):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    controller = Controller(letterbox, hostname="127.0.0.1", port=port, **how)
    controller.start()
    return controller, port


@pytest.fixture
def letterbox():
    return Letterbox()


@pytest.fixture
def server(letterbox):
    """The URL of a server."""
    controller, port = opened(letterbox)
    yield f"smtp://127.0.0.1:{port}"
    controller.stop()


def test_a_message_arrives(server, letterbox):
    """From whom it comes, to whom it goes, what it says."""
    assert opencrm_provide_delivery(HELLO, server, "crm@example.com") is True
    [letter] = letterbox.letters
    assert (letter.mail_from, letter.rcpt_tos) == ("crm@example.com", ["ann@example.com"])
    assert b"https://crm.example.com/#abc" in letter.content


def test_without_a_server_it_is_somebody_elses():
    """Nothing is sent."""
    assert opencrm_provide_delivery(HELLO, None, "crm@example.com") is None


def test_a_header_cannot_be_smuggled_in(server, letterbox):
    """An address with a line break is none."""
    wicked = Message(to="ann@example.com\nBcc: eve@example.com", subject="x", text="x")
    with pytest.raises(ValueError, match=r"newline|linefeed"):
        opencrm_provide_delivery(wicked, server, "crm@example.com")
    assert letterbox.letters == []


def test_a_password_goes_only_through_an_encrypted_line(letterbox):
    """A server that offers none gets neither the password nor the message."""
    asked = []

    def authenticate(server, session, envelope, mechanism, data):
        asked.append(data)
        return AuthResult(success=True)

    controller, port = opened(letterbox, authenticator=authenticate, auth_require_tls=False)
    try:
        with pytest.raises(ConfigurationError, match="encryption"):
            opencrm_provide_delivery(HELLO, f"smtp://ann:secret@127.0.0.1:{port}", "crm@example.com")
    finally:
        controller.stop()
    assert (asked, letterbox.letters) == ([], [])


def test_an_invitation_is_sent(server, letterbox, tmp_path):
    """From end to end: the link in the letter is the one that was made."""
    crm = CRM(f"sqlite:///{tmp_path}/crm.db", sign_in=SignIn(base_url="https://crm.example.com", mail_url=server))
    ann = crm.init(owner="Ann", email="ann@example.com")
    made = crm.accounts.invite(ann, ann.id)
    crm.close()
    [letter] = letterbox.letters
    assert letter.mail_from == "opencrm@crm.example.com"
    assert made.sent
    assert made.link.encode() in letter.content.replace(b"=\r\n", b"")
