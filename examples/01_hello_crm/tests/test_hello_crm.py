"""The example does what its README shows."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

PROGRAM = Path(__file__).parents[1] / "hello_crm.py"
LINE = "Six windows            4800.00 EUR  offer\n"


@pytest.fixture
def hello(tmp_path: Path) -> Callable[[], str]:
    """Run the program in an empty folder, and return what it prints."""

    def run() -> str:
        done = subprocess.run(
            [sys.executable, "-W", "error", str(PROGRAM)],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def test_it_lists_the_deal_in_its_new_stage(hello: Callable[[], str]) -> None:
    """One run makes a contact and a deal, moves the deal, and lists it."""
    assert hello() == LINE


def test_it_keeps_what_it_made(hello: Callable[[], str]) -> None:
    """A second run finds the workspace, and lists the deals of both."""
    hello()
    assert hello() == LINE * 2
