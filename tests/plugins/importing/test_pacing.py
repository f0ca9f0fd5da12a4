"""What an import does for its speed, and puts back."""

from __future__ import annotations

import gc

import pytest

from opencrm import CRM
from opencrm.embed import ImportJobs, Work
from opencrm.plugins.importing.pacing import Pace, tidying
from opencrm.testing import Firm


def test_a_chunk_takes_about_as_long_as_wanted() -> None:
    """The size doubles at most, and follows what was measured."""
    pace, rows = Pace(0.1), iter(range(10_000))
    sizes = []
    for chunk in pace.chunks(rows):
        sizes.append(len(chunk))
        pace.took(len(chunk), len(chunk) * 0.0002)
    assert sizes[:4] == [100, 200, 400, 500]


def test_garbage_is_looked_for_again_after_a_failure() -> None:
    """A host that switched the collector off keeps it so."""
    with pytest.raises(ValueError, match="stop"), tidying() as tidy:
        assert not gc.isenabled()
        tidy()
        raise ValueError("stop")
    assert gc.isenabled()
    gc.disable()
    try:
        with tidying() as tidy:
            tidy()
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_statements_are_planned_anew_for_look_ups_only(crm: CRM, firm: Firm) -> None:
    """At the commit PostgreSQL checks each foreign key by a plan that it keeps."""

    def mode(work: Work) -> str:
        return str(work.tx.connection.exec_driver_sql("SHOW plan_cache_mode").scalar())

    with crm.work(firm.owner) as work:
        if work.tx.sqlite:
            pytest.skip("SQLite keeps no plan for all values")
        with ImportJobs(work).looking_up():
            assert mode(work) == "force_custom_plan"
        assert mode(work) == "auto"
