"""The options that every command has, said before the command's name or after it."""

from __future__ import annotations

import copy
from typing import Any

import click

GIVEN = "opencrm.given"
"""Under this name a click context keeps what the shared options were given; see `Invocation`."""

DEFINITIONS = click.File(encoding="utf-8", errors="surrogateescape")
"""A file of definitions; whoever parses its text refuses what is not UTF-8."""

_PREFIX = "opencrm_"
"""Begins the parameters' names, so that they meet no argument of a command."""


def _keep(ctx: click.Context, param: click.Parameter, value: Any) -> None:
    if value not in (None, False):
        ctx.meta.setdefault(GIVEN, {})[str(param.name).removeprefix(_PREFIX)] = value


def _option(name: str, setting: str, **more: Any) -> click.Option:
    return click.Option([name, _PREFIX + setting], expose_value=False, callback=_keep, **more)


def workspace_options() -> list[click.Parameter]:
    """Return new `--db`, `--plugin-dir` and `--safe-mode` options."""
    return [
        _option("--db", "db", metavar="URL", help="Database, or an SQLite file.  [OPENCRM_DB; opencrm.db]"),
        _option("--plugin-dir", "plugin_dir", metavar="FOLDER", help="Folder of plugins.  [OPENCRM_PLUGIN_DIR]"),
        _option("--safe-mode", "safe_mode", is_flag=True, help="Start without plugins.  [OPENCRM_SAFE_MODE]"),
    ]


def acting_option() -> click.Parameter:
    """Return a new `--as` option."""
    return _option("--as", "user", metavar="USER", help="Act as this user.  [OPENCRM_AS; the sole owner]")


def with_shared(command: click.Command, *, acts: bool) -> click.Command:
    """Return a copy of a command, and of those below it, that have the shared options they do not declare.

    Args:
        command: A command or a group of commands.
        acts: Whether it reads or writes data as somebody.
    """
    shared = copy.copy(command)
    if isinstance(shared, click.Group):
        shared.commands = {name: with_shared(each, acts=acts) for name, each in shared.commands.items()}
    declared = {name for param in command.params for name in param.opts}
    more = [*workspace_options(), *([acting_option()] if acts else [])]
    shared.params = [*command.params, *(param for param in more if declared.isdisjoint(param.opts))]
    return shared
