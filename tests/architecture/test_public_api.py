"""The doors are pinned: what is public is exactly what says so."""

from __future__ import annotations

import importlib
import inspect

import pytest

DOORS = ["opencrm", "opencrm.embed", "opencrm.web", "opencrm.rest", "opencrm.testing"]


@pytest.mark.parametrize("door", DOORS)
def test_all_is_sorted_and_can_be_imported(door: str):
    """Every name in `__all__` is there, once, in order."""
    module = importlib.import_module(door)
    assert module.__all__ == sorted(
        set(module.__all__), key=lambda name: (not name.isupper(), not name[0].isupper(), name)
    )
    for name in module.__all__:
        assert getattr(module, name) is not None


def test_the_front_door_has_no_other_names():
    """`dir(opencrm)` is `__all__`, and a wrong name is an AttributeError."""
    import opencrm

    assert dir(opencrm) == sorted(opencrm.__all__)
    with pytest.raises(AttributeError):
        _ = opencrm.nonsense


@pytest.mark.parametrize("door", DOORS)
def test_every_public_thing_says_what_it_is(door: str):
    """Classes and functions have docstrings of their own."""
    module = importlib.import_module(door)
    things = [getattr(module, name) for name in module.__all__]
    silent = [it for it in things if (inspect.isclass(it) or inspect.isfunction(it)) and not it.__doc__]
    assert silent == []


def test_the_front_door_is_typed_as_it_is_loaded():
    """The names that type checkers see are those that are loaded on demand."""
    import ast

    import opencrm

    tree = ast.parse(inspect.getsource(opencrm))
    block = next(node for node in tree.body if isinstance(node, ast.If))
    seen = {
        alias.asname or alias.name
        for node in ast.walk(block)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert seen == set(opencrm.__all__)
