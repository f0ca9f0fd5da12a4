"""What records are called."""

from __future__ import annotations

from opencrm import Activity, Create, CustomField, Deal, Delete, Report, records, reports
from opencrm.services.reading.naming import names_of
from opencrm.testing import make_deal


def test_what_has_no_name_is_not_told_by_one(crm, firm):
    """It stays an id."""
    values = {"entity": "deal", "key": "source_call", "label": "Call", "kind": "reference", "reference_to": "activity"}
    with crm.work(firm.owner) as work:
        records.create(work, [Create(CustomField, values=values)])
    with crm.work(firm.owner) as work:
        calls = [records.create(work, [Create(Activity, kind="call", subject=it)])[0].record_id for it in (None, "a")]
        records.create(work, [Create(Deal, values={"title": "x", "source_call": it}) for it in calls])
    with crm.read(firm.owner) as reader:
        assert reports.names(reader, reports.run(reader, Report(Deal, "source_call"))) == {calls[1]: "a"}


def test_deleted_records_keep_their_names(crm, firm):
    """Told where they are asked for; what is no id is left out."""
    one, gone = (make_deal(crm, title=title).id for title in ("one", "gone"))
    with crm.work(firm.owner) as work:
        records.delete(work, [Delete(Deal, gone)])
    with crm.read(firm.owner) as reader:
        asked = [one, gone, "42"]
        assert names_of(reader, Deal.spec, asked) == {one: "one"}
        assert names_of(reader, Deal.spec, asked, deleted=True) == {gone: "gone"}
        assert names_of(reader, Deal.spec, asked, deleted=None) == {one: "one", gone: "gone"}
