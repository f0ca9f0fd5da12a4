"""`opencrm pipelines export | plan | apply`."""

from __future__ import annotations

import click

from opencrm.cli.commands.workspace.processes import add_text_commands


@click.group()
def pipelines() -> None:
    """Show and change pipelines, as text."""


add_text_commands(pipelines, "pipelines")
