"""The whole process, from the request to the report, as one story."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace

from opencrm import CRM, Deal, File, Query
from opencrm.testing import MONDAY, finish, inbox, submit

SIZE = {"room": "Kitchen", "width": 1200, "height": 900}


def test_a_request_becomes_a_window(crm: CRM, firm: SimpleNamespace) -> None:
    """Nothing is done by hand but what people do."""
    deal = submit(crm, "request", name="Maria Lopez", phone="020 7183 8750", windows_heat="hot").deal
    call = finish.next(crm, deal)
    assert (call.title, call.due_at) == ("Call Maria Lopez", MONDAY + timedelta(minutes=15))

    crm.advance("16m")
    assert inbox(crm, firm.head) == ["Overdue: Call Maria Lopez"]

    finish(crm, call, windows_address="12 Mill Lane, Bath")
    finish(crm, deal, "measure", sizes=[SIZE])
    finish(crm, deal, "price", amount="4800")
    with crm.read(firm.seller) as reader:
        assert [file.name for file in reader.list(Query(File))] == ["Contract.pdf"]

    submit(crm, "payment", deal=deal.id, amount="4800")
    assert inbox(crm, firm.seller)[-1] == "Paid, we install: Maria Lopez"

    finish(crm, deal, "install")
    assert inbox(crm, firm.head)[-1] == "Finished order: Maria Lopez, 4800 EUR"
    with crm.read(firm.head) as reader:
        assert reader.get(Deal, deal.id).stage == "won"
