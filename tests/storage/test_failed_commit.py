"""A commit that fails, because a reference that is checked only then leads nowhere."""

from __future__ import annotations

import pytest

from opencrm import Deal, InputError
from opencrm.testing.factories import make_deal

NOWHERE = "0190c2f0-0000-7000-8000-000000000000"


def test_what_comes_after_a_failed_commit_goes_through(crm):
    """Nothing of it is kept, and no lock either: on SQLite the transaction would stay open."""
    deal = make_deal(crm)
    for _ in range(3):
        with pytest.raises(InputError):
            break_deals(crm)
    assert make_deal(crm, title="Doors").title == "Doors"
    with crm.read(crm.sole_owner()) as reader:
        assert reader.get(Deal, deal.id).unit_id == deal.unit_id


def break_deals(crm):
    home = f"{crm.database.schema}." if crm.database.schema else ""
    with crm.database.write() as tx:
        tx.connection.exec_driver_sql(f"UPDATE {home}crm_deal SET unit_id = '{NOWHERE}'")
