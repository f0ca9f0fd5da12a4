"""The web server behind `opencrm serve`, `run` and `demo`."""

from __future__ import annotations

import errno
import logging
import os
import socket
from collections.abc import Callable
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from opencrm.cli.serving.stopping import GLANCE, stopped_by_signals
from opencrm.core.clock import monotonic
from opencrm.errors import ConfigurationError

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

_TAKEN = (errno.EADDRINUSE, errno.EACCES)
THREADS = 8
CONNECTIONS = 1000
"""How many may be open at once: each page that looks for news keeps one."""
STALLED = 60.0
"""Seconds after which whoever takes nothing of an answer is left."""
_ON_THE_WAY = 2**18
"""Bytes that the system takes before the client does: whoever takes that much in a while is not stalled."""
_AROUND = 2**17
"""Bytes that a request has around a file."""


def check(host: str, port: int) -> None:
    """Find out whether an address can be served, before anything is done that would be in vain.

    Raises:
        ConfigurationError: waitress is not installed, or the address cannot be had.
    """
    if find_spec("waitress") is None:
        raise _no_server()
    _listening(host, port).close()


def serve_forever(
    application: WSGIApplication,
    host: str,
    port: int,
    ready: Callable[[str], None],
    until: Callable[[], bool],
    *,
    largest: int,
) -> None:
    """Serve until SIGINT or SIGTERM comes, or `until` says so.

    Args:
        application: What answers.
        host: Address to listen on.
        port: Port to listen on; 0 takes a free one.
        ready: Is called with the address, once it is open.
        until: Is asked several times a second.
        largest: How many bytes a file may have that is sent here; whatever is larger is refused before it is stored.

    Raises:
        ConfigurationError: waitress is not installed, or the address cannot be had.
    """
    if find_spec("waitress") is None:
        raise _no_server()
    with stopped_by_signals() as stop, _listening(host, port) as listening:
        at = address(host, listening.getsockname()[1])
        answer(application, listening, lambda: ready(at), lambda: stop.asked or until(), largest=largest)


def answer(
    application: WSGIApplication,
    listening: socket.socket,
    ready: Callable[[], None],
    until: Callable[[], bool],
    *,
    largest: int,
    stalled: float = STALLED,
) -> None:
    """Answer what comes by a socket until `until` says so; see `serve_forever`.

    Args:
        application: What answers.
        listening: The socket.
        ready: Is called once it is open.
        until: Is asked several times a second.
        largest: How many bytes a file may have.
        stalled: Seconds after which whoever takes nothing of an answer is left.
    """
    from waitress import wasyncore
    from waitress.server import create_server

    from opencrm.cli.serving.channels import Channel, Stalled

    logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # A short queue is no news.
    sockets: dict[int, Any] = {}
    server: Any = create_server(
        application,
        sockets,
        sockets=[listening],
        threads=THREADS,
        connection_limit=CONNECTIONS,
        max_request_body_size=largest + _AROUND,
        ident="opencrm",
    )
    server.adj.socket_options = [*server.adj.socket_options, (socket.SOL_SOCKET, socket.SO_SNDBUF, _ON_THE_WAY)]
    server.channel_class, left = Channel, Stalled(stalled)
    ready()
    while not until():
        wasyncore.loop(GLANCE, use_poll=True, map=sockets, count=1)
        left.close(sockets.values(), monotonic())
    server.task_dispatcher.shutdown()
    wasyncore.close_all(sockets)


def address(host: str, port: int) -> str:
    """Return the address that a browser on this machine uses."""
    everywhere = {"0.0.0.0": "127.0.0.1", "::": "[::1]", "": "127.0.0.1"}
    return f"http://{everywhere.get(host, f'[{host}]' if ':' in host else host)}:{port}"


def _no_server() -> ConfigurationError:
    return ConfigurationError("serving needs waitress: pip install 'opencrm[web]'")


def _listening(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        why = (os.strerror(error.errno) if error.errno else str(error)).lower()
        other = "; name another one with --port or OPENCRM_PORT" if error.errno in _TAKEN else ""
        raise ConfigurationError(f"cannot listen on {host}:{port}: {why}{other}") from error
