"""The web server behind `opencrm serve`, `run` and `demo`."""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from opencrm.cli.serving.stopping import GLANCE, stopped_by_signals
from opencrm.errors import ConfigurationError

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

THREADS = 8
CONNECTIONS = 1000
"""How many may be open at once: each page that looks for news keeps one."""


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
) -> None:
    """Serve until SIGINT or SIGTERM comes, or `until` says so.

    Args:
        application: What answers.
        host: Address to listen on.
        port: Port to listen on; 0 takes a free one.
        ready: Is called with the address, once it is open.
        until: Is asked several times a second.

    Raises:
        ConfigurationError: waitress is not installed, or the address cannot be had.
    """
    try:
        from waitress import wasyncore
        from waitress.server import create_server
    except ImportError:
        raise _no_server() from None
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # A short queue is no news.
    sockets: dict[int, Any] = {}
    with stopped_by_signals() as stop, _listening(host, port) as listening:
        server = create_server(
            application, sockets, sockets=[listening], threads=THREADS, connection_limit=CONNECTIONS, ident="opencrm"
        )
        ready(address(host, listening.getsockname()[1]))
        while not (stop.asked or until()):
            wasyncore.loop(GLANCE, use_poll=True, map=sockets, count=1)
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
        raise ConfigurationError(f"cannot listen on {host}:{port}: {error.strerror or error}") from error
