"""Real processes of `opencrm dramatiq`, which can be killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import attrs

PLUGINS = Path(__file__).parent / "plugins"
_MAIN = """
import sys
from datetime import timedelta
from opencrm.services.queue import leases
leases.LEASE = timedelta(seconds=3)
from opencrm.cli import main
sys.exit(main())
"""


@attrs.define
class Process:
    """One process of `opencrm dramatiq`, with leases of three seconds.

    Attributes:
        arguments: Of `opencrm dramatiq`.
        variables: Of its environment.
        url: The database.
        log: Where it writes to.
        kills: How often it was killed.
    """

    arguments: tuple[str, ...]
    variables: dict[str, str]
    url: str
    log: Path
    kills: int = 0
    _child: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it."""
        command = ["--db", self.url, "--plugin-dir", str(PLUGINS), "dramatiq", *self.arguments]
        path = os.pathsep.join(each for each in sys.path if each)
        with self.log.open("ab") as log:
            self._child = subprocess.Popen(
                [sys.executable, "-c", _MAIN, *command],
                stdout=log,
                stderr=log,
                env={**os.environ, **self.variables, "PYTHONPATH": path},
            )

    def kill(self) -> None:
        """Kill it, as a power cut does."""
        assert self._child is not None
        assert self._child.poll() is None, self.log.read_text()[-3000:]
        self._child.kill()
        self._child.wait()
        self.kills += 1

    def stop(self) -> int:
        """Have it finish what is under way; return its exit code."""
        if self._child is None:
            return 0
        self._child.send_signal(signal.SIGTERM)
        try:
            return self._child.wait(60)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()
            return -9


def until(there, seconds: float, every: float = 0.1) -> bool:
    """Wait until something holds; say whether it came to that."""
    end = time.monotonic() + seconds
    while not there():
        if time.monotonic() > end:
            return False
        time.sleep(every)
    return True
