"""`opencrm export`: where it writes, and where not."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import Result

from opencrm import CRM
from opencrm.storage import tables


@pytest.fixture
def workspace(call: Callable[..., Result], folder: Path) -> Callable[..., Result]:
    """A workspace of Ann's; gives `call`."""
    assert call("init", "--owner", "Ann").exit_code == 0
    return call


@pytest.mark.parametrize(
    "output, told", [("no/such/folder.csv", "folder.csv cannot be written"), ("users.pdf", ".csv, .jsonl")]
)
def test_an_output_that_cannot_be_is_refused(
    workspace: Callable[..., Result], folder: Path, output: str, told: str
) -> None:
    """The option is named, and nothing left the workspace."""
    before = [*folder.iterdir()]
    done = workspace("export", "user", "-o", output)
    assert (done.exit_code, "--output" in done.stderr, told in done.stderr) == (2, True, True)
    assert [*folder.iterdir()] == before
    crm = CRM("sqlite:///opencrm.db")
    with crm.database.write() as tx:
        kinds = {row["kind"] for row in tx.query("kinds", tables.journal.select, {})}
    crm.close()
    assert "exported" not in kinds


def test_a_file_is_replaced_only_if_asked(workspace: Callable[..., Result], folder: Path) -> None:
    """As the guess of a map is."""
    (folder / "users.csv").write_text("mine")
    done = workspace("export", "user", "-o", "users.csv")
    assert (done.exit_code, "--replace" in done.stderr) == (2, True)
    assert (folder / "users.csv").read_text() == "mine"
    assert workspace("export", "user", "--fields", "name", "-o", "users.csv", "--replace").exit_code == 0
    assert (folder / "users.csv").read_text() == "name\nAnn\n"
    assert workspace("export", "user", "--replace").exit_code == 2


def test_tables_that_are_not_up_to_date_export_nothing(workspace: Callable[..., Result]) -> None:
    """Not even a header."""
    with closing(sqlite3.connect("opencrm.db")) as database:
        database.execute("DROP TABLE crm_segment_member")
        database.execute("UPDATE crm_schema SET fingerprint = 'of an older opencrm'")
        database.commit()
    done = workspace("export", "user")
    assert (done.exit_code, done.stdout) == (8, "")
    assert "opencrm db upgrade" in done.stderr
