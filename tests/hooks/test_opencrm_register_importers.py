"""`opencrm_register_importers`: kinds of files that can be read."""

from __future__ import annotations

import pytest

from opencrm.errors import PluginError
from opencrm.hooks import Hooks, Importer


def make(name):
    return Importer(name=name, suffixes=[".X"], rows=open)


def test_the_documented_example_works(example):
    """An author may copy the example of the reference as it stands."""
    [found] = Hooks([example("opencrm_register_importers")]).importers()
    assert found.plugin == "example"
    assert found.value.suffixes == (".pipes",)


def test_the_box_comes_first_then_names_decide(make_plugin):
    """Declarations come in the fixed order of plugins, not in that of loading."""

    def plugin(name, source):
        def opencrm_register_importers():
            yield make(name)

        return make_plugin(name, opencrm_register_importers, source=source)

    hooks = Hooks([plugin("beta", "package"), plugin("alpha", "package"), plugin("zeta", "box")])
    assert [found.plugin for found in hooks.importers()] == ["zeta", "alpha", "beta"]


def test_two_of_one_name_are_refused_naming_both(make_plugin):
    """Whoever comes second cannot start, and the message names both."""

    def opencrm_register_importers():
        return [make("same")]

    plugins = [make_plugin(name, opencrm_register_importers) for name in ("alpha", "beta")]
    with pytest.raises(PluginError, match="'beta': importer 'same' is registered by 'alpha'"):
        Hooks(plugins)


def test_a_raise_while_it_gives_is_attributed(make_plugin):
    """A generator that breaks late breaks inside the facade, which names plugin and hook."""

    def opencrm_register_importers():
        yield make("good")
        raise LookupError("late")

    with pytest.raises(PluginError, match="LookupError: late") as caught:
        make_plugin("alpha", opencrm_register_importers)
    assert (caught.value.plugin, caught.value.hook) == ("alpha", "opencrm_register_importers")
    assert isinstance(caught.value.__cause__, LookupError)


def test_something_else_is_refused(make_plugin):
    """What is no such declaration is found at the start."""

    def opencrm_register_importers():
        yield "something else"

    with pytest.raises(PluginError, match="'something else', which is no "):
        make_plugin("alpha", opencrm_register_importers)


def test_a_misspelt_hook_is_refused(make_plugin):
    """A typo is an error at the start, not a function that is never called."""

    def opencrm_register_importer():
        return ()

    with pytest.raises(PluginError, match="opencrm_register_importer"):
        make_plugin("alpha", opencrm_register_importer)


def test_nobody_registers_none():
    """Without plugins there are none."""
    assert Hooks([]).importers() == []


def test_the_example_reads_a_file(example, tmp_path):
    """An importer opens a file and gives its rows, the header first."""
    path = tmp_path / "x.pipes"
    path.write_text("name|city\nAnn|Graz\n")
    [found] = Hooks([example("opencrm_register_importers")]).importers()
    with found.value.rows(path) as rows:
        assert [(row.line, row.cells) for row in rows] == [(1, ["name", "city"]), (2, ["Ann", "Graz"])]


def test_a_suffix_has_its_dot():
    """An ending without its dot would never match a file."""
    with pytest.raises(ValueError, match="suffixes"):
        Importer(name="x", suffixes=["csv"], rows=open)


def test_a_file_may_hold_several_tables():
    """A kind of file says how one of them is opened by its name; most kinds hold but one."""
    assert make("x").table is None
    assert Importer(name="x", suffixes=[".x"], rows=open, table=open).table is not None
