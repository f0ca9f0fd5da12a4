"""`opencrm_register_grants`: what a plugin's Automation asks to be allowed."""

from __future__ import annotations

import pytest

from opencrm.core.access.grants import Grant, Scope
from opencrm.errors import PluginError
from opencrm.hooks import Hooks

READ = Grant("deal", "read", Scope.ALL)
CREATE = Grant("task", "create", Scope.ALL)


def test_the_documented_example_works(example):
    """An author may copy the example of the reference as it stands."""
    assert Hooks([example("opencrm_register_grants")]).grants("example") == [READ, CREATE]


def test_each_plugin_asks_for_itself(make_plugin):
    """One plugin's grants are never another's; two may ask for the same."""

    def opencrm_register_grants():
        return [READ]

    hooks = Hooks(
        [
            make_plugin("alpha", opencrm_register_grants),
            make_plugin("beta", opencrm_register_grants),
            make_plugin("gamma"),
        ]
    )
    assert (hooks.grants("alpha"), hooks.grants("beta"), hooks.grants("gamma")) == ([READ], [READ], [])


def test_a_late_raise_is_attributed(make_plugin):
    """A generator that breaks late breaks inside the facade."""

    def opencrm_register_grants():
        yield READ
        raise LookupError("late")

    with pytest.raises(PluginError, match="LookupError: late") as caught:
        make_plugin("alpha", opencrm_register_grants)
    assert caught.value.hook == "opencrm_register_grants"


def test_something_else_is_refused(make_plugin):
    """What is no grant is found at the start."""

    def opencrm_register_grants():
        yield "deal.read"

    with pytest.raises(PluginError, match=r"'deal.read', which is no Grant"):
        make_plugin("alpha", opencrm_register_grants)


def test_a_misspelt_hook_is_refused(make_plugin):
    """A typo is an error at the start."""

    def opencrm_register_grant():
        return ()

    with pytest.raises(PluginError, match="opencrm_register_grant"):
        make_plugin("alpha", opencrm_register_grant)
