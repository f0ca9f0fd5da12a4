"""CRM: one workspace, put together."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import timedelta

from opencrm.app import setting_up
from opencrm.app.activation import deaf, lacking, miscounting, together
from opencrm.app.doors import Doors
from opencrm.app.forms import check_forms, misformed
from opencrm.app.owners import core_owner, plugin_owners, told
from opencrm.app.sandboxes import Sandbox
from opencrm.app.working.delivering.deliveries import Deliveries
from opencrm.app.working.delivering.dispatching import ON_ITS_WAY, Dispatching, Parcel
from opencrm.app.working.lanes import Station
from opencrm.app.working.mailing import Mailing
from opencrm.app.working.running.automations import Automations
from opencrm.app.working.running.going_on import GoingOn
from opencrm.app.working.timers import Timers
from opencrm.app.working.upkeep import Upkeep, recount
from opencrm.app.working.waking import Waking
from opencrm.app.working.worker import Worker
from opencrm.core.access.grants import Grant
from opencrm.core.access.principal import Principal
from opencrm.core.clock import duration
from opencrm.core.entities import User
from opencrm.core.pipeline import Pipeline
from opencrm.core.process.rules import Rule
from opencrm.errors import NotSignedIn, OpenCRMError
from opencrm.hooks import Hooks, Plugin
from opencrm.services import organisation, plugins, queue
from opencrm.services.process.overseeing import checks
from opencrm.services.process.runs import Share
from opencrm.services.reading.owning import owners_only
from opencrm.services.workspaces.catalogue import Catalogue
from opencrm.services.writing.judging import organisation as organising
from opencrm.storage import field_indexes
from opencrm.storage.migrations import Failed, check, current, upgrade
from opencrm.storage.migrations.transaction import reading


class CRM(Doors):
    """One workspace: the data of one company, its plugins and its clock.

    A process may hold any number of them; nothing of one is seen in another.

    Args:
        url: `sqlite:///file.db` or `postgresql://...`; or else `engine`.
        engine: A SQLAlchemy engine that the host keeps; SQLite ones must have gone through
            `opencrm.embed.prepare_sqlite`.
        schema: PostgreSQL's schema that holds the workspace; by default the search path's.
        plugins: Plugins of the host's own, active at once with the grants that they ask for.
        plugin_dir: A folder whose files are plugins; like those of `plugins` they are active at once, with the
            grants that they ask for, and nobody is asked.
        safe_mode: Run without plugins, but those that every workspace needs.
        clock: What tells the time; by default the system's.
        locale: The habits of a workspace that is set up anew.
        trace_hooks: Print each call of a hook on stderr.
        sign_in: Where people reach the workspace, and how long their sessions last.
        intranet: Hosts that webhooks may call though they are no public ones, such as `erp.example.internal`.
        files: Where files are kept, and how large they may be.
        sandbox_sends: Whether letters and webhooks leave the workspace though it is a sandbox.

    Raises:
        ConfigurationError: The URL cannot be used, or a driver is missing.
        PluginError: A plugin that was passed breaks the contract.
    """

    # Setting up.

    def init(self, *, owner: str, email: str | None = None, unit: str = "Company", preset: str = "full") -> Principal:
        """Set the workspace up: its tables, its roles, its first unit and its owner; return the owner.

        Args:
            owner: The owner's name.
            email: Their e-mail address.
            unit: Name of the company, the root of the tree.
            preset: The size of the company, which chooses the roles: `solo`, `small`, `branches` or `full`.

        Raises:
            ConfigurationError: It is set up already, or there is no such preset.
        """
        setting_up.check_preset(preset)
        self.upgrade()
        with self.database.write() as tx:
            setting_up.prepare(tx, self._locale, self.clock.now(), self.workspace.ids.new())
            self.workspace.forget()
            work = self._work(tx, Principal.system("first set-up"))
            return setting_up.first_owner(work, owner=owner, email=email, unit=unit, preset=preset)

    def upgrade(self) -> list[str]:
        """Bring the tables to what opencrm and the active plugins declare; return a line for each thing done.

        Raises:
            ConfigurationError: The core's tables cannot be brought there; nothing is changed.
        """
        engine, schema, now = self.database.engine, self.database.schema, self.clock.now()
        outcomes = [*upgrade(engine, [core_owner()], now=now, schema=schema)]
        outcomes += upgrade(engine, plugin_owners(self._active()), now=now, schema=schema)
        self.workspace.forget()
        lines = []
        for outcome in outcomes:
            if isinstance(outcome, Failed):
                self._plugins.refuse(outcome.owner, str(outcome.error))
                lines.append(f"{outcome.owner}: not active, {outcome.error}")
            else:
                lines += [f"{outcome.owner}: {line}" for line in outcome.operations]
        return lines

    def versions(self) -> dict[str, str]:
        """Return whose tables stand in which state."""
        owners = [core_owner(), *plugin_owners(self._active())]
        with reading(self.database.engine, self.database.schema) as connection:
            states = current(connection, owners)
        return {state.owner: told(state) for state in states}

    def pending(self) -> list[str]:
        """Return a line for each thing that `upgrade` would do; none if all is up to date."""
        owners = [core_owner(), *plugin_owners(self._active())]
        with reading(self.database.engine, self.database.schema) as connection:
            return check(connection, owners)

    def build_indexes(self) -> list[str]:
        """Build the indexes that custom fields want, while the workspace is in use; return a line for each.

        The worker does this by itself when fields were defined.
        """
        return field_indexes.build(self.database, self.catalogue.entities.values())

    def keep_up(self) -> list[str]:
        """Do what definitions ask for: indexes, roll-ups, what search holds of fields; return a line for each thing.

        The worker does this by itself.

        Raises:
            ConflictError: A transaction from before a definition is still under way.
        """
        return list(self._upkeep().catch_up(self.configuration))

    # Plugins.

    def plugins(self) -> list[plugins.PluginState]:
        """Return every plugin, active or not."""
        return self._plugins.states([plugin.name for plugin in self._active()])

    def problems(self) -> dict[str, str]:
        """Return what is wrong with plugins that are to run here, by name, a sentence a line; empty if all is well.

        They are left out, or have a hook for an entity that is not there, a roll-up or a form that cannot be kept, or a
        field of the name of one of the workspace's own; the workspace runs all the same. What is wrong with pipelines
        and rules is told too, of the workspace's own by the name of their automation, such as `rule.called`; and so
        are stages and tasks that are declared no more while records stand in them, as `pipeline.sales` and `task.call`.
        """
        return together([self._process_problems(), *self._plugin_problems()])

    def _process_problems(self) -> dict[str, str]:
        """Return what is wrong with pipelines and rules; nothing of a workspace that is not set up."""
        with suppress(OpenCRMError), self.read(Principal.system("look for problems")) as reader:
            return checks.problems(reader)
        return {}

    def _plugin_problems(self) -> Iterator[dict[str, str]]:
        enabled = self._enabled()
        hooks = Hooks(self._plugins.active(enabled))
        entities = Catalogue.of(hooks).entities
        yield miscounting(lambda: self.configuration)
        yield misformed(lambda: self.configuration)
        yield deaf(hooks.who(), entities)
        yield lacking(hooks.services(), entities)
        yield self._plugins.problems(enabled)
        yield self._left_alone()

    def _left_alone(self) -> dict[str, str]:
        """Return which plugins are told nothing for a while, since they failed again and again."""
        with self.database.read() as tx:
            return queue.troubles(tx) if setting_up.has_tables(tx) else {}

    def wanted_grants(self, name: str) -> list[Grant]:
        """Return what a plugin's automation asks to be allowed.

        Raises:
            NotFound: There is no such plugin.
            PluginError: It cannot be used.
        """
        return list(self._wanted(self._plugins.find(name)))

    def _wanted(self, plugin: Plugin) -> Sequence[Grant]:
        """Return what a plugin's automation asks for, beside the entities that the plugin brings itself."""
        own = {it.spec.name: it.spec for it in plugin.declared.entities}
        return plugin.declared.wanted({**self.catalogue.entities, **own}, self._plugins.needs)

    def enable(self, principal: Principal, name: str, *, grants: Sequence[Grant] | None = None) -> None:
        """Switch a plugin on: make its tables, and approve what its automation may do.

        Args:
            principal: An owner.
            name: The plugin.
            grants: What is approved; by default all that it asks for.

        Raises:
            PermissionDenied: The principal is not an owner.
            NotFound, PluginError, ConfigurationError: It is not there, or cannot be used.
        """
        plugin = self._plugins.find(name)
        approved = self._wanted(plugin) if grants is None else grants
        hooks = Hooks([*(each for each in self._active() if each.name != name), plugin])
        check_forms(hooks, self.database, self.configuration.locale, name)
        processes: list[Pipeline | Rule] = [*plugin.declared.pipelines, *plugin.declared.rules]
        with self.read(principal) as reader:
            owners_only(reader, "plugin.enable", "plugins")
            plugins.check_processes(reader, name, processes)
        self._make_tables(plugin)
        with self.work(principal) as work:
            plugins.enable(
                work,
                name,
                version=plugin.version,
                grants=approved,
                fields=plugin.declared.fields,
                processes=processes,
            )

    def _make_tables(self, plugin: Plugin) -> None:
        engine, schema, now = self.database.engine, self.database.schema, self.clock.now()
        for outcome in upgrade(engine, plugin_owners([plugin]), now=now, schema=schema):
            if isinstance(outcome, Failed):
                raise outcome.error

    def disable(self, principal: Principal, name: str) -> None:
        """Switch a plugin off; its tables and rows stay.

        Raises:
            PermissionDenied: The principal is not an owner.
            NotFound, PluginError: There is no such plugin, or it is always active.
        """
        self._plugins.find(name)
        with self.work(principal) as work:
            plugins.disable(work, name)
        self.workspace.forget()

    def recount(self) -> list[str]:
        """Count all roll-ups and counters anew, after records were changed by other ways than opencrm's.

        Returns:
            A line for each of them.

        Raises:
            ConflictError: A transaction from before is still under way.
        """
        return recount(self.workspace, self.configuration)

    # People, time and the queue.

    def principal(self, who: str) -> Principal:
        """Return the user that an e-mail address, an id or a name means.

        Raises:
            NotFound: There is none, or more than one.
        """
        with self.read(Principal.system("find a user by name")) as reader:
            return Principal.user(organisation.find(reader, User, who))

    def sole_owner(self) -> Principal:
        """Return the only owner there is.

        Raises:
            NotSignedIn: There are several: say who acts.
        """
        with self.read(Principal.system("find the sole owner")) as reader:
            owners = organising.owners(reader)
        if len(owners) != 1:
            text = f"there are {len(owners)} owners: say who acts, with --as or OPENCRM_AS"
            raise NotSignedIn(text, principal="nobody", action="sign in", reason="nobody is named")
        return Principal.user(owners[0])

    def advance(self, by: str | timedelta) -> None:
        """Move the workspace's clock forward, and do what comes due on the way: `crm.advance("16m")`.

        What reacts to what was committed is still left to a worker.

        Raises:
            ConfigurationError: The clock cannot be moved.
        """
        move = self.clock.advance
        until = self.clock.now() + (duration(by) if isinstance(by, str) else by)
        if until < self.clock.now() or not self.is_set_up():
            move(until - self.clock.now())
            return
        self.worker().catch_up(until, lambda at: move(at - self.clock.now()))

    @property
    def sandbox(self) -> Sandbox:
        """Moves the clock for every process, where the workspace is for trying out."""
        return Sandbox(self.workspace, self.read, self.work, self.worker)

    def worker(self) -> Worker:
        """Return a worker of this workspace's queue."""
        several = (self._going_on("others"), self._going_on("letters"))
        return self._worker([*several, Deliveries(self.workspace, self._work)])

    def sender(self, send: Callable[[Parcel], None], *, lasting: timedelta = ON_ITS_WAY) -> Worker:
        """Return a worker that has what plugins and rules do outside done elsewhere: for an engine of one's own.

        The rows stay in the queue until they are done. A message that is lost is sent again.

        Args:
            send: Sends a message, for somebody who calls `perform` with it.
            lasting: After how long a message counts as lost.
        """
        return self._worker([self._dispatching(send, lasting)])

    def perform(self, parcel: Parcel) -> int:
        """Do what a message of `sender` says; return how much of it was still to be done, 0 of one that came twice."""
        return self._dispatching(None, ON_ITS_WAY).perform(parcel)

    def _dispatching(self, send: Callable[[Parcel], None] | None, lasting: timedelta) -> Dispatching:
        deliveries = Deliveries(self.workspace, self._work)
        return Dispatching(self.workspace, deliveries, self._going_on(), send, lasting)

    def _going_on(self, share: Share | None = None) -> GoingOn:
        return GoingOn(self.workspace, self._automations(), self.accounts.policy, share)

    def _worker(self, outside: Sequence[Station]) -> Worker:
        opening = lambda: self.work(Principal.system("do what is due"))  # noqa: E731
        return Worker(
            self.workspace,
            [
                Waking(self.workspace, opening),
                Timers(self.workspace, lambda: self.configuration, opening),
                *outside,
                Mailing(self.workspace, self.accounts.policy),
            ],
            self._upkeep(),
        )

    def _automations(self) -> Automations:
        return Automations(self.workspace, self._work)

    def is_set_up(self) -> bool:
        """Say whether the workspace has its tables."""
        with self.database.read() as tx:
            return setting_up.has_tables(tx)

    def _upkeep(self) -> Upkeep:
        opening = lambda: self.work(Principal.system("keep search in step"))  # noqa: E731
        return Upkeep(self.workspace, lambda: self.configuration, opening)
