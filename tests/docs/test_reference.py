"""The reference is complete, and says what the code says."""

from __future__ import annotations

import inspect
import runpy
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import attrs
import click
import pytest

from opencrm import errors
from opencrm.cli.root import COMMANDS, root
from opencrm.core.change import Kind
from opencrm.core.entities import Core, specs
from opencrm.hooks import hook_names
from opencrm.hooks import specs as hook_specs
from opencrm.settings import Settings

DOCS = Path(__file__).parents[2] / "docs"
REFERENCE = DOCS / "reference"


def written_pages() -> dict[str, Callable[[], str]]:
    """Return what writes each page, as `python docs/generate.py` finds it."""
    sys.path.insert(0, str(DOCS))
    try:
        return dict(runpy.run_path(str(DOCS / "generate.py"))["PAGES"])
    finally:
        sys.path.remove(str(DOCS))


GENERATED = written_pages()


def page(name: str) -> str:
    return (REFERENCE / name).read_text(encoding="utf-8")


def error_classes() -> list[type[errors.OpenCRMError]]:
    return [it for _, it in inspect.getmembers(errors, inspect.isclass) if issubclass(it, errors.OpenCRMError)]


def commands(group: click.Group = root, above: str = "") -> Iterator[str]:
    """Give every command that opencrm itself brings, as it is typed."""
    context = click.Context(group)
    names = COMMANDS if group is root else group.list_commands(context)
    for name in names:
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from commands(command, f"{above}{name} ")
        else:
            yield f"{above}{name}"


@pytest.mark.parametrize("name", GENERATED)
def test_a_written_page_is_in_step(name: str):
    """What is not, is put right by `python docs/generate.py`."""
    assert GENERATED[name]() == page(name)


@pytest.mark.parametrize("hook", hook_names())
def test_hook_is_in_the_reference_with_its_signature(hook: str):
    """Each hook has its heading, its arguments, its five parts and an example."""
    text = page("hooks.md").partition(f"## {hook}\n")[2].partition("\n## ")[0]
    assert all(name in text for name in inspect.signature(getattr(hook_specs, hook)).parameters)
    assert f"{hook}(" in text
    for part in ("When", "Arguments", "Return", "Failure", "Example"):
        assert f"**{part}**:" in text


@pytest.mark.parametrize("error", error_classes(), ids=lambda error: error.__name__)
def test_error_is_in_the_reference_with_its_code(error: type[errors.OpenCRMError]):
    text = page("errors.md")
    assert f"`{error.__name__}`" in text
    assert f"`{error.code}`" in text


@pytest.mark.parametrize("command", list(commands()))
def test_command_is_in_the_reference(command: str):
    assert f"opencrm {command}" in page("command-line.md")


@pytest.mark.parametrize("setting", [each.metadata["environ_config"].name for each in attrs.fields(Settings)])
def test_setting_is_in_the_reference(setting: str):
    assert f"`{setting}`" in page("settings.md")


@pytest.mark.parametrize("spec", specs(Core), ids=lambda spec: spec.name)
def test_entity_is_in_the_reference_with_its_fields(spec):
    text = page("entities.md")
    assert f"`{spec.name}`, plural `{spec.plural}`" in text
    assert all(f"| `{name}` |" in text for name in spec.fields)


@pytest.mark.parametrize("kind", Kind)
def test_kind_of_journal_entry_is_in_the_reference(kind: Kind):
    assert f"| `{kind.value}` |" in page("events.md")
