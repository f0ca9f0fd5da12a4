"""Declarations as JSON and TOML hold them: what is written, and what is told of what cannot be read."""

from __future__ import annotations

import json
import tomllib
from datetime import UTC, date, datetime, time
from decimal import Decimal

import attrs
import pytest

from opencrm.core.change import Kind
from opencrm.core.conditions import Empty, Equal
from opencrm.core.pipeline import Pipeline, Stage, required
from opencrm.core.process.actions import MoveRecord, create, give, only_if, update, wait
from opencrm.core.process.events import OnRecord, OnTask, changed, created, entered
from opencrm.core.process.rules import Rule
from opencrm.core.process.selectors import creator, head_of, owner, person, pick
from opencrm.core.process.tasks import Escalation, TaskSpec
from opencrm.core.process.text import (
    Unreadable,
    action_of,
    actions_of,
    calendar_of,
    event_of,
    grammar,
    parts,
    pipeline_of,
    plain,
    rule_of,
    selector_of,
    stage_of,
    task_of,
)
from opencrm.core.process.text.events import EVENT
from opencrm.core.process.text.places import Place
from opencrm.core.process.timing.calendars import Calendar
from opencrm.core.process.values import by, value
from opencrm.core.values import Money

WINDOWS = """
key = "windows"
moves = [["*", "lost"], ["request", "agreed"]]

[[stages]]
key = "request"
rots_after = "2d"

[[stages.tasks]]
key = "call"
title = "Call {contact.name}"
owner = { pick = "seller", strategy = "least_loaded" }
due = { by = "heat", cases = { hot = "15m", warm = "20m" }, otherwise = "30m" }
escalations = [{ to = { head_of = "owner" }, repeat = "1h", most = 3 }]
done = [{ move = "agreed" }]

[[stages]]
key = "agreed"
do = [
    { only_if = { field = "amount", op = "greater", value = 1000 } },
    { create = { entity = "contact", values = { name = "{title}", city = { value = "city" } }, once = ["name"] } },
    { wait = "6w" },
    { notify = { to = { person = "a@b.c" }, text = "Go on" } },
]

[[stages]]
key = "lost"
kind = "lost"
"""


def faults(read, raw, at):
    with pytest.raises(Unreadable) as caught:
        read(raw, at)
    return caught.value.faults


def test_a_pipeline_is_written_in_toml_as_it_is_declared():
    """The form that people write is the form that is written for them."""
    raw = tomllib.loads(WINDOWS)
    found = pipeline_of(raw)
    assert found.stages[0].tasks[0] == TaskSpec(
        "call",
        title="Call {contact.name}",
        owner=pick("seller", strategy="least_loaded"),
        due=by("heat", hot="15m", warm="20m", otherwise="30m"),
        escalations=[Escalation(to=head_of(owner), repeat="1h", most=3)],
        done=[MoveRecord("agreed")],
    )
    assert found.moves == {("*", "lost"), ("request", "agreed")}
    written = plain(found)
    assert pipeline_of(written) == found
    assert written["stages"][1] == raw["stages"][1]
    assert written["stages"][0]["tasks"][0]["due"] == raw["stages"][0]["tasks"][0]["due"]


def test_what_is_as_by_default_is_not_written():
    """Labels made of the key, the first stage, everything that nobody said."""
    assert plain(Pipeline("sales", ["new"], moves=())) == {"key": "sales", "moves": [], "stages": [{"key": "new"}]}
    assert plain(TaskSpec("call")) == {"key": "call"}
    assert plain(Rule("greet", on=created("deal"), do=[wait("1h")])) == {
        "key": "greet",
        "on": {"created": "deal"},
        "do": [{"wait": "1h"}],
    }


def test_an_empty_list_is_written_where_it_is_not_the_default():
    """A task of which nobody is told."""
    silent = TaskSpec("call", escalations=())
    assert plain(silent) == {"key": "call", "escalations": []}
    assert task_of(plain(silent)) == silent


@pytest.mark.parametrize(
    "selector,written",
    [
        (owner, "owner"),
        (creator, "creator"),
        (person("a@b.c"), {"person": "a@b.c"}),
        (head_of(head_of(creator)), {"head_of": {"head_of": "creator"}}),
        (pick("seller", within="record"), {"pick": "seller", "within": "record"}),
    ],
)
def test_people_are_named_by_a_word_or_a_table(selector, written):
    """Each selector has one form."""
    assert plain(selector) == written
    assert selector_of(written) == selector


def test_constants_are_written_as_their_fields_read_them():
    """Amounts, days and instants are text; nothing is a table of its own, since TOML has no null."""
    written = plain(
        update(
            amount=Money(Decimal("12.50"), "EUR"),
            share=Decimal("0.10"),
            due_on=date(2026, 3, 2),
            at=datetime(2026, 3, 2, 9, tzinfo=UTC),
            tags=["a", "b"],
            contact_id=value("contact_id"),
            description=None,
        )
    )
    assert written == {
        "update": {
            "amount": "12.50 EUR",
            "share": "0.10",
            "due_on": "2026-03-02",
            "at": "2026-03-02T09:00:00+00:00",
            "tags": ["a", "b"],
            "contact_id": {"value": "contact_id"},
            "description": {"empty": True},
        }
    }
    assert plain(action_of(written)) == written
    assert action_of(written).values["description"] is None


def test_a_day_that_toml_holds_as_such_becomes_what_json_holds():
    """Two ways of writing one constant are one declaration."""
    raw = tomllib.loads("update = { due_on = 2026-03-02, amount = 1.5 }")
    assert action_of(raw) == update(due_on="2026-03-02", amount=1.5)


def test_a_text_is_written_in_its_normal_form():
    """What is read again is what was written, however an accent was typed."""
    assert plain(Stage("a", label="e\u0301")) == {"key": "a", "label": "\u00e9"}
    assert stage_of({"key": "a", "label": "e\u0301"}).label == "\u00e9"


def test_a_condition_is_written_as_everywhere():
    """The form of filters."""
    assert plain(only_if(Empty("amount"))) == {"only_if": {"field": "amount", "op": "empty"}}
    assert plain(Equal("a", 1)) == {"field": "a", "op": "equal", "value": 1}
    assert plain(required("amount"))["missing"] == "amount"


@pytest.mark.parametrize(
    "item",
    [
        update(at=time(9)),
        update(at={"a": 1}),
        OnRecord("deal", (Kind.RESTORED,)),
        OnRecord("deal", (Kind.CREATED,), ("amount",)),
        OnTask("call", "forgotten"),
        TaskSpec("call", form="asked"),
        TaskSpec("call", done=[owner]),
        TaskSpec("call", calendar=None),
        Stage("new", label=3),
        Pipeline("sales", ["new"], moves=(), label=None),
    ],
    ids=str,
)
def test_what_has_no_form_is_not_written(item):
    """Rather than something else."""
    with pytest.raises(ValueError, match="written"):
        plain(item)


def test_what_is_no_declaration_is_not_written():
    """As a condition is not."""
    with pytest.raises(ValueError, match="must be a condition, not int"):
        plain(3)


def test_a_fault_names_its_path_and_what_is_allowed():
    """All of them at once."""
    raw = {
        "kay": "windows",
        "moves": [["new"]],
        "stages": [
            {"key": "new", "kind": "odd", "tasks": [{"key": "call", "due": "15x", "stays": 1}, {"title": "{"}]},
            {"key": "won", "do": [{"move": "a", "wait": "1h"}, {"jump": "a"}], "probability": True},
        ],
    }
    assert faults(pipeline_of, raw, "pipelines[1]") == {
        "pipelines[1]": ["'kay' is none of key, entity, label, kind, initial, roles, moves, stages"],
        "pipelines[1].key": ["is missing"],
        "pipelines[1].moves[0]": ['must be a pair such as ["new", "won"]'],
        "pipelines[1].stages[0].kind": ["must be one of open, parked, won, lost"],
        "pipelines[1].stages[0].tasks[0].due": ["'15x' is not a duration such as 16m, 1h30m or 6w"],
        "pipelines[1].stages[0].tasks[0].stays": ["must be true or false"],
        "pipelines[1].stages[0].tasks[1].key": ["is missing"],
        "pipelines[1].stages[0].tasks[1].title": ["'{': a place is written as {field}"],
        "pipelines[1].stages[1].do[0]": [f"must be one of {ACTIONS}, not several"],
        "pipelines[1].stages[1].do[1]": [f"must be one of {ACTIONS}"],
        "pipelines[1].stages[1].probability": ["must be a whole number"],
    }


ACTIONS = ", ".join(form.sample for form in grammar.ACTION.forms.values())
SELECTORS = '"owner", "creator", {person = "ann@example.com"}, {head_of = "owner"}, {pick = "seller"}'
CHOICES = {"action": grammar.ACTION, "event": EVENT, "selector": parts.SELECTOR, "duration": parts.DURATION}


@pytest.mark.parametrize(
    "choice,word,sample",
    [(what, word, form.sample) for what, choice in CHOICES.items() for word, form in choice.forms.items()],
)
def test_what_a_fault_shows_can_be_written_so(choice, word, sample):
    """Each word with something to copy, that is read and written again the same."""
    raw = tomllib.loads(f"it = {sample}")["it"]
    assert word in raw
    assert CHOICES[choice].write(CHOICES[choice].read(raw, Place("it"))) == raw


def test_a_requirement_as_python_has_it_is_pointed_to_as_text_has_it():
    """What the sentence says to write is the same requirement."""
    [told] = faults(stage_of, {"key": "a", "enter": [{"required": ["amount"]}]}, "a")["a.enter[0]"]
    known, _, written = told.partition(": write ")
    assert known == "'required' is none of condition, missing, form"
    assert tomllib.loads(f"it = {written}")["it"] == plain(required("amount"))


@pytest.mark.parametrize(
    "read,raw,told",
    [
        (pipeline_of, [], {"x": ["must be a table of key, entity, label, kind, initial, roles, moves, stages"]}),
        (pipeline_of, {"key": "a", "moves": [], "stages": []}, {"x.stages": ["must hold at least 1"]}),
        (
            pipeline_of,
            {"key": "a", "moves": [["b", "c"]], "stages": [{"key": "b"}]},
            {"x": ["pipeline 'a' has no stage 'c'"]},
        ),
        (
            task_of,
            {"key": "Call"},
            {"x": ["key: 'Call' is no name of at most 64 small letters, digits and _ that begins with a letter"]},
        ),
        (task_of, {"key": "call", "due": "9999999999999w"}, "x.due"),
        (task_of, {"key": "call", "escalations": [{"most": 2}]}, "x.escalations[0]"),
        (rule_of, {"key": "a", "on": {"created": "deal"}, "do": []}, {"x": ["do: a rule has 1 to 50 actions"]}),
        (rule_of, {"key": "a", "on": {"created": "deal", "fields": ["a"]}, "do": [{"wait": "1h"}]}, "x.on"),
        (rule_of, {"key": "a", "on": {"created": "deal"}, "when": {"field": 1}, "do": [{"wait": "1h"}]}, "x.when"),
        (event_of, {"entered": "agreed"}, {"x": ["'agreed' is no stage such as windows.agreed"]}),
        (event_of, {"after": "deal", "field": "closed_on"}, {"x.duration": ["is missing"]}),
        (
            selector_of,
            "boss",
            {"x": [f"must be one of {SELECTORS}"]},
        ),
        (selector_of, {"pick": "seller", "unit": "North"}, {"x": ["'unit' is none of pick, within, strategy"]}),
        (action_of, {"wait": {"duration": "1d"}}, {"x.wait": ['must be text such as "1d"']}),
        (selector_of, {"pick": "seller", "strategy": "dice"}, "x.strategy"),
        (action_of, {"create": {"values": {}}}, {"x.create.entity": ["is missing"]}),
        (action_of, {"create": {"entity": "a", "values": {}}, "move": "b", "x": 1}, "x"),
        (action_of, {"create": {"entity": "a", "values": {}}, "y": 1}, {"x": ["'y' is none of create"]}),
        (action_of, {"update": {"a": {"value": "b"}, "c": {"value": "D e"}}}, "x.update.c.value"),
        (action_of, {"update": {"a": {"empty": False}}}, "x.update.a"),
        (action_of, {"update": {"a": [["b"]]}}, "x.update.a[0]"),
        (action_of, {"update": {"a": float("nan")}}, {"x.update.a": ["is out of range"]}),
        (action_of, {"update": {"a": 2**63}}, {"x.update.a": ["is out of range"]}),
        (action_of, {"update": {"a": None}}, "x.update.a"),
        (action_of, {"update": {"a": "\ud800"}}, {"x.update.a": ["must not contain half of a surrogate pair"]}),
        (action_of, {"update": {1: "a"}}, {"x.update": ["a name in a table must be text"]}),
        (action_of, {"move": "a" * 2_001}, {"x.move": ["a text is longer than 2,000 characters"]}),
        (actions_of, {"move": "a"}, {"x": ["must be a list"]}),
        (actions_of, [{"wait": "1h"}, {"wait": "1"}], "x[1].wait"),
    ],
)
def test_what_cannot_be_read_is_refused_where_it_stands(read, raw, told):
    """The path comes first, whoever refuses it."""
    found = faults(read, raw, "x")
    assert (list(found) if isinstance(told, str) else found) == ([told] if isinstance(told, str) else told)


def test_declarations_are_nested_so_deep_and_no_deeper():
    """A task whose being done gives a task, and so on."""
    raw = {"key": "last"}
    for _ in range(5):
        raw = {"key": "before", "done": [{"give": raw}]}
    assert task_of(raw).done
    deeper = {"key": "first", "done": [{"give": raw}]}
    assert list(faults(task_of, deeper, "x").values()) == [["is nested more than 12 deep"]]


@pytest.mark.parametrize("wrapped", [lambda it: [it], lambda it: {"head_of": it}, lambda it: {"not": it}])
def test_what_is_nested_without_end_is_refused_at_once(wrapped):
    """No stack overflows."""
    raw = "owner"
    for _ in range(100_000):
        raw = wrapped(raw)
    assert faults(selector_of, raw, "x") == {"x": ["is nested more than 64 deep"]}
    assert faults(actions_of, [{"only_if": raw}], "x") == {"x": ["is nested more than 64 deep"]}


def test_what_is_too_large_is_refused_at_once():
    """Wide, and wide in several places."""
    large = {"x": ["is made of more than 2,000 parts"]}
    assert faults(actions_of, [{"move": "a"}] * 1_000, "x") == large
    assert faults(actions_of, [{"move": "a"}] * 1_000_000, "x") == large
    assert len(actions_of([{"move": "a"}] * 999)) == 999


def test_so_many_faults_are_told_and_no_more():
    """A page holds them."""
    assert len(faults(actions_of, [{"wait": "a"}] * 900, "x")) == 50


@pytest.mark.parametrize(
    "table",
    [
        *(it for it in vars(grammar).values() if isinstance(it, grammar.Table)),
        *(it for it in vars(parts).values() if isinstance(it, parts.Table)),
        *(getattr(form, "table", form) for form in grammar.ACTION.forms.values()),
        *parts.SELECTOR.forms.values(),
    ],
    ids=lambda table: table.make.__name__,
)
def test_every_argument_of_a_declaration_can_be_written(table):
    """Whoever adds one adds it here."""
    assert set(table.kinds) == {each.name for each in attrs.fields(table.make) if each.init}


def test_a_calendar_is_read_by_its_fields():
    """A day off is `off`."""
    calendar = task_of({"key": "call"}).calendar
    assert "calendar" not in plain(TaskSpec("call"))
    assert calendar_of(plain(calendar)) == calendar
    if "days" not in parts.CALENDAR.kinds:
        pytest.skip("calendars are not built yet")
    own = Calendar("shop", hours="Mo-Fr 08:00-17:00", zone="Europe/Berlin", days={"2026-12-31": None})
    assert plain(own) == {
        "name": "shop",
        "hours": "Mo-Fr 08:00-17:00",
        "zone": "Europe/Berlin",
        "days": {"2026-12-31": "off"},
    }
    assert calendar_of(plain(own)) == own


@pytest.mark.parametrize(
    "item",
    [
        changed("deal", "amount", "title"),
        entered("windows.agreed"),
        give(TaskSpec("call")),
        create("deal", title="{title}"),
    ],
    ids=str,
)
def test_json_holds_it(item):
    """As it does in the database."""
    read = event_of if type(item) in (OnRecord, type(entered("a.b"))) else action_of
    assert read(json.loads(json.dumps(plain(item)))) == item
