"""`opencrm_register_tables`: a plugin's own tables that are not records."""

from __future__ import annotations

import pytest
from sqlalchemy import Column, Integer, MetaData, Table

from opencrm.core.entities import Core
from opencrm.errors import PluginError
from opencrm.hooks import Hooks


def make(name):
    return Table(name, MetaData(), Column("id", Integer, primary_key=True))


def registering(*answers):
    def opencrm_register_tables():
        yield from answers

    return opencrm_register_tables


def test_the_documented_example_works(example):
    """An author may copy the example of the reference as it stands."""
    [table] = Hooks([example("opencrm_register_tables")]).tables("example")
    assert table.name == "example_seen"


def test_each_plugin_has_its_own(make_plugin):
    """A plugin's tables are given for that plugin alone, in the order in which it gave them."""
    alpha = make_plugin("alpha", registering(make("alpha_one"), make("alpha_another")))
    hooks = Hooks([make_plugin("beta", registering(make("beta_one"))), alpha])
    assert [table.name for table in hooks.tables("alpha")] == ["alpha_one", "alpha_another"]
    assert hooks.tables("nobody") == []


@pytest.mark.parametrize("name", ["crm_deal", "alphabet", "beta_x"])
def test_another_prefix_is_refused(make_plugin, name):
    """A plugin's tables begin with its name."""
    with pytest.raises(PluginError, match=f"table '{name}' must be called alpha_"):
        make_plugin("alpha", registering(make(name)))


def test_opencrms_own_metadata_is_refused(make_plugin):
    """A table there would be made in every workspace."""
    table = Table("alpha_x", Core.metadata, Column("id", Integer, primary_key=True))
    try:
        with pytest.raises(PluginError, match="stands on opencrm's MetaData"):
            make_plugin("alpha", registering(table))
    finally:
        Core.metadata.remove(table)


def test_two_of_one_name_are_refused_naming_both(make_plugin):
    """A plugin whose name begins with another's may meet its tables."""
    plugins = [
        make_plugin("alpha", registering(make("alpha_b_x"))),
        make_plugin("alpha_b", registering(make("alpha_b_x"))),
    ]
    with pytest.raises(PluginError, match="'alpha_b': table 'alpha_b_x' is registered by 'alpha'"):
        Hooks(plugins)


def test_a_late_raise_is_attributed(make_plugin):
    """A generator that breaks late breaks inside the facade."""

    def opencrm_register_tables():
        yield make("alpha_x")
        raise LookupError("late")

    with pytest.raises(PluginError, match="LookupError: late") as caught:
        make_plugin("alpha", opencrm_register_tables)
    assert caught.value.hook == "opencrm_register_tables"


def test_something_else_is_refused(make_plugin):
    """What is no table is found at the start."""
    with pytest.raises(PluginError, match="'seen', which is no Table"):
        make_plugin("alpha", registering("seen"))


def test_a_misspelt_hook_is_refused(make_plugin):
    """A typo is an error at the start."""

    def opencrm_register_table():
        return ()

    with pytest.raises(PluginError, match="opencrm_register_table"):
        make_plugin("alpha", opencrm_register_table)
