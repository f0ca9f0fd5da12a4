"""The scripts of the core: what databases of before need to be as declared."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Index, MetaData

from opencrm.app.owners import core_owner
from opencrm.storage.migrations import Owner

NOW = "2026-03-02 09:00:00+00:00"
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


def test_open_tasks_of_before_remind_of_what_lies_ahead(place: Any) -> None:
    """What was due already is nobody's surprise."""
    place.up(before())
    for at, (state, due) in enumerate((("open", "2099"), ("open", "2001"), ("done", "2099"))):
        place.rows(
            "INSERT INTO crm_task (id, title, title_key, state, due_at, version, created_at, created_by, updated_at) "
            f"VALUES ('0190a1b2-0000-7000-8000-00000000000{at}', 'x', 'x', '{state}', '{due}-03-02 09:00:00+00:00', 1, "
            f"'{NOW}', 'system:x', '{NOW}') RETURNING id"
        )
    place.up(core_owner())
    told = place.rows("SELECT rung, wakes_at = due_at FROM crm_task ORDER BY id")
    assert [(rung, bool(alike)) for rung, alike in told] == [(0, True), (None, False), (None, False)]


def test_the_unique_index_over_memberships_goes(place: Any) -> None:
    """By a script, once; then all is as declared."""
    place.up(before())
    now = core_owner()
    lines = [
        "run script 0001 (Let people come back to a place that they had.)",
        "run script 0002 (Let the tasks that are open remind people when they are due.)",
    ]
    assert place.waiting(now) == [f"core: {line}" for line in lines]
    [done] = place.up(now)
    assert done.operations == tuple(lines)
    assert place.waiting(now) == []
    assert place.observe(now) == now.snapshot
    assert not [name for name, *_ in place.shape()["crm_membership"][1] if name.startswith("uq_")]
