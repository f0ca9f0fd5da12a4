"""Files follow their record: deleted, restored, merged, handed over, undone."""

from __future__ import annotations

import pytest
from tests.services.files.conftest import PDF

from opencrm import (
    Assign,
    Contact,
    Deal,
    Delete,
    File,
    FileVersion,
    InputError,
    NotFound,
    Query,
    Restore,
    Undo,
    assigning,
    files,
    records,
    undoing,
)
from opencrm.services.cleaning import merging
from opencrm.services.cleaning.merging import Merge
from opencrm.testing import make_contact


def versions(crm, principal):
    with crm.read(principal) as reader:
        return [(row.number, row.name) for row in reader.list(Query(FileVersion, sort="number"))]


def test_a_deleted_record_takes_its_files_out_of_sight(crm, firm, put, deal):
    """And brings them back when it is restored."""
    file = put()
    with crm.work(firm.seller) as work:
        records.delete(work, [Delete(Deal, deal.id)])
    with pytest.raises(NotFound):
        crm.files.open(firm.seller, file)
    with crm.work(firm.seller) as work:
        records.restore(work, [Restore(Deal, deal.id)])
    assert crm.files.open(firm.seller, file).read() == PDF


def test_a_deleted_file_takes_its_versions_along(crm, firm, put, numbers):
    """And brings back those that went with it, and no others."""
    file = put(b"one")
    for content in (b"two", b"three"):
        crm.files.add_version(firm.seller, file, content)
    with crm.work(firm.seller) as work:
        [second] = [row for row in files.versions(work, file) if row.number == 2]
        records.delete(work, [Delete(FileVersion, second.id)])
    crm.advance("1m")
    with crm.work(firm.seller) as work:
        [gone] = records.delete(work, [Delete(File, file)])
    assert numbers(file) == []
    with crm.work(firm.seller) as work:
        undoing.undo(work, [Undo(act=gone.act)])
    assert numbers(file) == [1, 3]
    assert crm.files.open(firm.seller, file).read() == b"three"


def test_what_a_file_holds_now_is_not_taken_away(crm, firm, put):
    """It would hold nothing."""
    file = put()
    with pytest.raises(InputError, match="is what the file holds now"), crm.work(firm.owner) as work:
        records.delete(work, [Delete(FileVersion, files.versions(work, file)[0].id)])


def test_adding_is_undone(crm, firm, deal, put, numbers):
    """A file, and a version: then the file holds what it held before."""
    file = put(b"one")
    line = crm.files.add_version(firm.seller, file, b"two")
    with crm.work(firm.seller) as work:
        undoing.undo(work, [Undo(act=line.act)])
    assert numbers(file) == [1]
    assert crm.files.open(firm.seller, file).read() == b"one"
    line = crm.files.add_version(firm.seller, file, b"three")
    assert (line.after["number"], numbers(file)) == (2, [1, 2])


def test_a_merge_keeps_every_file(crm, firm):
    """Two of one name are two; their versions come along, and all of it is undone."""
    one, other = (make_contact(crm, by=firm.owner, name=name) for name in ("Ann", "Anne"))
    for contact, content in ((one, b"one"), (other, b"two"), (other, b"two")):
        line = crm.files.add(firm.owner, Contact, contact.id, content, name="card.txt")
    with crm.work(firm.owner) as work:
        done = merging.merge(work, Merge(Contact, one.id, [other.id], {}))
    with crm.read(firm.owner) as reader:
        assert {row.record_id for it in (File, FileVersion) for row in reader.list(Query(it))} == {one.id}
    assert versions(crm, firm.owner) == [(1, "card.txt")] * 3
    assert crm.files.open(firm.owner, line.record_id).read() == b"two"
    with crm.work(firm.owner) as work:
        undoing.undo(work, [Undo(act=done.act)])
    with crm.read(firm.owner) as reader:
        assert sorted(row.record_id for row in reader.list(Query(File))) == sorted([one.id, other.id, other.id])


def test_files_change_hands_with_their_record(crm, firm, put, deal):
    """Who no longer reads the record no longer reads them."""
    file = put()
    with crm.work(firm.owner) as work:
        assigning.assign(work, [Assign(Deal, deal.id, owner=firm.stranger.id)])
    assert crm.files.open(firm.stranger, file).read() == PDF
    with pytest.raises(NotFound):
        crm.files.open(firm.seller, file)


def test_history_tells_of_files(crm, firm, put):
    """Of each version, who and when."""
    file = put(b"one")
    crm.files.add_version(firm.lead, file, b"two")
    with crm.read(firm.seller) as reader:
        lines = reader.history(File, file)
    assert [(line.kind, line.after["number"]) for line in lines] == [("created", 1), ("changed", 2)]
