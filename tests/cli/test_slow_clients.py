"""The web server, on real sockets: clients that do not read, and bodies that nobody wants."""

from __future__ import annotations

import http.client
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import pytest

from opencrm import CRM, Deal
from opencrm.app.serving import wsgi
from opencrm.cli.serving.server import THREADS, answer
from opencrm.embed import FileStore, issue_token
from opencrm.testing import make_deal
from opencrm.testing.firm import WindowSales, firm_of

LARGE = 30 * 10**6
"""More than the network and the server's own buffer take."""
SOON = 15


@contextmanager
def answering(application, *, largest: int = 2**20, stalled: float = 60) -> Iterator[int]:
    """Serve an application while the block runs; give the port."""
    done, open_ = threading.Event(), threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        told = {"largest": largest, "stalled": stalled}
        thread = threading.Thread(target=answer, args=(application, listening, open_.set, done.is_set), kwargs=told)
        thread.start()
        try:
            assert open_.wait(SOON)
            yield port
        finally:
            done.set()
            thread.join()


def asked(port: int, request: bytes, *, takes: int = 2**12) -> socket.socket:
    """Send a request on a connection of its own; the system takes hardly anything of the answer by itself."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, takes)
    connection.connect(("127.0.0.1", port))
    connection.settimeout(SOON)
    connection.sendall(request)
    return connection


def got(port: int, path: str, **headers: str) -> tuple[int, bytes]:
    with connected(port) as connection:
        connection.request("GET", path, headers=headers)
        response = connection.getresponse()
        return response.status, response.read()


@contextmanager
def connected(port: int) -> Iterator[http.client.HTTPConnection]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=SOON)
    try:
        yield connection
    finally:
        connection.close()


@pytest.fixture
def crm(make_crm: Callable[..., CRM], tmp_path, request) -> Iterator[CRM]:
    """A workspace whose files stand in a folder, or where only fsspec reaches them."""
    place = {"folder": f"{tmp_path}/kept", "memory": f"memory://{tmp_path}"}[getattr(request, "param", "folder")]
    database = make_crm().database
    crm = CRM(engine=database.engine, plugins=[WindowSales()], files=FileStore(place=place))
    yield crm
    crm.close()


@pytest.mark.parametrize("crm_database", ["sqlite"], indirect=True)
@pytest.mark.parametrize("crm", ["folder", "memory"], indirect=True)
def test_those_who_do_not_read_a_file_leave_the_server_answering(crm):
    """As many as it has threads; whoever reads gets all of it, or the part asked for, on one connection."""
    firm = firm_of(crm)
    content = bytes(range(256)) * (LARGE // 256)
    file = crm.files.add(firm.seller, Deal, make_deal(crm, by=firm.seller).id, content, name="a.bin").record_id
    with crm.work(firm.owner) as work:
        key = issue_token(work, firm.seller.id, label="reads")
    who, path = f"Bearer {key}", f"/api/v1/files/{file}/content"
    wanted = f"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: {who}\r\n\r\n".encode()
    with answering(wsgi(crm)) as port, ExitStack() as stack:
        for _ in range(THREADS + 1):
            assert stack.enter_context(asked(port, wanted)).recv(12) == b"HTTP/1.1 200"
        assert got(port, "/api/v1/me", Authorization=who)[0] == 200
        with connected(port) as connection:
            for span, expected in (("", content), ("bytes=5-9", content[5:10]), ("bytes=-3", content[-3:])):
                connection.request("GET", path, headers={"Authorization": who, **({"Range": span} if span else {})})
                assert connection.getresponse().read() == expected


def streaming(environ, start_response):
    """Answer with more than fits anywhere, or with one word."""
    if environ["PATH_INFO"] == "/much":
        start_response("200 OK", [("Content-Type", "text/plain")])
        return (b"x" * 2**16 for _ in range(2 * LARGE // 2**16))
    start_response("200 OK", [("Content-Length", "4")])
    return [b"here"]


def test_those_who_take_nothing_of_an_answer_are_left():
    """What is made while it is sent holds a thread: not for ever."""
    with answering(streaming, stalled=2) as port, ExitStack() as stack:
        readers = [stack.enter_context(asked(port, b"GET /much HTTP/1.1\r\nHost: x\r\n\r\n")) for _ in range(THREADS)]
        assert {reader.recv(12) for reader in readers} == {b"HTTP/1.1 200"}
        assert got(port, "/") == (200, b"here")


def test_those_who_read_slowly_are_not_left():
    """As long as they take something."""
    request = b"GET /much HTTP/1.1\r\nHost: x\r\n\r\n"
    with answering(streaming, stalled=2) as port, asked(port, request, takes=2**18) as reader:
        for _ in range(20):
            assert reader.recv(2**18)
            time.sleep(0.2)
        end = b""
        while last := reader.recv(2**20):
            end = (end + last)[-5:]
    assert end == b"0\r\n\r\n"


KNOWN = "Authorization: Bearer me\r\n"


@pytest.mark.parametrize(
    "told",
    [
        "Content-Length: 900000000",
        "Content-Length: 1048577",
        "Content-Length: 900000000\r\nExpect: 100-continue",
        f"{KNOWN}Content-Length: 900000000",
        f"{KNOWN}Content-Length: 900000000\r\nExpect: 100-continue",
    ],
)
def test_a_body_that_nobody_wants_is_refused_before_it_comes(told):
    """By what it says of its length: strangers may send 1 MiB, and nobody more than a file may have."""
    request = f"POST /forms/request HTTP/1.1\r\nHost: x\r\n{told}\r\n\r\n".encode()
    with answering(streaming, largest=2**21) as port, asked(port, request) as connection:
        response = http.client.HTTPResponse(connection)
        response.begin()
        assert (response.status, response.headers["Content-Type"]) == (413, "application/problem+json")
        assert b'"code": "too_large"' in response.read()


@pytest.mark.parametrize("who, size, status", [("", 2**20 - 99, 200), ("", 2**20 + 1, 413), (KNOWN, 2**21, 200)])
def test_a_body_that_does_not_say_its_length_is_counted(who, size, status):
    """Up to the same limits, with what stands between its parts."""
    request = f"POST / HTTP/1.1\r\nHost: x\r\n{who}Transfer-Encoding: chunked\r\n\r\n{size:x}\r\n".encode()
    with answering(streaming, largest=2**21) as port, asked(port, request) as connection:
        connection.sendall(b"x" * size + b"\r\n0\r\n\r\n")
        response = http.client.HTTPResponse(connection)
        response.begin()
        assert response.status == status


@pytest.mark.parametrize("who, size", [("", 2**20), (KNOWN, 2**21)])
def test_what_is_as_large_as_it_may_be_is_taken(who, size):
    """For strangers, and for those who say who they are."""
    request = f"POST / HTTP/1.1\r\nHost: x\r\n{who}Content-Length: {size}\r\n\r\n".encode() + b"x" * size
    with answering(streaming, largest=2**21) as port, asked(port, request) as connection:
        assert connection.recv(12) == b"HTTP/1.1 200"
