"""`opencrm_register_roles`: roles that a new workspace starts with."""

from __future__ import annotations

import pytest

from opencrm.core.access.grants import Grant, Scope
from opencrm.errors import PluginError
from opencrm.hooks import Hooks, RoleTemplate


def make(key):
    return RoleTemplate(key=key, name=key, rank=1, grants=[Grant("deal", "read", Scope.OWN)])


def test_the_documented_example_works(example):
    """An author may copy the example of the reference as it stands."""
    [found] = Hooks([example("opencrm_register_roles")]).roles()
    assert found.plugin == "example"
    assert found.value.key == "measurer"


def test_the_box_comes_first_then_names_decide(make_plugin):
    """Declarations come in the fixed order of plugins, not in that of loading."""

    def plugin(name, source):
        def opencrm_register_roles():
            yield make(name)

        return make_plugin(name, opencrm_register_roles, source=source)

    hooks = Hooks([plugin("beta", "package"), plugin("alpha", "package"), plugin("zeta", "box")])
    assert [found.plugin for found in hooks.roles()] == ["zeta", "alpha", "beta"]


def test_two_of_one_name_are_refused_naming_both(make_plugin):
    """Whoever comes second cannot start, and the message names both."""

    def opencrm_register_roles():
        return [make("same")]

    plugins = [make_plugin(name, opencrm_register_roles) for name in ("alpha", "beta")]
    with pytest.raises(PluginError, match="'beta': role 'same' is registered by 'alpha'"):
        Hooks(plugins)


def test_a_raise_while_it_gives_is_attributed(make_plugin):
    """A generator that breaks late breaks inside the facade, which names plugin and hook."""

    def opencrm_register_roles():
        yield make("good")
        raise LookupError("late")

    with pytest.raises(PluginError, match="LookupError: late") as caught:
        make_plugin("alpha", opencrm_register_roles)
    assert (caught.value.plugin, caught.value.hook) == ("alpha", "opencrm_register_roles")
    assert isinstance(caught.value.__cause__, LookupError)


def test_something_else_is_refused(make_plugin):
    """What is no such declaration is found at the start."""

    def opencrm_register_roles():
        yield "something else"

    with pytest.raises(PluginError, match="'something else', which is no "):
        make_plugin("alpha", opencrm_register_roles)


def test_a_misspelt_hook_is_refused(make_plugin):
    """A typo is an error at the start, not a function that is never called."""

    def opencrm_register_role():
        return ()

    with pytest.raises(PluginError, match="opencrm_register_role"):
        make_plugin("alpha", opencrm_register_role)


def test_nobody_registers_none():
    """Without plugins there are none."""
    assert Hooks([]).roles() == []
