"""`opencrm_register_exporters`: kinds of files that can be written."""

from __future__ import annotations

from io import BytesIO

import pytest

from opencrm.errors import PluginError
from opencrm.hooks import Exporter, Hooks


def make(name):
    return Exporter(name=name, suffixes=[".x"], write=print)


def test_the_documented_example_works(example):
    """An author may copy the example of the reference as it stands."""
    [found] = Hooks([example("opencrm_register_exporters")]).exporters()
    assert found.plugin == "example"
    assert found.value.name == "pipes"


def test_the_box_comes_first_then_names_decide(make_plugin):
    """Declarations come in the fixed order of plugins, not in that of loading."""

    def plugin(name, source):
        def opencrm_register_exporters():
            yield make(name)

        return make_plugin(name, opencrm_register_exporters, source=source)

    hooks = Hooks([plugin("beta", "package"), plugin("alpha", "package"), plugin("zeta", "box")])
    assert [found.plugin for found in hooks.exporters()] == ["zeta", "alpha", "beta"]


def test_two_of_one_name_are_refused_naming_both(make_plugin):
    """Whoever comes second cannot start, and the message names both."""

    def opencrm_register_exporters():
        return [make("same")]

    plugins = [make_plugin(name, opencrm_register_exporters) for name in ("alpha", "beta")]
    with pytest.raises(PluginError, match="'beta': exporter 'same' is registered by 'alpha'"):
        Hooks(plugins)


def test_a_raise_while_it_gives_is_attributed(make_plugin):
    """A generator that breaks late breaks inside the facade, which names plugin and hook."""

    def opencrm_register_exporters():
        yield make("good")
        raise LookupError("late")

    with pytest.raises(PluginError, match="LookupError: late") as caught:
        make_plugin("alpha", opencrm_register_exporters)
    assert (caught.value.plugin, caught.value.hook) == ("alpha", "opencrm_register_exporters")
    assert isinstance(caught.value.__cause__, LookupError)


def test_something_else_is_refused(make_plugin):
    """What is no such declaration is found at the start."""

    def opencrm_register_exporters():
        yield "something else"

    with pytest.raises(PluginError, match="'something else', which is no "):
        make_plugin("alpha", opencrm_register_exporters)


def test_a_misspelt_hook_is_refused(make_plugin):
    """A typo is an error at the start, not a function that is never called."""

    def opencrm_register_exporter():
        return ()

    with pytest.raises(PluginError, match="opencrm_register_exporter"):
        make_plugin("alpha", opencrm_register_exporter)


def test_nobody_registers_none():
    """Without plugins there are none."""
    assert Hooks([]).exporters() == []


def test_the_example_writes_a_file(example):
    """An exporter writes the header and the rows to an open file."""
    [found] = Hooks([example("opencrm_register_exporters")]).exporters()
    file = BytesIO()
    found.value.write(file, ["name", "city"], iter([["Ann", "Graz"]]))
    assert file.getvalue() == b"name|city\nAnn|Graz\n"
