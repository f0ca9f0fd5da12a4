"""Generated companies: every operation, and then what everybody sees, is what an independent oracle says.

`OPENCRM_ACCESS_COMPANIES` says how many companies run on each database, `OPENCRM_ACCESS_OPERATIONS` how many operations
each; `make test-access` runs many. `OPENCRM_ACCESS_SEED` runs other ones.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.properties.access.companies import Holding
from tests.properties.access.runs import Tally, play, story

from opencrm import CRM

COMPANIES = int(os.environ.get("OPENCRM_ACCESS_COMPANIES", "16"))
OPERATIONS = int(os.environ.get("OPENCRM_ACCESS_OPERATIONS", "40"))
SEED = os.environ.get("OPENCRM_ACCESS_SEED", "opencrm")
PARTS = 8
"""Into how many tests the companies are divided, so that several processes share them."""


@pytest.fixture
def open_crm(request: pytest.FixtureRequest, crm_database: str, tmp_path: Path) -> Callable:
    """Opens one workspace after another."""
    workspaces = request.getfixturevalue(f"_{crm_database}_workspaces")

    @contextmanager
    def opened() -> Iterator[CRM]:
        with workspaces.open(tmp_path, [Holding()]) as crm:
            yield crm

    return opened


@pytest.mark.parametrize("part", range(PARTS))
def test_everybody_may_do_and_see_what_the_oracle_says(open_crm, part, capsys):
    """Invariants 2, 7, 8, 9, 10, 13, 14, 15, 16 and 20, over sequences of operations."""
    tally = Tally()
    for number in range(part, COMPANIES, PARTS):
        seed = f"{SEED} {number}"
        with open_crm() as crm:
            failed = play(crm, tally, seed, OPERATIONS)
        if failed:
            pytest.fail(story(open_crm, seed, *failed), pytrace=False)
    with capsys.disabled():
        print(f"\n{tally}")
