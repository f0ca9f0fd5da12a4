"""`opencrm view` and `opencrm segment`."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import Result

from opencrm import CRM, Create, Deal, Equal, SavedView, Segment, Update, records

BIG = {"field": "amount", "op": "greater", "value": "100 EUR"}


@pytest.fixture
def workspace(call: Callable[..., Result], folder: Path) -> Callable[..., Result]:
    """Ann's workspace with two deals, a view and a segment, and Vic, who sees nothing; gives `call`."""
    assert call("init", "--owner", "Ann").exit_code == 0
    assert call("user", "add", "Vic", "--role", "manager_2", "--unit", "Company").exit_code == 0
    crm = CRM("sqlite:///opencrm.db")
    with crm.work(crm.principal("Ann")) as work:
        records.create(
            work,
            [
                Create(Deal, title="=cmd()", amount=500),
                Create(Deal, title="Door\x1b[31m", amount=50, description="x" * 90),
                Create(SavedView, name="Deals", entity="deal", columns=["title", "amount"], sort="amount"),
                Create(SavedView, name="All", entity="deal", sort="amount"),
                Create(Segment, name="Big", entity="deal", where=BIG),
            ],
        )
    crm.close()
    return call


@pytest.fixture
def crm(workspace: object) -> Iterator[CRM]:
    """The same workspace, from Python."""
    opened = CRM("sqlite:///opencrm.db")
    yield opened
    opened.close()


def shown(call: Callable[..., Result], *args: str) -> str:
    """Run a command that must succeed; return what it printed."""
    done = call(*args)
    assert done.exit_code == 0, done.output
    return done.stdout


def test_views_and_segments_are_listed(workspace: Callable[..., Result]) -> None:
    """By name, as a table, JSON and CSV; each sees what they may use."""
    assert [line.split()[:2] for line in shown(workspace, "view", "list").splitlines()] == [
        ["name", "entity"],
        ["All", "deal"],
        ["Deals", "deal"],
    ]
    [big] = json.loads(shown(workspace, "segment", "list", "--json"))
    assert (big["name"], big["entity"], big["published_to_id"]) == ("Big", "deal", None)
    assert shown(workspace, "segment", "list", "--csv").splitlines()[1] == f"Big,deal,,{big['id']}"
    assert json.loads(shown(workspace, "view", "list", "--json", "--as", "Vic")) == []
    assert shown(workspace, "view", "list", "--csv", "--as", "Vic") == "name,entity,published_to_id,id\n"
    assert len(shown(workspace, "view", "list", "--as", "Vic").splitlines()) == 1


def test_a_view_is_shown_as_a_table(workspace: Callable[..., Result]) -> None:
    """On one line a record, without what a terminal would obey."""
    head, door, big = shown(workspace, "view", "show", "Deals").splitlines()
    assert head.split() == ["id", "title", "amount"]
    assert "Door [31m" in door
    assert "\x1b" not in door
    assert big.split()[1:] == ["=cmd()", "500.00"]
    assert shown(workspace, "view", "show", "All").splitlines()[0].split() == ["id", "title"]


def test_a_view_is_shown_as_json_and_csv(workspace: Callable[..., Result]) -> None:
    """Whole values; formulas are made harmless in CSV."""
    found = json.loads(shown(workspace, "view", "show", "deals", "--json"))
    assert [(row["title"], row["amount"]) for row in found] == [("Door\x1b[31m", "50.00"), ("=cmd()", "500.00")]
    rows = list(csv.DictReader(io.StringIO(shown(workspace, "view", "show", "Deals", "--csv"))))
    assert [row["title"] for row in rows] == ["Door\x1b[31m", "'=cmd()"]
    [first, _] = json.loads(shown(workspace, "view", "show", "All", "--json"))
    assert first["description"] == "x" * 90


def test_a_page_that_is_not_all_says_so(workspace: Callable[..., Result]) -> None:
    """On stderr, so that a script is not disturbed."""
    done = workspace("view", "show", "Deals", "--limit", "1", "--json")
    assert len(json.loads(done.stdout)) == 1
    assert "--limit" in done.stderr
    assert workspace("view", "show", "Deals").stderr == ""
    for limit in ("0", "1001", "x"):
        assert workspace("view", "show", "Deals", "--limit", limit).exit_code == 2


@pytest.mark.parametrize("noun", ["view", "segment"])
def test_what_is_not_there_or_not_mine_is_not_found(workspace: Callable[..., Result], noun: str) -> None:
    """Somebody else's view is answered as a missing one."""
    own, missing = {"view": ("Deals", "Nix"), "segment": ("Big", "Nix")}[noun]
    theirs = workspace(noun, "show", own, "--as", "Vic")
    nobodys = workspace(noun, "show", missing, "--as", "Vic")
    assert theirs.exit_code == nobodys.exit_code == 5
    assert theirs.stderr.replace(own, missing) == nobodys.stderr


def test_two_of_one_name_are_told_apart_by_id(workspace: Callable[..., Result], crm: CRM) -> None:
    """A name that two have is refused rather than guessed."""
    with crm.work(crm.principal("Ann")) as work:
        [made] = records.create(work, [Create(SavedView, name="DEALS", entity="deal")])
    done = workspace("view", "show", "Deals")
    assert done.exit_code == 5
    assert "give the id" in done.stderr
    assert workspace("view", "show", made.record_id).exit_code == 0


def test_a_broken_view_names_the_field(workspace: Callable[..., Result], crm: CRM) -> None:
    """With the exit code of what cannot be used."""
    with crm.database.write() as tx:
        tx.run("break", lambda: SavedView.__table__.update().values(sort="gone"), [{}])
    done = workspace("view", "show", "Deals")
    assert done.exit_code == 3
    assert "gone" in done.stderr


def test_a_segment_its_snapshots_and_what_changed(workspace: Callable[..., Result], crm: CRM) -> None:
    """Who is in it now, who was, and how many came and went."""
    old = shown(workspace, "segment", "snapshot", "Big").strip()
    with crm.work(crm.principal("Ann")) as work:
        records.create(work, [Create(Deal, title="House", amount=9000)])
        from opencrm import Query

        [door] = work.list(Query(Deal, where=Equal("amount", "500 EUR")))
        records.update(work, [Update(Deal, door.id, amount=1)])
    new = shown(workspace, "segment", "snapshot", "Big").strip()
    assert [row["title"] for row in json.loads(shown(workspace, "segment", "show", "Big", "--json"))] == ["House"]
    was = json.loads(shown(workspace, "segment", "show", "Big", "--snapshot", old, "--json"))
    assert [row["title"] for row in was] == ["=cmd()"]
    assert [line.split()[0] for line in shown(workspace, "segment", "snapshots", "Big").splitlines()] == [new, old]
    assert shown(workspace, "segment", "compare", old, new) == "entered 1, left 1\n"
    assert workspace("segment", "compare", old, new, "--as", "Vic").exit_code == 5
    assert workspace("segment", "snapshot", "Big", "--as", "Vic").exit_code == 5
    assert workspace("segment", "show", "Big", "--snapshot", "x").exit_code == 5
    assert shown(workspace, "segment", "show", "Big").splitlines()[0].split() == ["id", "title"]


def test_an_empty_segment_is_a_head_without_rows(workspace: Callable[..., Result], crm: CRM) -> None:
    """In every form."""
    with crm.work(crm.principal("Ann")) as work:
        records.create(work, [Create(Segment, name="None", entity="deal", where=Equal("title", "nobody's"))])
    assert shown(workspace, "segment", "show", "None").split() == ["id", "title"]
    assert json.loads(shown(workspace, "segment", "show", "None", "--json")) == []
    assert shown(workspace, "segment", "show", "None", "--csv") == "id,title\n"


def test_a_page_says_how_many_there_are(workspace: Callable[..., Result], crm: CRM) -> None:
    """Where they are more than it shows."""
    with crm.work(crm.principal("Ann")) as work:
        records.create(work, [Create(Deal, title=f"Gate {at}", amount=900) for at in range(3)])
    everybody = {"field": "title", "op": "starts_with", "value": "gate"}
    with crm.work(crm.principal("Ann")) as work:
        records.create(work, [Create(Segment, name="Gates", entity="deal", where=everybody)])
        records.create(work, [Create(SavedView, name="Gates", entity="deal", where=everybody)])
    for noun in ("view", "segment"):
        assert "the first 2 of 3" in workspace(noun, "show", "Gates", "--limit", "2").stderr


@pytest.mark.parametrize("where", ["amount[gt]=600", '{"field": "amount", "op": "greater", "value": 600}'])
def test_a_view_and_a_segment_are_narrowed(workspace: Callable[..., Result], crm: CRM, where: str) -> None:
    """By a filter, or a condition as JSON."""
    with crm.work(crm.principal("Ann")) as work:
        records.create(work, [Create(Deal, title="House", amount=9000)])
    for noun, name in (("view", "Deals"), ("segment", "Big")):
        rows = json.loads(shown(workspace, noun, "show", name, "--where", where, "--json"))
        assert [row["title"] for row in rows] == ["House"]


def test_a_closed_view_is_told(workspace: Callable[..., Result], crm: CRM) -> None:
    """Beside the list."""
    assert workspace("view", "list").stderr == ""
    with crm.database.write() as tx:
        tx.run("break", lambda: SavedView.__table__.update().values(sort="gone"), [{}])
    assert "cannot be opened: All, Deals" in workspace("view", "list").stderr


def test_snapshots_name_who_took_them(workspace: Callable[..., Result]) -> None:
    """And not their id."""
    shown(workspace, "segment", "snapshot", "Big")
    assert shown(workspace, "segment", "snapshots", "Big").rstrip().endswith("UTC  Ann")


@pytest.mark.parametrize("form", ["--csv", "--json"])
def test_every_form_is_there_without_plugins(workspace: Callable[..., Result], form: str) -> None:
    """What writes CSV is always active."""
    assert shown(workspace, "view", "show", "Deals", form, "--safe-mode") == shown(
        workspace, "view", "show", "Deals", form
    )
