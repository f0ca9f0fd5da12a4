"""What a command of the command line works with."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import attrs

from opencrm.errors import ConfigurationError
from opencrm.settings import Settings, database_url, read_settings

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

    from opencrm.app.crm import CRM
    from opencrm.core.access.principal import Principal
    from opencrm.core.locale import Locale
    from opencrm.services.identity.policy import SignIn

_SQLITE = "sqlite:///"


class Server(Protocol):
    """A web server; see `Invocation.serve`."""

    def check(self, host: str, port: int) -> None:
        """Refuse an address that cannot be had, and a server that is not installed."""

    def serve_forever(
        self,
        application: WSGIApplication,
        host: str,
        port: int,
        ready: Callable[[str], None],
        until: Callable[[], bool],
        *,
        largest: int,
    ) -> None:
        """Serve an application on a host and a port, to which files are sent, until it is told to stop."""


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
        opened: Is told of each workspace that was opened.
    """

    def __init__(
        self,
        given: Mapping[str, Any],
        variables: Mapping[str, str],
        *,
        server: Server | None = None,
        opened: Callable[[CRM], None] = lambda _: None,
    ) -> None:
        self.given = given
        self._variables = variables
        self._server = server
        self._tell_opened = opened
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

    def open(self, database: str, *, locale: Locale | None = None) -> CRM:
        """Open a workspace, which need not exist yet, with the same settings; it is closed with the command.

        Args:
            database: A URL, or the path of an SQLite file.
            locale: The habits of a workspace that is set up anew; by default the settings'.
        """
        from opencrm.app.crm import CRM
        from opencrm.core.locale import Locale
        from opencrm.services.files.contents import FileStore

        told = self.settings
        crm = CRM(
            database_url(database),
            plugin_dir=told.plugin_dir,
            safe_mode=told.safe_mode,
            trace_hooks=told.trace_hooks,
            locale=locale or Locale(region=told.region, currency=told.currency, zone=told.zone),
            sign_in=self._sign_in(),
            files=FileStore(place=told.files, largest=told.file_mb * 2**20),
            intranet=told.intranet,
            sandbox_sends=told.sandbox_sends,
        )
        self._opened.append(crm)
        self._tell_opened(crm)
        return crm

    def _sign_in(self) -> SignIn:
        from opencrm.services.identity.policy import SignIn

        told = self.settings
        return SignIn(
            base_url=told.base_url,
            mail_url=told.smtp_url,
            mail_from=told.mail_from,
            idle=timedelta(hours=told.session_hours),
            longest=timedelta(days=told.session_days),
        )

    @cached_property
    def principal(self) -> Principal:
        """Whoever data commands act as: `--as`, `OPENCRM_AS`, or the sole owner.

        Raises:
            NotFound: There is no such user.
            NotSignedIn: Nobody is named, and there is not exactly one owner.
        """
        return self.crm.principal(self.settings.user) if self.settings.user else self.crm.sole_owner()

    def check_tables(self, crm: CRM) -> None:
        """Refuse a workspace whose tables are not as this opencrm and its plugins need them.

        Raises:
            ConfigurationError: Names the first thing that is wanting, and what to run.
        """
        wanting = crm.pending()
        if wanting:
            more = f", and {len(wanting) - 1} more" if len(wanting) > 1 else ""
            raise ConfigurationError(f"the tables are not up to date ({wanting[0]}{more}): run `opencrm db upgrade`")

    @property
    def acts(self) -> bool:
        """Whether it is known already as whom data commands act."""
        return "principal" in self.__dict__

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

    def check_server(self, *, host: str | None = None, port: int | None = None) -> None:
        """Find out whether `serve` will find a server and its address, before anything else is done.

        Args:
            host: Address to listen on; by default the setting.
            port: Port to listen on; by default the setting.

        Raises:
            ConfigurationError: There is no server, or no such address.
        """
        server, at_host, at_port = self._place(host, port)
        server.check(at_host, at_port)

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

        server, at_host, at_port = self._place(host, port)
        server.serve_forever(wsgi(crm), at_host, at_port, ready, until, largest=crm.workspace.contents.largest)

    def run(self, crm: CRM, ready: Callable[[str], None], *, host: str | None = None, port: int | None = None) -> None:
        """Serve a workspace and work its queue, until the process is told to stop.

        Args:
            crm: The workspace.
            ready: Is called with the address, once it is open.
            host: Address to listen on; by default the setting.
            port: Port to listen on, 0 for a free one; by default the setting.

        Raises:
            ConfigurationError: See `serve`.
        """
        with crm.worker().running() as under_way:
            self.serve(crm, ready, host=host, port=port, until=under_way.done)
        under_way.result()

    def _place(self, host: str | None, port: int | None) -> tuple[Server, str, int]:
        if self._server is None:
            raise ConfigurationError("this program brings no web server")
        return self._server, host or self.settings.host, self.settings.port if port is None else port

    def close(self) -> None:
        """Close the workspaces that were opened."""
        while self._opened:
            self._opened.pop().close()
