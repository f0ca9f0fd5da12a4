"""opencrm_register_rules: what happens when something else does."""

from __future__ import annotations

import pytest

from opencrm import Deal, PluginError, Rule, TaskSpec, changed, created, give, hookimpl, update
from opencrm.testing import make_deal


class Sources:
    """Says where deals come from."""

    @hookimpl
    def opencrm_register_rules(self):
        yield Rule("sources_unknown", on=created(Deal), do=[update(source="unknown")])


class Copy(Sources):
    """Has a rule of the same key."""

    name = "copy"


class Twice:
    """Has two different tasks of one key."""

    @hookimpl
    def opencrm_register_rules(self):
        yield Rule("one", on=created(Deal), do=[give(TaskSpec("twice_call", due="1h"))])
        yield Rule("other", on=changed(Deal), do=[give(TaskSpec("twice_call", due="2h"))])


class TestRules:
    """Each acts as its plugin's automation."""

    @pytest.fixture
    def crm_plugins(self):
        return [Sources()]

    def test_a_rule_acts_as_its_plugin(self, crm, firm):
        """The journal names both."""
        deal = make_deal(crm, by=firm.seller)
        assert deal.source == "unknown"
        with crm.read(firm.owner) as reader:
            line = reader.history(Deal, deal.id)[-1]
        assert (line.acting_as, line.rule) == ("automation:sources", "sources_unknown")


def test_two_plugins_cannot_have_one_rule(make_crm):
    """Both are named."""
    with pytest.raises(PluginError, match="rule 'sources_unknown' is registered by"):
        make_crm([Sources(), Copy()])


def test_two_tasks_cannot_have_one_key(make_crm):
    """The plugin is not started."""
    with pytest.raises(PluginError, match="task 'twice_call': two different tasks have this key"):
        make_crm([Twice()])
