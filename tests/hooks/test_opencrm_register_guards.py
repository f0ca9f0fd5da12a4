"""`opencrm_register_guards`: restrictions that a plugin brings."""

from __future__ import annotations

import pytest

from opencrm import Deal, Delete, Empty, Guard, PermissionDenied, hookimpl, records
from opencrm.errors import PluginError
from opencrm.hooks import Hooks
from opencrm.testing import make_deal

HELD = Guard(entity="deal", actions=["delete"], condition=Empty("lost_reason"), reason="a legal hold")


class Holds:
    """Keeps deals that are held from being deleted."""

    name = "holds"

    @hookimpl
    def opencrm_register_guards(self):
        yield HELD


def test_the_documented_example_works(example):
    """An author may copy the example of the reference as it stands."""
    [declared] = Hooks([example("opencrm_register_guards")]).guards()
    assert (declared.plugin, declared.value.entity, declared.value.reason) == ("example", "deal", "a legal hold")


def test_it_restricts_the_workspace(make_crm):
    """Owners too, who are told why."""
    crm = make_crm([Holds()])
    deal = make_deal(crm, lost_reason="a law suit")
    with crm.work(crm.sole_owner()) as work, pytest.raises(PermissionDenied, match="restricted: a legal hold"):
        records.delete(work, [Delete(Deal, deal.id)])


def test_a_late_raise_is_attributed(make_plugin):
    """A generator that breaks late breaks inside the facade."""

    def opencrm_register_guards():
        yield HELD
        raise LookupError("late")

    with pytest.raises(PluginError, match="LookupError: late") as caught:
        make_plugin("alpha", opencrm_register_guards)
    assert caught.value.hook == "opencrm_register_guards"


def test_something_else_is_refused(make_plugin):
    """What is no restriction is found at the start."""

    def opencrm_register_guards():
        yield "deal.delete"

    with pytest.raises(PluginError, match=r"'deal.delete', which is no Guard"):
        make_plugin("alpha", opencrm_register_guards)


@pytest.mark.parametrize("wrong", [{"condition": {"field": "x"}}, {"reason": ""}])
def test_a_restriction_says_what_and_why(wrong):
    """A condition is one, and a reason is given."""
    with pytest.raises(ValueError, match=r"condition|reason"):
        Guard(**{"entity": "deal", "actions": ["delete"], "condition": Empty("title"), "reason": "x", **wrong})
