"""What the document says of editing many records, of doubles and of merging."""

from __future__ import annotations

from collections.abc import Iterator

from opencrm.embed import Spec
from opencrm.plugins.rest.addresses import address
from opencrm.plugins.rest.document import parameters
from opencrm.plugins.rest.document.describing import acted, body, good, nothing, operation
from opencrm.plugins.rest.document.shapes import COUNTS, ID, NUMBER, TEXT, UUID, Shape, list_of, object_of, reference

_OTHER: Shape = {**parameters.ID, "name": "other", "description": "Id of the other record"}
_LIMIT: Shape = {
    "name": "limit",
    "in": "query",
    "description": "The most pairs",
    "schema": {"type": "integer", "minimum": 1, "maximum": 1000, "default": 100},
}
_IDS: Shape = list_of(UUID)
_VALUES: Shape = {"type": "object"}
_ACT: Shape = {"type": ["string", "null"], "format": "uuid", "examples": [None]}
_NO: Shape = {"type": "boolean", "default": False}
_DRY: Shape = {"type": "boolean", "default": True, "description": "Only tell what would be done"}
_REFUSED = (403, 404, 409, 422)
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
        "Merge": object_of({"others": _IDS, "values": _VALUES, "dry_run": _DRY}, "values", "dry_run"),
        "Merged": object_of(
            {"act": _ACT, "kept": UUID, "gone": _IDS, "before": _VALUES, "after": _VALUES, "followed": COUNTS}
        ),
        "Duplicates": _items({"one": UUID, "other": UUID}),
        "Alike": _items({"id": UUID}),
    }


def paths(entity: Spec) -> Shape:
    """Return the paths of an entity, each with its operations."""
    at = f"/{address(entity)}"
    dismiss, again = _dismissing(entity)
    return {
        f"{at}/mass-edit": {"post": _editing(entity)},
        f"{at}/{{id}}/merge": {"post": _merging(entity)},
        f"{at}/duplicates": {"get": _found(entity), "post": _alike(entity)},
        f"{at}/{{id}}/not-duplicates/{{other}}": {"put": dismiss, "delete": again},
    }


def _editing(entity: Spec) -> Shape:
    found = operation(
        f"{entity.name}_mass_edit",
        address(entity),
        summary=f"Edit many {_many(entity)}",
        about=_EDIT,
        good=acted("MassEdited"),
        refused=_REFUSED,
    )
    return found | body(reference("MassEdit"), {"where": {"all": []}, "delete": True})


def _merging(entity: Spec) -> Shape:
    found = operation(
        f"{entity.name}_merge",
        address(entity),
        summary=f"Merge {_many(entity)} into one",
        about=_MERGE,
        good=acted("Merged"),
        refused=_REFUSED,
        takes=(parameters.ID,),
    )
    return found | body(reference("Merge"), {"others": [ID]})


def _found(entity: Spec) -> Shape:
    return operation(
        f"{entity.name}_duplicates",
        address(entity),
        summary=f"List {_many(entity)} that may be one",
        about="Pairs of what you may read, with their reasons, the likeliest first.",
        good=good("Duplicates"),
        refused=(422,),
        takes=(_LIMIT,),
    )


def _alike(entity: Spec) -> Shape:
    found = operation(
        f"{entity.name}_alike",
        address(entity),
        summary=f"List {_many(entity)} that may be a new one",
        about="Takes the values of a record that is about to be made, as far as they are known.",
        good=good("Alike"),
        refused=(422,),
    )
    return found | body(_VALUES, {"name": "Ann"})


def _dismissing(entity: Spec) -> Iterator[Shape]:
    for name, summary, about in (
        ("dismiss", "Say that two are two", "The pair is proposed to nobody any more."),
        ("propose_again", "Propose a pair again", "Takes a dismissal back."),
    ):
        yield operation(
            f"{entity.name}_{name}",
            address(entity),
            summary=summary,
            about=about,
            good=nothing(),
            refused=(403, 404, 422),
            takes=(parameters.ID, _OTHER),
        )


def _many(entity: Spec) -> str:
    return entity.plural.replace("_", " ")


def _mass_edit() -> Shape:
    return object_of(
        {
            "where": {"type": "object", "examples": [{"field": "source", "op": "equal", "value": "Fair"}]},
            "ids": _IDS,
            "set": {"type": "object", "examples": [{"source": "Fair 2026"}]},
            "owner_id": UUID,
            "unit_id": UUID,
            "move": {"type": "string", "description": "A stage, or pipeline.stage"},
            "delete": _NO,
            "restore": _NO,
            "whole": _NO,
            "act": UUID,
            "dry_run": _DRY,
        },
        *("where", "ids", "set", "owner_id", "unit_id", "move", "delete", "restore", "whole", "act", "dry_run"),
    )


def _edited() -> Shape:
    refusal = object_of({"entity": TEXT, "record": TEXT, "code": TEXT, "text": TEXT})
    sample = object_of({"record": UUID, "before": _VALUES, "after": _VALUES})
    return object_of(
        {
            "act": _ACT,
            "found": NUMBER,
            "changed": NUMBER,
            "unchanged": NUMBER,
            "refused": COUNTS,
            "refusals": list_of(refusal),
            "samples": list_of(sample),
        }
    )


def _items(of: Shape) -> Shape:
    value = {"type": ["string", "null"]}
    reason = object_of({"kind": {"enum": _REASON_KINDS}, "value": value, "score": NUMBER})
    item = object_of({**of, "score": NUMBER, "reasons": list_of(reason)})
    return object_of({"items": list_of(item)})
