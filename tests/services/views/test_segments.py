"""Segments: who is in them now, as each reader sees it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from opencrm import (
    ConflictError,
    Deal,
    Delete,
    Grant,
    InputError,
    NotFound,
    Query,
    Role,
    SavedView,
    Scope,
    Segment,
    Undo,
    Update,
    records,
    segments,
    undoing,
    views,
)
from opencrm.embed import grant_rows
from opencrm.testing import make_deal

NOBODY = "01a20046-500b-7000-bdaa-4a1dcfa85aad"
BIG = {"field": "amount", "op": "greater", "value": "100 EUR"}
OF_SELLER = {"field": "title", "op": "in", "value": ["seller big", "seller small"]}


def members(crm, by, segment, **more):
    with crm.read(by) as reader:
        return [row.title for row in segments.members(reader, segment, sort="title", **more)]


@pytest.fixture
def for_all(firm, segment):
    """A segment of the big deals that the whole company may use."""
    return segment(firm.viewer, published_to_id=firm.units["HQ"])


SEEN = {
    "seller": ["seller big"],
    "head": ["fitter big", "seller big"],
    "stranger": ["stranger big"],
    "viewer": ["fitter big", "seller big", "stranger big"],
    "lead": ["seller big"],
}


@pytest.mark.parametrize("who", SEEN)
def test_each_sees_the_members_of_whom_they_may_know(crm, firm, deals, for_all, who):
    """The page, the count and the question of one record agree."""
    by = getattr(firm, who)
    assert members(crm, by, for_all) == SEEN[who]
    with crm.read(by) as reader:
        assert int(segments.count(reader, for_all)) == len(SEEN[who])
        for title, id in deals.items():
            assert segments.contains(reader, for_all, id) == (title in SEEN[who])


def test_membership_is_live(crm, firm, deals, for_all):
    """Whoever meets the condition is in, from the next reading on."""
    with crm.work(firm.seller) as work:
        records.update(
            work, [Update(Deal, deals["seller small"], amount=900), Update(Deal, deals["seller big"], amount=9)]
        )
    assert members(crm, firm.seller, for_all) == ["seller small"]
    with crm.work(firm.seller) as work:
        records.delete(work, [Delete(Deal, deals["seller small"])])
    assert members(crm, firm.seller, for_all) == []


def test_members_are_paged_with_the_fields_that_are_wanted(crm, firm, deals, for_all):
    """As any list."""
    with crm.read(firm.viewer) as reader:
        first = segments.members(reader, for_all, fields=["title"], sort="title", limit=2)
        second = segments.members(reader, for_all, fields=["title"], sort="title", limit=2, cursor=first.next)
    assert [row.values().keys() for row in (*first, *second)] == [{"id", "title"}] * 3
    assert [row.title for row in (*first, *second)] == SEEN["viewer"]
    with crm.read(firm.head) as reader, pytest.raises(InputError):
        segments.members(reader, for_all, fields=["title"], sort="title", limit=2, cursor=first.next)


@pytest.mark.parametrize("id", ["x", "", NOBODY])
def test_what_is_no_record_is_in_no_segment(crm, firm, deals, for_all, id):
    """Neither an error nor a yes."""
    with crm.read(firm.viewer) as reader:
        assert not segments.contains(reader, for_all, id)


def test_a_strangers_segment_and_a_missing_one_look_alike(crm, firm, segment):
    """Whatever is asked of it."""
    theirs = segment(firm.stranger)
    asked = (
        segments.members,
        segments.count,
        segments.query,
        segments.snapshots,
        lambda reader, id: segments.contains(reader, id, NOBODY),
    )
    for ask in asked:
        told = []
        for id in (theirs, NOBODY, "x"):
            with crm.read(firm.seller) as reader, pytest.raises(NotFound) as refused:
                ask(reader, id)
            told.append((str(refused.value), refused.value.details))
        assert told[0] == told[1] == told[2]


def test_a_segment_needs_a_condition(firm, segment):
    """One without would be everybody by mistake."""
    for where in (None, "", {}):
        with pytest.raises(InputError) as refused:
            segment(firm.seller, where=where)
        assert set(refused.value.fields) == {"where"}


def test_a_hidden_field_in_the_condition_is_an_error_and_tells_nothing(crm, firm, deals, for_all):
    """The answer is the same whatever the hidden amounts are."""
    rules = [{"entity": "deal", "field": "amount", "read": False, "write": False}]
    with crm.work(firm.owner) as work:
        records.update(work, [Update(Role, firm.roles["firm_seller"], field_rules=rules)])
    told = set()
    for amount in (1, 1000):
        with crm.work(firm.owner) as work:
            records.update(work, [Update(Deal, deals["seller big"], amount=amount)])
        with crm.read(firm.seller) as reader:
            for ask in (
                lambda: segments.members(reader, for_all),
                lambda: segments.count(reader, for_all),
                lambda: segments.contains(reader, for_all, deals["seller big"]),
            ):
                with pytest.raises(InputError) as refused:
                    ask()
                told.add(str(refused.value))
    assert told == {"where: looks at a field that is gone, or that you may not read"}


def test_a_hidden_record_changes_nothing(crm, firm, deals, for_all):
    """What the stranger's deals do changes no member, count or cursor of the seller's."""

    def seen():
        with crm.read(firm.seller) as reader:
            page = segments.members(reader, for_all, sort="title", limit=1)
            return [row.values() for row in page], page.next, int(segments.count(reader, for_all))

    before = seen()
    make_deal(crm, by=firm.stranger, title="a new one", amount=10_000)
    with crm.work(firm.stranger) as work:
        records.update(work, [Update(Deal, deals["stranger small"], amount=10_000)])
    assert seen() == before


def test_a_segment_stands_in_views_and_in_segments(crm, firm, deals, segment, save):
    """As a part of a condition, negated or not; what it says later counts."""
    big = segment(firm.owner)
    ours = segment(firm.owner, where={"all": [{"segment": big}, OF_SELLER]})
    others = save(firm.owner, where={"all": [{"not": {"segment": big}}, OF_SELLER]}, columns=["title"])
    assert members(crm, firm.owner, ours) == ["seller big"]
    with crm.work(firm.owner) as work:
        assert [row.title for row in work.list(views.open(work, others))] == ["seller small"]
        records.update(work, [Update(Segment, big, where={"not": BIG})])
        assert [row.title for row in work.list(views.open(work, others))] == ["seller big"]
    assert members(crm, firm.owner, ours) == ["seller small"]


def test_a_segment_within_that_the_reader_may_not_use_is_an_error(crm, firm, deals, segment, save):
    """The view shows nothing rather than more; a missing segment gives the same answer."""
    inner = segment(firm.viewer)
    view = save(firm.viewer, where={"segment": inner}, published_to_id=firm.units["HQ"])
    told = []
    for act in (lambda work: None, lambda work: records.delete(work, [Delete(Segment, inner)])):
        with crm.work(firm.viewer) as work:
            act(work)
        with crm.read(firm.seller) as reader, pytest.raises(InputError) as refused:
            views.open(reader, view)
        told.append(str(refused.value))
    assert told == [f"where: segment: there is no segment {inner}"] * 2


def test_a_segment_of_another_entity_does_not_stand_in_a_view(firm, segment, save):
    """It says whom it is not about."""
    people = segment(firm.owner, entity="contact", where={"field": "name", "op": "equal", "value": "x"})
    with pytest.raises(InputError) as refused:
        save(firm.owner, where={"segment": people})
    assert "not about deal" in str(refused.value)


def test_a_segment_does_not_stand_for_itself(crm, firm, segment):
    """Neither at once nor by way of others."""
    one = segment(firm.owner)
    two = segment(firm.owner, where={"any": [{"segment": one}, OF_SELLER]})
    three = segment(firm.owner, where={"segment": two})
    for within in (one, two, three):
        with pytest.raises(InputError) as refused, crm.work(firm.owner) as work:
            records.update(work, [Update(Segment, one, where={"segment": within})])
        assert "stands for itself" in str(refused.value)


def test_a_circle_that_two_make_at_once_is_an_error_and_no_endless_loop(crm, firm, segment):
    """In one batch each is judged by what the other was; opening them says what is wrong, and either can be mended."""
    one, two = segment(firm.owner), segment(firm.owner)
    with crm.work(firm.owner) as work:
        records.update(
            work, [Update(Segment, one, where={"segment": two}), Update(Segment, two, where={"segment": one})]
        )
    for each in (one, two):
        with crm.read(firm.owner) as reader, pytest.raises(InputError) as refused:
            segments.members(reader, each)
        assert "stands for itself" in str(refused.value)
    with crm.work(firm.owner) as work:
        records.update(work, [Update(Segment, one, where=BIG)])
    assert members(crm, firm.owner, two) == []


def test_segments_are_nested_so_deep_and_no_deeper(firm, segment):
    """A chain is bounded."""
    last = segment(firm.owner)
    for _ in range(5):
        last = segment(firm.owner, where={"segment": last})
    with pytest.raises(InputError) as refused:
        segment(firm.owner, where={"segment": last})
    assert "at most 5 deep" in str(refused.value)


def test_segments_within_are_no_way_round_the_size_of_a_condition(crm, firm, segment, statements):
    """A hundred times a hundred parts are refused, after few statements."""
    last = segment(firm.owner, where={"any": [BIG] * 60})
    wide = {"any": [{"segment": last}] * 60}
    statements.clear()
    with pytest.raises(InputError) as refused:
        segment(firm.owner, where=wide)
    assert "200 parts" in str(refused.value)
    assert len(statements) < 10


def test_a_segment_that_goes_is_named_by_what_it_stands_in(crm, firm, segment, save):
    """And works again once it is back."""
    big = segment(firm.owner)
    view = save(firm.owner, where={"segment": big})
    with crm.work(firm.owner) as work:
        [gone] = records.delete(work, [Delete(Segment, big)])
    with crm.read(firm.owner) as reader, pytest.raises(InputError) as refused:
        views.open(reader, view)
    assert big in str(refused.value)
    with crm.work(firm.owner) as work:
        undoing.undo(work, [Undo(entry=gone.entry_id)])
        assert work.list(views.open(work, view)).rows == ()


def test_an_entity_that_the_reader_may_not_read_has_no_members(crm, firm, deals, for_all):
    """The condition stands; nobody is seen."""
    with crm.work(firm.owner) as work:
        grants = grant_rows([Grant("unit", "read", Scope.ALL)])
        records.update(work, [Update(Role, firm.roles["firm_seller"], grants=grants)])
    assert members(crm, firm.seller, for_all) == []


def test_of_two_who_change_a_view_at_once_one_is_told(crm, firm, save):
    """Whoever holds a stale tag gets a conflict; the other's change stands whole."""
    view = save(firm.owner)
    with crm.read(firm.owner) as reader:
        tag = reader.etag(SavedView, reader.get(SavedView, view))
    start = Barrier(4)

    def change(name):
        start.wait(timeout=30)
        try:
            with crm.work(firm.owner) as work:
                records.update(work, [Update(SavedView, view, values={"sort": name, "name": name}, if_match=tag)])
        except ConflictError as error:
            return error
        return name

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(change, ["title", "amount", "stage", "source"]))
    [won] = [each for each in answers if isinstance(each, str)]
    with crm.read(firm.owner) as reader:
        row = reader.get(SavedView, view)
        assert (row.sort, row.name) == (won, won)


def test_two_segments_that_are_made_of_each_other_at_once_do_not_hang(crm, firm, segment):
    """Both are saved, or one is refused; nobody waits for the other."""
    one, two = segment(firm.owner), segment(firm.owner)
    start = Barrier(2)

    def point(pair):
        start.wait(timeout=30)
        try:
            with crm.work(firm.owner) as work:
                records.update(work, [Update(Segment, pair[0], where={"segment": pair[1]})])
        except InputError:
            return "refused"
        return "saved"

    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(point, [(one, two), (two, one)]))
    assert "saved" in answers


def test_segments_are_listed_as_records_are(crm, firm, segment):
    """By name, with their history, and nobody else's."""
    mine, theirs = segment(firm.seller), segment(firm.stranger)
    with crm.work(firm.seller) as work:
        records.update(work, [Update(Segment, mine, description="Worth a call")])
    with crm.read(firm.seller) as reader:
        assert [row.id for row in reader.list(Query(Segment))] == [mine]
        assert [line.kind.value for line in reader.history(Segment, mine)] == ["created", "changed"]
        with pytest.raises(NotFound):
            reader.history(Segment, theirs)
