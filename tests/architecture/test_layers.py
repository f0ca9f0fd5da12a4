"""Who may import whom, and what an import costs."""

from __future__ import annotations

import logging
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SLOW = ("alembic", "babel", "flask", "marshmallow", "phonenumbers", "pluggy", "psycopg", "sqlalchemy", "werkzeug")


@pytest.fixture
def _loggers_stay() -> Iterator[None]:
    """import-linter switches all loggers off, and later tests ask them."""
    found = [each for each in logging.Logger.manager.loggerDict.values() if isinstance(each, logging.Logger)]
    before = [(each, each.disabled) for each in found]
    yield
    for logger, disabled in before:
        logger.disabled = disabled


@pytest.mark.usefixtures("_loggers_stay")
def test_the_contracts_of_the_layers_hold(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """Every contract in pyproject.toml is kept, typing imports included."""
    from importlinter.cli import lint_imports

    monkeypatch.chdir(ROOT)
    broken = lint_imports(no_cache=True)
    assert broken == 0, capsys.readouterr().out


@pytest.mark.parametrize("module", ["opencrm", "opencrm.testing", "opencrm.testing.plugin", "opencrm.errors"])
def test_an_import_loads_nothing_slow(module: str):
    """Neither the front door nor the pytest plugin pays for what is not used."""
    code = f"import sys, {module}; print(*sorted({{name.partition('.')[0] for name in sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    own = {"pluggy"} if module.endswith("plugin") else set()  # pytest's own
    assert set(done.stdout.split()).isdisjoint({*SLOW} - own)
