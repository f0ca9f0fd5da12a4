"""A workspace, put together, and the doors to its data."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine

from opencrm.app import setting_up
from opencrm.app.activation import Plugins
from opencrm.app.configuring import KnownDefinitions, configure, version_of
from opencrm.app.filing import contents_of
from opencrm.core.access.principal import Principal
from opencrm.core.change import Values
from opencrm.core.clock import Clock, ShiftedClock, SystemClock
from opencrm.core.locale import Locale
from opencrm.errors import ConfigurationError
from opencrm.hooks import Hooks, Plugin
from opencrm.schemas import Schemas
from opencrm.services import exporting, plugins
from opencrm.services.files.contents import FileStore
from opencrm.services.files.keeping import Files
from opencrm.services.identity.accounts import Accounts
from opencrm.services.identity.policy import SignIn
from opencrm.services.process.calling import Services
from opencrm.services.process.submitting.forms import Forms
from opencrm.services.reading.reader import Reader
from opencrm.services.reading.rows import Query
from opencrm.services.workspaces.catalogue import Catalogue
from opencrm.services.workspaces.configuration import Configuration
from opencrm.services.workspaces.signing_in import resolve
from opencrm.services.workspaces.workspace import Workspace
from opencrm.services.writing.block import Act
from opencrm.services.writing.work import Work
from opencrm.storage.databases import Database
from opencrm.storage.engines import make_engine
from opencrm.storage.transactions import Transaction


class Doors:
    """Opens the database, and reads and works in it as somebody; `CRM` tells what it is made of."""

    def __init__(  # noqa: PLR0913  # what a workspace is made of, all but the URL by name
        self,
        url: str | None = None,
        *,
        engine: Engine | None = None,
        schema: str | None = None,
        plugins: Iterable[object] = (),
        plugin_dir: Path | str | None = None,
        safe_mode: bool = False,
        clock: Clock | None = None,
        locale: Locale | None = None,
        trace_hooks: bool = False,
        sign_in: SignIn | None = None,
        files: FileStore | None = None,
        intranet: Iterable[str] = (),
        sandbox_sends: bool = False,
    ) -> None:
        if (url is None) == (engine is None):
            raise ConfigurationError("give either a URL or an engine")
        self._own_engine = engine is None
        self.database = Database(engine or make_engine(url or ""), schema)
        self.clock = ShiftedClock(clock or SystemClock())
        self._locale = locale or Locale()
        self._definitions = KnownDefinitions(trace=trace_hooks)
        self._plugins = Plugins(plugins, Path(plugin_dir) if plugin_dir else None, safe=safe_mode)
        contents = contents_of(self.database, files or FileStore(), lambda: self.configuration.secret)
        self.workspace = Workspace(
            self.database, self.clock, self._configure, contents, intranet, sandbox_sends=sandbox_sends
        )
        self.files = Files(self.workspace, self, lambda: self.hooks)
        self.services = Services(self.workspace, self, lambda: self.hooks)
        self.forms = Forms(self.workspace, lambda: self.configuration, self.work, self.read)
        self.accounts = Accounts(self.workspace, sign_in or SignIn(), lambda: self.hooks, self.work)

    @contextmanager
    def read(self, principal: Principal) -> Iterator[Reader]:
        """Read as a principal, in a transaction that writes nothing and takes no lock.

        Raises:
            NotSignedIn: There is no such person, key or automation, or no longer.
        """
        with self.database.read() as tx:
            now = self.workspace.now(tx)
            rights, configuration = resolve(tx, self.workspace, principal, now)
            yield Reader(tx, self.workspace, rights, configuration, now)

    @contextmanager
    def work(
        self,
        principal: Principal,
        *,
        origin: str | None = None,
        connection: Connection | None = None,
        automations: bool = True,
    ) -> Iterator[Work]:
        """Work as a principal, in one transaction: all of the block or nothing.

        Args:
            principal: Whoever acts.
            origin: The external system or file that the changes come from; in the journal.
            connection: A connection of the host's with a transaction open, to work inside it; the host commits.
            automations: Whether stages, tasks and rules do what they declare; not where data is brought from elsewhere.

        Raises:
            NotSignedIn: There is no such person, key or automation, or no longer.
        """
        with self._transaction(connection) as tx:
            work = self._work(tx, principal, origin=origin, automations=automations)
            yield work
            work.must_be_whole()

    @contextmanager
    def export(
        self, principal: Principal, query: Query[Any], *, parts: Sequence[str] = ()
    ) -> Iterator[exporting.Export]:
        """Take out the records of a query that a principal may export; the journal tells who took out what.

        Args:
            principal: Who takes them out.
            query: Which records, and which fields of them.
            parts: Names of the parts that go with them, such as `points`: each is a list of objects.

        Yields:
            The fields that the principal may read, or those of them that were asked for, and the records.

        Raises:
            PermissionDenied: The principal may export none of them.
            InputError: A field is unknown, or the entity has no such parts.
        """
        with self.work(principal) as work:
            exporting.begin(work, query, parts)
        with self.read(principal) as reader:
            yield exporting.rows(reader, query, parts)

    @property
    def configuration(self) -> Configuration:
        """The configuration in force."""
        with self.database.read() as tx:
            return self.workspace.configuration(tx, version_of(tx))

    @property
    def catalogue(self) -> Catalogue:
        """Entities, pipelines and declarations in force."""
        return self.configuration.catalogue

    @property
    def schemas(self) -> Schemas:
        """Loading and dumping of the entities in force."""
        return self.configuration.schemas

    @property
    def hooks(self) -> Hooks:
        """The active plugins' hooks."""
        return self.configuration.hooks

    def close(self) -> None:
        """Deliver the messages that wait, and close the database, if this workspace opened it."""
        self.accounts.close()
        if self._own_engine:
            self.database.close()

    def _transaction(self, connection: Connection | None) -> Any:
        return self.database.write() if connection is None else self.database.join(connection)

    def _work(
        self,
        tx: Transaction,
        principal: Principal,
        *,
        origin: str | None = None,
        cause: str | None = None,
        rule: str | None = None,
        automations: bool = True,
    ) -> Work:
        now = self.workspace.now(tx)
        rights, configuration = resolve(tx, self.workspace, principal, now)
        reason = principal.reason and f"system: {principal.reason}"[:200]
        origin = origin or reason or None
        act = Act(
            id=self.workspace.ids.new(),
            principal=rights.name,
            origin=origin,
            cause=cause,
            rule=rule,
            automated=automations,
        )
        return Work(tx, self.workspace, rights, configuration, now, act)

    def _enabled(self) -> dict[str, Values]:
        with self.database.read() as tx:
            return plugins.switched_on(tx) if setting_up.has_tables(tx) else {}

    def _active(self) -> list[Plugin]:
        return self._plugins.active(self._enabled())

    def _configure(self, tx: Transaction, version: str) -> Configuration:
        return configure(tx, version, self._plugins, self._definitions)
