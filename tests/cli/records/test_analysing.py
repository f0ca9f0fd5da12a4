"""`opencrm board` and `opencrm report`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from opencrm import CRM, Create, Deal, records


@pytest.fixture
def workspace(call: Callable[..., Result], folder: Path) -> Callable[..., Result]:
    """A workspace with pipelines and three deals of Ann's; gives `call`."""
    assert call("init", "--owner", "Ann").exit_code == 0
    assert call("plugin", "enable", "sample_pipelines", "--yes").exit_code == 0
    crm = CRM("sqlite:///opencrm.db")
    with crm.work(crm.sole_owner()) as work:
        for title, stage, amount in (("Gate", "new", 100), ("Door", "new", 50), ("Roof", "won", 200)):
            records.create(work, [Create(Deal, title=title, pipeline="sales", stage=stage, amount=amount)])
    crm.close()
    return call


def test_a_board_is_a_table(workspace: Callable[..., Result]) -> None:
    """A line for each stage, with the first cards."""
    done = workspace("board", "sales", "--sort", "amount")
    assert done.exit_code == 0, done.stderr
    lines = {line.split()[0]: line.split() for line in done.stdout.splitlines()}
    assert lines["New"] == ["New", "2", "150.00", "EUR", "Door,", "Gate"]
    assert lines["Won"] == ["Won", "1", "200.00", "EUR", "Roof"]


def test_a_board_is_json_for_a_program(workspace: Callable[..., Result]) -> None:
    """With a filter, and as many cards as are wanted."""
    done = workspace("board", "sales", "--where", "amount[gte]=100 EUR", "--cards", "1", "--json")
    assert done.exit_code == 0, done.stderr
    told = json.loads(done.stdout)
    found = {stage["key"]: stage for stage in told["stages"]}
    assert (told["pipeline"], told["entity"]) == ("sales", "deal")
    assert (found["new"]["count"], found["new"]["more"]) == (1, False)
    assert found["new"]["sums"] == [{"amount": "100.00", "currency": "EUR"}]
    assert [card["title"] for card in found["won"]["cards"]] == ["Roof"]


def test_a_report_is_a_table_with_names(workspace: Callable[..., Result]) -> None:
    """Records that are referred to are told by their names."""
    done = workspace("report", "deal", "--by", "owner_id", "--by", "stage", "--sum", "amount", "--conversion")
    assert done.exit_code == 0, done.stderr
    assert [line.split() for line in done.stdout.splitlines()] == [
        ["owner_id", "stage", "sum:amount", "conversion"],
        ["Ann", "new", "150.00", "EUR", "0.0%", "(0", "of", "2)"],
        ["Ann", "won", "200.00", "EUR", "100.0%", "(1", "of", "1)"],
    ]


def test_a_report_counts_where_nothing_else_is_asked_for(workspace: Callable[..., Result]) -> None:
    """Or where it is asked to."""
    told = json.loads(workspace("report", "deals", "--by", "created_at:year", "--json").stdout)
    assert [row["count"] for row in told["rows"]] == [3]
    told = json.loads(workspace("report", "deal", "--count", "--average", "amount", "--json").stdout)
    assert told["rows"] == [{"count": 3, "average:amount": [{"amount": "116.67", "currency": "EUR"}]}]


def test_what_has_no_value_to_group_by_is_called_none(workspace: Callable[..., Result]) -> None:
    """In the table; JSON has null. An entity is known by its address, too."""
    assert workspace("report", "deals", "--by", "source").stdout.split() == ["source", "count", "(none)", "3"]
    assert json.loads(workspace("report", "deals", "--by", "source", "--json").stdout)["rows"][0]["source"] is None
    assert workspace("report", "contact-points").stdout.split() == ["count", "0"]


@pytest.mark.parametrize("where", ["stage=won", '{"field": "stage", "op": "equal", "value": "won"}'])
def test_a_filter_and_a_condition_say_the_same(workspace: Callable[..., Result], where: str) -> None:
    """In reports and boards."""
    assert workspace("report", "deals", "--where", where).stdout.split() == ["count", "1"]
    assert "Gate" not in workspace("board", "sales", "--where", where).stdout


@pytest.mark.parametrize(
    "words, code, told",
    [
        (("board", "nix"), 5, "nix"),
        (("board", "sales", "--sort", "source"), 3, "source"),
        (("report", "nix"), 5, "nix"),
        (("report", "deal", "--by", "nix"), 3, "nix"),
        (("report", "deal", "--sum", "title"), 3, "title"),
        (("report", "deal", "--where", "nix"), 3, "a condition as JSON"),
        (("report", "deal", "--by", "nix"), 3, "--by: "),
        (("report", "deal", "--sum", "title"), 3, "--sum"),
        (("report", "deal", "--by", "company.city"), 2, "groups are own fields"),
    ],
)
def test_what_cannot_be_shown_is_refused(
    workspace: Callable[..., Result], words: tuple[str, ...], code: int, told: str
) -> None:
    """With the word that was wrong, and the exit code of its kind."""
    done = workspace(*words)
    assert (done.exit_code, done.stdout) == (code, "")
    assert told in done.stderr
