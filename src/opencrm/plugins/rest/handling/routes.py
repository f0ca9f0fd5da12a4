"""Which address leads to which answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask_smorest import Blueprint

from opencrm import CRM
from opencrm.plugins.rest.handling.acts import AssignArguments, MoveArguments, UndoArguments
from opencrm.plugins.rest.handling.records import Records
from opencrm.plugins.rest.handling.requests import Arguments
from opencrm.plugins.rest.handling.workspace import Workspace

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
    _add_records(routes, records)
    return routes


def _add_records(routes: Blueprint, records: Records) -> None:
    _add(routes, _MANY, "list", records.list)
    _add(routes, _MANY, "create", records.create, method="POST")
    _add(routes, _ONE, "get", records.get)
    _add(routes, _ONE, "update", records.update, method="PATCH")
    _add(routes, _ONE, "delete", records.delete, method="DELETE")
    _add(routes, f"{_ONE}/history", "history", records.history)
    _add(routes, f"{_ONE}/restore", "restore", records.restore, method="POST")
    _add(routes, f"{_ONE}/move", "move", routes.arguments(MoveArguments)(records.move), method="POST")
    _add(routes, f"{_ONE}/assign", "assign", routes.arguments(AssignArguments)(records.assign), method="POST")


def _add(routes: Blueprint, rule: str, name: str, view: Callable[..., Any], *, method: str = "GET") -> None:
    routes.add_url_rule(rule, name, view, methods=[method])
