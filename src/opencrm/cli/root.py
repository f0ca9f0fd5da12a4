"""`opencrm` itself: a table of commands, each imported when it is called."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from opencrm.cli.border import border
from opencrm.cli.found import command_sources, load_command
from opencrm.cli.options import GIVEN, acting_option, with_shared, workspace_options

if TYPE_CHECKING:
    from opencrm.app.invocation import Invocation


class Listed(NamedTuple):
    """One line of the table.

    Attributes:
        target: Where the command is, `module:name`; empty where a distribution announces it.
        help: What `opencrm --help` says.
        acts: Whether it reads or writes data as somebody, and so has `--as`.
    """

    target: str
    help: str
    acts: bool = False


COMMANDS = {
    "board": Listed("opencrm.cli.commands.records.analysing:board", "Show the stages of PIPELINE.", acts=True),
    "clock": Listed(
        "opencrm.cli.commands.workspace.clock:clock", "Show the workspace's clock; in a sandbox, move it.", acts=True
    ),
    "db": Listed("opencrm.cli.commands.workspace.database:db", "Create, migrate, check and recount the tables."),
    "demo": Listed("", "Make a window company with sample data and serve it."),
    "duplicates": Listed(
        "opencrm.cli.commands.records.merging:duplicates", "Show pairs of records that may be one.", acts=True
    ),
    "edit": Listed("opencrm.cli.commands.records.editing:edit", "Change many records alike.", acts=True),
    "explain": Listed(
        "opencrm.cli.commands.people.explaining:explain",
        "Say why a user may, or may not, do something to a record.",
        acts=True,
    ),
    "export": Listed("", "Write records to a file.", acts=True),
    "fields": Listed(
        "opencrm.cli.commands.workspace.fields:fields", "Show and change custom fields, as text.", acts=True
    ),
    "files": Listed(
        "opencrm.cli.commands.records.files:files",
        "Add files to records, make documents, list them, and get them.",
        acts=True,
    ),
    "hooks": Listed("opencrm.cli.commands.workspace.plugins:hooks", "Show which plugin implements what."),
    "import": Listed("", "Bring records in from a file.", acts=True),
    "imports": Listed("opencrm.cli.commands.records.imports:imports", "List imports, and take one back.", acts=True),
    "init": Listed("opencrm.cli.commands.workspace.init:init", "Create a workspace and its owner."),
    "merge": Listed("opencrm.cli.commands.records.merging:merge", "Let records go into another one.", acts=True),
    "pipelines": Listed(
        "opencrm.cli.commands.workspace.pipelines:pipelines", "Show and change pipelines, as text.", acts=True
    ),
    "plugin": Listed("opencrm.cli.commands.workspace.plugins:plugin", "List, enable and disable plugins.", acts=True),
    "queue": Listed(
        "opencrm.cli.commands.workspace.queue:queue",
        "Show what waits and what failed, retry it, drop it.",
        acts=True,
    ),
    "report": Listed(
        "opencrm.cli.commands.records.analysing:report", "Count and add up the records of ENTITY.", acts=True
    ),
    "roles": Listed("opencrm.cli.commands.people.roles:roles", "Show, change and copy roles, as text.", acts=True),
    "rules": Listed(
        "opencrm.cli.commands.workspace.rules:rules",
        "Show and change rules, as text; try them, and see what they did.",
        acts=True,
    ),
    "run": Listed("opencrm.cli.commands.workspace.serving:run", "Serve REST and work the queue, in one process."),
    "search": Listed(
        "opencrm.cli.commands.records.searching:search", "Find records by the beginnings of words.", acts=True
    ),
    "segment": Listed(
        "opencrm.cli.commands.records.views:segment", "List segments, show who is in them, take snapshots.", acts=True
    ),
    "serve": Listed("opencrm.cli.commands.workspace.serving:serve", "Serve REST."),
    "timeline": Listed(
        "opencrm.cli.commands.records.timeline:timeline",
        "Show what happened to a RECORD, and which rule caused it.",
        acts=True,
    ),
    "transfer": Listed(
        "opencrm.cli.commands.people.transfer:transfer", "Give all records of USER to colleagues.", acts=True
    ),
    "undo": Listed(
        "opencrm.cli.commands.records.editing:undo", "Take back everything that was done in an act.", acts=True
    ),
    "user": Listed(
        "opencrm.cli.commands.people.users:user", "Add, invite and disable users, make their keys.", acts=True
    ),
    "view": Listed("opencrm.cli.commands.records.views:view", "List and show saved views.", acts=True),
    "worker": Listed("opencrm.cli.commands.workspace.serving:worker", "Work the queue until it is stopped."),
}


class Root(click.Group):
    """The group `opencrm`: lazy, and the border of all errors."""

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        with border():
            return super().make_context(info_name, args, parent, **extra)

    def invoke(self, ctx: click.Context) -> Any:
        with border():
            _begin(ctx)
            with _named_people(ctx.obj):
                return super().invoke(ctx)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*COMMANDS, *command_sources(sys.path)})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        listed = COMMANDS.get(cmd_name, Listed("", "", acts=True))
        found = _imported(listed.target) if listed.target else load_command(cmd_name)
        return with_shared(found, acts=listed.acts) if found else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        sources = command_sources(sys.path)
        names = sorted({*COMMANDS, *sources})
        with formatter.section("Commands"):
            formatter.write_dl([(name, _help(name, sources)) for name in names])


def _help(name: str, sources: dict[str, tuple[str, ...]]) -> str:
    return COMMANDS[name].help if name in COMMANDS else f"(from {', '.join(sources[name])})"


def _imported(target: str) -> click.Command:
    module, _, name = target.partition(":")
    command: click.Command = getattr(import_module(module), name)
    return command


def _begin(ctx: click.Context) -> None:
    """Give the command its invocation, which is closed with it."""
    from opencrm.app.invocation import Invocation
    from opencrm.cli.serving import server
    from opencrm.cli.warnings import Warnings

    ctx.obj = Invocation(ctx.meta.setdefault(GIVEN, {}), os.environ, server=server, opened=Warnings())
    ctx.call_on_close(ctx.obj.close)


@contextmanager
def _named_people(invocation: Invocation) -> Iterator[None]:
    """Let a refusal name the person who may not, where it is known who that is; its details keep the id."""
    from opencrm.errors import OpenCRMError, PermissionDenied

    try:
        yield
    except PermissionDenied as error:
        with suppress(OpenCRMError):
            error.args = (_named(invocation, str(error)),)
        raise


def _named(invocation: Invocation, text: str) -> str:
    from opencrm.cli.people import named

    if not invocation.acts:
        return text
    with invocation.crm.read(invocation.principal) as reader:
        return named(reader, [text])[text]


def _version(ctx: click.Context, _param: click.Parameter, asked: Any) -> None:
    if asked:
        from importlib.metadata import version

        click.echo(f"opencrm {version('opencrm')}")
        ctx.exit()


root = Root(
    "opencrm",
    help="A CRM: contacts, companies, deals, and who may do what with them.",
    epilog="`opencrm COMMAND --help` says more. Exit codes: 0 done, 1 internal, 2 usage, 3 input, "
    "4 not permitted, 5 not found, 6 refused, 7 conflict, 8 configuration.",
    params=[
        *workspace_options(),
        acting_option(),
        click.Option(
            ["--version"],
            is_flag=True,
            is_eager=True,
            expose_value=False,
            callback=_version,
            help="Show the version and exit.",
        ),
    ],
    context_settings={"help_option_names": ["-h", "--help"]},
)
