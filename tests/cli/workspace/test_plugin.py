"""`opencrm plugin list | enable | disable`, and `opencrm hooks`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result


@pytest.fixture
def workspace(call: Callable[..., Result], folder: Path) -> Callable[..., Result]:
    """A workspace that Ann owns; gives `call`."""
    assert call("init", "--owner", "Ann").exit_code == 0
    return call


def state(call: Callable[..., Result], name: str, *more: str) -> str:
    """Return the line that `plugin list` shows for a plugin."""
    [line] = [line for line in call("plugin", "list", *more).stdout.splitlines() if line.startswith(f"{name} ")]
    return line


def test_the_box_is_listed(workspace: Callable[..., Result]) -> None:
    """What every workspace needs is active, what it may have is off."""
    assert state(workspace, "standard_roles").endswith(" active")
    assert state(workspace, "sample_pipelines").endswith(" off")


def test_enabling_with_yes_grants_what_is_asked_for(workspace: Callable[..., Result]) -> None:
    """It shows what it grants on stderr only when it asks; the plugin's hooks are in force at once."""
    done = workspace("plugin", "enable", "sample_pipelines", "--yes")
    assert done.exit_code == 0, done.stderr
    assert state(workspace, "sample_pipelines").endswith(" active")
    assert "sample_pipelines" in workspace("hooks").stdout


def test_without_a_terminal_nothing_is_granted_silently(workspace: Callable[..., Result]) -> None:
    """The grants are shown, and --yes is asked for."""
    done = workspace("plugin", "enable", "sample_pipelines")
    assert done.exit_code == 2
    assert "create task: all" in done.stderr
    assert "--yes" in done.stderr
    assert state(workspace, "sample_pipelines").endswith(" off")


@pytest.mark.parametrize("answer, code, ending", [("y", 0, " active"), ("n", 1, " off"), ("", 1, " off")])
def test_on_a_terminal_it_asks(
    workspace: Callable[..., Result],
    terminal: Callable[..., tuple[int, str]],
    answer: str,
    code: int,
    ending: str,
) -> None:
    """It shows the grants, and only a yes grants them."""
    done, shown = terminal("plugin", "enable", "sample_pipelines", typed=f"{answer}\n")
    assert done == code, shown
    assert "create task: all" in shown
    assert state(workspace, "sample_pipelines").endswith(ending)


def test_disabling_keeps_the_rest(workspace: Callable[..., Result]) -> None:
    """It is off, and can be switched on again."""
    workspace("plugin", "enable", "last_touch", "--yes")
    assert workspace("plugin", "disable", "last_touch").exit_code == 0
    assert state(workspace, "last_touch").endswith(" off")
    assert workspace("plugin", "enable", "last_touch", "--yes").exit_code == 0


@pytest.mark.parametrize(
    "command, name, code",
    [("enable", "nope", 5), ("disable", "nope", 5), ("disable", "standard_roles", 8), ("enable", "standard_roles", 8)],
)
def test_what_cannot_be_switched(workspace: Callable[..., Result], command: str, name: str, code: int) -> None:
    """Unknown plugins, and those without which no workspace runs."""
    done = workspace("plugin", command, name)
    assert done.exit_code == code
    assert name in done.stderr


@pytest.mark.parametrize("command", [("enable", "last_touch", "--yes"), ("disable", "last_touch")])
def test_only_owners_switch(workspace: Callable[..., Result], command: tuple[str, ...]) -> None:
    """Plugins are trusted code; a viewer decides nothing about them."""
    workspace("user", "add", "Vic", "--role", "viewer", "--unit", "Company")
    assert workspace("plugin", *command, "--as", "Vic").exit_code == 4


def test_a_file_in_the_plugin_dir_is_active(workspace: Callable[..., Result], folder: Path) -> None:
    """One file is a plugin; a broken one beside it is listed with its reason and harms nobody."""
    plugins = folder / "plugins"
    plugins.mkdir()
    (plugins / "fine.py").write_text(
        "from opencrm import hookimpl\n\n@hookimpl\ndef opencrm_check_change(changes):\n    return []\n"
    )
    (plugins / "broken.py").write_text("import no_such_module\n")
    assert state(workspace, "fine", "--plugin-dir", "plugins").endswith(" active")
    assert "no_such_module" in state(workspace, "broken", "--plugin-dir", "plugins")
    assert "fine" in workspace("hooks", OPENCRM_PLUGIN_DIR="plugins").stdout
    assert "fine" not in workspace("hooks", "--plugin-dir", "plugins", "--safe-mode").stdout


def test_tracing_prints_each_call(workspace: Callable[..., Result], folder: Path) -> None:
    """A line on stderr for each call of a hook."""
    (folder / "nosy.py").write_text(
        "from opencrm import hookimpl\n\n@hookimpl\ndef opencrm_check_change(changes):\n    return []\n"
    )
    command = ("user", "add", "Bob", "--role", "viewer", "--unit", "Company", "--plugin-dir", ".")
    assert "opencrm_check_change nosy" in workspace(*command, OPENCRM_TRACE_HOOKS="1").stderr


def test_a_plugin_dir_that_is_not_there_is_told(workspace: Callable[..., Result]) -> None:
    """A mistyped folder does not pass for an empty one."""
    done = workspace("hooks", "--plugin-dir", "nowhere")
    assert done.exit_code == 8
    assert "nowhere" in done.stderr
