"""Sending a message to a checked address: no redirects, little patience, and no more of the answer than is needed."""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from opencrm.embed import Deadline
from opencrm.plugins.webhooks.guard import Target

SECONDS_TO_CONNECT = 5.0
"""How long one address may take to answer."""
SECONDS = 15.0
"""How long a message may take, from the first attempt to connect to the answer's last byte."""
MOST_READ = 4096
"""Bytes of an answer that are read."""


class Undelivered(Exception):
    """Nobody took the message."""


def post(target: Target, body: bytes, headers: Mapping[str, str]) -> int:
    """Send a message; return the status of the answer.

    Raises:
        Undelivered: There was none.
    """
    connection = _Connection(target)
    try:
        with _within(SECONDS, connection):
            host = target.host if target.port in (80, 443) else f"{target.host}:{target.port}"
            given = {"Host": host, "Content-Type": "application/json", "User-Agent": "opencrm", "Connection": "close"}
            connection.request("POST", target.path, body, {**given, **headers})
            answer = connection.getresponse()
            answer.read(MOST_READ)
            return answer.status
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise Undelivered(f"{type(error).__name__}: {error}") from None
    finally:
        connection.close()


class _Connection(http.client.HTTPConnection):
    """A connection to one of the addresses that were checked, whatever the host's name means by now."""

    def __init__(self, target: Target) -> None:
        super().__init__(target.host, target.port)
        self._target = target
        self._end = Deadline(SECONDS)

    def connect(self) -> None:
        """Connect to the first address that answers."""
        sock = self._connected()
        sock.settimeout(self._end.left())
        if self._target.secure:
            sock = ssl.create_default_context().wrap_socket(sock, server_hostname=self._target.host)
        self.sock = sock
        self._end.left()  # The timer cuts what is connected; from here on it does.

    def _connected(self) -> socket.socket:
        problem: OSError = OSError("the host has no address")
        for address in self._target.addresses:
            try:
                return socket.create_connection((address, self._target.port), min(SECONDS_TO_CONNECT, self._end.left()))
            except OSError as error:
                problem = error
        raise problem

    def cut(self) -> None:
        """End the connection from another thread."""
        if self.sock is not None:
            try:
                self.sock.shutdown(socket.SHUT_RDWR)
            except OSError:  # It ended by itself.
                return


@contextmanager
def _within(seconds: float, connection: _Connection) -> Iterator[None]:
    """Cut a connection that takes longer, however slowly it goes on."""
    timer = threading.Timer(seconds, connection.cut)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
