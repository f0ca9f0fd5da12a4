"""Snapshots: what is written down, and to whom it is told."""

from __future__ import annotations

import pytest

from opencrm import (
    Assign,
    Contact,
    Deal,
    Delete,
    DomainError,
    Grant,
    InputError,
    NotFound,
    PermissionDenied,
    Restore,
    Role,
    Scope,
    Segment,
    Update,
    assigning,
    records,
    segments,
)
from opencrm.embed import grant_rows
from opencrm.services.viewing import snapshots
from opencrm.storage import tables
from opencrm.testing import make_contact, make_deal

NOBODY = "01a20046-500b-7000-bdaa-4a1dcfa85aad"


@pytest.fixture
def take(crm):
    """`take(principal, segment)`: take a snapshot; return it."""

    def taken(by, segment):
        with crm.work(by) as work:
            return segments.snapshot(work, segment)

    return taken


def told(crm, by, snapshot, field="title"):
    with crm.read(by) as reader:
        return sorted(row[field] for row in segments.recorded(reader, snapshot))


@pytest.fixture
def for_all(firm, segment):
    """A segment of the big deals, of somebody who sees all deals, for the whole company."""
    return segment(firm.viewer, published_to_id=firm.units["HQ"])


def test_a_snapshot_keeps_who_was_in(crm, firm, deals, for_all, take):
    """What happens to the members and to the condition afterwards changes nothing of it."""
    taken = take(firm.viewer, for_all)
    with crm.work(firm.owner) as work:
        records.update(
            work, [Update(Deal, deals["seller big"], amount=1), Update(Deal, deals["seller small"], amount=999)]
        )
        records.update(work, [Update(Segment, for_all, where={"all": []})])
    assert told(crm, firm.viewer, taken.id) == ["fitter big", "seller big", "stranger big"]


def test_a_snapshot_tells_each_what_they_may_read_now(crm, firm, deals, for_all, take):
    """Of what its maker could read then; a record that came within reach later comes along, a deleted one goes."""
    taken = take(firm.viewer, for_all)
    seen = {who: told(crm, getattr(firm, who), taken.id) for who in ("seller", "head", "stranger")}
    assert seen == {"seller": ["seller big"], "head": ["fitter big", "seller big"], "stranger": ["stranger big"]}
    with crm.work(firm.owner) as work:
        assigning.assign(work, [Assign(Deal, deals["stranger big"], owner=firm.seller.id)])
        records.delete(work, [Delete(Deal, deals["seller big"])])
    assert told(crm, firm.seller, taken.id) == ["stranger big"]


def test_what_the_maker_could_not_read_is_not_in(crm, firm, deals, segment, take):
    """Not even for the workspace's owner, who could."""
    taken = take(firm.head, segment(firm.head))
    assert told(crm, firm.owner, taken.id) == ["fitter big", "seller big"]


def test_only_who_may_change_a_segment_takes_snapshots(crm, firm, deals, for_all, take, rows):
    """Its owner and the workspace's; a reader is refused with a reason, a stranger finds nothing."""
    with pytest.raises(PermissionDenied) as refused:
        take(firm.seller, for_all)
    assert refused.value.action == "segment.snapshot"
    with crm.work(firm.viewer) as work:
        records.update(work, [Update(Segment, for_all, published_to_id=None)])
    with pytest.raises(NotFound):
        take(firm.seller, for_all)
    assert rows(tables.segment_snapshot) == []
    assert take(firm.owner, for_all).by == f"user:{firm.owner.id}"


def test_snapshots_are_listed_newest_first(crm, firm, deals, for_all, take):
    """Whoever reads the segment sees when they were taken and by whom, and no number of members."""
    first = take(firm.viewer, for_all)
    crm.advance("1h")
    second = take(firm.owner, for_all)
    with crm.read(firm.stranger) as reader:
        assert segments.snapshots(reader, for_all) == (second, first)
        assert segments.snapshots(reader, for_all, limit=1) == (second,)
        for limit in (0, 1001):
            with pytest.raises(InputError):
                segments.snapshots(reader, for_all, limit=limit)


def test_a_strangers_snapshot_and_a_missing_one_look_alike(crm, firm, deals, segment, take):
    """For its members and for comparing, and once the segment is deleted."""
    theirs = segment(firm.stranger)
    taken = take(firm.stranger, theirs)
    for by in (firm.seller, firm.stranger):
        seen = set()
        for id in (taken.id, NOBODY, "x"):
            for ask in (segments.recorded, lambda reader, id: segments.compare(reader, id, id)):
                with crm.read(by) as reader, pytest.raises(NotFound) as refused:
                    ask(reader, id)
                seen.add((str(refused.value), str(refused.value.details)))
            with crm.work(firm.stranger) as work:
                if work.states(Segment.spec, [theirs]):
                    records.delete(work, [Delete(Segment, theirs)])
        assert len(seen) == 1
    with crm.work(firm.stranger) as work:
        records.restore(work, [Restore(Segment, theirs)])
    assert told(crm, firm.stranger, taken.id) == ["stranger big"]


def test_a_snapshot_by_a_hidden_field_is_not_told(crm, firm, segment, take):
    """Who was in it would tell of the birthdays; the answer is the same whoever was."""
    for year in (1970, 2000):
        make_contact(crm, by=firm.owner, name=f"born {year}", birthday=f"{year}-01-01", owner_id=firm.seller.id)
    old = {"field": "birthday", "op": "less", "value": "1980-01-01"}
    whom = segment(firm.owner, entity="contact", where=old, published_to_id=firm.units["HQ"])
    taken = take(firm.owner, whom)
    assert told(crm, firm.owner, taken.id, "name") == ["born 1970"]
    with crm.read(firm.seller) as reader:
        for ask in (segments.recorded, lambda reader, id: segments.compare(reader, id, id)):
            with pytest.raises(InputError) as refused:
                ask(reader, taken.id)
            assert str(refused.value) == "where: looks at a field that is gone, or that you may not read"
        assert len(segments.snapshots(reader, whom)) == 1


def test_a_change_of_the_condition_does_not_open_an_older_snapshot(crm, firm, segment, take):
    """It is judged by what it was taken by."""
    make_contact(crm, by=firm.owner, birthday="1970-01-01", owner_id=firm.seller.id)
    old = {"field": "birthday", "op": "less", "value": "1980-01-01"}
    inner = segment(firm.owner, entity="contact", where=old)
    whom = segment(firm.owner, entity="contact", where={"segment": inner}, published_to_id=firm.units["HQ"])
    taken = take(firm.owner, whom)
    with crm.work(firm.owner) as work:
        everybody = {"not": {"field": "name", "op": "empty"}}
        records.update(work, [Update(Segment, each, where=everybody) for each in (inner, whom)])
    with crm.read(firm.seller) as reader, pytest.raises(InputError):
        segments.recorded(reader, taken.id)
    assert len(told(crm, firm.owner, taken.id, "name")) == 1


def test_a_snapshot_is_paged_and_hidden_members_leave_no_trace(crm, firm, segment, take, monkeypatch):
    """Every page but the last is full, whatever the chunks are that are looked through."""
    monkeypatch.setattr(snapshots, "_CHUNK", 7)
    for at in range(40):
        make_deal(crm, by=firm.seller if at % 3 == 0 else firm.stranger, title=f"{at:02}", amount=500)
    whom = segment(firm.owner, published_to_id=firm.units["HQ"])
    taken = take(firm.owner, whom)
    with crm.read(firm.seller) as reader:
        sizes, found, cursor = [], [], None
        while True:
            page = segments.recorded(reader, taken.id, fields=("title",), limit=5, cursor=cursor)
            sizes.append(len(page))
            found += [row.title for row in page]
            cursor = page.next
            if cursor is None:
                break
    assert (sizes, found) == ([5, 5, 4], [f"{at:02}" for at in range(0, 40, 3)])
    with crm.read(firm.stranger) as reader:
        first = segments.recorded(reader, taken.id, limit=5)
    with crm.read(firm.seller) as reader:
        for cursor in (first.next, "x", ""):
            with pytest.raises(InputError):
                segments.recorded(reader, taken.id, limit=5, cursor=cursor)
        for limit in (0, 1001):
            with pytest.raises(InputError):
                segments.recorded(reader, taken.id, limit=limit)
        with pytest.raises(InputError):
            segments.recorded(reader, taken.id, fields=("nix",))


def test_two_snapshots_are_compared(crm, firm, deals, for_all, take):
    """Who entered and who left, as far as each may read now."""
    old = take(firm.viewer, for_all)
    with crm.work(firm.owner) as work:
        records.update(work, [Update(Deal, deals[f"{name} big"], amount=1) for name in ("seller", "fitter")])
        records.update(work, [Update(Deal, deals["stranger small"], amount=999)])
    new = take(firm.viewer, for_all)
    found = {}
    for who in ("viewer", "head", "seller", "stranger"):
        with crm.read(getattr(firm, who)) as reader:
            here = segments.compare(reader, old.id, new.id)
            back = segments.compare(reader, new.id, old.id)
            assert (here.entered, here.left) == (back.left, back.entered)
            found[who] = (here.entered, here.left)
    assert found == {"viewer": (1, 2), "head": (0, 2), "seller": (0, 1), "stranger": (1, 0)}


def test_snapshots_of_two_segments_are_not_compared(crm, firm, deals, segment, take):
    """It would say nothing."""
    one, two = (take(firm.owner, segment(firm.owner)) for _ in range(2))
    with crm.read(firm.owner) as reader, pytest.raises(InputError):
        segments.compare(reader, one.id, two.id)


def test_too_many_members_are_refused_and_nothing_is_kept(crm, firm, deals, for_all, take, rows, monkeypatch):
    """The bound is said."""
    monkeypatch.setattr(snapshots, "MOST_MEMBERS", 2)
    with pytest.raises(DomainError) as refused:
        take(firm.viewer, for_all)
    assert "at most 2" in str(refused.value)
    assert rows(tables.segment_snapshot) == []


def test_an_empty_segment_has_an_empty_snapshot(crm, firm, for_all, take):
    """It is one, and can be compared."""
    taken = take(firm.viewer, for_all)
    assert told(crm, firm.viewer, taken.id) == []


def test_a_broken_condition_takes_no_snapshot(crm, firm, deals, for_all, take, rows):
    """The field is not named to whoever may not read it."""
    rules = [{"entity": "deal", "field": "amount", "read": False, "write": False}]
    with crm.work(firm.owner) as work:
        records.update(work, [Update(Role, firm.roles["firm_viewer"], field_rules=rules)])
    with pytest.raises(InputError) as refused:
        take(firm.viewer, for_all)
    assert list(refused.value.fields) == ["where"]
    assert "amount" not in str(refused.value)
    assert rows(tables.segment_snapshot) == []


def test_a_condition_on_linked_records_is_told_to_its_maker_alone(crm, firm, segment, take):
    """Who met it says something of records that others may not read."""
    theirs = make_contact(crm, by=firm.stranger, name="Secret")
    make_deal(crm, by=firm.owner, owner_id=firm.seller.id, contact_id=theirs.id, title="linked")
    where = {"field": "contact.name", "op": "equal", "value": "Secret"}
    whom = segment(firm.owner, where=where, published_to_id=firm.units["HQ"])
    taken = take(firm.owner, whom)
    assert told(crm, firm.owner, taken.id) == ["linked"]
    with crm.read(firm.seller) as reader:
        assert segments.members(reader, whom).rows == ()
        with pytest.raises(PermissionDenied):
            segments.recorded(reader, taken.id)


def test_a_grant_that_goes_takes_the_members_along(crm, firm, deals, for_all, take):
    """With no grant for deals, the snapshot is empty."""
    taken = take(firm.viewer, for_all)
    with crm.work(firm.owner) as work:
        grants = grant_rows([Grant("unit", "read", Scope.ALL), Grant(Contact.spec.name, "read", Scope.ALL)])
        records.update(work, [Update(Role, firm.roles["firm_seller"], grants=grants)])
    assert told(crm, firm.seller, taken.id) == []
