"""Files on records: who may add and read them, what they hold, and who was given them."""

from __future__ import annotations

import pytest
from tests.services.files.conftest import PDF

from opencrm import (
    ContactPoint,
    Create,
    Deal,
    File,
    FileVersion,
    InputError,
    NotFound,
    PermissionDenied,
    Query,
    SavedView,
    Share,
    Tag,
    Tagging,
    Task,
    Update,
    files,
    records,
)
from opencrm.services.files.contents import FileStore
from opencrm.testing import make_contact, make_record


def test_a_file_is_added_and_given_back(crm, firm, put):
    """With what it holds, its type as its beginning tells it, and its hash."""
    file = put()
    with crm.read(firm.seller) as reader:
        row = reader.get(File, file)
    assert (row.name, row.number, row.media_type, row.size) == ("Offer.pdf", 1, "application/pdf", len(PDF))
    assert crm.files.open(firm.seller, file).read() == PDF


@pytest.mark.parametrize("who", ["head", "lead", "viewer", "owner"])
def test_whoever_reads_the_record_reads_its_files(crm, firm, put, who):
    """Nothing else is granted, and nothing else is needed."""
    assert crm.files.open(getattr(firm, who), put()).read() == PDF


def test_who_may_not_read_the_record_knows_of_no_file(crm, firm, put):
    """Neither of it, nor of its versions, nor of who read it."""
    file = put()
    for ask in (crm.files.open, lambda who, id: crm.files.add_version(who, id, b"x")):
        with pytest.raises(NotFound):
            ask(firm.stranger, file)
    with crm.read(firm.stranger) as reader:
        assert [list(reader.list(Query(it))) for it in (File, FileVersion)] == [[], []]
        for ask in (files.versions, files.readers):
            with pytest.raises(NotFound):
                ask(reader, file)


def test_who_may_only_read_the_record_adds_nothing(crm, firm, put, deal):
    """Neither a file, nor a version, and nothing is stored for it."""
    file = put()
    before = list(crm.workspace.contents.stored())
    with pytest.raises(PermissionDenied, match=r"deal\.update"):
        put(b"mine", by=firm.viewer)
    with pytest.raises(PermissionDenied, match=r"file\.update"):
        crm.files.add_version(firm.viewer, file, b"mine")
    assert list(crm.workspace.contents.stored()) == before


def test_the_work_block_judges_too(crm, firm, deal):
    """A content that is stored already is not added by whoever may not change the record."""
    content = crm.files.check(firm.seller, crm.files.put(PDF), Deal, deal.id, name="x.pdf")
    with pytest.raises(PermissionDenied), crm.work(firm.viewer) as work:
        files.add(work, [files.AddFile(Deal, deal.id, name="x.pdf", content=content)])
    with pytest.raises(NotFound), crm.work(firm.stranger) as work:
        files.add(work, [files.AddFile(Deal, deal.id, name="x.pdf", content=content)])


def test_who_has_a_task_with_the_record_reads_its_files_until_it_is_done(crm, firm, put, deal):
    """Participation reaches what is a part of the record."""
    file = put()
    task = make_record(crm, Task, by=firm.owner, title="Measure", deal_id=deal.id, owner_id=firm.stranger.id)
    assert crm.files.open(firm.stranger, file).read() == PDF
    with crm.work(firm.owner) as work:
        records.update(work, [Update(Task, task.id, state="done")])
    with pytest.raises(NotFound):
        crm.files.open(firm.stranger, file)


def test_a_share_brings_the_files_along(crm, firm, put, deal):
    """To be read, and with `update` to be added to."""
    file = put()
    given = {"entity": "deal", "record_id": deal.id, "user_id": firm.stranger.id}
    share = make_record(crm, Share, by=firm.seller, actions=["read"], **given)
    assert crm.files.open(firm.stranger, file).read() == PDF
    with pytest.raises(PermissionDenied):
        put(b"theirs", by=firm.stranger)
    with crm.work(firm.seller) as work:
        records.update(work, [Update(Share, share.id, actions=["read", "update"])])
    assert crm.files.open(firm.stranger, put(b"theirs", by=firm.stranger)).read() == b"theirs"


def test_what_is_personal_keeps_its_files_to_itself(crm, firm):
    """Not even an owner of the company reads them."""
    with crm.work(firm.seller) as work:
        [view] = records.create(work, [Create(SavedView, name="Mine", entity="deal")])
    line = crm.files.add(firm.seller, SavedView, view.record_id, PDF, name="a.pdf")
    assert crm.files.open(firm.seller, line.record_id).read() == PDF
    with pytest.raises(NotFound):
        crm.files.open(firm.lead, line.record_id)


def test_a_part_of_one_record_has_files(crm, firm):
    """Which follow the record that it is a part of."""
    contact = make_contact(crm, by=firm.seller)
    point = make_record(crm, ContactPoint, by=firm.seller, contact_id=contact.id, kind="email", value="a@example.com")
    line = crm.files.add(firm.seller, ContactPoint, point.id, PDF, name="a.pdf")
    assert crm.files.open(firm.head, line.record_id).read() == PDF
    with pytest.raises(NotFound):
        crm.files.open(firm.stranger, line.record_id)


def test_what_hangs_on_any_record_has_no_files(crm, firm, put, deal):
    """Files of files would end nowhere; an owner is refused like everybody."""
    file = put()
    tag = make_record(crm, Tag, by=firm.owner, name="hot")
    tagging = make_record(crm, Tagging, by=firm.owner, entity="deal", record_id=deal.id, tag_id=tag.id)
    for entity, id in ((File, file), (Tagging, tagging.id)):
        with pytest.raises(InputError, match="entity: has no files"):
            crm.files.add(firm.owner, entity, id, PDF, name="a.pdf")


def test_versions(crm, firm, put, numbers):
    """What a file held before stays, with who put it there."""
    file = put(b"one", name="a.txt")
    crm.files.add_version(firm.lead, file, b"two", name="b.txt")
    assert (crm.files.open(firm.seller, file).read(), crm.files.open(firm.seller, file, 1).read()) == (b"two", b"one")
    with crm.read(firm.seller) as reader:
        found = [(row.number, row.name, row.created_by) for row in files.versions(reader, file)]
    assert found == [(2, "b.txt", f"user:{firm.lead.id}"), (1, "a.txt", f"user:{firm.seller.id}")]
    with pytest.raises(NotFound):
        crm.files.open(firm.seller, file, 3)


def test_the_same_again_is_no_version(crm, firm, put, numbers):
    """So whoever repeats a request that got lost changes nothing."""
    file = put(b"one")
    crm.files.add_version(firm.seller, file, b"one")
    assert numbers(file) == [1]


def test_each_reading_is_written_down_before_the_first_byte(crm, firm, put):
    """Who and when; whoever may change the record is told."""
    file = put()
    opened = crm.files.open(firm.viewer, file)
    with crm.read(firm.seller) as reader:
        [line] = files.readers(reader, file)
    opened.file.close()
    assert (line.principal, line.number, line.at) == (f"user:{firm.viewer.id}", 1, crm.clock.now())
    with pytest.raises(PermissionDenied, match="not told who read"), crm.read(firm.viewer) as reader:
        files.readers(reader, file)


def test_readings_come_in_pages(crm, firm, put):
    """The latest first."""
    file = put()
    for _ in range(5):
        crm.files.open(firm.seller, file).read()
    with crm.read(firm.seller) as reader:
        first = files.readers(reader, file, limit=3)
        rest = files.readers(reader, file, before=first[-1].id)
        with pytest.raises(InputError, match="limit"):
            files.readers(reader, file, limit=0)
    assert (len(first), len(rest)) == (3, 2)
    assert len({it.id for it in (*first, *rest)}) == 5


def test_a_refused_reading_leaves_no_line(crm, firm, put):
    """Nobody was given anything."""
    file = put()
    with pytest.raises(NotFound):
        crm.files.open(firm.stranger, file)
    with crm.read(firm.seller) as reader:
        assert files.readers(reader, file) == ()


@pytest.mark.parametrize(
    "values",
    [
        {"name": "a.pdf"},
        {"name": "a.pdf", "sha256": "0" * 64},
        {"name": "a.pdf", "size": 5, "media_type": "text/html"},
    ],
)
@pytest.mark.parametrize("entity", [File, FileVersion])
def test_no_file_without_its_content(crm, firm, put, deal, entity, values):
    """A generic creation would give whoever knows a hash what it stands for."""
    put()
    with pytest.raises(InputError), crm.work(firm.owner) as work:
        records.create(work, [Create(entity, entity="deal", record_id=deal.id, **values)])


def test_a_file_is_renamed_and_nothing_else(crm, firm, put):
    """What it holds comes by a version, and it stays with its record."""
    file = put()
    with crm.work(firm.seller) as work:
        records.update(work, [Update(File, file, name="Better.pdf")])
    for name, value in (("sha256", "0" * 64), ("media_type", "text/html"), ("record_id", firm.seller.id), ("size", 1)):
        with pytest.raises(InputError, match=f"{name}: is kept by opencrm"), crm.work(firm.owner) as work:
            records.update(work, [Update(File, file, values={name: value})])
    with pytest.raises(InputError), crm.work(firm.owner) as work:
        [version] = work.list(Query(FileVersion)).rows
        records.update(work, [Update(FileVersion, version.id, name="Worse.pdf")])


@pytest.mark.parametrize(
    "name",
    ["", "  ", ".", "..", "a/b", "/etc/passwd", "..\\b.exe", "a\x00b", "a\nb", "a\u2028b", "x\ud800", "x" * 256,
     "invoice\u202efdp.exe", "\x1b[2Jx"],
)  # fmt: skip
def test_a_hostile_name_is_refused_by_its_field(crm, firm, put, name):
    """Before anything is stored."""
    with pytest.raises(InputError) as refused:
        put(name=name)
    assert list(refused.value.fields) == ["name"]
    assert list(crm.workspace.contents.stored()) == []


@pytest.mark.parametrize("name", ["Müller & Söhne.pdf", "見積書.pdf", "'; DROP TABLE.txt", "CON", "-rf", "%2e%2e"])
def test_an_odd_name_is_only_a_name(crm, firm, put, name):
    """It names no path anywhere."""
    file = put(name=name)
    with crm.read(firm.seller) as reader:
        assert reader.get(File, file).name == name


def test_files_are_found_by_their_name(crm, firm, put, deal):
    """By whoever may read them."""
    put(name="Zargenmaße.pdf")
    from opencrm import searching

    with crm.read(firm.seller) as reader:
        assert [(hit.id, hit.field) for hit in searching.search(reader, "zargen")] == [(deal.id, "file.name")]
    with crm.read(firm.stranger) as reader:
        assert list(searching.search(reader, "zargen")) == []


def test_a_field_rule_closes_what_a_file_holds(crm, firm, put):
    """Who may not read the hash is not given what it stands for."""
    from opencrm import Role

    file = put()
    with crm.work(firm.owner) as work:
        rule = {"entity": "file_version", "field": "sha256", "read": False, "write": False}
        records.update(work, [Update(Role, firm.roles["firm_viewer"], field_rules=[rule])])
    with pytest.raises(NotFound):
        crm.files.open(firm.viewer, file)
    assert crm.files.open(firm.lead, file).read() == PDF


def test_without_a_place_it_says_what_is_wanting(pg_url, tmp_path):
    """Nothing is put into a folder that somebody happens to be in."""
    from opencrm import CRM, ConfigurationError

    crm = CRM(pg_url)
    with pytest.raises(ConfigurationError, match="OPENCRM_FILES"):
        crm.files.put(b"x")
    crm.close()
    crm = CRM(f"sqlite:///{tmp_path}/a.db", files=FileStore(largest=3))
    crm.init(owner="Ann")
    with pytest.raises(InputError, match="file: is too large: at most 3 bytes"):
        crm.files.put(b"four")
    assert crm.files.put(b"six").size == 3
    assert not list(tmp_path.glob("a.db.files/arriving/*"))
    crm.close()
