"""Loops of rules, found before anything runs: what goes round without end, and what comes to rest."""

from __future__ import annotations

import pytest

from opencrm import (
    Activity,
    Deal,
    Pipeline,
    Rule,
    Stage,
    TaskSpec,
    cancelled,
    changed,
    create,
    created,
    entered,
    left,
    move,
    update,
    wait,
)
from opencrm.core.process.checks import loops, stages_of

LINE = Pipeline("line", ["a", "b", "lost"], moves={("a", "b"), ("b", "a"), ("*", "lost")})
CALLS = Pipeline("calls", [Stage("a", tasks=[TaskSpec("call")]), "lost"], moves={("a", "lost")})
ROUND = Pipeline("round", [Stage("a", do=[move("b")]), Stage("b", do=[move("a")])], moves={("a", "b")})


@pytest.mark.parametrize(
    "rules, pipeline, found",
    [
        ([Rule("x", on=changed(Deal, "source"), do=[update(source="{source}.")])], LINE, [("x",)]),
        ([Rule("x", on=changed(Deal), do=[update(source="large")])], LINE, []),
        (
            [
                Rule("x", on=changed(Deal, "title"), do=[update(source="{title}")]),
                Rule("y", on=changed(Deal, "source"), do=[update(title="{source}")]),
            ],
            LINE,
            [("x", "y")],
        ),
        (
            [
                Rule("x", on=changed(Deal, "title"), do=[update(source="1")]),
                Rule("y", on=changed(Deal, "source"), do=[update(title="2")]),
            ],
            LINE,
            [],
        ),
        (
            [
                Rule("x", on=changed(Deal), do=[update(source="1")]),
                Rule("y", on=changed(Deal), do=[update(source="2")]),
            ],
            LINE,
            [("x",)],
        ),
        (
            [Rule("x", on=entered("line.a"), do=[move("b")]), Rule("y", on=entered("line.b"), do=[move("a")])],
            LINE,
            [("x", "y")],
        ),
        (
            [
                Rule("x", on=entered("line.a"), do=[wait("1d"), move("b")]),
                Rule("y", on=entered("line.b"), do=[move("a")]),
            ],
            LINE,
            [],
        ),
        (
            [Rule("x", on=left("line.a"), do=[move("a")]), Rule("y", on=left("line.b"), do=[move("b")])],
            LINE,
            [("x", "y")],
        ),
        ([Rule("x", on=cancelled("call"), do=[move("lost")])], CALLS, []),
        ([Rule("x", on=created(Activity), do=[create(Activity, subject="Re: {subject}")])], LINE, [("x",)]),
        ([Rule("x", on=created(Activity), do=[create(Activity, subject="Hello", once="subject")])], LINE, []),
        ([], ROUND, [("round.a", "round.b")]),
    ],
)
def test_what_goes_round_is_named_and_what_comes_to_rest_is_not(
    rules: list[Rule], pipeline: Pipeline, found: list[tuple[str, ...]]
) -> None:
    """Two rules that set one field to two constants go round; each field to one constant, or a wait, does not."""
    assert list(loops({pipeline.key: pipeline}, rules, {"call": ["deal"]})) == found


def test_stages_out_of_reach_and_without_a_way_out_are_told() -> None:
    """Neither is refused; another pipeline may lead there."""
    odd = Pipeline("odd", ["a", "b", Stage("won", kind="won")], moves={("a", "won")})
    told = [it.text for it in stages_of(odd, "definition")]
    assert told == ["no move leads to the stage odd.b", "no move leads out of the open stage odd.b"]
    other = Pipeline("other", ["x"], moves={("x", "odd.b")})
    assert len(list(stages_of(odd, "definition", [other]))) == 1
