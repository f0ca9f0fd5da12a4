"""What a command of the command line works with."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import attrs

from opencrm.errors import ConfigurationError
from opencrm.settings import Settings, database_url, read_settings

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

    from opencrm.app.crm import CRM
    from opencrm.core.access.principal import Principal

Server: TypeAlias = "Callable[[WSGIApplication, str, int, Callable[[str], None], Callable[[], bool]], None]"
"""Serves an application on a host and a port until it is told to stop; see `Invocation.serve`."""

_SQLITE = "sqlite:///"


class Invocation:
    """One call of the command line: what it was told, the workspace and whoever acts.

    A command of a plugin gets it with `@click.pass_obj`:

        @click.command()
        @click.pass_obj
        def count(invocation: Invocation) -> None:
            with invocation.crm.read(invocation.principal) as reader:
                click.echo(reader.count(Deal))

    Args:
        given: What the shared options were given, by the setting's name.
        variables: The process's environment.
        server: The web server.
    """

    def __init__(self, given: Mapping[str, Any], variables: Mapping[str, str], *, server: Server | None = None) -> None:
        self.given = given
        self._variables = variables
        self._server = server
        self._opened: list[CRM] = []

    @cached_property
    def settings(self) -> Settings:
        """The environment's settings, and over them the options.

        Raises:
            ConfigurationError: A variable or an option has no usable value.
        """
        try:
            told = read_settings(self._variables)
            return attrs.evolve(told, **self.given)  # type: ignore[misc]  # environ-config makes it an attrs class
        except ValueError as error:
            raise ConfigurationError(str(error)) from None

    @cached_property
    def crm(self) -> CRM:
        """The workspace of `--db`; opened at first use, closed with the command.

        Raises:
            ConfigurationError: It is an SQLite file that does not exist, or cannot be used.
        """
        file = self.settings.db.removeprefix(_SQLITE)
        if file != self.settings.db and not Path(file).exists():
            raise ConfigurationError(f"there is no workspace in {file}: make one with `opencrm init`")
        return self.open(self.settings.db)

    def open(self, database: str) -> CRM:
        """Open a workspace, which need not exist yet, with the same settings; it is closed with the command.

        Args:
            database: A URL, or the path of an SQLite file.
        """
        from opencrm.app.crm import CRM
        from opencrm.core.locale import Locale

        told = self.settings
        crm = CRM(
            database_url(database),
            plugin_dir=told.plugin_dir,
            safe_mode=told.safe_mode,
            trace_hooks=told.trace_hooks,
            locale=Locale(region=told.region, currency=told.currency, zone=told.zone),
        )
        self._opened.append(crm)
        return crm

    @cached_property
    def principal(self) -> Principal:
        """Whoever data commands act as: `--as`, `OPENCRM_AS`, or the sole owner.

        Raises:
            NotFound: There is no such user.
            NotSignedIn: Nobody is named, and there is not exactly one owner.
        """
        return self.crm.principal(self.settings.user) if self.settings.user else self.crm.sole_owner()

    @contextmanager
    def progress(self, label: str, length: int) -> Iterator[Callable[[int], None]]:
        """Show a progress bar on stderr, where that is a terminal.

        Args:
            label: What is under way.
            length: How many steps there are.

        Yields:
            A function that is told how many more steps are done.
        """
        import click

        hidden = not sys.stderr.isatty()
        with click.progressbar(length=length, label=label, file=sys.stderr, hidden=hidden) as bar:
            yield bar.update

    def serve(
        self,
        crm: CRM,
        ready: Callable[[str], None],
        *,
        host: str | None = None,
        port: int | None = None,
        until: Callable[[], bool] = lambda: False,
    ) -> None:
        """Serve a workspace's web applications until the process is told to stop.

        Args:
            crm: The workspace.
            ready: Is called with the address, once it is open.
            host: Address to listen on; by default the setting.
            port: Port to listen on, 0 for a free one; by default the setting.
            until: Is asked several times a second whether to stop.

        Raises:
            ConfigurationError: There is nothing to serve, no server, or no such address.
        """
        from opencrm.app.serving import wsgi

        if self._server is None:
            raise ConfigurationError("this program brings no web server")
        chosen = self.settings.port if port is None else port
        self._server(wsgi(crm), host or self.settings.host, chosen, ready, until)

    def close(self) -> None:
        """Close the workspaces that were opened."""
        while self._opened:
            self._opened.pop().close()
