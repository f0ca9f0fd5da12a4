"""`opencrm_provide_identity`: who somebody is who signs in."""

from __future__ import annotations

import pytest

from opencrm.errors import PluginError
from opencrm.hooks import Attempt, Hooks, Identity


class FakeDoor:
    """Knows one password."""

    def __init__(self, plugin):
        self.plugin = plugin

    def verified(self, email, password):
        return "1" if password == "right" else None


def ask(plugins, **attempt):
    return Hooks(plugins).identity(Attempt(**attempt), FakeDoor)


def saying(answer):
    def opencrm_provide_identity():
        return answer

    return opencrm_provide_identity


def test_the_documented_example_works(example):
    """An author may copy the example of the reference as it stands."""
    plugin = example("opencrm_provide_identity")
    assert ask([plugin], password="right", more={"code": "123456"}) == Identity("1")
    assert ask([plugin], password="right") == Identity(None)
    assert ask([plugin], password="wrong", more={"code": "123456"}) == Identity(None)


def test_the_first_answer_counts(make_plugin):
    """By name here; the next one is not asked."""
    plugins = [make_plugin(name, saying(Identity(name))) for name in ("beta", "alpha")]
    assert ask(plugins) == Identity("alpha")


def test_none_leaves_it_to_the_next(make_plugin):
    """And without any there is nobody."""
    silent, other = make_plugin("alpha", saying(None)), make_plugin("beta", saying(Identity("b")))
    assert ask([silent, other]) == Identity("b")
    assert ask([silent]) is None
    assert ask([]) is None


def test_the_box_comes_last(make_plugin):
    """The password is what is left when nobody else judges."""
    box = make_plugin("alpha", saying(Identity("box")), source="box")
    assert ask([box, make_plugin("beta", saying(Identity("plugin")))]) == Identity("plugin")
    assert ask([box, make_plugin("beta", saying(None))]) == Identity("box")


def test_a_refusal_is_an_answer(make_plugin):
    """Nobody is asked behind the back of whoever refuses."""
    box = make_plugin("passwords", saying(Identity("box")), source="box")
    assert ask([box, make_plugin("alpha", saying(Identity(None)))]) == Identity(None)


@pytest.mark.parametrize("answer", ["1", True, 0])
def test_something_else_is_refused(make_plugin, answer):
    """It fails closed, and names the plugin."""
    with pytest.raises(PluginError, match="which is no Identity"):
        ask([make_plugin("alpha", saying(answer))])


def test_a_raise_is_attributed(make_plugin):
    """Nobody else is asked."""

    def opencrm_provide_identity():
        raise LookupError("no reader")

    plugins = [make_plugin("alpha", opencrm_provide_identity), make_plugin("beta", saying(Identity("b")))]
    with pytest.raises(PluginError, match="LookupError: no reader") as caught:
        ask(plugins)
    assert (caught.value.plugin, caught.value.hook) == ("alpha", "opencrm_provide_identity")


def test_the_door_is_the_plugins_own(make_plugin):
    """Its tables, and nobody else's."""

    def opencrm_provide_identity(attempt, door):
        return Identity(f"{door.plugin} {attempt.email}")

    assert ask([make_plugin("alpha", opencrm_provide_identity)], email="a@example.com") == Identity(
        "alpha a@example.com"
    )
