"""Whether one set of grants holds all of another."""

from __future__ import annotations

from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opencrm import Equal, FieldRule, Grant, Scope
from opencrm.core.access.covering import Coverage
from opencrm.core.access.openness import Openness
from opencrm.core.entities import Core, specs

ENTITIES = {spec.name: spec for spec in specs(Core) if spec.name in ("deal", "contact", "deal_line")}
COVERAGE = Coverage(ENTITIES)
ACTS = ("create", "read", "update", "delete", "restore", "assign", "share", "export", "merge", "move:*")
TEAM = Scope.TEAM
SMALL = Equal("title", "small")


def covered(wanted, *given):
    return COVERAGE.missing([wanted], given) is None


@pytest.mark.parametrize(
    "given",
    [
        [Grant("deal", "read", TEAM)],
        [Grant("deal", "read", Scope.ALL)],
        [Grant("*", "read", TEAM)],
        [Grant("deal", "*", TEAM)],
        [Grant("*", "*", Scope.ALL)],
        [Grant("deal", "read", Scope.OWN), Grant("deal", "read", Scope.SUBTREE)],
    ],
)
def test_a_grant_is_covered_by_one_that_holds_it(given):
    """The same or any entity, the same or any act, no narrower."""
    assert covered(Grant("deal", "read", TEAM), *given)


@pytest.mark.parametrize(
    "given",
    [
        [],
        [Grant("deal", "read", Scope.OWN)],
        [Grant("deal", "update", Scope.ALL)],
        [Grant("contact", "read", Scope.ALL)],
        [Grant("deal", "read", Scope.ALL, when=SMALL)],
    ],
)
def test_a_grant_is_not_covered_by_another(given):
    """Narrower, about something else, or under a condition."""
    assert not covered(Grant("deal", "read", TEAM), *given)


def test_conditions_only_narrow():
    """A grant under a condition is covered by one without, or with the very same."""
    small = Grant("deal", "read", TEAM, when=SMALL)
    assert covered(small, Grant("deal", "read", TEAM))
    assert covered(small, Grant("deal", "read", Scope.ALL, when=SMALL))
    assert not covered(small, Grant("deal", "read", Scope.ALL, when=Equal("title", "large")))


def test_a_star_is_covered_by_a_star_alone():
    """What it stands for grows with every plugin and pipeline; what it stands for today covers only today."""
    assert covered(Grant("*", "read", TEAM), Grant("*", "read", TEAM))
    assert covered(Grant("*", "read", TEAM), Grant("*", "*", TEAM))
    assert not covered(Grant("*", "read", TEAM), *(Grant(name, "read", TEAM) for name in ENTITIES))
    assert not covered(Grant("deal", "*", TEAM), *(Grant("deal", act, TEAM) for act in ACTS))
    assert not covered(Grant("*", "*", TEAM), *(Grant("*", act, TEAM) for act in ACTS))


@pytest.mark.parametrize(
    "wanted, given, answer",
    [
        ("move:sales.won", ["move:sales.won"], True),
        ("move:sales.won", ["move:sales.*"], True),
        ("move:sales.won", ["move:sales"], True),
        ("move:sales.won", ["move:*.won"], True),
        ("move:sales.won", ["move:*"], True),
        ("move:sales.won", ["move:sales.new", "move:repair.*"], False),
        ("move:sales", ["move:sales.won"], False),
        ("move:sales.*", ["move:sales.won", "move:sales.new"], False),
        ("move:*.won", ["move:sales.won"], False),
        ("move:sales.*", ["move:sales"], True),
        ("move:*", ["move:sales.*"], False),
        ("move:*", ["move:sales.*", "move:repair.new"], False),
        ("move:gone.*", ["move:sales.*", "move:repair.*"], False),
        ("move:gone.*", ["move:*"], True),
    ],
)
def test_moves_by_pipeline_and_stage(wanted, given, answer):
    """Each part by the same or by `*`."""
    assert covered(Grant("deal", wanted, TEAM), *(Grant("deal", act, TEAM) for act in given)) is answer


def test_a_grant_about_what_is_gone_is_covered_by_its_like_alone():
    """The plugin may come back."""
    gone = Grant("dragon", "read", TEAM)
    assert covered(gone, Grant("dragon", "read", TEAM))
    assert covered(gone, Grant("*", "read", TEAM))
    assert not covered(gone, *(Grant(name, "read", TEAM) for name in ENTITIES))


def test_none_is_nothing():
    """A grant without reach needs no cover."""
    assert covered(Grant("deal", "read", Scope.NONE))


GRANTS = st.builds(
    Grant,
    st.sampled_from(["deal", "contact", "*"]),
    st.sampled_from(["read", "update", "*", "move:*", "move:sales.*", "move:sales.won"]),
    st.sampled_from(list(Scope)),
    st.sampled_from([None, SMALL]),
)


@given(st.lists(GRANTS, max_size=4), st.lists(GRANTS, max_size=4), st.lists(GRANTS, max_size=4))
def test_cover_is_an_order(one, two, three):
    """Everything covers itself, more covers more, and what covers the cover covers."""
    assert COVERAGE.missing(one, one) is None
    assert COVERAGE.missing(one, [*one, *two]) is None
    if COVERAGE.missing(one, two) is None and COVERAGE.missing(two, three) is None:
        assert COVERAGE.missing(one, three) is None


@given(st.lists(GRANTS, max_size=4), st.lists(GRANTS, max_size=4))
def test_what_is_covered_lets_nobody_do_more(wanted, given):
    """Act by act, as access itself reads grants."""
    if COVERAGE.missing(wanted, given) is not None:
        return
    for entity in ENTITIES:
        for act in ("read", "update", "export", "move:sales.won", "move:repair.new"):
            for when in (None, SMALL):
                assert _reach(wanted, entity, act, when) <= _reach(given, entity, act, when)


def _reach(grants, entity, act, when):
    """How far they reach for a record that meets this condition only."""
    several = (it.scope for it in grants if it.covers(entity, act) and it.when in (None, when))
    return max(several, default=Scope.NONE)


READS = (Grant("contact", "read", TEAM),)


def openness(*rules, grants=READS, everything=False):
    return Openness(grants, MappingProxyType({(it.entity, it.field): it for it in rules}), everything)


def test_a_sensitive_field_must_be_opened_by_both():
    """Without a rule it is closed, for reading and for writing."""
    see, edit = (FieldRule("contact", "birthday", read=True, write=write) for write in (False, True))
    assert openness(see).beyond(openness(), ENTITIES) == ("contact", "birthday")
    assert openness(edit).beyond(openness(see), ENTITIES) == ("contact", "birthday")
    assert openness(see).beyond(openness(edit), ENTITIES) is None
    assert openness().beyond(openness(), ENTITIES) is None


def test_a_field_that_one_role_closes_is_opened_by_silence():
    """A plain field is open where no rule says otherwise, of what the role reads."""
    closed = openness(FieldRule("contact", "name", read=False, write=False))
    assert openness().beyond(closed, ENTITIES) == ("contact", "name")
    assert openness(grants=()).beyond(closed, ENTITIES) is None
    assert openness(grants=(Grant("contact", "read", Scope.NONE),)).beyond(closed, ENTITIES) is None


def test_a_rule_counts_without_a_grant():
    """Whoever has a share reads by it."""
    see = openness(FieldRule("contact", "birthday", read=True, write=False), grants=())
    assert see.beyond(openness(), ENTITIES) == ("contact", "birthday")


def test_parts_are_read_with_their_whole():
    """A role that reads deals reads their lines."""
    deals = (Grant("deal", "read", TEAM),)
    closed = openness(FieldRule("deal_line", "price", read=False, write=False), grants=deals)
    assert openness(grants=deals).beyond(closed, ENTITIES) == ("deal_line", "price")


def test_owners_open_everything():
    """Nobody opens more."""
    rules = [FieldRule("contact", "birthday", read=True, write=True)]
    assert openness(*rules).beyond(openness(everything=True), ENTITIES) is None
    assert openness(everything=True).beyond(openness(*rules), ENTITIES) is None
