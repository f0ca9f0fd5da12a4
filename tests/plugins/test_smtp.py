"""The plugin `smtp`: mail, to a real server."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from opencrm import CRM, ConfigurationError
from opencrm.embed import Message, SignIn
from opencrm.plugins import smtp
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


class Peer:
    """A server that speaks as it is told."""

    def __init__(self, speak: Callable[[socket.socket, Peer], None]) -> None:
        self._speak = speak
        self._over = threading.Event()
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"smtp://127.0.0.1:{self._listening.getsockname()[1]}"
        self.letters = 0
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while not self._over.is_set():
            try:
                line, _ = self._listening.accept()
            except OSError:
                return
            threading.Thread(target=self._call, args=(line,), daemon=True).start()

    def _call(self, line: socket.socket) -> None:
        with line:
            try:
                self._speak(line, self)
            except OSError:
                return

    def wait(self, seconds: float) -> bool:
        """Wait; say whether the test goes on."""
        return not self._over.wait(seconds)

    def close(self) -> None:
        self._over.set()
        self._listening.close()


@pytest.fixture
def peer() -> Iterator[Callable[..., Peer]]:
    """`peer(speak)`: a server that is there as long as the test."""
    opened_ones: list[Peer] = []

    def made(speak: Callable[[socket.socket, Peer], None]) -> Peer:
        opened_ones.append(Peer(speak))
        return opened_ones[-1]

    yield made
    for each in opened_ones:
        each.close()


def taking(on_quit: bytes | None) -> Callable[[socket.socket, Peer], None]:
    """Take each letter, and answer a leave so, or hang up on it."""

    def speak(line: socket.socket, peer: Peer) -> None:
        with line.makefile("rwb", buffering=0) as talk:
            talk.write(b"220 hello\r\n")
            while said := talk.readline():
                if said.upper().startswith(b"DATA"):
                    talk.write(b"354 go on\r\n")
                    while talk.readline() != b".\r\n":
                        pass
                    peer.letters += 1
                    talk.write(b"250 taken\r\n")
                elif said.upper().startswith(b"QUIT"):
                    if on_quit:
                        talk.write(on_quit)
                        peer.wait(10)
                    return
                else:
                    talk.write(b"250 well\r\n")

    return speak


@pytest.mark.parametrize("on_quit", [b"221 bye\r\n", b"250 bye\r\n", b"421 closing\r\n", b"bye\r\n", b"2", None])
def test_what_was_taken_is_sent_whatever_is_said_after_it(peer, on_quit, monkeypatch):
    """A server that answers a leave oddly, slowly or not at all has the letter all the same."""
    monkeypatch.setattr(smtp, "SECONDS_TO_LEAVE", 0.2)
    there = peer(taking(on_quit))
    assert opencrm_provide_delivery(HELLO, there.url, "crm@example.com") is True
    assert there.letters == 1


def silent(line: socket.socket, peer: Peer) -> None:
    peer.wait(20)


def dripping(line: socket.socket, peer: Peer) -> None:
    while peer.wait(0.2):
        line.sendall(b"2")


def waiting(line: socket.socket, peer: Peer) -> None:
    while peer.wait(0.2):
        line.sendall(b"220-wait\r\n")


def dripping_later(line: socket.socket, peer: Peer) -> None:
    line.sendall(b"220 hello\r\n")
    line.recv(100)
    waiting(line, peer)


@pytest.mark.parametrize("speak", [silent, dripping, waiting, dripping_later])
@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
def test_a_letter_has_its_time_and_no_more(peer, speak, scheme, monkeypatch):
    """However a server holds it up, and whether it is encrypted: the whole letter has one deadline."""
    monkeypatch.setattr(smtp, "SECONDS", 1.0)
    url = peer(speak).url.replace("smtp://", f"{scheme}://")
    begun = time.monotonic()
    with pytest.raises(OSError, match=r"longer than 1 seconds|WRONG_VERSION|record layer"):
        opencrm_provide_delivery(HELLO, url, "crm@example.com")
    assert time.monotonic() - begun < 3


def test_an_encrypted_line_has_its_time_too(peer, monkeypatch):
    """A server that says that it encrypts, and then never does."""
    monkeypatch.setattr(smtp, "SECONDS", 1.0)

    def promising(line: socket.socket, peer: Peer) -> None:
        line.sendall(b"220 hello\r\n")
        line.recv(100)
        line.sendall(b"250-hello\r\n250 STARTTLS\r\n")
        line.recv(100)
        line.sendall(b"220 go on\r\n")
        while peer.wait(0.2):
            line.sendall(b"\x16\x03\x03\xff\xff"[:1])

    begun = time.monotonic()
    with pytest.raises(OSError, match=r"longer than 1 seconds|SSL"):
        opencrm_provide_delivery(HELLO, peer(promising).url, "crm@example.com")
    assert time.monotonic() - begun < 3
