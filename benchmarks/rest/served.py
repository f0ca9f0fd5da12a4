"""Both sides behind the web server of `opencrm serve`, each in a process of its own, asked over one open connection."""

from __future__ import annotations

import multiprocessing
import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Event
from typing import Any, Protocol
from urllib.parse import urlsplit

import attrs

from benchmarks.databases import connect
from benchmarks.rest.bare import Application, application
from benchmarks.rest.requests import Request, Side, answered
from benchmarks.world import Company, Sales, World
from opencrm import CRM
from opencrm.app.serving import wsgi
from opencrm.cli.serving.server import serve_forever

_PATIENCE = 60
"""Seconds that a server may take to start, and to answer."""


class Served(Protocol):
    """A side that is sent to another process, and opens its database there."""

    def application(self) -> Application:
        """Return what answers."""


@attrs.frozen
class Opencrm:
    """opencrm's side."""

    url: str

    def application(self) -> Application:
        return wsgi(CRM(self.url, plugins=[Sales()]))


@attrs.frozen
class Bare:
    """The bare side."""

    url: str
    _company: dict[str, Any]
    _way: str

    @classmethod
    def of(cls, one: World, way: str) -> Bare:
        """Return the side that answers for a company."""
        return cls(one.url, {name: getattr(one, name) for name in ("manager_id", "unit", "people")}, way)

    def application(self) -> Application:
        return application(lambda: Company(raw=connect(self.url), **self._company), self._way)


@contextmanager
def served(side: Served) -> Iterator[Side]:
    """Serve a side while the block runs."""
    process = multiprocessing.get_context("spawn")
    here, there = process.Pipe(duplex=False)
    stop = process.Event()
    server = process.Process(target=_serve, args=(side, there, stop), daemon=True)
    server.start()
    there.close()
    try:
        with closing(_Client(_address(here))) as client:
            yield client
    finally:
        stop.set()
        server.join(_PATIENCE)


def _serve(side: Served, told: Connection, stop: Event) -> None:
    serve_forever(side.application(), "127.0.0.1", 0, told.send, stop.is_set)


def _address(told: Connection) -> str:
    if not told.poll(_PATIENCE):
        raise AssertionError("the server does not start")
    return str(told.recv())


class _Client:
    """Asks over one connection that stays open, and does no more than it must: its time counts for both sides."""

    def __init__(self, address: str) -> None:
        place = urlsplit(address)
        self._host = place.netloc
        self._socket = socket.create_connection((place.hostname, place.port), timeout=_PATIENCE)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __call__(self, request: Request, key: str) -> Any:
        self._socket.sendall(self._sent(request, key))
        head, body = self._head()
        status, *lines = head.decode("latin-1").split("\r\n")
        named = dict(line.lower().split(": ", 1) for line in lines)
        missing = int(named["content-length"]) - len(body)
        while missing > 0:
            part = self._received()
            body, missing = body + part, missing - len(part)
        return answered(status.partition(" ")[2], body)

    def _sent(self, request: Request, key: str) -> bytes:
        target = f"{request.path}?{request.query}" if request.query else request.path
        lines = [f"{request.method} {target} HTTP/1.1", f"Host: {self._host}", f"Authorization: Bearer {key}"]
        if request.body:
            lines += ["Content-Type: application/json", f"Content-Length: {len(request.body)}"]
        return "\r\n".join([*lines, "", ""]).encode("latin-1") + request.body

    def _head(self) -> tuple[bytes, bytes]:
        found = b""
        while b"\r\n\r\n" not in found:
            found += self._received()
        head, _, rest = found.partition(b"\r\n\r\n")
        return head, rest

    def _received(self) -> bytes:
        found = self._socket.recv(65536)
        if not found:
            raise AssertionError("the server hung up")
        return found

    def close(self) -> None:
        self._socket.close()
