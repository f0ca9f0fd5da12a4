"""Changes, moves and pipelines, as pure values."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from opencrm import Change, Grant, InvalidMove, Kind, Pipeline, Scope, Stage
from opencrm.core.pipeline import move_rule, moved, stage_moves
from opencrm.core.pipeline.moves import history_of, target

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
SALES = Pipeline("sales", ["new", "offer", Stage("won", kind="won")], moves={("new", "offer"), ("*", "won")})
LEADS = Pipeline("leads", ["new"], moves={("new", "sales.new")})
BOTH = {"sales": SALES, "leads": LEADS}


def state(**values):
    return {"id": "1", "pipeline": "sales", "stage": "new", "stage_since": NOON, "closed_at": None, **values}


def test_a_change_knows_what_it_changes():
    """Of a creation what holds a value, of a change what differs."""
    assert Change("deal", "1", Kind.CREATED, None, {"a": 1, "b": None}).fields == ("a",)
    assert Change("deal", "1", Kind.CHANGED, {"a": 1, "b": 2}, {"a": 1, "b": 3}).fields == ("b",)


def test_a_move_enters_its_stage():
    """With the instant, and closed where the stage is."""
    change = moved(BOTH, "deal", state(), "won", NOON + timedelta(hours=1))
    assert (change.kind, change.after["stage"]) == (Kind.MOVED, "won")
    assert change.after["stage_since"] == change.after["closed_at"] == NOON + timedelta(hours=1)


@pytest.mark.parametrize("to, found", [("offer", ("sales", "offer")), ("leads.new", ("leads", "new"))])
def test_a_target_is_a_stage_or_a_pipelines_stage(to, found):
    """Of the same pipeline by default."""
    assert target(BOTH, "sales", to) == found


@pytest.mark.parametrize("current, to", [("sales", "x"), ("sales", "x.new"), (None, "new"), ("gone", "new")])
def test_an_unknown_target_is_an_invalid_move(current, to):
    """Whatever of it is unknown."""
    with pytest.raises(InvalidMove):
        target(BOTH, current, to)


@pytest.mark.parametrize(
    "start, to, objections",
    [
        ({}, "offer", 0),
        ({"stage": "offer"}, "won", 0),
        ({"stage": "offer"}, "new", 1),
        ({"pipeline": "leads"}, "sales.new", 0),
        ({}, "leads.new", 1),
        ({}, "new", 1),
    ],
)
def test_the_graph_decides(start, to, objections):
    """A move that is no edge of it meets one objection."""
    change = moved(BOTH, "deal", state(**start), to, NOON)
    assert len(list(move_rule(BOTH, change))) == objections


def test_the_log_has_a_line_for_each_stage_entered():
    """And none for a change that enters none."""
    move = moved(BOTH, "deal", state(), "offer", NOON + timedelta(minutes=2))
    other = Change("deal", "1", Kind.CHANGED, state(), state())
    [line] = stage_moves([move, other])
    assert (line.start, line.end, line.seconds) == ("new", "offer", 120)


def test_a_past_is_a_log():
    """With the time spent in each stage."""
    lines = history_of("deal", "1", "sales", [("new", NOON), ("won", NOON + timedelta(days=1))])
    assert [(line.start, line.end, line.seconds) for line in lines] == [(None, "new", None), ("new", "won", 86400)]


@pytest.mark.parametrize(
    "make",
    [
        lambda: Pipeline("p", ["a", "a"], moves=()),
        lambda: Pipeline("p", ["a"], moves={("a", "b")}),
        lambda: Pipeline("p", ["a"], moves={("b", "a")}),
        lambda: Pipeline("p", ["a"], moves=(), initial="b"),
        lambda: Stage("a", kind="unknown"),
    ],
)
def test_a_pipeline_that_makes_no_sense_is_refused(make):
    """When it is declared, not when it is used."""
    with pytest.raises(ValueError, match=r"stage|kind"):
        make()


@pytest.mark.parametrize(
    "grant, entity, action, covers",
    [
        (("deal", "read"), "deal", "read", True),
        (("deal", "read"), "contact", "read", False),
        (("*", "read"), "contact", "read", True),
        (("deal", "*"), "deal", "move:a.b", True),
        (("deal", "move:*"), "deal", "move:a.b", True),
        (("deal", "move:a.*"), "deal", "move:a.b", True),
        (("deal", "move:*.b"), "deal", "move:a.b", True),
        (("deal", "move:a.c"), "deal", "move:a.b", False),
        (("deal", "move:b.*"), "deal", "move:a.b", False),
        (("deal", "update"), "deal", "move:a.b", False),
        (("deal", "move:*"), "deal", "update", False),
    ],
)
def test_a_grant_covers_what_it_says(grant, entity, action, covers):
    """Entity and action, each perhaps with a star."""
    assert Grant(*grant, Scope.ALL).covers(entity, action) is covers
