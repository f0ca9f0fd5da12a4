"""The web server behind `opencrm serve`, `run` and `demo`."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING, Any

from opencrm.errors import ConfigurationError

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

THREADS = 8


def serve_forever(application: WSGIApplication, host: str, port: int, ready: Callable[[str], None]) -> None:
    """Serve until the process is told to stop (SIGINT, SIGTERM).

    Args:
        application: What answers.
        host: Address to listen on.
        port: Port to listen on; 0 takes a free one.
        ready: Is called with the address, once it is open.

    Raises:
        ConfigurationError: waitress is not installed, or the address cannot be had.
    """
    try:
        from waitress import create_server
    except ImportError:
        raise ConfigurationError("serving needs waitress: pip install 'opencrm[web]'") from None
    try:
        server = create_server(application, host=host, port=port, threads=THREADS, ident="opencrm")
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"cannot listen on {host}:{port}: {error}") from error
    with stopped_by_signals():
        ready(address(host, _port(server)))
        server.run()  # Ends, after the requests under way, when a signal raises in it.
    server.close()


def address(host: str, port: int) -> str:
    """Return the address that a browser on this machine uses."""
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]", "": "127.0.0.1"}.get(host, f"[{host}]" if ":" in host else host)
    return f"http://{shown}:{port}"


def _port(server: Any) -> int:
    """Return the port that was had; a name such as `localhost` may stand for two addresses."""
    listening = getattr(server, "effective_listen", None)
    return int(listening[0][1] if listening else server.effective_port)


@contextmanager
def stopped_by_signals() -> Iterator[None]:
    """Let SIGTERM end the block as Ctrl-C does, quietly."""
    before = signal.signal(signal.SIGTERM, _raise_interrupt)
    try:
        yield
    except KeyboardInterrupt:
        pass
    finally:
        signal.signal(signal.SIGTERM, before)


def _raise_interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
