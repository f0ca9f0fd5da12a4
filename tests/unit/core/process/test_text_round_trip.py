"""Whatever is declared is the same once written as TOML and read again; whatever is read, one error is raised."""

from __future__ import annotations

import json
import tomllib
from datetime import date
from unicodedata import normalize

import pytest
import tomli_w
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from opencrm.core.conditions import All, AnyOf, Between, Empty, Equal, Has, In, Less, Link, Not
from opencrm.core.pipeline import Pipeline, Requirement, Stage
from opencrm.core.process import actions, events, selectors, text
from opencrm.core.process.asking.forms import Form
from opencrm.core.process.rules import Rule
from opencrm.core.process.tasks import Escalation, TaskSpec
from opencrm.core.process.text import grammar, parts
from opencrm.core.process.text.events import EVENT
from opencrm.core.process.values import By, Value

KEYS = st.from_regex(r"[a-z][a-z0-9_]{0,5}", fullmatch=True)
PATHS = st.from_regex(r"[a-z][a-z0-9_]{0,3}(\.[a-z]{1,3})?", fullmatch=True)
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0{}"), max_size=8).map(
    lambda it: normalize("NFC", it)
)
PLACED = st.tuples(TEXTS, PATHS).map(lambda it: normalize("NFC", f"{it[0]} {{{it[1]}}}"))
LENGTHS = st.sampled_from(["15m", "1h30m", "2d", "6w"])
MAYBE_LENGTHS = st.none() | LENGTHS
SCALARS = (
    TEXTS
    | PLACED
    | st.booleans()
    | st.integers(-(2**63) + 1, 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
)
CONSTANTS = SCALARS | st.none() | st.lists(SCALARS, max_size=2) | st.builds(Value, PATHS)
VALUES = st.dictionaries(KEYS, CONSTANTS, max_size=3)
LEAVES = (
    st.builds(Empty, PATHS)
    | st.builds(Equal, PATHS, SCALARS)
    | st.builds(Less, PATHS, SCALARS)
    | st.builds(Between, PATHS, SCALARS, SCALARS)
    | st.builds(In, PATHS, st.lists(SCALARS, max_size=2))
    | st.builds(Has, PATHS, st.lists(SCALARS, max_size=2))
)
CONDITIONS = st.recursive(
    LEAVES,
    lambda inner: (
        st.builds(All, st.lists(inner, max_size=2))
        | st.builds(AnyOf, st.lists(inner, max_size=2))
        | st.builds(Not, inner)
        | st.builds(Link, KEYS, st.just(""), inner)
    ),
    max_leaves=4,
)
SELECTORS = st.recursive(
    st.sampled_from([selectors.owner, selectors.creator])
    | st.builds(selectors.Person, st.from_regex(r"[a-z]{1,6}@[a-z]{2,6}\.com", fullmatch=True))
    | st.builds(
        selectors.Pick,
        role=KEYS,
        within=st.none() | TEXTS,
        strategy=st.sampled_from(["round_robin", "least_loaded"]),
    ),
    lambda inner: st.builds(selectors.head_of, inner),
    max_leaves=2,
)
DURATIONS = LENGTHS | st.builds(By, PATHS, st.dictionaries(TEXTS, LENGTHS, max_size=2), MAYBE_LENGTHS)


@st.composite
def forms(draw):
    fields = draw(st.lists(KEYS, min_size=1, max_size=3))
    of = draw(st.none() | KEYS)
    return Form(
        draw(KEYS),
        fields,
        of=of,
        many=of is not None and draw(st.booleans()),
        optional=draw(st.lists(st.sampled_from(fields), max_size=2)),
        label=draw(TEXTS),
    )


@st.composite
def escalations(draw):
    repeat = draw(MAYBE_LENGTHS)
    return Escalation(
        draw(st.sampled_from(["due", "+10m", "-5m"])),
        to=draw(SELECTORS),
        text=draw(PLACED),
        repeat=repeat,
        most=1 if repeat is None else draw(st.integers(1, 100)),
        reassign=draw(st.booleans()),
        how=draw(st.lists(st.sampled_from(["inbox", "mail"]), max_size=2)),
    )


SIMPLE = (
    st.builds(actions.CreateRecord, KEYS, VALUES, st.lists(KEYS, max_size=2))
    | st.builds(actions.UpdateRecord, VALUES)
    | st.builds(actions.MoveRecord, PATHS)
    | st.builds(actions.AssignRecord, SELECTORS)
    | st.builds(actions.Notify, SELECTORS, PLACED)
    | st.builds(actions.Send, PLACED, PLACED)
    | st.builds(actions.OnlyIf, CONDITIONS)
    | st.builds(actions.Wait, LENGTHS)
    | st.builds(actions.Call, KEYS, VALUES)
)


def tasks(inner):
    """Return tasks whose being done or cancelled does what `inner` draws; each argument may be left out."""
    given_ = st.fixed_dictionaries(
        {},
        optional={
            "title": PLACED,
            "owner": SELECTORS,
            "due": DURATIONS,
            "slot": LENGTHS,
            "form": forms(),
            "reminders": st.lists(LENGTHS, max_size=2),
            "escalations": st.lists(escalations(), max_size=2),
            "done": st.lists(inner, max_size=2),
            "cancelled": st.lists(inner, max_size=2),
            "stays": st.booleans(),
        },
    )
    free = st.builds(selectors.Pick, role=KEYS, strategy=st.just("free_slot"))
    return st.builds(lambda key, rest: TaskSpec(key, **rest), KEYS, given_) | st.builds(
        lambda key, slot, owner: TaskSpec(key, slot=slot, owner=owner), KEYS, LENGTHS, free
    )


TASKS = tasks(SIMPLE | st.builds(actions.give, tasks(SIMPLE)))
ACTIONS = SIMPLE | st.builds(actions.give, TASKS)
DOTTED = st.tuples(KEYS, KEYS).map(".".join)
EVENTS = st.one_of(
    *(st.builds(make, KEYS) for make in (events.created, events.assigned, events.deleted, events.submitted)),
    st.builds(lambda entity, fields: events.changed(entity, *fields), KEYS, st.lists(KEYS, max_size=2)),
    *(st.builds(make, DOTTED) for make in (events.entered, events.left, events.rotten)),
    *(st.builds(make, KEYS) for make in (events.done, events.cancelled, events.overdue)),
    st.builds(events.every, st.just("Mo-Fr"), st.just("09:00"), of=KEYS, zone=st.sampled_from([None, "Europe/Berlin"])),
    *(st.builds(make, KEYS, KEYS, LENGTHS) for make in (events.after, events.before)),
)
REQUIREMENTS = st.builds(Requirement, CONDITIONS, missing=TEXTS.filter(str.strip), form=st.none() | forms())
RULES = st.builds(
    Rule,
    KEYS,
    on=EVENTS,
    do=st.lists(ACTIONS, min_size=1, max_size=3),
    when=st.none() | CONDITIONS,
    anew=st.none() | KEYS,
    active=st.booleans(),
)


def stages(key):
    """Return stages of that key; each argument may be left out."""
    given_ = st.fixed_dictionaries(
        {},
        optional={
            "label": TEXTS,
            "kind": st.sampled_from(["open", "parked", "won", "lost"]),
            "probability": st.integers(0, 100),
            "enter": st.lists(REQUIREMENTS, max_size=1),
            "leave": st.lists(REQUIREMENTS, max_size=1),
            "tasks": st.lists(TASKS, max_size=1),
            "do": st.lists(ACTIONS, max_size=1),
            "left": st.lists(ACTIONS, max_size=1),
            "rots_after": LENGTHS,
            "limit": st.integers(1, 9),
        },
    )
    reasons = st.dictionaries(KEYS, TEXTS.filter(lambda it: it.strip()), max_size=2)
    return st.tuples(given_, reasons).map(lambda it: _stage(key, *it))


def _stage(key, rest, reasons):
    return Stage(key, **rest, **({"reasons": reasons} if rest.get("kind") == "lost" else {}))


@st.composite
def pipelines(draw):
    keys = draw(st.lists(KEYS, min_size=1, max_size=3, unique=True))
    named = st.sampled_from(keys)
    moves = st.sets(st.tuples(named | st.just("*"), named | DOTTED), max_size=4)
    rest = st.fixed_dictionaries(
        {},
        optional={"initial": named, "entity": KEYS, "kind": st.sampled_from(["sales", "leads"]), "label": TEXTS}
        | {"roles": st.lists(KEYS, max_size=2)},
    )
    return Pipeline(draw(KEYS), [draw(stages(key)) for key in keys], moves=draw(moves), **draw(rest))


def through_text(written):
    """Return what is read from the JSON of what is read from the TOML of something."""
    return json.loads(json.dumps(tomllib.loads(tomli_w.dumps({"it": written}))))["it"]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@pytest.mark.parametrize(
    "read,declarations",
    [
        (text.pipeline_of, pipelines()),
        (text.rule_of, RULES),
        (text.task_of, TASKS),
        (text.action_of, ACTIONS),
        (text.event_of, EVENTS),
        (text.selector_of, SELECTORS),
        (text.duration_of, DURATIONS),
        (text.form_of, forms()),
        (text.requirement_of, REQUIREMENTS),
    ],
    ids=lambda it: getattr(it, "__name__", ""),
)
@given(data=st.data())
def test_what_is_declared_is_read_again_from_its_text(read, declarations, data):
    """Exactly, and written again it is the same text."""
    item = data.draw(declarations)
    written = text.plain(item)
    found = read(through_text(written))
    assert found == item
    assert text.plain(found) == written


@given(st.lists(ACTIONS, max_size=3))
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_several_actions_are_read_again_in_their_order(items):
    """As a tuple."""
    assert text.actions_of(through_text(text.plain(items))) == tuple(items)


READERS = (
    text.pipeline_of,
    text.stage_of,
    text.rule_of,
    text.task_of,
    text.action_of,
    text.actions_of,
    text.event_of,
    text.selector_of,
    text.duration_of,
    text.form_of,
    text.requirement_of,
    text.calendar_of,
)
WORDS = sorted(
    {
        *grammar.ACTION.forms,
        *EVENT.forms,
        *parts.SELECTOR.forms,
        *(name for table in vars(grammar).values() if isinstance(table, grammar.Table) for name in table.kinds),
        *parts.CALENDAR.kinds,
        *("by", "cases", "otherwise", "value", "empty", "field", "op", "all", "not", "owner", "due", "open", "fields"),
        *(
            "optional",
            "of",
            "many",
            "once",
            "values",
            "entity",
            "service",
            "equal",
            "in",
            "15m",
            "a.b",
            "{a}",
            "0" * 30 + "w",
        ),
    }
)
JUNK = st.recursive(
    st.sampled_from(WORDS)
    | st.text(max_size=5)
    | st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.decimals()
    | st.dates()
    | st.times()
    | st.binary(max_size=2)
    | st.just(date(2026, 1, 1)),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(WORDS), inner, max_size=4)
        | st.dictionaries(st.text(max_size=2) | st.integers(), inner, max_size=2)
    ),
    max_leaves=15,
)


@given(st.sampled_from(READERS), JUNK)
@settings(max_examples=500, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_of_junk_only_the_one_error_is_raised(read, raw):
    """And what is read after all can be written, and read again."""
    try:
        found = read(raw, "x")
    except text.Unreadable as error:
        assert error.faults
        assert all(path.startswith("x") and texts for path, texts in error.faults.items())
    else:
        assert text.plain(read(text.plain(found))) == text.plain(found)


def _places(raw, found):
    """Collect each table and list in something, with the name or index of each thing in it."""
    for name, inner in raw.items() if isinstance(raw, dict) else enumerate(raw) if isinstance(raw, list) else ():
        found.append((raw, name))
        _places(inner, found)
    return found


@given(pipelines(), RULES, st.data())
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_of_a_declaration_with_a_fault_only_the_one_error_is_raised(pipeline, rule, data):
    """Anything within it is put in the place of something else."""
    read, item = data.draw(st.sampled_from([(text.pipeline_of, pipeline), (text.rule_of, rule)]))
    raw = text.plain(item)
    holder, name = data.draw(st.sampled_from(_places(raw, [])))
    holder[name] = data.draw(JUNK)
    try:
        text.plain(read(raw, "x"))
    except text.Unreadable as error:
        assert error.faults
