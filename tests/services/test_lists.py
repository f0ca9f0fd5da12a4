"""Lists: filters, order, pages and cursors."""

from __future__ import annotations

from datetime import timedelta
from itertools import chain

import attrs
import pytest

from opencrm import (
    All,
    AnyOf,
    Contact,
    Create,
    Deal,
    Empty,
    Equal,
    Greater,
    In,
    InputError,
    Less,
    Money,
    Not,
    Query,
    Task,
    at_least,
    at_most,
    condition,
    records,
)
from opencrm.services.reading.planning import plans
from opencrm.testing import make_contact, make_deal

SORTS = ["created_at", "title", "amount", "expected_close", "source", "id", "updated_at", "stage", "closed_at"]


@pytest.fixture
def deals(crm, firm):
    """Thirty deals of three people, with ties and gaps in every field; what each person should see, by id."""
    made = []
    for step in range(0, 30, 6):
        with crm.work(firm.owner) as work:
            made += records.create(work, [_deal(firm, at) for at in range(step, step + 6)])
        crm.advance(timedelta(seconds=1))
    with crm.work(firm.head) as work:
        made += records.create(work, [Create(Deal, title="nobody's", owner_id=None, unit_id=firm.units["north"])])
    return [entry.record_id for entry in made]


def _deal(firm, at):
    values = {
        "owner_id": (firm.seller, firm.fitter, firm.stranger)[at % 3].id,
        "title": ("Ähre", "ahre", "Zoo", "zoo ", "ＢＩＧ")[at % 5],
        "amount": None if at % 4 == 0 else at % 7,
        "expected_close": None if at % 3 else f"2026-04-{at % 9 + 1:02}",
        "source": None if at % 2 else f"s{at % 3}",
        "stage": ("new", "offer", "won")[at % 3],
    }
    return Create(Deal, values=values)


def pages(reader, query):
    """Give all pages of a list, following the cursors."""
    cursor, found = None, []
    while True:
        page = reader.list(attrs.evolve(query, cursor=cursor))
        found.append([row.id for row in page])
        cursor = page.next
        if cursor is None:
            return found


@pytest.mark.parametrize("direction", ["", "-"])
@pytest.mark.parametrize("sort", SORTS)
def test_pages_give_every_row_once_in_order(crm, firm, deals, sort, direction):
    """Whatever the size of a page, the pages together are the one long list."""
    with crm.read(firm.head) as reader:
        query = Query(Deal, sort=direction + sort, limit=1000)
        [whole] = pages(reader, query)
        assert len(whole) == len(set(whole)) == 21
        for limit in (1, 4, 20, 21):
            assert list(chain(*pages(reader, attrs.evolve(query, limit=limit)))) == whole


@pytest.mark.parametrize("direction", ["", "-"])
@pytest.mark.parametrize("sort", SORTS)
@pytest.mark.parametrize("who", ["owner", "head", "lead", "seller"])
def test_both_shapes_of_a_list_give_the_same_rows(crm, firm, deals, monkeypatch, who, sort, direction):
    """Arms merged off their indexes, and a walk through the sort's index: one answer."""
    query = Query(Deal, sort=direction + sort, limit=4, where=Not(Equal("stage", "won")))
    with crm.read(getattr(firm, who)) as reader:
        merged = pages(reader, query)
        monkeypatch.setattr(plans, "MOST_ARMS", 0)
        assert pages(reader, query) == merged


def test_empty_values_come_last_in_either_direction(crm, firm, deals):
    """The same on both databases."""
    with crm.read(firm.owner) as reader:
        for sort in ("amount", "-amount"):
            amounts = [row.amount for row in reader.list(Query(Deal, sort=sort))]
            held = [amount for amount in amounts if amount is not None]
            assert amounts == sorted(held, reverse=sort[0] == "-") + [None] * 9


def test_text_sorts_and_compares_by_its_folded_key(crm, firm, deals):
    """Case, accents and width do not count."""
    with crm.read(firm.owner) as reader:
        titles = [row.title for row in reader.list(Query(Deal, sort="title"))]
        assert {title.strip().lower() for title in titles[:12]} == {"ähre", "ahre"}
        assert reader.count(Deal, Equal("title", "AHRE")) == 12
        assert reader.count(Deal, Equal("title", " big ")) == 6
        assert reader.count(Deal, In("title", ["ZOO", "big"])) == 18


def below(row, limit):
    return row.amount is not None and row.amount < limit


@pytest.mark.parametrize(
    "where, holds",
    [
        (None, lambda row: True),
        (All(), lambda row: True),
        (AnyOf(), lambda row: False),
        (Equal("stage", "won"), lambda row: row.stage == "won"),
        (Not(Equal("stage", "won")), lambda row: row.stage != "won"),
        (Empty("amount"), lambda row: row.amount is None),
        (Not(Empty("amount")), lambda row: row.amount is not None),
        (Less("amount", 3), lambda row: below(row, 3)),
        (Not(Less("amount", 3)), lambda row: not below(row, 3)),
        (at_most("amount", 3), lambda row: below(row, 4)),
        (at_least("amount", 3), lambda row: row.amount is not None and row.amount >= 3),
        (Greater("amount", 3), lambda row: row.amount is not None and row.amount > 3),
        (Equal("amount", Money(3, "EUR")), lambda row: row.amount == 3),
        (Equal("amount", "3 USD"), lambda row: False),
        (Not(Equal("amount", "3 USD")), lambda row: True),
        (In("amount", [1, "2"]), lambda row: row.amount in (1, 2)),
        (In("stage", []), lambda row: False),
        (Not(In("stage", [])), lambda row: True),
        (Equal("source", "S0"), lambda row: row.source == "s0"),
        (Not(Equal("source", "s0")), lambda row: row.source != "s0"),
        (Less("expected_close", "2026-04-04"), lambda row: str(row.expected_close or "9") < "2026-04-04"),
    ],
)
def test_conditions_are_two_valued(crm, firm, deals, where, holds):
    """A comparison with a missing value is false, and its negation true."""
    with crm.read(firm.owner) as reader:
        wanted = {row.id for row in reader.list(Query(Deal)) if holds(row)}
        assert {row.id for row in reader.list(Query(Deal, where=where))} == wanted
        assert reader.count(Deal, where) == len(wanted)


@pytest.mark.parametrize(
    "wrong",
    [
        {"where": Equal("nonsense", 1)},
        {"where": Equal("amount", "much")},
        {"where": Less("currency", "EUR")},
        {"where": Equal("description", "x")},
        {"where": Equal("title", "")},
        {"where": Equal("amount", "3 XXX!")},
        {"where": Equal("contact_id", "x")},
        {"sort": "nonsense"},
        {"sort": "description"},
        {"sort": ""},
        {"sort": "--title"},
        {"limit": 0},
        {"limit": 1001},
        {"limit": -1},
        {"fields": ["nonsense"]},
        {"cursor": ""},
        {"cursor": "nonsense"},
        {"cursor": "Ünfug"},
        {"cursor": "AAAA" * 20},
    ],
)
def test_what_cannot_be_asked_is_refused(crm, firm, wrong):
    """Fields, values, sorts, limits and cursors are checked before the database is asked."""
    with crm.read(firm.owner) as reader, pytest.raises(InputError):
        reader.list(Query(Deal, **wrong))


def test_a_cursor_is_of_use_only_where_it_comes_from(crm, firm, deals):
    """Not for another reader, another sort, another filter, another entity, nor changed by a byte."""
    query = Query(Deal, limit=2)
    with crm.read(firm.owner) as reader:
        cursor = reader.list(query).next
        for other in (
            Query(Deal, sort="created_at", cursor=cursor),
            Query(Deal, where=Equal("stage", "new"), cursor=cursor),
            Query(Deal, deleted=True, cursor=cursor),
            Query(Task, cursor=cursor),
            Query(Deal, cursor=("B" if cursor[0] == "A" else "A") + cursor[1:]),
            Query(Deal, cursor=cursor[:-3]),
        ):
            with pytest.raises(InputError) as refused:
                reader.list(other)
            assert list(refused.value.fields) == ["cursor"]
    with crm.read(firm.head) as reader, pytest.raises(InputError):
        reader.list(attrs.evolve(query, cursor=cursor))


def test_a_page_goes_on_where_it_ended_whatever_happens(crm, firm, deals):
    """Rows that come or go meanwhile shift no other row over a page's edge."""
    from opencrm import Delete

    query = Query(Deal, sort="-created_at", limit=5)
    with crm.read(firm.owner) as reader:
        first = reader.list(query)
        [whole] = pages(reader, attrs.evolve(query, limit=1000))
    crm.advance("1h")
    make_deal(crm)
    with crm.work(firm.owner) as work:
        records.delete(work, [Delete(Deal, first.rows[-1].id)])
    with crm.read(firm.owner) as reader:
        second = reader.list(attrs.evolve(query, cursor=first.next))
    assert [row.id for row in second] == whole[5:10]


def test_only_the_fields_that_are_asked_for_come(crm, firm, deals):
    """With the id, always."""
    with crm.read(firm.owner) as reader:
        row = reader.list(Query(Deal, fields=["title", "amount", "title"], limit=1)).rows[0]
    assert row.fields == ("id", "title", "amount")


def test_streams_give_what_lists_give(crm, firm, deals):
    """All pages, without cursors."""
    with crm.read(firm.head) as reader:
        streamed = [row.id for row in reader.stream(Query(Deal, sort="amount"))]
        [listed] = pages(reader, Query(Deal, sort="amount", limit=1000))
    assert streamed == listed


def test_a_row_is_frozen_and_reads_three_ways(crm, firm):
    """By attribute, by name, and as a mapping of values."""
    make_contact(crm, name="Ann")
    with crm.read(firm.owner) as reader:
        [row] = reader.list(Query(Contact))
    assert row.name == row["name"] == row.values()["name"] == row.get("name") == "Ann"
    assert row.get("nonsense", 3) == 3
    with pytest.raises(KeyError):
        row["nonsense"]
    with pytest.raises(AttributeError):
        row.name = "Bea"


def test_every_field_is_an_attribute_whatever_its_name(crm, firm):
    """A field called `entity` is the record's field, as any other."""
    from opencrm import ExternalRef

    make_contact(crm, refs=[{"system": "s", "key": "k"}])
    with crm.read(firm.owner) as reader:
        [ref] = reader.list(Query(ExternalRef))
    assert ref.entity == ref["entity"] == "contact"


def test_a_condition_written_as_json_is_the_same_condition(crm, firm, deals):
    """Lists, grants and rules share one grammar."""
    raw = {
        "all": [{"field": "stage", "op": "in", "value": ["new", "won"]}, {"not": {"field": "amount", "op": "empty"}}]
    }
    same = All((In("stage", ["new", "won"]), Not(Empty("amount"))))
    with crm.read(firm.owner) as reader:
        assert reader.count(Deal, condition(raw)) == reader.count(Deal, same) > 0


def test_counts_are_capped(crm, firm, monkeypatch):
    """Above the cap a count only says that there are more."""
    from opencrm.services.reading import reader as reading

    monkeypatch.setattr(reading, "MOST_COUNTED", 2)
    with crm.work(firm.owner) as work:
        records.create(work, [Create(Contact, name=str(at)) for at in range(5)])
    with crm.read(firm.owner) as reader:
        assert reader.count(Contact) == 3
