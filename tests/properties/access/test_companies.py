"""Generated companies: every operation, and then what everybody sees, is what an independent oracle says.

`make test-access` runs many more of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.properties.access.companies import Holding
from tests.properties.access.grounds import Ground
from tests.properties.access.runs import Tally, play
from tests.properties.access.shrinking import story

COMPANIES = 8
OPERATIONS = 40
PARTS = 4
"""Into how many tests the companies are divided, so that several processes share them."""


@pytest.fixture
def ground(request: pytest.FixtureRequest, crm_database: str, tmp_path: Path) -> Iterator[Ground]:
    workspaces = request.getfixturevalue(f"_{crm_database}_workspaces")
    with workspaces.open(tmp_path, [Holding()]) as crm:
        found = Ground(crm)
        yield found
        found.close()


@pytest.mark.parametrize("part", range(PARTS))
def test_everybody_may_do_and_see_what_the_oracle_says(ground, part):
    """Invariants 2, 7, 8, 9, 10, 13, 14, 15, 16 and 20, over sequences of operations."""
    for number in range(part, COMPANIES, PARTS):
        seed = f"opencrm {number}"
        with ground.open() as crm:
            failure = play(crm, Tally(), seed, OPERATIONS)
        if failure is not None:
            pytest.fail(f"company {seed!r}\n{story(ground.open, failure)}", pytrace=False)
