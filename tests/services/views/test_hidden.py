"""What views and segments keep to themselves: fields that their reader may not read."""

from __future__ import annotations

from datetime import timedelta

import pytest

from opencrm import (
    Assign,
    AtLeast,
    Contains,
    Equal,
    InputError,
    Query,
    Role,
    SavedView,
    Segment,
    Undo,
    Update,
    assigning,
    records,
    segments,
    undoing,
    views,
)
from opencrm.testing import MONDAY

WON = {"field": "stage", "op": "equal", "value": "won"}
HIDDEN = {
    "where": {"any": [{"not": {"field": "amount", "op": "less", "value": "100 EUR"}}, WON]},
    "columns": ["title", "amount"],
    "sort": "-amount",
}


def hide(crm, firm, role, *names, entity="deal"):
    rules = [{"entity": entity, "field": name, "read": False, "write": False} for name in names]
    with crm.work(firm.owner) as work:
        records.update(work, [Update(Role, firm.roles[role], field_rules=rules)])


def test_a_view_shows_no_field_that_its_reader_may_not_read(crm, firm, save):
    """Neither lists nor records nor histories nor exports nor what an update answers; its author sees all of it."""
    view = save(firm.lead, published_to_id=firm.units["north_shop"], **HIDDEN)
    with crm.work(firm.lead) as work:
        records.update(work, [Update(SavedView, view, columns=["amount", "title"])])
    for who in (firm.lead, firm.owner):
        with crm.read(who) as reader:
            assert reader.get(SavedView, view).where == HIDDEN["where"]
            assert "amount" in str([line.after for line in reader.history(SavedView, view)])
            assert views.usable(reader, [view]) == {view: True}
    hide(crm, firm, "firm_seller", "amount")
    with crm.read(firm.seller) as reader:
        found = [reader.get(SavedView, view), *reader.list(Query(SavedView)), *reader.stream(Query(SavedView))]
        assert [(row.where, row.columns, row.sort) for row in found] == [(None, ["title"], None)] * 3
        assert reader.list(Query(SavedView, fields=["where", "sort"])).rows[0].values() == {
            "id": view,
            "where": None,
            "sort": None,
        }
        assert "amount" not in str(reader.history(SavedView, view))
        assert views.usable(reader, [view]) == {view: False}
        for leaking in (Equal("sort", "-amount"), Contains("sort", "amount")):
            with pytest.raises(InputError):
                reader.list(Query(SavedView, where=leaking))
        with pytest.raises(InputError):
            reader.list(Query(SavedView, sort="sort"))


def test_a_view_that_was_given_to_somebody_tells_them_nothing_more(crm, firm, save):
    """Its new owner changes a part of it without a word of the others, by the tag that they read."""
    view = save(firm.owner, **HIDDEN)
    hide(crm, firm, "firm_seller", "amount")
    with crm.work(firm.owner) as work:
        assigning.assign(work, [Assign(SavedView, view, owner=firm.seller.id)])
    with crm.work(firm.seller) as work, pytest.raises(InputError) as refused:
        tag = work.etag(SavedView, work.get(SavedView, view))
        records.update(work, [Update(SavedView, view, sort="title", if_match=tag)])
    assert "amount" not in str(refused.value)
    with crm.work(firm.seller) as work:
        [line] = records.update(work, [Update(SavedView, view, sort="title", where=WON)])
    assert "amount" not in str((line.before, line.after))
    with crm.read(firm.seller) as reader:
        assert views.open(reader, view).fields == ("title",)


@pytest.mark.parametrize("part, over", [("where", WON), ("columns", ["title"]), ("sort", "title")])
def test_taking_back_tells_nothing_of_what_was_there_before(crm, firm, save, part, over):
    """Who was given a view wrote neither its condition nor its columns nor its order; an owner has it back."""
    view = save(firm.owner, **{part: HIDDEN[part]})
    hide(crm, firm, "firm_seller", "amount")
    with crm.work(firm.owner) as work:
        assigning.assign(work, [Assign(SavedView, view, owner=firm.seller.id)])
    with crm.work(firm.seller) as work:
        [line] = records.update(work, [Update(SavedView, view, values={part: over})])
    for asked in (Undo(entry=line.entry_id), Undo(act=line.act)):
        with crm.work(firm.seller) as work, pytest.raises(InputError) as refused:
            undoing.undo(work, [asked])
        assert list(refused.value.fields) == [part]
        assert "amount" not in str((refused.value, refused.value.fields, refused.value.rows))
    with crm.work(firm.owner) as work:
        undoing.undo(work, [Undo(entry=line.entry_id)])
        assert work.get(SavedView, view)[part] == HIDDEN[part]


@pytest.mark.parametrize("part, over", [("where", WON), ("columns", ["title"]), ("sort", "title")])
def test_what_one_may_read_is_taken_back(crm, firm, save, part, over):
    """As any other change."""
    old = {"where": {"field": "title", "op": "equal", "value": "x"}, "columns": ["title", "stage"], "sort": "-title"}
    view = save(firm.seller, **old)
    with crm.work(firm.seller) as work:
        [line] = records.update(work, [Update(SavedView, view, values={part: over})])
    with crm.work(firm.seller) as work:
        undoing.undo(work, [Undo(entry=line.entry_id)])
        assert work.get(SavedView, view)[part] == old[part]


def test_a_column_that_its_reader_may_not_read_is_left_out(crm, firm, save):
    """The records are the same."""
    view = save(firm.lead, published_to_id=firm.units["north_shop"], columns=["title", "amount"])
    hide(crm, firm, "firm_seller", "amount")
    with crm.read(firm.seller) as reader:
        assert views.open(reader, view).fields == ("title",)


def test_a_path_and_a_link_to_what_is_hidden_are_left_out(crm, firm, save):
    """As the field itself is."""
    city = {"field": "city", "op": "equal", "value": "Riga"}
    wheres = ({**city, "field": "company.city"}, {"not": {"link": "company_id", "where": city}})
    made = [save(firm.lead, published_to_id=firm.units["north_shop"], where=where) for where in wheres]
    hide(crm, firm, "firm_seller", "city", entity="company")
    with crm.read(firm.seller) as reader:
        assert [reader.get(SavedView, view).where for view in made] == [None, None]
        for view in made:
            with pytest.raises(InputError) as refused:
                views.open(reader, view)
            assert "city" not in str(refused.value)


def test_a_segment_within_another_tells_nothing_of_its_fields(crm, firm, save, segment):
    """The one around it is shown, and cannot be used."""
    unit = firm.units["north_shop"]
    inner = segment(firm.lead, published_to_id=unit)
    outer = segment(firm.lead, published_to_id=unit, where={"segment": inner}, name="Outer")
    hide(crm, firm, "firm_seller", "amount")
    with crm.read(firm.seller) as reader:
        assert (reader.get(Segment, inner).where, reader.get(Segment, outer).where) == (None, {"segment": inner})
        assert segments.usable(reader, [inner, outer]) == {inner: False, outer: False}
        for each in (inner, outer):
            with pytest.raises(InputError) as refused:
                segments.members(reader, each)
            assert "amount" not in str(refused.value)
    with pytest.raises(InputError) as refused:
        save(firm.seller, where={"segment": inner})
    assert "amount" not in str(refused.value)


def test_what_is_hidden_of_a_view_changes_unseen(crm, firm, save):
    """Neither when it was last changed nor its history tells that its condition, its order or a hidden column did."""
    view = save(firm.lead, published_to_id=firm.units["north_shop"], **HIDDEN)
    hide(crm, firm, "firm_seller", "amount")

    def told():
        with crm.read(firm.seller) as reader:
            later = reader.list(Query(SavedView, where=AtLeast("updated_at", MONDAY + timedelta(minutes=1))))
            return reader.get(SavedView, view).values(), len(reader.history(SavedView, view)), len(list(later))

    before = told()
    crm.advance("1h")
    other = {"field": "amount", "op": "greater", "value": "5 EUR"}
    with crm.work(firm.lead) as work:
        records.update(work, [Update(SavedView, view, where=other, sort="amount")])
    assert told() == before
    with crm.work(firm.lead) as work:
        records.update(work, [Update(SavedView, view, name="Another")])
    after = told()
    assert after[0]["updated_at"] > before[0]["updated_at"]
    assert after[1:] == (before[1] + 1, 1)
