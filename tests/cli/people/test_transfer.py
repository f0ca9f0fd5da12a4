"""`opencrm transfer`."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from opencrm import CRM, Contact, Create, Deal, Query, records


@pytest.fixture
def office(folder, call):
    """Four clients of Bob's, each with a deal; gives what counts whose they are, by name."""
    call("init", "--owner", "Ann")
    for name in ("Bob", "Cleo", "Dan"):
        call("user", "add", name, "--email", f"{name}@example.com", "--role", "manager_2", "--unit", "Company")
    crm = CRM("sqlite:///opencrm.db")
    names = {crm.principal(name).id: name for name in ("Ann", "Bob", "Cleo", "Dan")}
    with crm.work(crm.principal("Bob")) as work:
        for at in range(4):
            [contact] = records.create(work, [Create(Contact, name=f"C{at}")])
            records.create(work, [Create(Deal, title=f"D{at}", contact_id=contact.record_id)])

    def owners():
        with crm.read(crm.principal("Ann")) as reader:
            return Counter(names[row.owner_id] for entity in (Contact, Deal) for row in reader.list(Query(entity)))

    yield owners
    crm.close()


def test_it_is_shown_done_and_undone(call, office):
    """A rehearsal shows the counts, the transfer gives them, and `undo` takes the act back."""
    asked = ("transfer", "Bob", "--to", "cleo@example.com", "--to", "Dan")
    shown = call(*asked, "--dry-run")
    assert shown.stdout.splitlines() == [
        "entity   to    records",
        "contact  Cleo  2",
        "contact  Dan   2",
        "deal     Cleo  2",
        "deal     Dan   2",
        "8 records would be given.",
        "Nothing was written: say it without --dry-run to do it.",
    ]
    assert office() == {"Bob": 8}
    done = call(*asked)
    assert done.exit_code == 0
    assert done.stdout.splitlines()[:6] == [*shown.stdout.splitlines()[:5], "8 records given."]
    assert office() == {"Cleo": 4, "Dan": 4}
    act = re.search(r"opencrm undo (\S+)", done.stdout)[1]
    assert f"--act {act}" in done.stderr
    assert call("undo", act).exit_code == 0
    assert office() == {"Bob": 8}


def test_it_goes_on_with_an_act(call, office):
    """What came since belongs to the same act; somebody else's act is none."""
    done = call("transfer", "Bob", "--to", "Cleo")
    act = re.search(r"opencrm undo (\S+)", done.stdout)[1]
    assert call("undo", act).exit_code == 0
    again = call("transfer", "Bob", "--to", "Cleo", "--act", act)
    assert f"To take it back: opencrm undo {act}" in again.stdout
    assert call("transfer", "Cleo", "--to", "Bob", "--act", act, "--as", "Cleo").exit_code == 5


def test_refusals_are_one_line(call, office):
    """Who may not, who is not there, and who has it already."""
    denied = call("transfer", "Bob", "--to", "Cleo", "--as", "Bob")
    assert (denied.exit_code, denied.stdout) == (4, "")
    assert "out of reach are 8 of 8 records (contact 4, deal 4); nothing was given" in denied.stderr
    assert call("transfer", "Bob", "--to", "Nobody").exit_code == 5
    assert call("transfer", "Bob", "--to", "Bob").exit_code == 3
    assert call("transfer", "Bob").exit_code == 2
    assert office() == {"Bob": 8}


def test_who_has_nothing_has_nothing_to_give(call, office):
    """And nothing is there to be taken back."""
    assert call("transfer", "Dan", "--to", "Cleo").stdout == "0 records given.\n"
