"""`opencrm edit`, `duplicates`, `merge` and `undo`."""

from __future__ import annotations

import json
import re

import pytest

from opencrm import CRM, Contact, Create, Deal, Query, records


@pytest.fixture
def office(folder, call):
    """A workspace with three deals and two contacts who are one."""
    call("init", "--owner", "Ann", "--email", "ann@example.com")
    crm = CRM("sqlite:///opencrm.db")
    owner = crm.sole_owner()
    with crm.work(owner) as work:
        for title, source in (("A", "fair"), ("B", "fair"), ("C", None)):
            records.create(work, [Create(Deal, title=title, source=source)])
        points = [{"kind": "email", "value": "lee@example.com"}]
        lines = records.create(work, [Create(Contact, name=name, points=points) for name in ("Ann Lee", "Lee, Ann")])
        records.create(work, [Create(Deal, title="D", contact_id=lines[1].record_id)])
    yield crm, owner, [line.record_id for line in lines]
    crm.close()


def deals(office, field):
    crm, owner, _ = office
    with crm.read(owner) as reader:
        return [row[field] for row in reader.list(Query(Deal, sort="created_at"))]


def act_of(output):
    return re.search(r"opencrm undo (\S+)", output)[1]


def test_an_edit_is_shown_done_and_undone(call, office):
    """Nothing without --yes; with it, as shown; `undo` takes the act back."""
    asked = ("edit", "deals", "--where", "source=fair", "--set", "source=Fair 2026")
    shown = call(*asked)
    assert "2 found, 2 would change, 0 so already." in shown.output
    assert "source: fair > Fair 2026" in shown.output
    assert "say --yes" in shown.output
    assert deals(office, "source") == ["fair", "fair", None, None]
    done = call(*asked, "--yes")
    assert (done.exit_code, "2 changed" in done.output) == (0, True)
    assert deals(office, "source") == ["Fair 2026", "Fair 2026", None, None]
    undone = call("undo", act_of(done.output))
    assert (undone.exit_code, "2 taken back." in undone.output) == (0, True)
    assert deals(office, "source") == ["fair", "fair", None, None]


def test_other_edits(call, office):
    """Owners by name, deletions, those that come back, an emptied field, and what is refused."""
    assert "4 so already" in call("edit", "deal", "--all", "--owner", "ann@example.com", "--yes").output
    assert "1 changed" in call("edit", "deal", "--where", "title=A", "--delete", "--yes").output
    assert "1 changed" in call("edit", "deal", "--all", "--restore", "--yes").output
    assert "1 changed" in call("edit", "deal", "--where", "title=A", "--set", "source=", "--yes").output
    refused = call("edit", "deal", "--where", "title[in]=A,B", "--set", "title=", "--yes")
    assert (refused.exit_code, "2 invalid_input" in refused.output) == (0, True)


@pytest.mark.parametrize(
    "wish",
    [
        (),
        ("--all",),
        ("--set", "title=x"),
        ("--all", "--set", "title"),
        ("--all", "--where", "title=A", "--set", "title=x"),
        ("--where", "title", "--delete"),
        ("--all", "--delete", "--restore"),
    ],
)
def test_what_makes_no_sense(call, office, wish):
    """Exit code 3, and nothing done."""
    result = call("edit", "deal", *wish, "--yes")
    assert (result.exit_code, "invalid_input" in result.output) == (3, True)
    assert deals(office, "title") == ["A", "B", "C", "D"]


def test_duplicates_are_shown_merged_and_undone(call, office):
    """The pair with its reasons; the merge with what follows."""
    _, _, (keep, other) = office
    shown = call("duplicates", "contact")
    assert "email lee@example.com, name" in shown.output
    [row] = json.loads(call("duplicates", "contact", "--json").output)
    assert (row["one"], row["other"]) == (keep, other)
    told = call("merge", "contact", keep, other, "--set", "source=web")
    assert "1 would go into" in told.output
    assert "1 deal with them" in told.output
    assert deals(office, "contact_id")[-1] == other
    done = call("merge", "contact", keep, other, "--yes")
    assert deals(office, "contact_id")[-1] == keep
    assert call("duplicates", "contact").output == "No two look like one.\n"
    assert call("undo", act_of(done.output)).exit_code == 0
    assert deals(office, "contact_id")[-1] == other


def test_a_pair_is_dismissed(call, office):
    """It is shown no more."""
    assert call("duplicates", "contact", "--dismiss", *office[2]).exit_code == 0
    assert "No two" in call("duplicates", "contact").output


def test_an_unknown_act_is_not_found(call, office):
    assert call("undo", "nonsense").exit_code == 5
    assert call("merge", "contact", "nonsense", "nonsense too").exit_code == 5


def test_a_refusal_carries_nothing_that_a_terminal_obeys(call, office):
    """What was asked for is told back without its escapes."""
    shown = call("edit", "deal", "--id", "\x1b]0;title\x07", "--delete")
    assert "]0;title" in shown.output
    assert not {"\x1b", "\x07"} & {*shown.output}
