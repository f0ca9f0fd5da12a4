"""Commands of plugins are listed by name without being loaded."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from opencrm.cli.found import command_sources

COMMAND = """
import click

@click.command()
@click.pass_obj
def greet(invocation):
    "Say hello."
    click.echo(f"hello from {invocation.settings.db}")
"""


ENTRY_POINTS = """\
[console_scripts]
x = a:b

[opencrm.commands]
# old = a:b
; older = a:b

invoice = a:b
 remind=c:d
[opencrm]
y = z
"""


def announce(folder: Path, name: str, text: str, *, kind: str = "dist-info") -> None:
    """Make the metadata of an installed distribution."""
    made = folder / f"{name}.{kind}"
    made.mkdir(parents=True)
    (made / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name.partition('-')[0]}\nVersion: 1.0\n")
    (made / "entry_points.txt").write_text(text)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of installed packages, on the path."""
    found = tmp_path / "site"
    found.mkdir()
    monkeypatch.syspath_prepend(str(found))
    return found


def test_names_are_read_below_the_heading_only(site: Path) -> None:
    """Other groups, comments and blank lines announce nothing."""
    announce(site, "opencrm_invoicing-1.0", ENTRY_POINTS)
    assert command_sources([str(site)]) == {
        "invoice": ("opencrm-invoicing",),
        "remind": ("opencrm-invoicing",),
    }


def test_the_first_copy_of_a_distribution_counts(site: Path, tmp_path: Path) -> None:
    """As for imports, an installed copy later on the path is hidden."""
    announce(site, "Open.CRM_invoicing-2.0", "[opencrm.commands]\nnewer = a:b\n")
    announce(tmp_path / "later", "open_crm_invoicing-1.0", "[opencrm.commands]\nolder = a:b\n", kind="egg-info")
    assert list(command_sources([str(site), str(tmp_path / "later")])) == ["newer"]


@pytest.mark.parametrize("entry", ["", "/no/such/folder", __file__])
def test_strange_entries_of_the_path_are_passed_over(
    entry: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An empty entry is the current folder; archives and missing folders hold nothing."""
    monkeypatch.chdir(tmp_path)
    assert command_sources([entry]) == {}


def test_bytes_that_are_no_text_do_no_harm(site: Path) -> None:
    """Metadata that is not UTF-8 neither breaks the list nor hides the rest."""
    announce(site, "strange-1.0", "")
    (site / "strange-1.0.dist-info/entry_points.txt").write_bytes(b"[opencrm.commands]\n\xff\xfe = a:b\nfine = a:b\n")
    assert "fine" in command_sources([str(site)])


def test_what_importlib_finds_is_what_is_listed() -> None:
    """The quick reading agrees with the real one about what is installed here."""
    from importlib.metadata import entry_points

    assert set(command_sources(sys.path)) == {entry.name for entry in entry_points(group="opencrm.commands")}


def test_a_plugins_command_is_listed_and_not_loaded(site: Path, call: Callable[..., Result]) -> None:
    """`--help` names it with its distribution; its module is not imported."""
    announce(site, "opencrm_greeting-1.0", "[opencrm.commands]\ngreet = greeting_not_there:greet\n")
    shown = call("--help").stdout
    assert "greet" in shown
    assert "(from opencrm-greeting)" in shown


def test_a_plugins_command_runs_with_the_shared_options(site: Path, call: Callable[..., Result]) -> None:
    """It gets the invocation, and `--db` although it did not declare it."""
    (site / "greeting_module.py").write_text(COMMAND)
    announce(site, "opencrm_greeting-1.0", "[opencrm.commands]\ngreet = greeting_module:greet\n")
    assert call("greet", "--db", "sqlite:///elsewhere.db").stdout == "hello from sqlite:///elsewhere.db\n"


def test_a_command_that_cannot_be_loaded_names_its_plugin(site: Path, call: Callable[..., Result]) -> None:
    """One line, with the distribution and the reason."""
    announce(site, "opencrm_greeting-1.0", "[opencrm.commands]\ngreet = greeting_not_there:greet\n")
    done = call("greet")
    assert done.exit_code == 8
    assert done.stderr.startswith("opencrm: plugin: the command 'greet' of opencrm_greeting cannot be loaded: ")
    assert done.stderr.count("\n") == 1


def test_two_distributions_of_one_command_are_refused(site: Path, call: Callable[..., Result]) -> None:
    """Neither is run; both are named."""
    for name in ("one", "two"):
        announce(site, f"{name}-1.0", "[opencrm.commands]\ngreet = a:b\n")
    done = call("greet")
    assert done.exit_code == 8
    assert "one" in done.stderr
    assert "two" in done.stderr


def test_opencrms_own_command_cannot_be_replaced(site: Path, call: Callable[..., Result]) -> None:
    """A distribution that announces `init` is not asked."""
    announce(site, "evil-1.0", "[opencrm.commands]\ninit = a:b\n")
    assert "evil" not in call("--help").stdout
    assert call("init", "--help").exit_code == 0
