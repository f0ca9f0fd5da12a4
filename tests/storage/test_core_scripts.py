"""The scripts of the core: what databases of before need to be as declared."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Index, MetaData

from opencrm.app.owners import core_owner
from opencrm.storage.migrations import Owner

SAME = ("user_id", "unit_id", "role_id")


def before() -> Owner:
    """Return the core as it was when no two memberships of whatever time were alike."""
    metadata = MetaData()
    tables = {table.name: table.to_metadata(metadata) for table in core_owner().tables}
    seats = tables["crm_membership"]
    living = seats.c.deleted_at.is_(None)
    name = f"uq_crm_membership_{'_'.join(SAME)}"
    Index(name, *(seats.c[it] for it in SAME), unique=True, sqlite_where=living, postgresql_where=living)
    return Owner("core", list(tables.values()))


def test_the_unique_index_over_memberships_goes(place: Any) -> None:
    """By a script, once; then all is as declared."""
    place.up(before())
    now = core_owner()
    assert place.waiting(now) == ["core: run script 0001 (Let people come back to a place that they had.)"]
    [done] = place.up(now)
    assert done.operations == ("run script 0001 (Let people come back to a place that they had.)",)
    assert place.waiting(now) == []
    assert place.observe(now) == now.snapshot
    assert not [name for name, *_ in place.shape()["crm_membership"][1] if name.startswith("uq_")]
