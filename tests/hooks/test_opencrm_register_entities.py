"""`opencrm_register_entities`: new kinds of records."""

from __future__ import annotations

import pytest
from sqlalchemy.orm import Mapped, relationship

from opencrm.core.entities import Deal, Entity, Options
from opencrm.core.fields import Reference, Text, field
from opencrm.errors import PluginError
from opencrm.hooks import Hooks


def make(prefix, plural=None):
    class Base(Entity, prefix=prefix):
        pass

    class Invoice(Base):
        options = Options(plural=plural)
        number: Mapped[str] = field(Text(50), required=True)
        deal_id: Mapped[str | None] = field(Reference(Deal))

    return Invoice


def registering(*answers):
    def opencrm_register_entities():
        yield from answers

    return opencrm_register_entities


def test_the_documented_example_works(example):
    """An author may copy the example of the reference as it stands."""
    [found] = Hooks([example("opencrm_register_entities")]).entities()
    assert (found.plugin, found.value.spec.name) == ("example", "example_invoice")


def test_two_plugins_may_use_one_class_name(make_plugin):
    """Each owner has its own registry; the prefix tells their entities apart, in the order of plugins."""
    plugins = [make_plugin(name, registering(make(name))) for name in ("beta", "alpha")]
    assert [it.value.spec.name for it in Hooks(plugins).entities()] == ["alpha_invoice", "beta_invoice"]


def test_another_prefix_is_refused(make_plugin):
    """A plugin's entities begin with its name."""
    with pytest.raises(PluginError, match="prefix 'beta', not 'alpha'"):
        make_plugin("alpha", registering(make("beta")))


def test_the_core_keeps_its_addresses(make_plugin):
    """A plural that opencrm itself uses is refused, naming it."""
    with pytest.raises(PluginError, match="'alpha': address 'deals' is registered by 'opencrm'"):
        Hooks([make_plugin("alpha", registering(make("alpha", plural="deals")))])


def test_two_of_one_address_are_refused_naming_both(make_plugin):
    """Whoever comes second cannot start."""
    plugins = [make_plugin(name, registering(make(name, plural="bills"))) for name in ("alpha", "beta")]
    with pytest.raises(PluginError, match="'beta': address 'bills' is registered by 'alpha'"):
        Hooks(plugins)


def test_a_broken_relationship_is_found_at_the_start(make_plugin):
    """What a plugin's base maps is resolved when it is loaded, so that it fails there and alone."""

    class Base(Entity, prefix="alpha"):
        pass

    class Bill(Base):
        number: Mapped[str] = field(Text(50))
        nowhere: Mapped["Missing"] = relationship("Missing")  # noqa: F821, UP037  # the mistake under test

    with pytest.raises(PluginError, match="InvalidRequestError"):
        make_plugin("alpha", registering(Bill))


def test_a_late_raise_is_attributed(make_plugin):
    """A generator that breaks late breaks inside the facade."""

    def opencrm_register_entities():
        yield make("alpha")
        raise LookupError("late")

    with pytest.raises(PluginError, match="LookupError: late") as caught:
        make_plugin("alpha", opencrm_register_entities)
    assert caught.value.hook == "opencrm_register_entities"


@pytest.mark.parametrize("answer", ["deal", object, Entity], ids=str)
def test_something_else_is_refused(make_plugin, answer):
    """What is no entity's class is found at the start."""
    with pytest.raises(PluginError, match="which is no entity's class"):
        make_plugin("alpha", registering(answer))


def test_a_misspelt_hook_is_refused(make_plugin):
    """A typo is an error at the start."""

    def opencrm_register_entity():
        return ()

    with pytest.raises(PluginError, match="opencrm_register_entity"):
        make_plugin("alpha", opencrm_register_entity)
