"""The pipelines in the box."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal

import pytest

from opencrm.core.change import Kind
from opencrm.hooks import Found, Hooks, load


@pytest.fixture
def hooks():
    return Hooks([load(Found(name="sample_pipelines", source="box", where="opencrm.plugins.sample_pipelines"))])


@pytest.fixture
def pipelines(hooks):
    return {found.value.key: found.value for found in hooks.pipelines()}


def reachable(pipelines, start):
    """Return the stages that a deal can come to, as pairs of pipeline and stage."""
    found, ahead = set(), [start]
    while ahead:
        pipeline, stage = here = ahead.pop()
        if here not in found:
            found.add(here)
            ends = [end for begin, end in pipelines[pipeline].moves if begin in (stage, "*")]
            ahead += [tuple(end.split(".")) if "." in end else (pipeline, end) for end in ends]
    return found


def test_there_are_leads_and_sales(pipelines):
    """A lead is a deal in a pipeline of its own kind."""
    assert {key: it.kind for key, it in pipelines.items()} == {"leads": "leads", "sales": "sales"}


def test_every_stage_can_be_reached(pipelines):
    """A request can come to any stage of both, by allowed moves that lead to stages that exist."""
    every = {(key, stage.key) for key, it in pipelines.items() for stage in it.stages}
    assert every == reachable(pipelines, ("leads", "new"))


def test_chances_grow_along_the_way(pipelines):
    """A sale is the likelier the further it is."""
    chances = [stage.chance for stage in pipelines["sales"].stages if not stage.closed]
    assert sorted(chances) == chances


def test_a_deal_without_an_amount_cannot_be_won(hooks, make_change, door_for):
    """It is refused at the amount; with one, and in other people's pipelines, it may be."""
    changes = [
        make_change("1", kind=Kind.MOVED, pipeline="sales", stage="won", amount=None),
        make_change("2", kind=Kind.MOVED, pipeline="sales", stage="won", amount=Decimal("100")),
        make_change("3", kind=Kind.MOVED, pipeline="sales", stage="lost", amount=None),
        make_change("4", kind=Kind.MOVED, pipeline="foreign", stage="won", amount=None),
        make_change("5", kind=Kind.CREATED, pipeline="sales", stage="won", amount=None),
    ]
    found = hooks.check_move(changes, door_for)
    assert [(it.record, it.field) for it in found] == [("1", "amount"), ("5", "amount")]


class FakeDoor:
    """A door with a memory, whose work blocks may break at the end."""

    def __init__(self):
        self.keys = set()
        self.opened = 0

    @contextmanager
    def work(self):
        self.opened += 1
        yield self

    def once(self, work, key):
        assert work is self
        new = key not in self.keys
        self.keys.add(key)
        return new


@pytest.fixture
def created(monkeypatch):
    """What the plugin creates."""
    commands = []
    monkeypatch.setattr("opencrm.plugins.sample_pipelines.records.create", lambda _work, given: commands.extend(given))
    return commands


def test_a_new_lead_is_answered_once(hooks, make_entry, created):
    """Its owner gets a task, and a second delivery of the same event makes no second one."""
    entry = make_entry(pipeline="leads", title="Windows", owner_id="u1")
    door = FakeDoor()
    for _ in range(2):
        assert hooks.on_change("sample_pipelines", entry, door) is None
    [command] = created
    assert (command.values["owner_id"], command.values["deal_id"]) == ("u1", "r1")
    assert command.values["title"] == "Answer the request: Windows"
    assert timedelta(minutes=20) == command.values["due_at"] - entry.at


def test_fields_that_it_may_not_read_do_not_stop_it(hooks, make_entry, created):
    """An owner may have approved less than was asked for."""
    assert hooks.on_change("sample_pipelines", make_entry(pipeline="leads"), FakeDoor()) is None
    assert [command.values["owner_id"] for command in created] == [None]


@pytest.mark.parametrize(
    "kind,pipeline",
    [(Kind.CREATED, "sales"), (Kind.CREATED, None), (Kind.MOVED, "leads"), (Kind.CHANGED, "leads")],
)
def test_nothing_else_is_answered(hooks, make_entry, kind, pipeline):
    """Only new deals in `leads` are; nothing else opens a transaction."""
    door = FakeDoor()
    hooks.on_change("sample_pipelines", make_entry(kind=kind, pipeline=pipeline), door)
    assert door.opened == 0


def test_it_asks_for_what_it_does(hooks):
    """To read deals, to create tasks and to give them to their owners."""
    asked = {f"{grant.entity}.{grant.action}" for grant in hooks.grants("sample_pipelines")}
    assert {"deal.read", "task.create", "task.assign"} == asked
