"""What no source file does."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCES = Path(__file__).parents[2] / "src" / "opencrm"
FILES = sorted(SOURCES.rglob("*.py"))
TIME = {"now", "utcnow", "today", "time", "localtime", "gmtime", "monotonic", "perf_counter", "fromtimestamp"}
CLOCKS = {"datetime", "date", "time"}
MUTABLE = (ast.List, ast.Dict, ast.Set, ast.ListComp, ast.DictComp, ast.SetComp)
MAKERS = {"list", "dict", "set", "defaultdict", "deque", "OrderedDict", "Counter", "bytearray", "WeakKeyDictionary"}
CHANGING = {"add", "append", "clear", "discard", "extend", "insert", "pop", "popitem", "remove", "setdefault", "update"}
FORBIDDEN_NAMES = {"utils", "util", "helpers", "helper", "common", "misc"}


def name_of(path: Path) -> str:
    return str(path.relative_to(SOURCES))


@pytest.fixture(params=FILES, ids=name_of)
def source(request: pytest.FixtureRequest) -> Path:
    path: Path = request.param
    return path


def calls(tree: ast.AST) -> Iterator[tuple[str, str, int]]:
    """Give each call `a.b(...)` as a, b and its line."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            owner = node.func.value
            named = owner.id if isinstance(owner, ast.Name) else owner.attr if isinstance(owner, ast.Attribute) else ""
            yield named, node.func.attr, node.lineno


def test_only_the_clock_asks_the_system_for_the_time(source: Path):
    """Everything else asks the workspace's clock, so that a test can move it."""
    if name_of(source) == "core/clock.py":
        return
    tree = ast.parse(source.read_text(encoding="utf-8"))
    asked = [f"line {line}: {owner}.{name}" for owner, name, line in calls(tree) if owner in CLOCKS and name in TIME]
    taken = [
        f"line {node.lineno}: from time import {alias.name}"
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "time"
        for alias in node.names
        if alias.name in TIME
    ]
    assert asked + taken == []


def is_mutable(value: ast.AST | None) -> bool:
    maker = isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id in MAKERS
    return isinstance(value, MUTABLE) or maker


def mutable_names(tree: ast.Module) -> set[str]:
    """Name what a module binds to a list, dict or set."""
    bound: set[str] = set()
    for node in tree.body:
        if isinstance(node, ast.Assign | ast.AnnAssign) and is_mutable(node.value):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            bound |= {target.id for target in targets if isinstance(target, ast.Name)}
    return bound


def changed_names(tree: ast.Module) -> set[str]:
    """Name what a module changes in place, or binds anew from within a function."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Global):
            found |= set(node.names)
        owner: ast.AST | None = None
        if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store | ast.Del):
            owner = node.value
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in CHANGING:
            owner = node.func.value
        found |= {owner.id} if isinstance(owner, ast.Name) else set()
    return found


def test_no_module_keeps_mutable_state(source: Path):
    """Workspaces share a process: what a module holds is a constant, named as one and changed by nobody."""
    tree = ast.parse(source.read_text(encoding="utf-8"))
    held = mutable_names(tree) - {"__all__"}
    assert {name for name in held if name != name.upper()} == set()
    assert held & changed_names(tree) == set()
    assert not any(isinstance(node, ast.Global) for node in ast.walk(tree))


def test_a_file_can_be_read_in_one_sitting(source: Path):
    """At most 400 lines; the contract with plugins is one book, which is read from its beginning to its end."""
    most = 800 if source.name == "specs.py" else 400
    assert len(source.read_text(encoding="utf-8").splitlines()) <= most


def test_a_file_is_named_by_what_it_holds(source: Path):
    """No drawer for whatever has no place."""
    assert not {part.removesuffix(".py").strip("_") for part in source.relative_to(SOURCES).parts} & FORBIDDEN_NAMES


def test_every_module_says_what_it_is_for(source: Path):
    """A docstring, of a sentence at least."""
    assert ast.get_docstring(ast.parse(source.read_text(encoding="utf-8")))


def test_no_source_reads_the_environment_but_the_settings(source: Path):
    """Settings, the command line's switches and the test kit; nobody else looks at variables."""
    allowed = ("settings.py", "cli/", "testing/", "app/invocation.py")
    if name_of(source).startswith(allowed):
        return
    assert "os.environ" not in source.read_text(encoding="utf-8")
