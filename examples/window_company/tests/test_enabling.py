"""The package as somebody meets it who installs it: enabled by hand, and as the demo."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from opencrm import CRM

Call = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def call(tmp_path: Path) -> Call:
    """`call("init", "--owner", "Ann")`: run a command in an empty folder, as a user would."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("OPENCRM_")}

    def run(*args: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "opencrm.cli", *args]
        return subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=120, check=True)

    return run


def test_what_it_needs_is_told_when_it_is_enabled(call: Call) -> None:
    """The plugin that makes documents, by its name; enabled too, nothing is said of it any more."""
    call("init", "--owner", "Ann")
    done = call("plugin", "enable", "windows", "--yes")
    assert done.stdout == "windows is active.\n"
    assert "enable the plugin 'documents'" in done.stderr
    call("plugin", "enable", "documents", "--yes")
    assert "documents" not in call("plugin", "list").stderr


def test_the_demo_stands_without_a_problem(call: Call, tmp_path: Path) -> None:
    """Made once, with a key for each person; the next call prints new keys."""
    first, again = (call("windows-demo", "--no-serve") for _ in range(2))
    assert first.stderr == again.stderr == ""
    people = re.findall(r"^  (\w+) +(\w+) +opencrm_\S+$", again.stdout, re.MULTILINE)
    assert [name for _, name in people] == ["Margaret", "Ines", "Rory", "Colm", "Freya", "Dylan"]
    assert first.stdout != again.stdout
    with closing(CRM(f"sqlite:///{tmp_path}/opencrm-windows.db")) as crm:
        assert crm.problems() == {}
