"""What the tests of the command line share: calling it as a user would."""

from __future__ import annotations

import io
import os
import pty
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from opencrm.cli.root import root


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder, and no variable of opencrm's in the environment."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("OPENCRM_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("OPENCRM_PORT", "0")
    return tmp_path


@pytest.fixture
def call(folder: Path) -> Callable[..., Result]:
    """`call("user", "add", "Ann")`: run a command in this process, and return what it gave."""

    def run(*args: str, **settings: str) -> Result:
        env: dict[str, str | None] = {**settings}
        return CliRunner().invoke(root, args, env=env, prog_name="opencrm")

    return run


@pytest.fixture
def terminal(folder: Path) -> Callable[..., tuple[int, str]]:
    """`terminal("init", typed="Ann\\n")`: run a process at a terminal; return its exit code and what was shown."""

    def run(*args: str, typed: str = "", **settings: str) -> tuple[int, str]:
        ours, theirs = pty.openpty()
        command = [sys.executable, "-m", "opencrm.cli", *args]
        process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env={**os.environ, **settings})
        os.close(theirs)
        os.write(ours, typed.encode())
        with os.fdopen(ours, "rb", buffering=0) as screen:
            shown = b"".join(_lines(screen))
        return process.wait(timeout=120), shown.decode()

    return run


def _lines(screen: io.RawIOBase) -> Iterator[bytes]:
    """Read until the process is gone, which Linux reports as an error of the terminal."""
    while True:
        try:
            read = screen.read(4096)
        except OSError:
            return
        if not read:
            return
        yield read
