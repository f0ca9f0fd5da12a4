"""What is worked out of a declaration is worked out once, however many workspaces a process serves."""

from __future__ import annotations

from opencrm import Deal
from opencrm.core.counters import counted
from opencrm.core.fields import Field, Text

MANY = 300


def with_a_field(at):
    return Deal.spec.extended([Field(name=f"own_{at}", type=Text(20), label="Own", slot=f"s{at}")])


def test_workspaces_with_fields_of_their_own_do_not_push_each_others_out():
    """Of each of many declarations the counters are described once."""
    several = [with_a_field(at) for at in range(MANY)]
    first = [counted(spec) for spec in several]
    assert all(counted(spec) is found for spec, found in zip(several, first, strict=True))


def test_what_is_none_is_worked_out_once_too():
    """An entity that is not counted is not looked at again."""
    asked = []
    spec = with_a_field(0)
    assert [spec.once(asked.append) for _ in range(2)] == [None, None]
    assert len(asked) == 1


def test_a_declaration_made_of_another_starts_anew():
    """What was worked out of the one does not hold for the other."""
    fewer = Deal.spec.narrowed({"title"})
    assert Deal.spec.once(size) != fewer.once(size)


def size(spec):
    return len(spec.fields)
