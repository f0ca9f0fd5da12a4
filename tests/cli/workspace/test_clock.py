"""`opencrm clock show | sandbox | advance`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from click.testing import Result


def test_an_owner_makes_a_sandbox_and_moves_its_clock(call: Callable[..., Result], folder: Path) -> None:
    """What happened is told; a later process shows the new time."""
    assert call("init", "--owner", "Ann").exit_code == 0
    assert call("clock", "show").stdout.endswith("UTC, no sandbox\n")
    refused = call("clock", "advance", "3d")
    assert (refused.exit_code != 0, "no sandbox" in refused.stderr) == (True, True)
    assert call("clock", "sandbox").stdout == "This workspace is a sandbox now.\n"
    before = call("clock", "show").stdout
    moved = call("clock", "advance", "3d")
    assert moved.exit_code == 0
    assert "Rules that ran: 0" in moved.stdout
    assert call("clock", "show").stdout[:10] > before[:10]
    told = json.loads(call("clock", "advance", "1h", "--json").stdout)
    assert (told["runs"], told["more"]) == ([], False)


def test_a_duration_that_is_none_is_refused_by_name(call: Callable[..., Result], folder: Path) -> None:
    """As everywhere."""
    assert call("init", "--owner", "Ann").exit_code == 0
    assert call("clock", "sandbox").exit_code == 0
    refused = call("clock", "advance", "soon")
    assert refused.exit_code != 0
    assert "by" in refused.stderr
    assert "16m" in refused.stderr


def test_shared_options_stand_anywhere(call: Callable[..., Result], folder: Path) -> None:
    """Before the command, between the group and its command, and after both; what stands last counts."""
    assert call("--db", "other.db", "init", "--owner", "Ann").exit_code == 0
    for words in (
        ["--db", "other.db", "clock", "show"],
        ["clock", "--db", "other.db", "show"],
        ["clock", "show", "--db", "other.db"],
        ["clock", "--as", "Ann", "--db", "none.db", "show", "--db", "other.db"],
    ):
        shown = call(*words)
        assert (shown.exit_code, shown.stdout[-13:]) == (0, ", no sandbox\n"), (words, shown.output)
