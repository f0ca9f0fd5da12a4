"""`opencrm_register_actions`: acts on records that roles grant by name."""

from __future__ import annotations

import pytest

from opencrm import (
    Action,
    Deal,
    Grant,
    InputError,
    PermissionDenied,
    Role,
    Scope,
    Update,
    explaining,
    hookimpl,
    records,
)
from opencrm.embed import grant_rows
from opencrm.errors import PluginError
from opencrm.hooks import Hooks
from opencrm.testing import make_deal

APPROVE = "prices_approve"


class Prices:
    """Lets prices of deals be approved."""

    name = "prices"

    @hookimpl
    def opencrm_register_actions(self):
        yield Action(name=APPROVE, entities=["deal"], label="Approve the price")


@pytest.fixture
def crm_plugins():
    """Adds the plugin to the workspace."""
    return [Prices()]


def test_the_documented_example_works(example):
    """An author may copy the example of the reference as it stands."""
    [declared] = Hooks([example("opencrm_register_actions")]).actions()
    assert (declared.value.name, declared.value.entities) == ("example_approve", ("deal",))


def may(crm, person, deal):
    with crm.read(person) as reader:
        try:
            explaining.require(reader, Deal, deal.id, APPROVE)
        except PermissionDenied:
            return False
        return True


@pytest.mark.parametrize("wide", [Grant("deal", "*", Scope.ALL), Grant("*", "*", Scope.SUBTREE)])
def test_it_is_the_owners_alone_until_a_role_grants_it(crm, firm, wide):
    """Invariant 19: whatever stands for all that opencrm knows does not stand for it."""
    deal = make_deal(crm, by=firm.seller)
    head = firm.roles["firm_head"]
    with crm.read(firm.owner) as reader:
        grants = list(reader.get(Role, head).grants)
    with crm.work(firm.owner) as work:
        records.update(work, [Update(Role, head, grants=[*grants, *grant_rows([wide])])])
    assert may(crm, firm.owner, deal)
    assert not may(crm, firm.head, deal)
    with crm.work(firm.owner) as work:
        named = grant_rows([Grant("deal", APPROVE, Scope.SUBTREE)])
        records.update(work, [Update(Role, head, grants=[*grants, *named])])
    assert may(crm, firm.head, deal)
    assert not may(crm, firm.lead, deal)


def test_it_is_for_its_entities(crm, firm):
    """Elsewhere there is no such action."""
    with crm.work(firm.owner) as work, pytest.raises(InputError, match="there is no action 'prices_approve'"):
        grants = grant_rows([Grant("contact", APPROVE, Scope.ALL)])
        records.update(work, [Update(Role, firm.roles["firm_head"], grants=grants)])


def test_a_name_begins_with_the_plugins(make_plugin):
    """So that two plugins never mean different things by one name."""

    def opencrm_register_actions():
        yield Action(name="approve", entities=["deal"])

    with pytest.raises(PluginError, match="must begin with the plugin's name and _"):
        make_plugin("alpha", opencrm_register_actions)


def test_something_else_is_refused(make_plugin):
    """What is no action is found at the start."""

    def opencrm_register_actions():
        yield "approve"

    with pytest.raises(PluginError, match=r"'approve', which is no Action"):
        make_plugin("alpha", opencrm_register_actions)
