"""Which address leads to which answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask_smorest import Blueprint

from opencrm import CRM
from opencrm.plugins.rest.asking.acts import AssignArguments, MoveArguments, UndoArguments
from opencrm.plugins.rest.asking.bodies import Arguments
from opencrm.plugins.rest.filing.files import Files
from opencrm.plugins.rest.handling.accounts import Accounts
from opencrm.plugins.rest.handling.analysing import Analysing
from opencrm.plugins.rest.handling.cleaning import Cleaning
from opencrm.plugins.rest.handling.explaining import Explaining
from opencrm.plugins.rest.handling.exporting import Exporting
from opencrm.plugins.rest.handling.imports import Imports
from opencrm.plugins.rest.handling.organising import Organising
from opencrm.plugins.rest.handling.process.inbox import Inbox
from opencrm.plugins.rest.handling.process.tasks import Tasks
from opencrm.plugins.rest.handling.process.webhooks import Webhooks
from opencrm.plugins.rest.handling.records import Records
from opencrm.plugins.rest.handling.searching import Searching
from opencrm.plugins.rest.handling.views import Views
from opencrm.plugins.rest.handling.workspace import Workspace
from opencrm.plugins.rest.processes.defining import Defining, Switching
from opencrm.plugins.rest.processes.running import Running
from opencrm.plugins.rest.processes.timelines import Timelines
from opencrm.plugins.rest.queueing.queue import Queue
from opencrm.plugins.rest.submitting.submissions import Submissions
from opencrm.plugins.rest.timing.clock import Timing

_MANY = "/<plural>"
_ONE = "/<plural>/<id>"


class RestBlueprint(Blueprint):  # type: ignore[misc]  # flask-smorest ships no types
    """A blueprint that reads arguments in opencrm's way."""

    ARGUMENTS_PARSER = Arguments()


def blueprint(crm: CRM) -> Blueprint:
    """Return the routes below `/v1`."""
    routes = RestBlueprint("v1", __name__, url_prefix="/v1")
    workspace, records = Workspace(crm), Records(crm)
    undo = routes.arguments(UndoArguments)(workspace.undo)
    _add(routes, "/", "index", workspace.index)
    _add(routes, "/me", "me", workspace.me)
    _add(routes, "/undo", "undo", undo, method="POST")
    _add(routes, "/search", "search", Searching(crm).search)
    _add(routes, f"{_MANY}/export", "export", Exporting(crm).export, method="POST")
    _add_accounts(routes, Accounts(crm))
    _add_analysing(routes, Analysing(crm))
    _add_views(routes, Views(crm))
    _add_cleaning(routes, Cleaning(crm))
    _add_imports(routes, Imports(crm))
    _add_organising(routes, Organising(crm))
    _add_explaining(routes, Explaining(crm))
    _add_tasks(routes, Tasks(crm))
    _add_inbox(routes, Inbox(crm))
    _add_webhooks(routes, Webhooks(crm))
    _add_files(routes, Files(crm))
    _add_queue(routes, Queue(crm))
    _add_timing(routes, Timing(crm))
    _add(routes, "/submissions", "submissions_refused", Submissions(crm).refused)
    _add(routes, f"{_ONE}/submissions", "submissions", Submissions(crm).of_record)
    _add_processes(routes, crm)
    _add_records(routes, records)
    return routes


def _add_processes(routes: Blueprint, crm: CRM) -> None:
    pipelines, rules, switching, running = (
        Defining(crm, "pipelines"),
        Defining(crm, "rules"),
        Switching(crm),
        Running(crm),
    )
    for kind, defining in (("pipelines", pipelines), ("rules", rules)):
        _add(routes, f"/{kind}", kind, defining.listed)
        _add(routes, f"/{kind}/plan", f"plan_{kind}", defining.plan, method="POST")
        _add(routes, f"/{kind}/apply", f"apply_{kind}", defining.apply, method="POST")
    _add(routes, "/rules/<key>/try", "try_rule", switching.foretell, method="POST")
    _add(routes, "/rules/<key>/off", "rule_off", switching.off, method="POST")
    _add(routes, "/rules/<key>/on", "rule_on", switching.on, method="POST")
    _add(routes, "/rules/runs", "runs", running.list)
    _add(routes, "/rules/runs/<id>/retry", "retry_run", running.retry, method="POST")
    _add(routes, f"{_ONE}/runs", "runs_of_record", running.of_record)
    _add(routes, f"{_ONE}/timeline", "timeline", Timelines(crm).of_record)


def _add_timing(routes: Blueprint, timing: Timing) -> None:
    _add(routes, "/clock", "clock", timing.show)
    _add(routes, "/clock/advance", "advance_clock", timing.advance, method="POST")
    _add(routes, f"{_ONE}/sla", "sla", timing.sla)


def _add_queue(routes: Blueprint, queue: Queue) -> None:
    _add(routes, "/queue", "queue", queue.list)
    _add(routes, "/queue", "act_on_queue", queue.act, method="POST")
    _add(routes, f"{_ONE}/queue", "queue_of_record", queue.of_record)


def _add_records(routes: Blueprint, records: Records) -> None:
    _add(routes, _MANY, "list", records.list)
    _add(routes, _MANY, "create", records.create, method="POST")
    _add(routes, _ONE, "get", records.get)
    _add(routes, _ONE, "update", records.update, method="PATCH")
    _add(routes, _ONE, "delete", records.delete, method="DELETE")
    _add(routes, f"{_ONE}/history", "history", records.history)
    _add(routes, f"{_ONE}/restore", "restore", records.restore, method="POST")
    _add(routes, f"{_ONE}/move", "move", routes.arguments(MoveArguments)(records.move), method="POST")
    _add(routes, f"{_ONE}/moves", "moves", records.moves)
    _add(routes, f"{_ONE}/assign", "assign", routes.arguments(AssignArguments)(records.assign), method="POST")


def _add_accounts(routes: Blueprint, accounts: Accounts) -> None:
    _add(routes, "/me", "change_me", accounts.change_me, method="PATCH")
    _add(routes, "/sessions", "sign_in", accounts.sign_in, method="POST")
    _add(routes, "/sessions", "sign_out_everywhere", accounts.sign_out_everywhere, method="DELETE")
    _add(routes, "/sessions/current", "sign_out", accounts.sign_out, method="DELETE")
    _add(routes, "/tokens", "tokens", accounts.keys)
    _add(routes, "/tokens", "make_token", accounts.make_key, method="POST")
    _add(routes, "/tokens/<id>", "end_token", accounts.end_key, method="DELETE")
    _add(routes, "/invitations", "invite", accounts.invite, method="POST")
    _add(routes, "/invitations/accept", "accept", accounts.accept, method="POST")
    _add(routes, "/password", "change_password", accounts.change_password, method="POST")
    _add(routes, "/password/reset-requests", "request_reset", accounts.request_reset, method="POST")
    _add(routes, "/password/resets", "reset", accounts.reset, method="POST")


def _add_analysing(routes: Blueprint, analysing: Analysing) -> None:
    _add(routes, "/boards/<pipeline>", "board", analysing.board)
    _add(routes, "/reports", "report", analysing.report)


def _add_cleaning(routes: Blueprint, cleaning: Cleaning) -> None:
    pair = f"{_ONE}/not-duplicates/<other>"
    _add(routes, f"{_MANY}/mass-edit", "mass_edit", cleaning.edit, method="POST")
    _add(routes, f"{_MANY}/duplicates", "duplicates", cleaning.duplicates)
    _add(routes, f"{_MANY}/duplicates", "alike", cleaning.alike, method="POST")
    _add(routes, f"{_ONE}/merge", "merge", cleaning.merge, method="POST")
    _add(routes, pair, "dismiss", cleaning.dismiss, method="PUT")
    _add(routes, pair, "propose_again", cleaning.propose_again, method="DELETE")


def _add_organising(routes: Blueprint, organising: Organising) -> None:
    _add(routes, "/users/<id>/transfer", "transfer", organising.transfer, method="POST")
    _add(routes, "/roles/<id>/copy", "copy_role", organising.copy_role, method="POST")


def _add_explaining(routes: Blueprint, explaining: Explaining) -> None:
    _add(routes, f"{_ONE}/explain", "explain", explaining.explain)
    _add(routes, f"{_ONE}/who", "who", explaining.who)
    _add(routes, f"{_ONE}/diff", "diff", explaining.diff, method="POST")


def _add_tasks(routes: Blueprint, tasks: Tasks) -> None:
    _add(routes, "/tasks/<id>/form", "task_form", tasks.form)
    _add(routes, "/tasks/<id>/start", "start_task", tasks.start, method="POST")
    _add(routes, "/tasks/<id>/pause", "pause_task", tasks.pause, method="POST")
    _add(routes, "/tasks/<id>/done", "finish_task", tasks.finish, method="POST")
    _add(routes, "/tasks/<id>/cancel", "cancel_task", tasks.cancel, method="POST")


def _add_files(routes: Blueprint, files: Files) -> None:
    _add(routes, f"{_ONE}/files", "files", files.list)
    _add(routes, f"{_ONE}/files", "add_file", files.add, method="POST")
    _add(routes, f"{_ONE}/documents", "make_document", files.make, method="POST")
    _add(routes, "/files/<id>/content", "content", files.content)
    _add(routes, "/files/<id>/readers", "readers", files.readers)
    _add(routes, "/files/<id>/versions", "versions", files.versions)
    _add(routes, "/files/<id>/versions", "add_version", files.add_version, method="POST")
    _add(routes, "/files/<id>/versions/<number>/content", "version_content", files.content)


def _add_inbox(routes: Blueprint, inbox: Inbox) -> None:
    _add(routes, "/inbox", "inbox", inbox.list)
    _add(routes, "/inbox/<id>", "notification", inbox.get)
    _add(routes, "/inbox/<id>/read", "read_notification", inbox.read_one, method="POST")
    _add(routes, "/inbox/read", "read_inbox", inbox.read_all, method="POST")
    _add(routes, "/inbox/choices", "choices", inbox.choices)
    _add(routes, "/inbox/choices", "choose", inbox.choose, method="PUT")


def _add_webhooks(routes: Blueprint, webhooks: Webhooks) -> None:
    _add(routes, "/webhooks/<id>/secret", "take_secret", webhooks.secret, method="POST")
    _add(routes, "/webhooks/<id>/state", "webhook_state", webhooks.state)


def _add_imports(routes: Blueprint, imports: Imports) -> None:
    _add(routes, "/imports", "imports_list", imports.list)
    _add(routes, "/imports/<id>", "imports_get", imports.get)
    _add(routes, "/imports/<id>/undo", "imports_undo", imports.undo, method="POST")


def _add_views(routes: Blueprint, views: Views) -> None:
    snapshot = "/segments/<id>/snapshots/<snapshot>"
    _add(routes, "/saved-views/<id>/records", "records", views.records)
    _add(routes, "/segments/<id>/members", "members", views.members)
    _add(routes, "/segments/<id>/snapshot", "snapshot", views.snapshot, method="POST")
    _add(routes, "/segments/<id>/snapshots", "snapshots", views.snapshots)
    _add(routes, snapshot, "recorded", views.recorded)
    _add(routes, f"{snapshot}/compared/<other>", "compared", views.compared)


def _add(routes: Blueprint, rule: str, name: str, view: Callable[..., Any], *, method: str = "GET") -> None:
    routes.add_url_rule(rule, name, view, methods=[method])
