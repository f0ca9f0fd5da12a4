"""`opencrm search`."""

from __future__ import annotations

import json

import pytest

from opencrm import CRM, Contact, Create, Principal, records
from opencrm.storage.search import document


@pytest.fixture
def workspace(folder, call):
    """A workspace with a contact."""
    assert call("init", "--owner", "Ann").exit_code == 0
    crm = CRM("sqlite:///opencrm.db")
    with crm.work(crm.sole_owner()) as work:
        phone = {"kind": "phone", "value": "020 7183 8750"}
        [line, *_] = records.create(work, [Create(Contact, name="Åsa Berg", points=[phone])])
    yield crm, line.record_id
    crm.close()


def test_finds_records(call, workspace):
    """A line for each, with what it is called and where the words stand."""
    _, id = workspace
    assert call("search", "asa", "be").output == f"contact    {id}  Åsa Berg\n"
    assert call("search", "0207183").output == f"contact    {id}  Åsa Berg  (020 7183 8750)\n"
    assert call("search", "asa", "--entity", "deal").output == "Nothing found.\n"
    assert call("search", "asa", "--entity", "deal", "--json").output == ""


def test_prints_json(call, workspace):
    """For programs."""
    _, id = workspace
    assert json.loads(call("search", "asa", "--json").output) == {
        "entity": "contact",
        "id": id,
        "title": "Åsa Berg",
        "field": "name",
        "snippet": "Åsa Berg",
    }


def test_makes_documents_anew(call, workspace):
    """As often as one likes."""
    crm, _ = workspace
    with crm.work(Principal.system("test")) as work:
        work.tx.run("test", document.delete, [{}])
    assert call("search", "asa").output == "Nothing found.\n"
    assert call("search", "--reindex").output.endswith(" 3 documents put right.\n")
    assert call("search", "--reindex").output.endswith(" 0 documents put right.\n")
    assert "Åsa" in call("search", "asa").output


@pytest.mark.parametrize("arguments", [(), ("asa", "--reindex")])
def test_either_a_text_or_anew(call, workspace, arguments):
    """Not both, and not neither."""
    assert call("search", *arguments).exit_code == 2


def test_what_is_too_short(call, workspace):
    """Is refused with a sentence."""
    result = call("search", "a")
    assert result.exit_code == 3
    assert "two letters" in result.output
