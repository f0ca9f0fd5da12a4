"""What the document says of editing many records, of doubles and of merging."""

from __future__ import annotations

from collections.abc import Callable

from opencrm.embed import Spec
from opencrm.plugins.rest.document import parameters
from opencrm.plugins.rest.document.shapes import ID, Shape, reference, written
from opencrm.plugins.rest.handling.records import address

_OTHER_ID: Shape = {**parameters.ID, "name": "other", "description": "Id of the other record"}
_LIMIT: Shape = {
    "name": "limit",
    "in": "query",
    "description": "The most pairs",
    "schema": {"type": "integer", "minimum": 1, "maximum": 1000, "default": 100},
}
_TEXT: Shape = {"type": "string"}
_ID: Shape = {"type": "string", "format": "uuid", "examples": [ID]}
_IDS: Shape = {"type": "array", "items": _ID}
_NUMBER: Shape = {"type": "integer", "minimum": 0}
_VALUES: Shape = {"type": "object"}
_ACT: Shape = {"type": ["string", "null"], "format": "uuid", "examples": [None]}
_NO: Shape = {"type": "boolean", "default": False}
_DRY: Shape = {"type": "boolean", "default": True, "description": "Only tell what would be done"}
_REASON_KINDS = ["name", "email", "phone", "messenger", "key"]

_EDIT = """Each record is judged like a change of its own: those that are refused are told, and the others are done.

Say which records with `where`, a condition as saved views have it, or with `ids`, up to 10,000; and what to do with one
of `set`, `owner_id` and `unit_id`, `move`, `delete` and `restore`. **Nothing is written unless `dry_run` is false.**
With `whole` it is all or nothing. `POST /undo` with the `act` takes it all back; `act` in a later request goes on with
an edit that was broken off.
"""
_MERGE = """What refers to the others refers to this record then; they are deleted, and a `GET` of them leads here.

It keeps its own values and, where it has none, takes the first of the others'; `values` decides otherwise. **Nothing is
written unless `dry_run` is false.** Takes `merge` on all of them, `update` on this one and `delete` on the others.
"""


def schemas() -> Shape:
    """Return the named shapes of what is taken and answered."""
    return {
        "MassEdit": _mass_edit(),
        "MassEdited": _edited(),
        "Merge": _object({"others": _IDS, "values": _VALUES, "dry_run": _DRY}, "values", "dry_run"),
        "Merged": _object(
            {"act": _ACT, "kept": _ID, "gone": _IDS, "before": _VALUES, "after": _VALUES, "followed": _counts()}
        ),
        "Duplicates": _items({"one": _ID, "other": _ID}),
        "Alike": _items({"id": _ID}),
    }


def paths(entity: Spec, refusals: Callable[[tuple[int, ...]], Shape]) -> Shape:
    """Return the paths of an entity, each with its operations.

    Args:
        entity: The entity.
        refusals: Gives the responses of an operation that is refused with these statuses.
    """
    many, tag = entity.plural.replace("_", " "), address(entity)

    def operation(name: str, text: str, about: str, answer: Shape, *statuses: int) -> Shape:
        told = {"operationId": f"{entity.name}_{name}", "summary": text, "description": about, "tags": [tag]}
        return {**told, "responses": {**answer, **refusals(statuses)}}

    edit = operation("mass_edit", f"Edit many {many}", _EDIT, _good("MassEdited", acts=True), 403, 404, 409, 422)
    merge = operation("merge", f"Merge {many} into one", _MERGE, _good("Merged", acts=True), 403, 404, 409, 422)
    about = "Pairs of what you may read, with their reasons, the likeliest first."
    found = operation("duplicates", f"List {many} that may be one", about, _good("Duplicates"), 422)
    about = "Takes the values of a record that is about to be made, as far as they are known."
    alike = operation("alike", f"List {many} that may be a new one", about, _good("Alike"), 422)
    about = "The pair is proposed to nobody any more."
    dismiss = operation("dismiss", "Say that two are two", about, _nothing(), 403, 404, 422)
    again = operation("propose_again", "Propose a pair again", "Takes a dismissal back.", _nothing(), 403, 404, 422)
    pair = {"parameters": [parameters.ID, _OTHER_ID]}
    return {
        f"/{tag}/mass-edit": {"post": edit | _body("MassEdit", {"where": {"all": []}, "delete": True})},
        f"/{tag}/{{id}}/merge": {"post": merge | _body("Merge", {"others": [ID]}) | {"parameters": [parameters.ID]}},
        f"/{tag}/duplicates": {"get": found | {"parameters": [_LIMIT]}, "post": alike | _body(None, {"name": "Ann"})},
        f"/{tag}/{{id}}/not-duplicates/{{other}}": {"put": dismiss | pair, "delete": again | pair},
    }


def _mass_edit() -> Shape:
    return _object(
        {
            "where": {"type": "object", "examples": [{"field": "source", "op": "equal", "value": "Fair"}]},
            "ids": _IDS,
            "set": {"type": "object", "examples": [{"source": "Fair 2026"}]},
            "owner_id": _ID,
            "unit_id": _ID,
            "move": {"type": "string", "description": "A stage, or pipeline.stage"},
            "delete": _NO,
            "restore": _NO,
            "whole": _NO,
            "act": _ID,
            "dry_run": _DRY,
        },
        *("where", "ids", "set", "owner_id", "unit_id", "move", "delete", "restore", "whole", "act", "dry_run"),
    )


def _edited() -> Shape:
    refusal = _object({"entity": _TEXT, "record": _TEXT, "code": _TEXT, "text": _TEXT})
    sample = _object({"record": _ID, "before": _VALUES, "after": _VALUES})
    return _object(
        {
            "act": _ACT,
            "found": _NUMBER,
            "changed": _NUMBER,
            "unchanged": _NUMBER,
            "refused": _counts(),
            "refusals": {"type": "array", "items": refusal},
            "samples": {"type": "array", "items": sample},
        }
    )


def _counts() -> Shape:
    return {"type": "object", "additionalProperties": _NUMBER}


def _items(of: Shape) -> Shape:
    value = {"type": ["string", "null"]}
    reason = _object({"kind": {"enum": _REASON_KINDS}, "value": value, "score": _NUMBER})
    item = _object({**of, "score": _NUMBER, "reasons": {"type": "array", "items": reason}})
    return _object({"items": {"type": "array", "items": item}})


def _object(properties: Shape, *optional: str) -> Shape:
    required = [name for name in properties if name not in optional]
    return {"type": "object", "properties": properties, "required": required}


def _good(name: str, *, acts: bool = False) -> Shape:
    told: Shape = {"description": "Done", "content": {"application/json": {"schema": reference(name)}}}
    return {"200": told | ({"headers": written(tagged=False)} if acts else {})}


def _nothing() -> Shape:
    return {"204": {"description": "Done"}}


def _body(name: str | None, example: Shape) -> Shape:
    schema = reference(name) if name else {"type": "object"}
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema, "example": example}}}}
