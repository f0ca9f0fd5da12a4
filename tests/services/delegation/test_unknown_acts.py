"""Grants and keys name what is there: entities, acts, and moves to stages of a pipeline."""

from __future__ import annotations

import pytest

from opencrm import CRM, Grant, InputError, Pipeline, Role, Scope, Update, hookimpl, records
from opencrm.embed import grant_rows, issue_token
from opencrm.testing import make_record
from opencrm.testing.firm import WindowSales

MOVES = ["move:*", "move:*.*", "move:windows.*", "move:windows.offer", "move:*.won", "move:repair.open"]
WRONG = {
    ("deal", "move:window.won"): "there is no pipeline 'window' for deal: perhaps 'windows'",
    ("deal", "move:typo.nowhere"): "there is no pipeline 'typo' for deal",
    ("deal", "move:windows.ofer"): "pipeline 'windows' has no stage 'ofer': perhaps 'offer'",
    ("deal", "move:*.ofer"): "no pipeline for deal has a stage 'ofer': perhaps 'offer'",
    ("deal", "move:windows."): "pipeline 'windows' has no stage ''",
    ("deal", "move:windows"): "say which stage: move:windows.STAGE or move:windows.*",
    ("*", "move:windows"): "say which stage: move:windows.STAGE or move:windows.*",
    ("deal_line", "read"): "deal_line has no grants of its own: grant those of deal",
    ("contact_point", "*"): "contact_point has no grants of its own: grant those of contact and company",
    ("tagging", "create"): "tagging has no grants of its own: grant those of whatever it is a part of",
    ("deal", "move:"): "there is no pipeline '' for deal",
    ("contact", "move:windows.offer"): "there is no pipeline 'windows' for contact",
    ("*", "move:windoes.*"): "there is no pipeline 'windoes': perhaps 'windows'",
    ("*", "move:*.nowhere"): "no pipeline has a stage 'nowhere'",
    ("deel", "move:typo.nowhere"): "there is no entity 'deel': perhaps 'deal'",
    ("deal", "reed"): "there is no action 'reed': perhaps 'read'",
    ("deal", "frobnicate"): "there is no action 'frobnicate'",
}


class Repairs:
    """Brings a pipeline that may go again."""

    @hookimpl
    def opencrm_register_pipelines(self):
        yield Pipeline("repair", ["open", "mended"], moves={("open", "mended")})


@pytest.fixture
def crm_plugins():
    return (Repairs(),)


@pytest.fixture
def role(crm, firm):
    """A role to write grants into."""
    return make_record(crm, Role, key="mover", name="Mover").id


def grants(*moves):
    return grant_rows([Grant("deal", it, Scope.ALL) for it in moves])


def write(crm, firm, role, **values):
    with crm.work(firm.owner) as work:
        records.update(work, [Update(Role, role, values=values)])


@pytest.mark.parametrize("entity", ["deal", "*"])
def test_moves_that_are_there_are_granted_and_narrow_keys(crm, firm, role, entity):
    """One stage, all of a pipeline, a stage wherever it is, and all."""
    given = [Grant(entity, it, Scope.ALL) for it in MOVES]
    write(crm, firm, role, grants=grant_rows(given))
    with crm.work(firm.owner) as work:
        assert issue_token(work, firm.owner.id, label="x", scopes=[f"{entity}.{it}" for it in MOVES])


@pytest.mark.parametrize("entity, action", WRONG)
def test_what_is_not_there_is_refused_as_it_is_written(crm, firm, role, entity, action):
    """Naming the field, the grant, and what is called nearly so."""
    told, given = WRONG[entity, action], [{"entity": entity, "action": action, "scope": "all"}]
    fine = grants("read")
    with pytest.raises(InputError) as refused:
        write(crm, firm, role, grants=fine + given)
    assert refused.value.fields == {"grants": [f"grant 2: {told}"]}
    with pytest.raises(InputError) as refused:
        write(crm, firm, role, grants=fine, delegable=given)
    assert refused.value.fields == {"delegable": [f"grant 1: {told}"]}
    with pytest.raises(InputError) as refused, crm.work(firm.owner) as work:
        issue_token(work, firm.owner.id, label="x", scopes=["deal.read", f"{entity}.{action}"])
    assert refused.value.fields == {"scopes": [told]}


def test_a_pipeline_that_goes_leaves_a_harmless_grant(crm, firm, role, request):
    """It stays while others come and go, and is not written anew."""
    write(crm, firm, role, grants=grants("move:repair.*"))
    later = CRM(engine=crm.database.engine, schema=crm.database.schema, plugins=[WindowSales()], clock=crm.clock)
    request.addfinalizer(later.close)
    write(later, firm, role, grants=[*grants("read"), *grants("move:repair.*")])
    with pytest.raises(InputError, match="there is no pipeline 'repair'"):
        write(later, firm, role, delegable=grants("move:repair.*"))
