"""A real HTTP server that takes webhooks, and a workspace that sends them."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import attrs
import pytest
from sqlalchemy import Table, select

from opencrm import CRM, Create, Principal, records
from opencrm.plugins import webhooks
from opencrm.plugins.webhooks.subscription import Subscription
from opencrm.testing import Firm


@attrs.define
class Receiver:
    """Keeps what it is sent, and answers as it is told."""

    got: list[tuple[str, dict[str, str], bytes]] = attrs.field(factory=list)
    answers: list[int | str] = attrs.field(factory=list)
    url: str = ""

    @property
    def events(self) -> list[dict[str, Any]]:
        """What it was told of."""
        return [json.loads(body) for _, _, body in self.got]

    @property
    def types(self) -> list[str]:
        """The types of the events."""
        return [event["type"] for event in self.events]


def _handler(receiver: Receiver) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:  # the library's name
            body = self.rfile.read(int(self.headers["Content-Length"]))
            answer = receiver.answers.pop(0) if receiver.answers else 204
            if answer == "slow":
                self._drip()
                return
            if answer == 204:
                receiver.got.append((self.path, {k.lower(): v for k, v in self.headers.items()}, body))
            self.send_response(int(answer))
            if answer == 302:
                self.send_header("Location", receiver.url + "/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def _drip(self) -> None:
            try:
                for each in b"HTTP/1.1 200 OK\r\nX-Slow: " + b"x" * 200:
                    self.wfile.write(bytes([each]))
                    self.wfile.flush()
                    time.sleep(0.05)
            except OSError:
                return

        def log_message(self, *_: Any) -> None:
            return

    return Handler


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A server that is there."""
    found = Receiver()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(found))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    found.url = f"http://127.0.0.1:{server.server_address[1]}"
    yield found
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def rows(crm: CRM) -> Callable[[Table], list[dict[str, Any]]]:
    """`rows(table)`: what really stands in a table."""

    def read(table: Table) -> list[dict[str, Any]]:
        with crm.database.read() as tx:
            return [dict(row) for row in tx.query(("test", table.name), lambda: select(table).order_by("id"), {})]

    return read


@pytest.fixture
def crm_plugins() -> Sequence[object]:
    return [_given()]


def _given() -> object:
    from opencrm.hooks.plugin import read_plugin

    return read_plugin("webhooks", webhooks, source="given")


@pytest.fixture
def subscribe(crm: CRM, firm: Firm, receiver: Receiver) -> Callable[..., tuple[str, str]]:
    """`subscribe(firm.owner, entity="deal")`: a subscription of somebody's; its id and its secret."""
    crm.workspace.intranet = frozenset({"127.0.0.1"})

    def made(by: Principal, path: str = "/hook", *, take: bool = True, **values: Any) -> tuple[str, str]:
        with crm.work(by) as work:
            given = {"name": "ERP", "url": receiver.url + path, **values}
            [line] = records.create(work, [Create(Subscription, values=given)])
            secret = webhooks.take_secret(work, line.record_id) if take else ""
        crm.worker().run_once()
        receiver.got.clear()
        return line.record_id, secret

    return made
