"""Sends messages by SMTP, where a server is set."""

from __future__ import annotations

import smtplib
import socket
import ssl
import threading
from contextlib import suppress
from email.message import EmailMessage
from email.utils import localtime
from urllib.parse import SplitResult, unquote, urlsplit

from opencrm import ConfigurationError, hookimpl
from opencrm.embed import Deadline, Message, monotonic

SECONDS_TO_CONNECT = 5.0
"""How long one address of a server may take to answer."""
SECONDS = 15.0
"""How long a letter may take, from the first attempt to connect to the server's word that it was taken."""
SECONDS_TO_LEAVE = 2.0
"""How long the server may take to answer the leave that is taken of it."""


@hookimpl
def opencrm_provide_delivery(message: Message, server: str | None, sender: str) -> bool | None:
    if server is None:
        return None
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = sender, message.to, message.subject
    mail["Date"] = localtime()
    if message.id is not None:
        mail["Message-ID"] = f"<{message.id}>"
        mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(message.text)
    _send(urlsplit(server), mail)
    return True


def _send(url: SplitResult, mail: EmailMessage) -> None:
    """Send a letter: once the server took it, it is sent, whatever becomes of the line.

    Raises:
        TimeoutError: It took too long.
    """
    begun = monotonic()
    try:
        line = _Line(url)
        try:
            _let_in(line, url)
            line.send_message(mail)
        finally:
            line.leave()
    except (OSError, smtplib.SMTPException):
        if monotonic() - begun < SECONDS:
            raise
        raise TimeoutError(f"the mail server took longer than {SECONDS:g} seconds") from None


def _let_in(line: _Line, url: SplitResult) -> None:
    """Say who we are: encrypted from the start (`smtps`), else as soon as the server can; a password needs it."""
    line.ehlo()
    secure = url.scheme == "smtps"
    if not secure and line.has_extn("starttls"):
        line.encrypt()
        secure = True
    if url.username:
        if not secure:
            raise ConfigurationError("the mail server offers no encryption: the password is not sent to it")
        line.login(unquote(url.username), unquote(url.password or ""))


class _Line(smtplib.SMTP):
    """A line to a server, which is cut when its time is up, however slowly the server goes on."""

    def __init__(self, url: SplitResult) -> None:
        self._secure = url.scheme == "smtps"
        self._end = Deadline(SECONDS)
        self._timer = threading.Timer(SECONDS, self._cut)
        self._timer.daemon = True
        self._timer.start()
        try:
            super().__init__(url.hostname or "", url.port or (465 if self._secure else 25), timeout=SECONDS)
        except BaseException:
            self.leave()
            raise

    def connect(self, host: str = "localhost", port: int = 0, source_address: object = None) -> tuple[int, bytes]:
        """Connect to the first of the server's addresses that answers; return its greeting."""
        self.sock = self._connected(host, port)
        if self._secure:
            self.sock = ssl.create_default_context().wrap_socket(self.sock, server_hostname=host)
        self._end.left()  # What is connected by then, the timer cuts.
        return self.getreply()

    def encrypt(self) -> None:
        """Go on encrypted; while the socket changes, its own patience counts."""
        if self.sock is not None:
            self.sock.settimeout(self._end.left())
        self.starttls(context=ssl.create_default_context())
        self._end.left()
        self.ehlo()

    def leave(self) -> None:
        """Take leave, if the server hears it, and close the line."""
        with suppress(OSError, smtplib.SMTPException):
            if self.sock is not None:
                self.sock.settimeout(SECONDS_TO_LEAVE)
            self.quit()
        self._timer.cancel()
        self.close()

    def _connected(self, host: str, port: int) -> socket.socket:
        problem = OSError("the mail server has no address")
        for *_, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
            try:
                found = socket.create_connection((str(address[0]), port), min(SECONDS_TO_CONNECT, self._end.left()))
                found.settimeout(self._end.left())
                return found
            except OSError as error:
                problem = error
        raise problem

    def _cut(self) -> None:
        """End the line from another thread, encrypted or not."""
        if self.sock is not None:
            with suppress(OSError):  # It ended by itself.
                socket.socket.shutdown(self.sock, socket.SHUT_RDWR)
