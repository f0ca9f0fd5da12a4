"""`opencrm files`: files on records, added, listed and got."""

from __future__ import annotations

import json

import pytest

from opencrm import CRM, Contact, Create, Update, records


@pytest.fixture
def contact(call, folder):
    assert call("init", "--owner", "Ann").exit_code == 0
    crm = CRM("sqlite:///opencrm.db")
    with crm.work(crm.sole_owner()) as work:
        [made] = records.create(work, [Create(Contact, name="Bob")])
    crm.close()
    return made.record_id


def test_a_file_goes_in_and_comes_out(call, folder, contact):
    """Under its name, with its versions."""
    (folder / "in.txt").write_bytes(b"one")
    added = call("files", "add", "contact", contact, "in.txt", "--name", "Note.txt")
    assert added.exit_code == 0, added.output
    id = added.output.strip()
    (folder / "in.txt").write_bytes(b"two!")
    assert call("files", "add", "contact", contact, "in.txt", "--to", id).output.strip() == id
    [listed] = json.loads(call("files", "list", "contact", contact, "--json").output)
    assert (listed["id"], listed["name"], listed["number"], listed["size"]) == (id, "Note.txt", 2, 4)
    assert "Note.txt" in call("files", "list", "contact", contact).output
    assert call("files", "get", id).output == "Note.txt: 4 bytes, version 2\n"
    assert (folder / "Note.txt").read_bytes() == b"two!"
    assert call("files", "get", id, "--number", "1", "-o", "old.txt").exit_code == 0
    assert (folder / "old.txt").read_bytes() == b"one"


def test_what_is_there_is_left_alone(call, folder, contact):
    """A file of the same name here is not overwritten."""
    (folder / "a.txt").write_bytes(b"theirs")
    id = call("files", "add", "contact", contact, "a.txt").output.strip()
    (folder / "a.txt").write_bytes(b"mine")
    refused = call("files", "get", id)
    assert (refused.exit_code, "a.txt is there already" in refused.output) == (3, True)
    assert (folder / "a.txt").read_bytes() == b"mine"


def test_what_cannot_be_is_told(call, folder, contact):
    """A record that is not there, a file of another record, a file that is too large."""
    (folder / "a.txt").write_bytes(b"x" * (2**20 + 1))
    nobody = "0190a000-0000-7000-8000-000000000000"
    assert call("files", "list", "contact", contact).output == "No files.\n"
    assert call("files", "add", "contact", nobody, "a.txt").exit_code == 5
    assert call("files", "add", "contact", contact, "a.txt", "--to", nobody).exit_code == 5
    assert call("files", "get", nobody).exit_code == 5
    refused = call("files", "add", "contact", contact, "a.txt", OPENCRM_FILE_MB="1")
    assert (refused.exit_code, "at most 1 MB" in refused.output) == (3, True)


def test_files_stand_where_the_setting_says(call, folder, contact):
    """By default beside the database."""
    (folder / "a.txt").write_bytes(b"x")
    call("files", "add", "contact", contact, "a.txt")
    assert len([it for it in (folder / "opencrm.db.files").rglob("*") if it.is_file()]) == 1
    call("files", "add", "contact", contact, "a.txt", OPENCRM_FILES=str(folder / "elsewhere"))
    assert len([it for it in (folder / "elsewhere").rglob("*") if it.is_file()]) == 1


def test_a_document_is_made_of_a_record(call, folder, contact):
    """From a template, by its key; where something is missing it says what."""
    pytest.importorskip("typst", reason="the extra documents is not installed")
    assert call("plugin", "enable", "documents", "--yes").exit_code == 0
    crm = CRM("sqlite:///opencrm.db")
    told = {"key": "card", "name": "Card", "kind": "pdf", "entity": "contact", "data": {"name": "name", "of": "source"}}
    with crm.work(crm.sole_owner()) as work:
        spec = work.entity("documents_template")
        [template] = records.create(work, [Create(spec, values=told)])
    crm.files.add(crm.sole_owner(), spec, template.record_id, b"= Card", name="card.typ")
    refused = call("files", "make", "contact", contact, "card")
    assert (refused.exit_code, "missing: of" in refused.output) == (6, True), refused.output
    with crm.work(crm.sole_owner()) as work:
        records.update(work, [Update(Contact, contact, source="fair")])
    crm.close()
    made = call("files", "make", "contact", contact, "card")
    assert made.exit_code == 0, made.output
    [listed] = json.loads(call("files", "list", "contact", contact, "--json").output)
    assert (listed["id"], listed["name"]) == (made.output.strip(), "Card.pdf")
    assert "no service" in call("--safe-mode", "files", "make", "contact", contact, "card").output
