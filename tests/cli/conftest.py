"""What the tests of the command line share: calling it as a user would."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
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
    return tmp_path


@pytest.fixture
def call(folder: Path) -> Callable[..., Result]:
    """`call("user", "add", "Ann")`: run a command in this process, and return what it gave."""

    def run(*args: str, **settings: str) -> Result:
        env: dict[str, str | None] = {**settings}
        return CliRunner().invoke(root, args, env=env, prog_name="opencrm")

    return run


@pytest.fixture
def program(folder: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """`program("--help")`: run a process of its own."""

    def run(*args: str, **settings: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "opencrm.cli", *args],
            env={**os.environ, **settings},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    return run
