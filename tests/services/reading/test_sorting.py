"""Sorts: promised at any size with an index, and refused above a size without one."""

from __future__ import annotations

import attrs
import pytest

from opencrm import Create, Deal, Equal, FieldRule, Query, Role, SortNotIndexed, Update, records
from opencrm.services.reading import reader as reading


@pytest.fixture
def deals(crm, firm, monkeypatch):
    """Five deals, where four are many."""
    monkeypatch.setattr(reading, "MOST_COUNTED", 4)
    with crm.work(firm.seller) as work:
        records.create(work, [Create(Deal, title=f"D{at}", source="web" if at else "fair") for at in range(5)])


def test_a_sort_without_an_index_is_refused_where_much_is_visible(crm, firm, deals):
    """The answer names the sorts that can be had."""
    with crm.read(firm.head) as reader:
        with pytest.raises(SortNotIndexed) as refused:
            reader.list(Query(Deal, sort="-source"))
        assert refused.value.code == "sort_not_indexed"
        assert refused.value.fields == {
            "sort": [
                (
                    "more than 4 records would have to be sorted by 'source': "
                    "sort by id, title, amount, expected_close, created_at, updated_at, or narrow the list down"
                )
            ]
        }
        with pytest.raises(SortNotIndexed):
            list(reader.stream(Query(Deal, sort="source")))


def test_the_same_sort_works_where_less_is_visible(crm, firm, deals):
    """Less of the reader's own, or less for the filter: hidden records do not count."""
    with crm.read(firm.fitter) as reader:
        assert reader.list(Query(Deal, sort="source")).rows == ()
    with crm.read(firm.head) as reader:
        titles = [row.title for row in reader.list(Query(Deal, sort="-title", where=Equal("source", "web")))]
    assert titles == ["D4", "D3", "D2", "D1"]


@pytest.mark.parametrize("sort", ["created_at", "-updated_at", "title", "-amount", "expected_close", "id", "-id"])
def test_indexed_sorts_and_ids_are_answered_at_any_size(crm, firm, deals, sort):
    """Without counting anything first."""
    with crm.read(firm.head) as reader:
        assert len(reader.list(Query(Deal, sort=sort))) == 5


def test_the_refusal_names_no_field_that_may_not_be_read(crm, firm, deals):
    """A hidden indexed field is no advice."""
    rule = attrs.asdict(FieldRule("deal", "amount", read=False, write=False))
    with crm.work(firm.owner) as work:
        records.update(work, [Update(Role, firm.roles["firm_head"], field_rules=[rule])])
    with crm.read(firm.head) as reader, pytest.raises(SortNotIndexed) as refused:
        reader.list(Query(Deal, sort="source"))
    assert "amount" not in str(refused.value)
