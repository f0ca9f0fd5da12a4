"""`opencrm_check_content`: what plugins say to files before they are added."""

from __future__ import annotations

import pytest

from opencrm import Deal, File, InputError, Objected, Objection, PluginError, Query, files, hookimpl
from opencrm.testing import make_deal


class Guards:
    """Refuses what begins with BAD, breaks at ODD, and remembers what it was shown."""

    def __init__(self):
        self.shown = []

    @hookimpl
    def opencrm_check_content(self, upload, door):
        with upload.open() as file:
            head = file.read(3)
        with door.read() as reader:
            title = reader.get(Deal, upload.record_id).title
        self.shown.append((upload.entity, upload.name, upload.size, upload.file_id, title, door.principal))
        if head == b"ODD":
            raise ValueError("odd")
        if head == b"BAD":
            yield Objection(upload.record_id, "guards_bad", "This is bad.", "file")


@pytest.fixture
def guards():
    return Guards()


@pytest.fixture
def crm_plugins(guards):
    return [guards]


@pytest.fixture
def deal(crm, firm):
    return make_deal(crm, by=firm.seller)


def test_it_is_shown_each_file_and_each_version(crm, firm, deal, guards):
    """With where it is to go, as whoever adds it, outside of any transaction."""
    line = crm.files.add(firm.seller, Deal, deal.id, b"good", name="a.txt")
    crm.files.add_version(firm.lead, line.record_id, b"better")
    assert guards.shown == [
        ("deal", "a.txt", 4, None, "Windows", f"user:{firm.seller.id}"),
        ("deal", "a.txt", 6, line.record_id, "Windows", f"user:{firm.lead.id}"),
    ]


def test_an_objection_refuses_the_file(crm, firm, deal):
    """With its sentence; nothing is added."""
    with pytest.raises(Objected, match=r"This is bad\.") as refused:
        crm.files.add(firm.seller, Deal, deal.id, b"BAD", name="a.txt")
    assert [it["code"] for it in refused.value.details["objections"]] == ["guards_bad"]
    with crm.read(firm.owner) as reader:
        assert list(reader.list(Query(File))) == []


def test_a_raise_refuses_the_file_and_names_the_plugin(crm, firm, deal):
    """A check fails closed."""
    with pytest.raises(PluginError, match="'guards' failed in opencrm_check_content"):
        crm.files.add(firm.seller, Deal, deal.id, b"ODD", name="a.txt")
    with crm.read(firm.owner) as reader:
        assert list(reader.list(Query(File))) == []


def test_it_is_not_asked_for_what_is_refused_anyway(crm, firm, deal, guards):
    """Who may not add a file, or names it so that it cannot be."""
    for who, name in ((firm.viewer, "a.txt"), (firm.seller, "a/b")):
        with pytest.raises(Exception, match=r"deal\.update|name"):
            crm.files.add(who, Deal, deal.id, b"x", name=name)
    assert guards.shown == []


def test_a_work_block_adds_only_what_was_looked_at(crm, firm, deal, guards):
    """For this record and this name; what is stored alone was never shown."""
    content = crm.files.put(b"BAD")
    with pytest.raises(Objected, match=r"This is bad\."):
        crm.files.check(firm.seller, content, Deal, deal.id, name="a.txt")
    good = crm.files.check(firm.seller, crm.files.put(b"good"), Deal, deal.id, name="a.txt")
    for wrong, name in ((content, "a.txt"), (good, "a.exe")):
        with pytest.raises(InputError, match="content: was not looked at"), crm.work(firm.seller) as work:
            files.add(work, [files.AddFile(Deal, deal.id, name=name, content=wrong)])
    with crm.work(firm.seller) as work:
        files.add(work, [files.AddFile(Deal, deal.id, name="a.txt", content=good)])
    assert [it[1:3] for it in guards.shown] == [("a.txt", 3), ("a.txt", 4)]


def test_a_work_block_adds_no_version_that_was_not_looked_at(crm, firm, deal):
    """Neither one that was looked at for another file, or as a new one."""
    file = crm.files.add(firm.seller, Deal, deal.id, b"good", name="a.txt").record_id
    new = crm.files.check(firm.seller, crm.files.put(b"better"), Deal, deal.id, name="a.txt")
    with pytest.raises(InputError, match="content: was not looked at"), crm.work(firm.seller) as work:
        files.add_version(work, [files.AddVersion(file, content=new)])
    checked = crm.files.check_version(firm.seller, new, file)
    with crm.work(firm.seller) as work:
        [line] = files.add_version(work, [files.AddVersion(file, content=checked)])
    assert line.after["number"] == 2


def test_another_answer_is_no_objection(make_crm, firm):
    """It would be lost; the file is not added."""

    class Wrong:
        @hookimpl
        def opencrm_check_content(self):
            yield "no"

    crm = make_crm([Wrong()])
    from opencrm.testing import firm_of

    people = firm_of(crm)
    deal = make_deal(crm, by=people.seller)
    with pytest.raises(PluginError, match="gave 'no', which is no Objection"):
        crm.files.add(people.seller, Deal, deal.id, b"x", name="a.txt")
