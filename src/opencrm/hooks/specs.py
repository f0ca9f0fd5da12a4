"""The contract with plugins: every hook that opencrm calls, as a typed, documented, empty function.

This is the first file to read for writing a plugin, and one file whatever its length: a contract in parts would be read
in part. A plugin is a module (or an object) with functions of these names, marked with `@hookimpl`; take the arguments
that you need, by name, and leave the others out.
The verb is the contract:

- `opencrm_register_*`: once, when the plugin is loaded; return frozen declarations.
- `opencrm_check_*`: in the transaction, before anything is stored; return objections.
- `opencrm_record_*`: in the transaction, when the facts are known; write the plugin's own tables.
- `opencrm_on_*`: after the commit, by the worker; act as the plugin's own Automation.
- `opencrm_provide_*`: when opencrm needs it; the first answer counts.

Hooks are called in a fixed order: opencrm's own plugins, then by priority (the higher first), then by name. Where the
first answer counts opencrm's own plugins come last.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import Table

from opencrm.core.access.grants import Grant
from opencrm.core.access.guards import Guard
from opencrm.core.change import Change, JournalEntry, Objection
from opencrm.core.custom import AddedField
from opencrm.core.entity import Entity
from opencrm.core.pipeline import Pipeline
from opencrm.core.ports import AfterDoor, Door
from opencrm.hooks.declarations import Action, Exporter, Importer, RoleTemplate, WebApp
from opencrm.hooks.markers import hookspec
from opencrm.hooks.people import Attempt, Identity, IdentityDoor, Message

# --- Once, when the plugin is loaded -------------------------------------------------------------


@hookspec
def opencrm_register_entities() -> Iterable[type[Entity]]:  # type: ignore[empty-body]
    """Bring new kinds of records.

    When: once, when the plugin is loaded. Its tables are made by the next `crm.upgrade()`.

    Arguments: none.

    Return: the entities' classes, declared on a base of your own whose prefix is the plugin's name. Each
        gets a table, a schema, permissions (denied to all but owners until granted), REST routes, import,
        export and history.

    Failure: the plugin is not started, and `opencrm plugin list` says why: an exception, another prefix, or
        a name or plural that another plugin has.

    Example:

        from opencrm import Amount, Deal, Entity, Owned, Reference, Text, field, hookimpl
        from sqlalchemy.orm import Mapped
        from decimal import Decimal

        class Base(Entity, prefix="example"):
            pass

        class Invoice(Owned, Base):
            number: Mapped[str] = field(Text(50), required=True)
            total: Mapped[Decimal | None] = field(Amount())
            deal_id: Mapped[str | None] = field(Reference(Deal))

        @hookimpl
        def opencrm_register_entities():
            yield Invoice
    """


@hookspec
def opencrm_register_fields() -> Iterable[AddedField]:  # type: ignore[empty-body]
    """Add fields to others' entities.

    When: once, when the plugin is loaded. Values stand in the record's own row; no table changes.

    Arguments: none.

    Return: the fields. Each is in the entity's schema, in REST, conditions, import, export and history, as if the
        entity had declared it. While the plugin is switched off they are not there, and their values stay.

    Failure: the plugin is not started, and `opencrm plugin list` says why: an exception, or a name that does not
        begin with the plugin's.

    Example:

        from opencrm import AddedField, Text, hookimpl

        @hookimpl
        def opencrm_register_fields():
            yield AddedField(entity="deal", name="example_order", type=Text(50, folded=True), label="Order number")
    """


@hookspec
def opencrm_register_tables() -> Iterable[Table]:  # type: ignore[empty-body]
    """Bring tables that are not records: counters, caches, what another system answered.

    When: once, when the plugin is loaded. They are made by the next `crm.upgrade()`.

    Arguments: none.

    Return: SQLAlchemy tables on a MetaData of your own, their names beginning with the plugin's name and
        `_`. They have no REST, no permissions and no history; `door.own` in `opencrm_record_change` writes
        them.

    Failure: the plugin is not started: an exception, another prefix, opencrm's own MetaData, or a name that
        is taken.

    Example:

        from opencrm import Instant, RecordId, hookimpl
        from sqlalchemy import Column, MetaData, Table

        seen = Table(
            "example_seen",
            MetaData(),
            Column("record_id", RecordId().column(), primary_key=True),
            Column("at", Instant().column(), nullable=False),
        )

        @hookimpl
        def opencrm_register_tables():
            yield seen
    """


@hookspec
def opencrm_register_pipelines() -> Iterable[Pipeline]:  # type: ignore[empty-body]
    """Bring pipelines: stages, and the moves between them.

    When: once, when the plugin is loaded.

    Arguments: none.

    Return: pipelines, each with a key that no other plugin uses.

    Failure: the plugin is not started: an exception (a move names a stage that does not exist), or a key
        that is taken.

    Example:

        from opencrm import Pipeline, Stage, hookimpl

        @hookimpl
        def opencrm_register_pipelines():
            yield Pipeline(
                "example",
                ["new", Stage("won", kind="won"), Stage("lost", kind="lost")],
                moves={("new", "won"), ("new", "lost"), ("lost", "new")},
            )
    """


@hookspec
def opencrm_register_roles() -> Iterable[RoleTemplate]:  # type: ignore[empty-body]
    """Bring roles that a new workspace starts with.

    When: once, when the plugin is loaded; `crm.init` writes them into the workspace, where they are data
        that the company edits.

    Arguments: none.

    Return: templates, each with a key that no other plugin uses; `presets` says for which sizes of companies.

    Failure: the plugin is not started: an exception, or a key that is taken.

    Example:

        from opencrm import Grant, RoleTemplate, Scope, hookimpl

        @hookimpl
        def opencrm_register_roles():
            yield RoleTemplate(
                key="measurer",
                name="Measurer",
                rank=150,
                grants=[Grant("task", "read", Scope.OWN), Grant("task", "update", Scope.OWN)],
            )
    """


@hookspec
def opencrm_register_grants() -> Iterable[Grant]:  # type: ignore[empty-body]
    """Name what the plugin's Automation must be allowed to do.

    When: once, when the plugin is loaded. Whoever enables the plugin is shown the list and approves it.

    Arguments: none.

    Return: the fewest grants that the plugin's `opencrm_on_*` hooks can do with. What they are told is
        filtered by these grants too, so a plugin that listens to deals asks to read them.

    Failure: the plugin is not started.

    Example:

        from opencrm import Grant, Scope, hookimpl

        @hookimpl
        def opencrm_register_grants():
            yield Grant("deal", "read", Scope.ALL)
            yield Grant("task", "create", Scope.ALL)
    """


@hookspec
def opencrm_register_actions() -> Iterable[Action]:  # type: ignore[empty-body]
    """Bring acts on records that roles can grant, besides those that opencrm knows.

    When: once, when the plugin is loaded. Where the act is done, the plugin asks:
        `explaining.require(reader, Deal, id, "example_approve")`.

    Arguments: none.

    Return: actions; their names begin with the plugin's. Owners alone may do them until a role grants them by name.

    Failure: the plugin is not started.

    Example:

        from opencrm import Action, hookimpl

        @hookimpl
        def opencrm_register_actions():
            yield Action(name="example_approve", entities=["deal"], label="Approve the price")
    """


@hookspec
def opencrm_register_guards() -> Iterable[Guard]:  # type: ignore[empty-body]
    """Bring restrictions, such as a legal hold: what only takes away, from everybody, owners included.

    When: once, when the plugin is loaded. Their conditions are asked with every statement and at every check.

    Arguments: none.

    Return: restrictions; each names an entity, the acts, and what a record must meet so that they may be done.

    Failure: the plugin is not started. A condition about a field that is not there holds for no record.

    Example:

        from opencrm import AddedField, Empty, Guard, Text, hookimpl

        @hookimpl
        def opencrm_register_fields():
            yield AddedField(entity="deal", name="example_hold", type=Text(200, folded=True), label="Legal hold")

        @hookimpl
        def opencrm_register_guards():
            yield Guard(entity="deal", actions=["delete"], condition=Empty("example_hold"), reason="a legal hold")
    """


@hookspec
def opencrm_register_importers() -> Iterable[Importer]:  # type: ignore[empty-body]
    """Bring kinds of files that `opencrm import` can read.

    When: once, when the plugin is loaded.

    Arguments: none.

    Return: importers, each with a name that no other plugin uses. Several may read files of one ending; the
        first in the order of plugins does, unless a name is given.

    Failure: the plugin is not started: an exception, or a name that is taken.

    Example:

        from contextlib import contextmanager
        from opencrm import Importer, hookimpl
        from opencrm.embed import Row

        @contextmanager
        def rows(path):
            with path.open(encoding="utf-8") as file:
                yield (Row(number, line.rstrip().split("|")) for number, line in enumerate(file, 1))

        @hookimpl
        def opencrm_register_importers():
            yield Importer(name="pipes", suffixes=[".pipes"], rows=rows)
    """


@hookspec
def opencrm_register_exporters() -> Iterable[Exporter]:  # type: ignore[empty-body]
    """Bring kinds of files that `opencrm export` and the exports of REST can write.

    When: once, when the plugin is loaded.

    Arguments: none.

    Return: exporters, each with a name that no other plugin uses.

    Failure: the plugin is not started: an exception, or a name that is taken.

    Example:

        from opencrm import Exporter, hookimpl

        def write(file, header, rows):
            for row in (header, *rows):
                file.write("|".join(str(cell) for cell in row).encode() + b"\\n")

        @hookimpl
        def opencrm_register_exporters():
            yield Exporter(name="pipes", suffixes=[".pipes"], write=write, media_type="text/plain")
    """


@hookspec
def opencrm_register_apps() -> Iterable[WebApp]:  # type: ignore[empty-body]
    """Bring web applications that are served with the workspace.

    When: once, when the plugin is loaded; `build` is called when serving begins, with the workspace's `CRM`.

    Arguments: none.

    Return: applications, each with a name and a mount path that no other plugin uses.

    Failure: the plugin is not started: an exception, or a name or path that is taken.

    Example:

        from opencrm import WebApp, hookimpl

        def build(crm):
            def application(environ, start_response):
                start_response("200 OK", [("Content-Type", "text/plain")])
                return [b"alive"]

            return application

        @hookimpl
        def opencrm_register_apps():
            yield WebApp(name="example", mount="/alive", build=build)
    """


# --- In the transaction, before anything is stored -----------------------------------------------


@hookspec
def opencrm_check_change(changes: Sequence[Change], door: Door) -> Iterable[Objection]:  # type: ignore[empty-body]
    """Object to records being created, changed, moved, assigned, deleted or restored.

    When: inside the transaction, after the access check and opencrm's own rules, before anything is stored;
        on every way in, import and REST alike.

    Arguments: `changes` is the batch, one record or thousands; with `@hookimpl(entity="deal")` only that
        entity's. `door` reads what the acting principal may read.

    Return: an objection for each record that must not change so, with a sentence for the user. Ask the
        database once for the batch, not once for each record.

    Failure: an objection rolls everything back (an import rejects only that record); so does an exception,
        which names the plugin.

    Example:

        from opencrm import Objection, hookimpl

        @hookimpl(entity="deal")
        def opencrm_check_change(changes):
            for change in changes:
                if "test" in (change.after["title"] or "").lower():
                    yield Objection(change.id, "example_test", "A deal must not be called a test.", "title")
    """


@hookspec
def opencrm_check_move(changes: Sequence[Change], door: Door) -> Iterable[Objection]:  # type: ignore[empty-body]
    """Object to records entering a stage.

    When: as `opencrm_check_change`, for records that move and for new ones that enter their
        first stage. Imported history is not asked.

    Arguments: `changes` is the batch; `change.before` is None for a new record. `door` reads what the acting
        principal may read.

    Return: an objection for each record that must not enter its stage, with a sentence for the user.

    Failure: an objection rolls everything back (an import rejects only that record); so does an exception,
        which names the plugin.

    Example:

        from opencrm import Objection, hookimpl

        @hookimpl(entity="deal")
        def opencrm_check_move(changes):
            for change in changes:
                if change.after["stage"] == "lost" and not change.after["lost_reason"]:
                    yield Objection(change.id, "example_reason", "Say why the deal was lost.", "lost_reason")
    """


# --- In the transaction, when the facts are known ------------------------------------------------


@hookspec
def opencrm_record_change(changes: Sequence[Change], door: Door) -> None:
    """Keep the plugin's own tables in step with the records.

    When: inside the transaction, after the changes are stored, before the commit.

    Arguments: `changes` is the batch, as stored. `door.own` inserts, updates and deletes rows of the
        plugin's own tables by key, in batches, whoever acts; nothing else can be written.

    Return: nothing.

    Failure: an exception rolls everything back and names the plugin.

    Example:

        from opencrm import Key, RecordId, hookimpl
        from sqlalchemy import Column, MetaData, Table

        last = Table(
            "example_last",
            MetaData(),
            Column("record_id", RecordId().column(), primary_key=True),
            Column("kind", Key(20).column(), nullable=False),
        )

        @hookimpl
        def opencrm_register_tables():
            yield last

        @hookimpl
        def opencrm_record_change(changes, door):
            newest = {change.id: change.kind.value for change in changes}
            rows = [{"record_id": record, "kind": kind} for record, kind in newest.items()]
            door.own.upsert(last, rows, key=["record_id"])
    """


# --- After the commit ----------------------------------------------------------------------------


@hookspec
def opencrm_on_change(entry: JournalEntry, door: AfterDoor) -> None:
    """React to what happened.

    When: after the commit, by the worker, once for each line of the journal, in commit order for each
        record. A process that dies in between makes it happen again: whatever must not be done twice asks
        `door.once` first.

    Arguments: `entry` holds the fields that the plugin's Automation may read. `door.work()` opens a
        transaction as that Automation, with the grants that an owner approved; `door.once(work, key)` is
        false where the key was written before, and writes it in that same transaction.

    Return: nothing.

    Failure: an exception is tried again later and, after some times, becomes a dead letter that the owner
        sees. The event and the other plugins are unaffected; later events of that record wait.

    Example:

        from opencrm import Create, Grant, Kind, Scope, Task, hookimpl, records

        @hookimpl
        def opencrm_register_grants():
            yield Grant("deal", "read", Scope.ALL)
            yield Grant("task", "create", Scope.ALL)

        @hookimpl(entity="deal")
        def opencrm_on_change(entry, door):
            if entry.kind is not Kind.CREATED:
                return
            with door.work() as work:
                if door.once(work, f"welcome {entry.record_id}"):
                    records.create(work, [Create(Task, title="Say hello", deal_id=entry.record_id)])
    """


# --- When opencrm needs it: the first answer counts ----------------------------------------------


@hookspec(firstresult=True)
def opencrm_provide_identity(attempt: Attempt, door: IdentityDoor) -> Identity | None:
    """Say who somebody is who signs in: by a second factor, by another system's word.

    When: at each attempt to sign in that the limits let through, outside of any transaction. The password is
        what the plugin `passwords` in the box asks for, last of all.

    Arguments: `attempt` holds what was sent: `email`, `password`, and in `more` whatever else. `door.verified`
        compares a password, in the same time for everybody; `door.user` finds a user; `door.own` opens the
        plugin's own tables.

    Return: `Identity(user_id)`; `Identity(None)` where the credentials are not good and nobody else is to be
        asked; None where they are not yours to judge. A user who is disabled does not get in, whatever you say.

    Failure: an exception refuses the attempt and names the plugin: nobody else is asked.

    Example:

        from opencrm import hookimpl
        from opencrm.embed import Identity

        @hookimpl
        def opencrm_provide_identity(attempt, door):
            user_id = door.verified(attempt.email, attempt.password)
            good = user_id is not None and attempt.more.get("code") == "123456"
            return Identity(user_id if good else None)
    """


@hookspec(firstresult=True)
def opencrm_provide_delivery(message: Message, server: str | None, sender: str) -> bool | None:
    """Deliver a message to a person: an invitation, a link for a new password.

    When: beside the request that asked for it, outside of any transaction. The plugin `smtp` in the box sends mail
        where a server is set, last of all.

    Arguments: `message` has `to`, `subject` and `text`. `server` is what the host set as the server that takes
        mail (`OPENCRM_SMTP_URL`), and `sender` whom mail comes from.

    Return: true where it is on its way; None leaves it to the next plugin.

    Failure: an exception is written to the log with the plugin's name, and the message is lost: whoever wants it
        asks again.

    Example:

        from opencrm import hookimpl

        @hookimpl
        def opencrm_provide_delivery(message):
            print(f"To {message.to}: {message.subject}")
            return True
    """
