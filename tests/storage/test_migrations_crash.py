"""A process that is killed in the middle of an upgrade of SQLite."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).with_name("killed_upgrade.py")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills copies of a process, made by fork")
def test_a_killed_upgrade_leaves_the_old_schema_and_can_be_run_again(tmp_path: Path) -> None:
    """Whatever the statement after which the process dies, the database is as before, and then whole."""
    done = subprocess.run([sys.executable, PROGRAM, tmp_path], check=False, capture_output=True, timeout=120)
    assert done.stderr == b""
    result = json.loads(done.stdout)
    assert result["differ"]
    assert len(result["found"]) > 15
    assert result["found"] == [[True, True]] * len(result["found"])
