"""`opencrm serve | worker | run`, as processes."""

from __future__ import annotations

import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from click.testing import Result

HELLO = """
from opencrm import hookimpl
from opencrm.web import WebApp


def build(crm):
    def application(environ, start_response):
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [b"hello from " + ", ".join(sorted(crm.catalogue.pipelines)).encode()]

    return application


@hookimpl
def opencrm_register_apps():
    yield WebApp(name="hello", mount="/hello", build=build)
"""


@pytest.fixture
def workspace(call: Callable[..., Result], folder: Path) -> Callable[..., Result]:
    """A workspace with a plugin that answers on the web; gives `call`."""
    (folder / "plugins").mkdir()
    (folder / "plugins" / "hello.py").write_text(HELLO)
    assert call("init", "--owner", "Ann").exit_code == 0
    return call


@contextmanager
def started(*args: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Start a command, wait for its first line on stderr, and give both; it is killed at the end."""
    command = [sys.executable, "-m", "opencrm.cli", *args]
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            yield process, process.stderr.readline()
        finally:
            process.kill()


def stopped(process: subprocess.Popen[str], number: signal.Signals) -> tuple[int, str]:
    """Send a signal; return the exit code and what was said after the first line."""
    os.kill(process.pid, number)
    _, err = process.communicate(timeout=120)
    return process.returncode, err


@pytest.mark.parametrize("command", ["serve", "run"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_what_plugins_registered_until_it_is_stopped(
    workspace: Callable[..., Result], command: str, number: signal.Signals
) -> None:
    """The address is told once it is open; either signal ends it quietly with exit code 0."""
    with started(command, "--port", "0", "--plugin-dir", "plugins") as (process, line):
        found = re.search(r"http://127\.0\.0\.1:\d+", line)
        assert found, line
        with urllib.request.urlopen(f"{found[0]}/hello", timeout=60) as answer:
            assert answer.read().startswith(b"hello from")
        assert stopped(process, number) == (0, "")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_worker_stops_cleanly(workspace: Callable[..., Result], number: signal.Signals) -> None:
    """Quietly, with exit code 0."""
    with started("worker") as (process, line):
        assert "works the queue" in line
        assert stopped(process, number) == (0, "")


@pytest.mark.parametrize("command", [("worker",), ("run", "--port", "0", "--plugin-dir", "plugins")])
def test_a_worker_that_breaks_ends_the_process(workspace: Callable[..., Result], command: tuple[str, ...]) -> None:
    """Nobody believes that the queue is worked while it is not: one line, exit code 8."""
    with started(*command) as (process, _):
        with closing(sqlite3.connect("opencrm.db", timeout=20)) as database:
            database.execute("DROP TABLE crm_delivery")
        _, err = process.communicate(timeout=120)
    assert process.returncode == 8, err
    assert err.startswith("opencrm: configuration: ")
    assert err.count("\n") == 1


def test_an_address_in_use_is_told(workspace: Callable[..., Result]) -> None:
    """One line that names it."""
    with started("serve", "--port", "0", "--plugin-dir", "plugins") as (_, line):
        port = re.search(r"127\.0\.0\.1:(\d+)", line)
        assert port, line
        done = workspace("serve", "--port", port[1], "--plugin-dir", "plugins")
    assert done.exit_code == 8
    assert port[1] in done.stderr


@pytest.mark.parametrize("command", ["serve", "run"])
def test_without_a_server_it_names_the_extra(
    workspace: Callable[..., Result], monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    """What to install is said."""
    monkeypatch.setitem(sys.modules, "waitress", None)
    done = workspace(command, "--plugin-dir", "plugins")
    assert done.exit_code == 8
    assert "opencrm[web]" in done.stderr


@pytest.mark.parametrize("command", ["serve", "run", "worker"])
def test_a_workspace_that_is_not_set_up_is_told(call: Callable[..., Result], command: str) -> None:
    """Also where it is the worker's thread that meets it."""
    call("db", "upgrade")
    done = call(command)
    assert done.exit_code == 8
    assert "opencrm init" in done.stderr


@pytest.mark.parametrize("port", ["-1", "65536", "http"])
def test_a_port_that_is_none(workspace: Callable[..., Result], port: str) -> None:
    """Wrong usage."""
    assert workspace("serve", "--port", port).exit_code == 2


def test_a_port_that_is_taken_is_told_with_how_to_name_another(workspace: Callable[..., Result]) -> None:
    """In one sentence, once."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = workspace("serve", "--port", str(port))
    assert done.exit_code == 8
    why = "address already in use; name another one with --port or OPENCRM_PORT"
    assert f"cannot listen on 127.0.0.1:{port}: {why}" in done.stderr
    assert done.stderr.count("ddress already in use") == 1
