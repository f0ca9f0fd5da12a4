"""What no example does: reach behind the public doors. They are what an agency copies."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
FILES = sorted(EXAMPLES.rglob("*.py"))
DOORS = ("opencrm", "opencrm.embed", "opencrm.rest", "opencrm.web", "opencrm.testing")
PLUGINS = "opencrm.plugins."
"""Plugins in the box show what their packages export, and nothing of their modules."""


def imported(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Give the modules that a file imports from, each with the line."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            yield node.lineno, node.module


def open_to_all(module: str) -> bool:
    """Say whether anybody may import from a module."""
    if module.partition(".")[0] != "opencrm" or module in DOORS or module == PLUGINS.rstrip("."):
        return True
    return module.startswith(PLUGINS) and "." not in module.removeprefix(PLUGINS)


def test_there_are_examples() -> None:
    assert {"window_company", "beauty_salon"} <= {it.relative_to(EXAMPLES).parts[0] for it in FILES}


@pytest.mark.parametrize("source", FILES, ids=lambda path: str(path.relative_to(EXAMPLES)))
def test_examples_import_public_doors_only(source: Path) -> None:
    tree = ast.parse(source.read_text(encoding="utf-8"))
    assert [f"line {line}: {module}" for line, module in imported(tree) if not open_to_all(module)] == []


@pytest.mark.parametrize("module", ["opencrm.core.fields", "opencrm.services", "opencrm.plugins.documents.generating"])
def test_what_is_behind_the_doors_is_seen(module: str) -> None:
    assert not open_to_all(module)
