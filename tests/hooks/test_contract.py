"""Every hook: documented in five parts, tested in a file of its own, checked when a plugin is loaded."""

from __future__ import annotations

import inspect
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st

import opencrm
from opencrm.core.entities import Deal
from opencrm.core.ports import CheckDoor, ServiceDoor
from opencrm.errors import PluginError
from opencrm.hooks import HOOK_API, Hooks, arguments, given_plugin, hook_names, hookimpl, specs
from opencrm.hooks.markers import TERMS, Terms
from opencrm.hooks.plugin import read_plugin

PARTS = ("When:", "Arguments:", "Return:", "Failure:", "Example:")


@pytest.mark.parametrize("name", hook_names())
def test_a_hook_is_documented_in_five_parts(name):
    """Each part stands once, in this order."""
    text = inspect.getdoc(getattr(specs, name))
    assert [text.count(f"\n{part}") for part in PARTS] == [1] * len(PARTS)
    assert sorted(PARTS, key=text.index) == list(PARTS)


DOORS = {
    **{name: [doors["door"]] for name in hook_names() if "door" in (doors := get_type_hints(getattr(specs, name)))},
    "opencrm_register_services": [ServiceDoor, CheckDoor],
}


@pytest.mark.parametrize("name", DOORS)
def test_a_hook_says_what_its_door_is_for(name):
    """Each thing that can be done with it, there or at the hook that it points to."""
    text = inspect.getdoc(getattr(specs, name))
    text += "".join(
        inspect.getdoc(getattr(specs, it)) for it in hook_names() if f"that of `{it}`" in " ".join(text.split())
    )
    members = {it for door in DOORS[name] for it in dir(door) if not it.startswith("_")}
    assert {it for it in members if f"`door.{it}" not in text} == set()


@pytest.mark.parametrize("name", DOORS)
def test_a_door_is_at_the_front_door(name):
    """Whoever writes a typed plugin finds it there."""
    assert {it.__name__ for it in DOORS[name]} <= set(opencrm.__all__)


@pytest.mark.parametrize("name", hook_names())
def test_a_hook_has_its_own_test_file(name):
    """What is promised is tested where it is looked for."""
    assert (Path(__file__).parent / f"test_{name}.py").is_file()


@pytest.mark.parametrize("name", hook_names())
def test_a_documented_example_implements_its_hook(name, example):
    """The example is a whole plugin."""
    assert name in {it.hook for it in example(name).implementations}


def make_hook(name: str, wants: str = ""):
    """Return a function of that name that takes these arguments and gives nothing."""
    space: dict = {}
    exec(f"def {name}({wants}): return ()", space)
    return space[name]


@pytest.mark.parametrize("name", hook_names())
def test_a_hook_may_leave_arguments_out(name, make_plugin):
    """Arguments may be added to a hook without breaking those who do not know them."""
    for many in range(len(arguments(name)) + 1):
        plugin = make_plugin("alpha", make_hook(name, ", ".join(arguments(name)[:many])))
        assert [name] == [it.hook for it in Hooks([plugin]).who()]


@pytest.mark.parametrize("name", hook_names())
@pytest.mark.parametrize("wants", ["session", "*, session"])
def test_an_argument_that_no_hook_gives_is_refused(name, wants, make_plugin):
    """It is found at the start, and the message says what is given."""
    with pytest.raises(PluginError, match="session"):
        make_plugin("alpha", make_hook(name, wants))


@pytest.mark.parametrize("name", hook_names())
def test_an_unmarked_hook_is_refused(name):
    """A forgotten mark is an error at the start, not a function that is never called."""
    with pytest.raises(PluginError, match=f"{name}: is not marked with @hookimpl"):
        read_plugin("alpha", SimpleNamespace(**{name: make_hook(name)}), source="given")


@pytest.mark.parametrize("name", [name for name in hook_names() if name.startswith("opencrm_register_")])
def test_only_hooks_about_changes_take_an_entity(name, make_plugin):
    """What is registered once is not about one entity's changes."""
    with pytest.raises(PluginError, match="entity= is for hooks that are told of changes"):
        make_plugin("alpha", hookimpl(entity="deal")(make_hook(name)))


def test_an_argument_with_a_default_is_refused(make_plugin):
    """pluggy would leave the default in place of what the hook gives."""
    with pytest.raises(PluginError, match="'door' must not have a default"):
        make_plugin("alpha", make_hook("opencrm_check_change", "changes, door=None"))


def test_a_coroutine_is_refused(make_plugin):
    """Nobody would await it."""

    async def opencrm_on_change(entry):
        pass

    with pytest.raises(PluginError, match="must be a plain function"):
        make_plugin("alpha", opencrm_on_change)


def test_an_entity_is_named_by_its_class_too():
    """`entity=Deal` and `entity="deal"` say the same."""
    marked = hookimpl(entity=Deal, priority=3)(lambda: None)
    assert Terms("deal", 3) == getattr(marked, TERMS)
    with pytest.raises(TypeError, match="entity"):
        hookimpl(entity=object)


def test_an_object_is_a_plugin_too():
    """A host program hands over objects with methods, named by their class or their attribute."""

    class WelcomeCallsPlugin:
        @hookimpl
        def opencrm_on_change(self, entry):
            self.told = entry

    class Named(WelcomeCallsPlugin):
        name = "another"

    plugin = given_plugin(WelcomeCallsPlugin())
    assert (plugin.name, plugin.source) == ("welcome_calls", "given")
    assert plugin is given_plugin(plugin)
    assert given_plugin(Named()).name == "another"
    assert given_plugin(ModuleType("somewhere.opencrm_invoicing")).name == "invoicing"
    with pytest.raises(PluginError, match="not its class"):
        given_plugin(WelcomeCallsPlugin)


@pytest.mark.parametrize("name", ["crm", "Alpha", "my-plugin", "1st", "", "a" * 41])
def test_a_name_must_be_fit_for_a_prefix(name):
    """A plugin's tables begin with its name."""
    with pytest.raises(PluginError, match="a name is"):
        read_plugin(name, ModuleType("x"), source="given")


def test_two_plugins_of_one_name_are_refused(make_plugin):
    """A name stands for one plugin."""
    with pytest.raises(PluginError, match="plugin 'alpha' is registered by 'alpha'"):
        Hooks([make_plugin("alpha"), make_plugin("alpha")])


def test_it_can_be_traced(make_plugin, make_change, door_for, capsys):
    """Each call leaves a line on stderr, also one that raises; untraced calls leave none."""

    def opencrm_check_change(changes):
        return ()

    def opencrm_record_change(changes):
        raise LookupError

    plugins = [make_plugin("alpha", opencrm_check_change, opencrm_record_change)]
    Hooks(plugins).check_change([make_change()], door_for)
    assert capsys.readouterr().err == ""
    hooks = Hooks(plugins, trace=True)
    hooks.check_change([make_change()], door_for)
    with pytest.raises(PluginError):
        hooks.record_change([make_change()], door_for)
    first, second = capsys.readouterr().err.splitlines()
    assert first.startswith("opencrm_check_change alpha gave 0 in ")
    assert second.startswith("opencrm_record_change alpha raised in ")


def test_who_implements_what(make_plugin):
    """`opencrm hooks` shows hook, plugin, terms and place, by hook and in the order of calls."""

    @hookimpl(entity="deal", priority=2)
    def opencrm_check_move(changes):
        return ()

    def opencrm_register_grants():
        return ()

    hooks = Hooks(
        [
            make_plugin("beta", opencrm_check_move),
            make_plugin("alpha", opencrm_check_move, opencrm_register_grants),
        ]
    )
    assert [(it.hook, it.plugin, it.entity, it.priority) for it in hooks.who()] == [
        ("opencrm_register_grants", "alpha", None, 0),
        ("opencrm_check_move", "alpha", "deal", 2),
        ("opencrm_check_move", "beta", "deal", 2),
    ]
    assert hooks.who()[0].where.endswith("opencrm_register_grants")


def test_the_contract_has_a_number():
    """A plugin of one file may say for which it is written."""
    assert HOOK_API == 1


def checking(priority: int):
    @hookimpl(priority=priority)
    def opencrm_check_change(changes):
        return ()

    return opencrm_check_change


@given(
    st.dictionaries(
        st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True).filter(lambda name: name != "crm"),
        st.tuples(st.integers(-5, 5), st.sampled_from(["box", "package", "file", "given"])),
        max_size=12,
    ),
    st.randoms(use_true_random=False),
)
def test_calls_are_compiled_in_the_fixed_order(asked, chance):
    """Whatever order plugins are loaded in: the box, then the higher priority, then the name."""
    plugins = [
        read_plugin(name, SimpleNamespace(opencrm_check_change=checking(priority)), source=source)
        for name, (priority, source) in asked.items()
    ]
    chance.shuffle(plugins)
    wanted = sorted(asked, key=lambda name: (asked[name][1] != "box", -asked[name][0], name))
    assert wanted == [it.plugin for it in Hooks(plugins).who()]
