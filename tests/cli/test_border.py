"""Errors leave the command line as one line and an exit code."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import pytest
from click.testing import Result

from opencrm import errors
from opencrm.cli.border import EXIT_CODES, Failure, border, exit_code, line


def every_error(root: type[errors.OpenCRMError] = errors.OpenCRMError) -> Iterator[type[errors.OpenCRMError]]:
    """Give the error tree's classes."""
    for child in root.__subclasses__():
        if child.__module__ == "opencrm.errors":
            yield child
            yield from every_error(child)


def made(kind: type[errors.OpenCRMError]) -> errors.OpenCRMError:
    """Make an error of a class."""
    if issubclass(kind, errors.InputError):
        return kind({"title": ["is\nrequired"]})
    if issubclass(kind, errors.PermissionDenied) and kind is not errors.TooManyAttempts:
        return kind("no\nway", principal="user:1", action="deal.read", reason="x")
    return kind("no\nway", plugin="p") if issubclass(kind, errors.PluginError) else kind("no\nway")


@pytest.mark.parametrize("kind", sorted(every_error(), key=lambda kind: kind.__name__))
def test_every_error_is_one_line_with_its_code(
    kind: type[errors.OpenCRMError], capsys: pytest.CaptureFixture[str]
) -> None:
    """Its class gives the exit code, its `code` and message the line."""
    with pytest.raises(Failure) as caught, border():
        raise made(kind)
    caught.value.show()
    assert caught.value.exit_code in {number for _, number in EXIT_CODES}
    shown = capsys.readouterr().err
    assert shown.startswith(f"opencrm: {kind.code}: ")
    assert shown.count("\n") == 1


def test_an_error_carries_nothing_that_a_terminal_obeys() -> None:
    """A rule may tell of a record by a name that somebody made up."""
    assert line("objected", "\x1b]0;title\x07\u202e is\nwrong") == "opencrm: objected: ]0;title is wrong"


def test_exit_codes_tell_the_kinds_apart() -> None:
    """No two branches of the tree share a code, and none is taken by click or the shell."""
    numbers = [number for _, number in EXIT_CODES]
    assert len(set(numbers)) == len(numbers)
    assert not {0, 1, 2} & set(numbers)
    assert exit_code(errors.OpenCRMError("?")) == 1


def test_wrong_usage_is_one_line(call: Callable[..., Result]) -> None:
    """Exit code 2, and where to read on."""
    done = call("--no-such-option")
    assert done.exit_code == 2
    assert done.stderr.startswith("opencrm: usage: ")
    assert "opencrm --help" in done.stderr
    assert done.stderr.count("\n") == 1


def test_an_unknown_command_is_wrong_usage(call: Callable[..., Result]) -> None:
    """It is named."""
    done = call("fly")
    assert done.exit_code == 2
    assert "'fly'" in done.stderr


def test_a_setting_that_cannot_be_used_is_named(call: Callable[..., Result]) -> None:
    """A bad variable is a configuration error that names it."""
    done = call("hooks", OPENCRM_ZONE="Mars/Base")
    assert done.exit_code == 8
    assert done.stderr.startswith("opencrm: configuration: OPENCRM_ZONE: ")


def test_ctrl_c_is_quiet() -> None:
    """No text, and the exit code that shells use."""
    with pytest.raises(click.exceptions.Exit) as caught, border():
        raise KeyboardInterrupt
    assert caught.value.exit_code == 130


def test_debugging_shows_the_traceback(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """OPENCRM_DEBUG=1 adds where the error was raised; the line and the code stay."""
    monkeypatch.setenv("OPENCRM_DEBUG", "1")
    with pytest.raises(Failure) as caught, border():
        raise errors.NotFound("nothing")
    caught.value.show()
    shown = capsys.readouterr().err
    assert "Traceback" in shown
    assert shown.endswith("opencrm: not_found: nothing\n")


@pytest.mark.parametrize("debug, shown", [("0", False), ("1", True)])
def test_what_nobody_foresaw_is_one_line_too(debug: str, shown: bool) -> None:
    """A bug shows its class and message, and the traceback only on demand; exit code 1."""
    code = "from opencrm.cli.border import install_last_resort as i; i(); 1 / 0"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"OPENCRM_DEBUG": debug},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert ("Traceback" in done.stderr) is shown
    assert "division by zero" in done.stderr


@pytest.mark.parametrize("command", ["--help", "db upgrade", "init --owner Ann"])
def test_a_reader_that_went_away_is_no_error(folder: Path, command: str) -> None:
    """`opencrm ... | head` says nothing on stderr."""
    line = f"{sys.executable} -m opencrm.cli {command} | head -c 1"
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=False)
    assert done.stderr == ""
