"""`opencrm_record_change`: a plugin's own tables, in the same transaction."""

from __future__ import annotations

import pytest

from opencrm.errors import PluginError
from opencrm.hooks import Hooks, hookimpl


def noting(notes, **terms):
    """Return a hook that notes whose door it was given and which records."""

    @hookimpl(**terms)
    def opencrm_record_change(changes, door):
        notes.append((door.plugin, [change.id for change in changes]))

    return opencrm_record_change


def test_all_are_told_in_order(make_plugin, make_change, door_for):
    """The box goes first, then the higher priority, then the name; each with its door, once a batch."""
    notes = []
    plugins = [
        make_plugin("beta", noting(notes)),
        make_plugin("alpha", noting(notes)),
        make_plugin("gamma", noting(notes, priority=1)),
        make_plugin("zeta", noting(notes), source="box"),
    ]
    Hooks(plugins).record_change([make_change("1"), make_change("2")], door_for)
    assert [(name, ["1", "2"]) for name in ("zeta", "gamma", "alpha", "beta")] == notes


def test_only_the_named_entity_is_told(make_plugin, make_change, door_for):
    """`entity=` leaves out the others before the call, and the call where none is left."""
    notes = []
    hooks = Hooks([make_plugin("alpha", noting(notes, entity="contact"))])
    hooks.record_change([make_change("1"), make_change("2", entity="contact")], door_for)
    hooks.record_change([make_change("3")], pytest.fail)
    assert notes == [("alpha", ["2"])]


def test_a_raise_names_the_plugin_and_ends_the_round(make_plugin, make_change, door_for):
    """Everything rolls back, so nobody else is asked."""
    notes = []

    def opencrm_record_change(changes):
        raise LookupError("broken")

    hooks = Hooks([make_plugin("alpha", opencrm_record_change), make_plugin("beta", noting(notes))])
    with pytest.raises(PluginError, match="'alpha' failed in opencrm_record_change: LookupError: broken") as caught:
        hooks.record_change([make_change()], door_for)
    assert isinstance(caught.value.__cause__, LookupError)
    assert notes == []


def test_a_generator_is_run_to_its_end(make_plugin, make_change, door_for):
    """A stray `yield` does not keep the work from being done, and a late raise is attributed."""

    def opencrm_record_change(changes):
        yield
        raise LookupError("late")

    with pytest.raises(PluginError, match="LookupError: late"):
        Hooks([make_plugin("alpha", opencrm_record_change)]).record_change([make_change()], door_for)


def test_leaving_the_process_is_a_raise_like_others(make_plugin, make_change, door_for):
    """A plugin that calls `sys.exit()` does not take the host program with it."""

    def opencrm_record_change(changes):
        raise SystemExit(3)

    with pytest.raises(PluginError, match="SystemExit: 3"):
        Hooks([make_plugin("alpha", opencrm_record_change)]).record_change([make_change()], door_for)


def test_nobody_records_nothing(make_change):
    """Without implementations no door is opened."""
    Hooks([]).record_change([make_change()], pytest.fail)


def test_a_misspelt_hook_is_refused(make_plugin):
    """A typo is an error at the start."""

    def opencrm_record_changes(changes):
        pass

    with pytest.raises(PluginError, match="opencrm_record_changes"):
        make_plugin("alpha", opencrm_record_changes)


def test_the_documented_example_works(example, make_change):
    """An author may copy the example of the reference as it stands."""

    class Own:
        def upsert(self, table, rows, *, key):
            self.written = (table.name, rows, key)

    class Door:
        own = Own()

    Hooks([example("opencrm_record_change")]).record_change([make_change("1")], lambda _plugin: Door())
    assert Door.own.written == ("example_last", [{"record_id": "1", "kind": "changed"}], ["record_id"])
