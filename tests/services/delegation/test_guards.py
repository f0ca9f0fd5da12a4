"""What a plugin restricts binds those who look after a branch as it binds owners."""

from __future__ import annotations

import pytest

from opencrm import Guard, Not, PermissionDenied, StartsWith, Update, User, hookimpl, records


class Freeze:
    """A plugin that freezes some people."""

    @hookimpl
    def opencrm_register_guards(self):
        yield Guard(entity="user", actions=["update"], condition=Not(StartsWith("name", "X cl")), reason="frozen")


@pytest.fixture
def crm_plugins():
    return (Freeze(),)


@pytest.mark.parametrize("who", ["boss", "owner"])
def test_a_guard_binds_everybody(crm, branch, who):
    """The clerk is frozen; a person whom it is not about is not."""
    with pytest.raises(PermissionDenied, match="frozen") as refused, crm.work(getattr(branch, who)) as work:
        records.update(work, [Update(User, branch.clerk.id, language="de")])
    assert refused.value.rule is None
    with crm.work(branch.owner) as work:
        records.update(work, [Update(User, branch.other.id, language="de")])
