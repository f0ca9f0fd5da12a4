"""`opencrm_on_change`: reactions after the commit."""

from __future__ import annotations

import pytest

from opencrm.core.change import Kind
from opencrm.errors import PluginError
from opencrm.hooks import Failed, Hooks, hookimpl


def noting(notes, **terms):
    """Return a hook that notes whose door it was given and which record."""

    @hookimpl(**terms)
    def opencrm_on_change(entry, door):
        notes.append((door.plugin, entry.record_id))

    return opencrm_on_change


def test_only_the_one_is_told(make_plugin, make_entry, door_for):
    """A delivery is for one plugin; one that does not listen takes it in silence."""
    notes = []
    hooks = Hooks([make_plugin("alpha", noting(notes)), make_plugin("beta", noting(notes)), make_plugin("gamma")])
    outcomes = [hooks.on_change(name, make_entry(), door_for(name)) for name in ("beta", "gamma", "unknown")]
    assert outcomes == [None, None, None]
    assert notes == [("beta", "r1")]


def test_listeners_come_in_order(make_plugin):
    """The worker asks who is to be told of an entity, and gets them in the order of calls."""
    hooks = Hooks(
        [
            make_plugin("beta", noting([])),
            make_plugin("alpha", noting([])),
            make_plugin("contacts", noting([], entity="contact", priority=9)),
            make_plugin("zeta", noting([]), source="box"),
            make_plugin("silent"),
        ]
    )
    assert hooks.listeners("deal") == ("zeta", "alpha", "beta")
    assert hooks.listeners("contact") == ("zeta", "contacts", "alpha", "beta")


def test_only_the_named_entity_is_told(make_plugin, make_entry, door_for):
    """`entity=` leaves out the others before the call."""
    notes = []
    hooks = Hooks([make_plugin("alpha", noting(notes, entity="contact"))])
    hooks.on_change("alpha", make_entry("deal"), door_for("alpha"))
    assert notes == []
    hooks.on_change("alpha", make_entry("contact"), door_for("alpha"))
    assert notes == [("alpha", "r1")]


@pytest.mark.parametrize("late", [False, True], ids=["at once", "late"])
def test_a_raise_becomes_a_failure(make_plugin, make_entry, door_for, late):
    """The queue gets a value that names the plugin and keeps the cause; nothing is raised at the worker."""

    def at_once(entry):
        raise LookupError("broken")

    def generator(entry):
        yield
        raise LookupError("broken")

    function = generator if late else at_once
    function.__name__ = "opencrm_on_change"
    found = Hooks([make_plugin("alpha", function)]).on_change("alpha", make_entry(), door_for("alpha"))
    assert isinstance(found, Failed)
    assert found.text == "plugin 'alpha' failed in opencrm_on_change: LookupError: broken"
    assert isinstance(found.error.__cause__, LookupError)


def test_what_it_returns_does_not_matter(make_plugin, make_entry, door_for):
    """A value that nobody asked for does not make the delivery fail."""

    def opencrm_on_change(entry):
        return True

    assert Hooks([make_plugin("alpha", opencrm_on_change)]).on_change("alpha", make_entry(), door_for("a")) is None


def test_a_misspelt_hook_is_refused(make_plugin):
    """A typo is an error at the start."""

    def opencrm_on_changed(entry):
        pass

    with pytest.raises(PluginError, match="opencrm_on_changed"):
        make_plugin("alpha", opencrm_on_changed)


def test_the_documented_example_can_be_loaded(example):
    """An author may copy the example of the reference as it stands; it asks for what it does."""
    hooks = Hooks([example("opencrm_on_change")])
    assert hooks.listeners("deal") == ("example",)
    assert [grant.action for grant in hooks.grants("example")] == ["read", "create"]


def test_the_documented_example_leaves_changes_alone(example, make_entry):
    """It reacts to creations only; another entry opens no work block."""
    hooks = Hooks([example("opencrm_on_change")])
    assert hooks.on_change("example", make_entry(kind=Kind.CHANGED), door=None) is None
