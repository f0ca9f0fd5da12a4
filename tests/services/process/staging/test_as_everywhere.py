"""What is made for records that stand in a pipeline works for entities that declare no stages."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import text

from opencrm import CRM, Contact, MassEdit, Merge, editing, merging
from opencrm.services.reading.rows import Record
from opencrm.testing import Firm, make_contact

Now = Callable[[str], Record]


def _indexes(crm: CRM) -> set[str]:
    query = "SELECT name FROM sqlite_master WHERE type = 'index'"
    if not crm.database.sqlite:
        query = "SELECT indexname FROM pg_indexes WHERE schemaname = coalesce(:schema, current_schema())"
    with crm.database.read() as tx:
        return set(tx.connection.execute(text(query), {"schema": crm.database.schema}).scalars())


def test_a_board_has_its_index(crm: CRM) -> None:
    """Built by the worker, while the workspace is in use; a second round has nothing to do."""
    crm.worker().run_once()
    assert "cf_crm_contact_stages" in _indexes(crm)
    assert crm.build_indexes() == []


def test_two_records_become_one_that_stands_somewhere(crm: CRM, firm: Firm, go: Callable[..., None], now: Now) -> None:
    one, other = (make_contact(crm, by=firm.owner, name=name, last_name="Lopez") for name in ("Maria", "Mary"))
    go(one, "guest")
    with crm.work(firm.owner) as work:
        merging.merge(work, Merge(Contact, one.id, [other.id]))
    assert now(one.id).stage == "guest"


def test_many_are_moved_at_once(crm: CRM, firm: Firm, now: Now) -> None:
    several = [make_contact(crm, by=firm.owner, name=str(at), last_name="Lopez") for at in range(2)]
    with crm.work(firm.owner) as work:
        editing.edit(work, MassEdit(Contact, ids=[it.id for it in several], move="guest"))
    assert {now(it.id).stage for it in several} == {"guest"}
