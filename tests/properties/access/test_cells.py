"""Every standard role, entity, act and field: what the table says is what runs, and no cell is missing.

On SQLite, and with `make test-access` on PostgreSQL too, where the tens of thousands of requests take minutes.
"""

from __future__ import annotations

import os

import pytest
from tests.properties.access.cells import declared, observe, read, standard_roles
from tests.properties.access.companies import Firm


@pytest.fixture(params=os.environ.get("CELLS_ON", "sqlite").split())
def crm_database(request):
    """The databases on which the table is tried."""
    return request.param


def test_the_table_has_every_cell(crm):
    """Invariant 19: a new entity, field or role needs its cells; `python -m tests.properties.access.cells`."""
    firm = Firm(crm)
    roles, cells = read()
    assert roles == standard_roles(firm)
    assert set(cells) == declared(firm)
    assert all(cell for row in cells.values() for cell in row.values())


def test_the_roles_may_what_the_table_says(crm):
    """Invariant 16: each cell, tried through REST."""
    _, cells = read()
    found = observe(crm)
    wrong = {
        (*row, role): (found[row][role], cell)
        for row, several in cells.items()
        for role, cell in several.items()
        if found[row][role] != cell
    }
    assert wrong == {}, "what runs, and what the table says"
