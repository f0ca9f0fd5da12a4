"""What is said on stderr of a workspace that runs, but not as its owner thinks."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import click

from opencrm.cli.border import line
from opencrm.errors import OpenCRMError

if TYPE_CHECKING:
    from opencrm.app.crm import CRM


class Warnings:
    """Warns of each problem with a plugin, once in a command however many workspaces it opens."""

    def __init__(self) -> None:
        self._told: set[str] = set()

    def __call__(self, crm: CRM) -> None:
        """Write a line for each problem that is new."""
        with suppress(OpenCRMError):  # What keeps the workspace from running is the command's to meet and to tell.
            for reason in "\n".join(crm.problems().values()).splitlines():
                if reason not in self._told:
                    self._told.add(reason)
                    click.echo(line("warning", reason), err=True)
