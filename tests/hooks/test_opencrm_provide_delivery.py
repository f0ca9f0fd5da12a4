"""`opencrm_provide_delivery`: messages on their way to people."""

from __future__ import annotations

import pytest

from opencrm.errors import PluginError
from opencrm.hooks import Hooks, Message

HELLO = Message(to="ann@example.com", subject="Hello", text="There you are.")


def taking(answer, told):
    def opencrm_provide_delivery(message, server, sender):
        told.append((message, server, sender))
        return answer

    return opencrm_provide_delivery


def test_the_documented_example_works(example, capsys):
    """An author may copy the example of the reference as it stands."""
    assert Hooks([example("opencrm_provide_delivery")]).deliver(HELLO, None, "crm@example.com")
    assert capsys.readouterr().out == "To ann@example.com: Hello\n"


def test_the_first_that_takes_it_is_the_last_that_is_asked(make_plugin):
    """One message, one letter."""
    first, second, third = [], [], []
    plugins = [
        make_plugin("alpha", taking(None, first)),
        make_plugin("beta", taking(True, second)),
        make_plugin("gamma", taking(True, third)),
    ]
    assert Hooks(plugins).deliver(HELLO, "smtp://mail", "crm@example.com")
    assert (first, second, third) == ([(HELLO, "smtp://mail", "crm@example.com")],) * 2 + ([],)


def test_the_box_comes_last(make_plugin):
    """Where a plugin delivers, mail is not sent too."""
    box, own = [], []
    plugins = [make_plugin("alpha", taking(True, box), source="box"), make_plugin("beta", taking(True, own))]
    assert Hooks(plugins).deliver(HELLO, "smtp://mail", "crm@example.com")
    assert (len(box), len(own)) == (0, 1)


def test_nobody_takes_it(make_plugin):
    """It is said."""
    assert not Hooks([]).deliver(HELLO, None, "crm@example.com")
    assert not Hooks([make_plugin("alpha", taking(None, []))]).deliver(HELLO, None, "crm@example.com")


def test_whether_anybody_may_take_it(make_plugin):
    """With a server, or a plugin from outside."""
    box, own = make_plugin("alpha", taking(None, []), source="box"), make_plugin("beta", taking(None, []))
    assert [Hooks([box]).delivers(None), Hooks([box]).delivers("smtp://mail"), Hooks([own]).delivers(None)] == [
        False,
        True,
        True,
    ]


def test_a_raise_is_attributed(make_plugin):
    """The log names the plugin."""

    def opencrm_provide_delivery():
        raise OSError("no line")

    with pytest.raises(PluginError, match="OSError: no line") as caught:
        Hooks([make_plugin("alpha", opencrm_provide_delivery)]).deliver(HELLO, None, "crm@example.com")
    assert caught.value.plugin == "alpha"


def test_a_message_is_not_shown_where_it_is_logged():
    """It holds a secret."""
    assert "There you are" not in repr(HELLO)
