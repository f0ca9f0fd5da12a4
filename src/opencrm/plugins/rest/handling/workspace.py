"""What a workspace is to whoever asks: its entities, themselves, and the way back."""

from __future__ import annotations

from typing import Any

from flask import Response

from opencrm import CRM, Choice, Choices, InputError, NotFound, Pipeline, Reference, Stage, Undo, User, undoing
from opencrm.embed import Field, Reader, Spec, account
from opencrm.plugins.rest.addresses import address
from opencrm.plugins.rest.answering.answers import ACT, answer, entry_body
from opencrm.plugins.rest.asking.query_strings import no_parameters
from opencrm.plugins.rest.asking.requests import principal

_ACTIONS = ("read", "create", "update", "delete", "restore", "assign", "share", "export", "merge")


class Workspace:
    """Answers about a workspace as a whole.

    Args:
        crm: The workspace.
    """

    def __init__(self, crm: CRM) -> None:
        self._crm = crm

    def index(self) -> Response:
        """Answer with the entities, their fields and what the principal may do."""
        no_parameters()
        with self._crm.read(principal()) as reader:
            found = [(spec, actions(reader, spec)) for spec in reader.configuration.catalogue.entities.values()]
            return answer({"entities": [_entity(reader, spec, may) for spec, may in found if may]})

    def me(self) -> Response:
        """Answer with whoever the token stands for."""
        no_parameters()
        with self._crm.read(principal()) as reader:
            return answer(myself(reader))

    def undo(self, given: dict[str, Any]) -> Response:
        """Take back an act or a line of the journal; answer with the new lines."""
        if len(given) != 1:
            raise InputError({"act": ["give either act or entry"]})
        with self._crm.work(principal()) as work:
            lines = undoing.undo(work, [Undo(act=given.get("act"), entry=given.get("entry"))])
            return answer({"items": [entry_body(work, line) for line in lines]}, headers={ACT: work.act})


def actions(reader: Reader, spec: Spec) -> list[str]:
    """Return what the principal may do to some record of an entity, at least."""
    rights = reader.rights
    several = (*_ACTIONS, *sorted(reader.configuration.actions.get(spec.name, ())))
    found = [action for action in several if not rights.expression(spec, action).nothing]
    moves = (f"move:{it.key}.{stage.key}" for it in _pipelines(reader, spec) for stage in it.stages)
    return [*found, *(move for move in moves if not rights.expression(spec, move).nothing)]


def _entity(reader: Reader, spec: Spec, may: list[str]) -> dict[str, Any]:
    readable, writable = reader.rights.readable(spec), reader.rights.writable(spec)
    fields = [field for name, field in spec.fields.items() if name in readable]
    return {
        "name": spec.name,
        "label": spec.label,
        "path": address(spec),
        "display": spec.options.display,
        "may": may,
        "fields": [_field(field, written=field.name in writable) for field in fields],
        "pipelines": [_pipeline(pipeline) for pipeline in _pipelines(reader, spec)],
    }


def _field(field: Field, *, written: bool) -> dict[str, Any]:
    told: dict[str, Any] = {"name": field.name, "label": field.label, "type": field.type.name}
    told |= {"required": field.required, "help": field.help or None, "custom": field.custom}
    told |= {"sorts": field.type.ordered, "filters": field.type.filterable}
    told |= {"creates": field.settable and written, "changes": written and field.settable and field.author is None}
    if isinstance(field.type, Choice | Choices):
        told["options"] = dict(field.type.options)
    if isinstance(field.type, Reference):
        told["to"] = field.type.to
    return told


def _pipelines(reader: Reader, spec: Spec) -> tuple[Pipeline, ...]:
    return reader.configuration.catalogue.pipelines_of(spec.name)


def _pipeline(it: Pipeline) -> dict[str, Any]:
    stages = [_stage(stage) for stage in it.stages]
    moves = [list(move) for move in sorted(it.moves)]
    return {
        "key": it.key,
        "label": it.label,
        "kind": it.kind,
        "initial": it.initial,
        "stages": stages,
        "moves": moves,
        "roles": list(it.roles),
    }


def _stage(it: Stage) -> dict[str, Any]:
    told = {"key": it.key, "label": it.label, "kind": it.kind, "probability": it.chance}
    return told | ({"reasons": dict(it.reasons)} if it.reasons else {})


def myself(reader: Reader) -> dict[str, Any]:
    """Return whoever asks as JSON carries them: their entry, their places, the session in use."""
    rights = reader.rights
    seats = [
        {
            "id": seat.id,
            "unit_id": seat.unit_id,
            "role": {"id": seat.role.id, "key": seat.role.key, "name": seat.role.name},
            "is_head": seat.is_head,
            "is_primary": seat.is_primary,
        }
        for seat in rights.seats
    ]
    told = {"principal": rights.name, "user": _user(reader), "owner": rights.owner, "memberships": seats}
    return {**told, "session": account.session(reader)}


def _user(reader: Reader) -> dict[str, Any]:
    """Tell what the person may know of their own entry among the users."""
    id = reader.rights.user_id or ""
    try:
        record = reader.get(User, id)
    except NotFound:
        return {"id": id}
    return {name: record.get(name) for name in ("id", "name", "email", "language", "zone")}
