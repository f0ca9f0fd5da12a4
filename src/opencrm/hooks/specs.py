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
from opencrm.core.process.asking.web_forms import WebForm
from opencrm.core.process.rules import Rule
from opencrm.core.process.timing.slas import Sla
from opencrm.hooks.contents import Upload, UploadDoor
from opencrm.hooks.declarations import Action, Exporter, Importer, RoleTemplate, Service, WebApp
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
        By default a field is closed to all but owners and the plugin itself: a role reads and writes it once a field
        rule opens it, and rules and pipelines kept as text cannot use it. With `sensitive=None` it is open as the
        entity's own fields are.

    Failure: the plugin is not started, and `opencrm plugin list` says why: an exception, or a name that does not
        begin with the plugin's.

    Example:

        from opencrm import AddedField, Day, Text, hookimpl

        @hookimpl
        def opencrm_register_fields():
            yield AddedField(entity="deal", name="example_order", type=Text(50, folded=True), label="Order number")
            yield AddedField(entity="deal", name="example_fitted", type=Day(), label="Fitted on", sensitive=None)
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

    Return: pipelines, each with a key that no other plugin uses. Any entity can have one: where its class does not
        inherit `Staged`, its records have `pipeline`, `stage`, `stage_since` and `closed_at` while the pipeline is
        there, and `lost_reason` where a stage has reasons. While the plugin is switched off these fields are not
        there, and their values stay.

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
def opencrm_register_rules() -> Iterable[Rule]:  # type: ignore[empty-body]
    """Bring rules: when something happens and a condition holds, do this.

    When: once, when the plugin is loaded.

    Arguments: none.

    Return: rules, each with a key that no other plugin uses. What they do is done as the plugin's Automation, whose
        grants an owner approved: those that the rules, the stages and the tasks need are asked for by themselves.

    Failure: the plugin is not started: an exception, a key that is taken, or rules that set each other off for ever.

    Example:

        from opencrm import Deal, Greater, Rule, TaskSpec, changed, give, hookimpl

        @hookimpl
        def opencrm_register_rules():
            thank = TaskSpec("example_thank", title="Thank {contact.name}", due="1d")
            yield Rule("example_large", on=changed(Deal, "amount"), when=Greater("amount", 10_000), do=[give(thank)])
    """


@hookspec
def opencrm_register_slas() -> Iterable[Sla]:  # type: ignore[empty-body]
    """Bring promises about time: clocks that start, pause and stop with a record.

    When: once, when the plugin is loaded.

    Arguments: none.

    Return: promises, each with a key that no other plugin uses. Whoever is given a record that ran out of time is given
        it as the plugin's Automation, whose grants an owner approved: those that the promises need are asked for by
        themselves.

    Failure: the plugin is not started: an exception, or a key that is taken.

    Example:

        from opencrm import Deal, Empty, Escalation, Not, Sla, created, head_of, hookimpl, owner

        @hookimpl
        def opencrm_register_slas():
            yield Sla(
                "example_first_price",
                on=Deal,
                start=created(Deal),
                stop=Not(Empty("amount")),
                targets="4h",
                escalations=[Escalation("-30m", to=owner, text="No price yet"), Escalation(to=head_of(owner))],
            )
    """


@hookspec
def opencrm_register_forms() -> Iterable[WebForm]:  # type: ignore[empty-body]
    """Bring web forms: what strangers send becomes a contact and a record, or tells of a record that is there.

    When: once, when the plugin is loaded.

    Arguments: none.

    Return: forms, each with a key that no other plugin uses. What they make is made as the plugin's Automation, whose
        grants an owner approved: those that the forms need are asked for by themselves.

    Failure: the plugin is not started: an exception, or a key that is taken. A form that asks for a field that is not
        there cannot be enabled; of a plugin that is active already it is not served, and `crm.problems()` says why.

    Example:

        from opencrm import WebForm, hookimpl

        @hookimpl
        def opencrm_register_forms():
            yield WebForm(
                "example_call_back",
                ["name", "phone", "message"],
                pipeline="leads",
                optional=["message"],
                title="Call back {name}",
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
def opencrm_register_services() -> Iterable[Service]:  # type: ignore[empty-body]
    """Bring what rules can have done after a commit: print, send, ask another system.

    When: once, when the plugin is loaded. `run` of a service is called after the commit, by the worker, outside of any
        transaction, for each `call("NAME", ...)` of a rule, a stage or a task; of one with `by_hand` also at once, for
        each `crm.services.ask(principal, "NAME", entity, id, values)`.

    Arguments: none; `run(door, values)` is given a `ServiceDoor` and what the call names, its places filled in.
        `door.entity` and `door.record_id` say what it is about, and `door.now` is the present instant. `door.read()`
        and `door.work()` open blocks as the Automation of the plugin or the rule that calls, with the grants that an
        owner approved; asked for by hand, as the person who asks. A process that dies makes `run` happen again, so
        it may come twice: `door.key` is the same both times, and no other call has it. Give it to the other side, so
        that it can tell; what is written here asks `door.once(work, key)` in the same transaction, which is false the
        second time. `check(door, values)` is given a `CheckDoor`, which has `now`, `entity`, `record_id` and `read`
        alone, as that Automation and in the transaction of the event: it says what is missing, which refuses the act.
        What `run` and `check` must be allowed, beside reading the record, stands in `needs`: whatever calls the service
        asks for that too, and whoever approves it is told. The entity `record` stands there for the record's own.
        `reads(reader, entity, values)` gives the paths that it shows to whoever reads the record, such as `amount`,
        `contact.name` or `lines[]`: what a workspace's own pipeline or rule has shown, its author must be able to read.
        `ready(reader, entities, values)` says what is missing whatever the record, and `crm.problems()` tells it.

    Return: services; their names begin with the plugin's. What `run` returns is given to whoever asks by hand; nobody
        else waits for it.

    Failure: the plugin is not started. What `run` raises is tried again later and, after some times, fails the run
        of the rule, which people see on the record; asked for by hand, it is raised to whoever asks, and not tried
        again. What `check` raises refuses the act.

    Example:

        from opencrm import Create, Grant, Scope, Service, Task, hookimpl, records

        sent = {}

        def ring(door, values):
            sent.setdefault(door.key, values["times"])  # The telephone system knows a call by this key.
            with door.work() as work:
                if door.once(work, f"ring {door.key}"):
                    records.create(work, [Create(Task, title="See who came", deal_id=door.record_id)])

        @hookimpl
        def opencrm_register_services():
            yield Service(name="example_ring", run=ring, needs=[Grant("task", "create", Scope.ALL)])
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
        entity's. `door.get` reads records as the acting principal, and gives those fields and records that they
        may read; `door.principal` names them, `door.now` is the instant of the act. `door.own` reads the plugin's
        own tables, whoever acts, and does not write them here. `door.entities` declares what there is, and
        `door.readable` tells which of an entity's fields the principal may read; `door.intranet` names the hosts of
        one's own network that the host program lets plugins call.

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

    Arguments: `changes` is the batch; `change.before` is None for a new record. `door` is that of
        `opencrm_check_change`.

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


@hookspec
def opencrm_check_content(upload: Upload, door: UploadDoor) -> Iterable[Objection]:  # type: ignore[empty-body]
    """Object to a file that somebody is about to add to a record, or to its new version: look for viruses, say.

    When: after its content is stored and before the transaction that adds it, since looking takes time; on every way
        in: `crm.files.add` and `add_version` ask, and so do `crm.files.check` and `check_version`, without which
        `files.add` in a work block refuses a content. What a plugin makes itself is not asked for, as a document of a
        template.

    Arguments: `upload` tells where it is to go, its `name`, `media_type`, `size` and `sha256`; `upload.open()` opens
        the content. `door.read()` opens a read block as whoever adds it; `door.principal` names them, and `door.now` is
        the present instant. No transaction is open, so it may take its time.

    Return: an objection, about `upload.record_id`, with a sentence for the user.

    Failure: an objection refuses the file; so does an exception, which names the plugin. The content is removed
        after a day.

    Example:

        from opencrm import Objection, hookimpl

        @hookimpl
        def opencrm_check_content(upload):
            with upload.open() as file:
                if file.read(2) == b"MZ":
                    yield Objection(upload.record_id, "example_program", "No programs for Windows, please.", "file")
    """


# --- In the transaction, when the facts are known ------------------------------------------------


@hookspec
def opencrm_record_change(changes: Sequence[Change], door: Door) -> None:
    """Keep the plugin's own tables in step with the records.

    When: inside the transaction, after the changes are stored, before the commit.

    Arguments: `changes` is the batch, as stored. `door.own` inserts, updates and deletes rows of the
        plugin's own tables by key, in batches, whoever acts; nothing else can be written. The rest of `door` is that of
        `opencrm_check_change`.

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

    Arguments: `entry` holds the fields that the plugin's Automation may read. `door` acts as that Automation, with the
        grants that an owner approved: `door.work()` opens a transaction, which refuses where another worker took the
        delivery meanwhile, `door.read()` a read block. `door.once(work, key)` is false where the key was written
        before, and writes it in that same transaction.
        `door.now` is the present instant, `door.plugin` the plugin's name.
        A plugin that tells several receivers gives each of them tries and an order of its own:
        `door.pass_on(work, channels)` has the same entry delivered again, once for each channel, and `door.channel` is
        then that channel's name, and None at first. What leaves in a person's name holds no more than they may know:
        `door.seen_by(user_id)` is the entry as they may see it now, or None; `door.secret(entity, id, of=value)` is the
        secret of a record of the plugin's own that somebody took with `opencrm.embed.record_secrets`, and who did.
        `door.intranet` names the hosts of one's own network that may be called; call no others but public ones.

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
        plugin's own tables; `door.now` is the present instant.

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
    """Deliver a message to a person: an invitation, a link for a new password, a notification.

    When: beside the request that asked for it, or by the worker, outside of any transaction. The plugin `smtp` in the
        box sends mail where a server is set, last of all.

    Arguments: `message` has `to`, `subject` and `text`, and `id` where it may be sent again: the same id is the same
        message. `server` is what the host set as the server that takes mail (`OPENCRM_SMTP_URL`), and `sender` whom
        mail comes from.

    Return: true where it is on its way; None leaves it to the next plugin.

    Failure: an exception is written to the log with the plugin's name. A notification is tried again later; an
        invitation and a link are lost: whoever wants one asks again.

    Example:

        from opencrm import hookimpl

        @hookimpl
        def opencrm_provide_delivery(message):
            print(f"To {message.to}: {message.subject}")
            return True
    """
