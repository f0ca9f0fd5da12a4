"""`opencrm_check_change`: objections to changes."""

from __future__ import annotations

import pytest

from opencrm.core.change import Objection
from opencrm.errors import PluginError
from opencrm.hooks import Hooks, hookimpl


def objecting(text, **terms):
    """Return a check that objects to every change that it is told."""

    @hookimpl(**terms)
    def opencrm_check_change(changes, door):
        for change in changes:
            yield Objection(change.id, "no", f"{text} of {door.plugin}")

    return opencrm_check_change


def test_every_objection_is_kept_in_order(make_plugin, make_change, door_for):
    """The box goes first, then the higher priority, then the name; each is given its own door."""
    plugins = [
        make_plugin("beta", objecting("4th")),
        make_plugin("alpha", objecting("3rd")),
        make_plugin("gamma", objecting("2nd", priority=5)),
        make_plugin("zeta", objecting("1st", priority=-1), source="box"),
    ]
    found = Hooks(plugins).check_change([make_change("1")], door_for)
    assert [it.text for it in found] == ["1st of zeta", "2nd of gamma", "3rd of alpha", "4th of beta"]


def test_a_veto_names_its_record(make_plugin, make_change, door_for):
    """Of a batch, only the records that somebody objects to are named."""

    def opencrm_check_change(changes):
        return [Objection(changes[1].id, "no", "Not this one.", "title")]

    hooks = Hooks([make_plugin("alpha", opencrm_check_change)])
    [found] = hooks.check_change([make_change("1"), make_change("2")], door_for)
    assert (found.record, found.field) == ("2", "title")


def test_only_the_named_entity_is_told(make_plugin, make_change, door_for):
    """`entity=` leaves out the others before the call, and the call where none is left."""
    hooks = Hooks([make_plugin("alpha", objecting("no", entity="contact"))])
    deal, contact = make_change("1"), make_change("2", entity="contact")
    assert [it.record for it in hooks.check_change([deal, contact], door_for)] == ["2"]
    assert hooks.check_change([deal], pytest.fail) == []


def test_a_raise_names_the_plugin(make_plugin, make_change, door_for):
    """A check that breaks refuses, and the message says whose it was."""

    def opencrm_check_change(changes):
        raise LookupError("broken")

    with pytest.raises(PluginError, match="'alpha' failed in opencrm_check_change: LookupError: broken") as caught:
        Hooks([make_plugin("alpha", opencrm_check_change)]).check_change([make_change()], door_for)
    assert isinstance(caught.value.__cause__, LookupError)


def test_a_late_raise_names_the_plugin(make_plugin, make_change, door_for):
    """A generator is drained inside the facade."""

    def opencrm_check_change(changes):
        yield Objection(changes[0].id, "no", "No.")
        raise LookupError("late")

    with pytest.raises(PluginError, match="LookupError: late"):
        Hooks([make_plugin("alpha", opencrm_check_change)]).check_change([make_change()], door_for)


@pytest.mark.parametrize("answer", [False, "no", Objection("other", "no", "No.")], ids=str)
def test_an_answer_that_would_be_lost_refuses(make_plugin, make_change, door_for, answer):
    """What is no objection to one of the changes is a mistake, and a check fails closed."""

    def opencrm_check_change(changes):
        return [answer]

    with pytest.raises(PluginError, match="opencrm_check_change"):
        Hooks([make_plugin("alpha", opencrm_check_change)]).check_change([make_change()], door_for)


def test_nothing_objects_to_nothing(make_plugin, make_change, door_for):
    """A check that returns nothing has no objection; without checks no door is opened."""

    def opencrm_check_change(changes):
        pass

    assert Hooks([make_plugin("alpha", opencrm_check_change)]).check_change([make_change()], door_for) == []
    assert Hooks([]).check_change([make_change()], pytest.fail) == []


def test_a_check_cannot_alter_the_batch(make_plugin, make_change, door_for):
    """What a plugin is told is a tuple: it cannot take a change away from the next one."""

    def opencrm_check_change(changes):
        changes.clear()

    with pytest.raises(PluginError, match="AttributeError"):
        Hooks([make_plugin("alpha", opencrm_check_change)]).check_change([make_change()], door_for)


def test_a_misspelt_hook_is_refused(make_plugin):
    """A typo is an error at the start."""

    def opencrm_check_chnage(changes):
        return ()

    with pytest.raises(PluginError, match="opencrm_check_chnage"):
        make_plugin("alpha", opencrm_check_chnage)


def test_an_argument_that_is_not_given_is_refused(make_plugin):
    """A hook gives what its documentation says, and nothing else."""

    def opencrm_check_change(changes, session):
        return ()

    with pytest.raises(PluginError, match="session"):
        make_plugin("alpha", opencrm_check_change)


def test_the_documented_example_works(example, make_change, door_for):
    """An author may copy the example of the reference as it stands."""
    hooks = Hooks([example("opencrm_check_change")])
    changes = [
        make_change("1", title="Test"),
        make_change("2", title=None),
        make_change("3", title="Windows"),
    ]
    assert [it.record for it in hooks.check_change(changes, door_for)] == ["1"]
