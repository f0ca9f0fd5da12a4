"""What the document says of tasks as work: begun, done, and what is asked for; and of where a record may be moved."""

from __future__ import annotations

from typing import Any

from opencrm.plugins.rest.document import parameters
from opencrm.plugins.rest.document.describing import body, good, operation
from opencrm.plugins.rest.document.shapes import NUMBER, TEXT, Shape, list_of, object_of, reference, text, written

_REFUSED = (403, 404, 409, 422)
_DONE = """`answers` is what its form asks for: `{"amount": "4800"}`, or `{"sizes": [{...}]}` of other records.

It goes into the record that the task is about, in the same transaction. Where something is missing nothing is done,
and the refusal's `missing` says what, with the form that asks for it. With `If-Match` it is done only if nobody
changed the task since you read it.
"""
_STATES = "A task goes from `open` to `started` and `paused` and back; its time is counted while it is started."


def schemas() -> Shape:
    """Return the named shapes of what is taken and answered."""
    form = object_of(
        {
            "key": text("price"),
            "label": text("Price"),
            "schema": {"type": "object", "description": "A JSON Schema of what it asks for"},
            "withheld": {**NUMBER, "description": "How many more fields it asks for, of which you may not know"},
        },
        "withheld",
    )
    missing = object_of({"text": text("the price"), "form": reference("Form")}, "form")
    offer = {"to": text("agreed"), "label": text("Agreed"), "kind": {"enum": ["open", "parked", "won", "lost"]}}
    return {
        "Form": form,
        "Missing": missing,
        "Moves": object_of({"items": list_of(object_of({**offer, "missing": list_of(reference("Missing"))}))}),
        "TaskForm": object_of({"form": {"oneOf": [reference("Form"), {"type": "null"}]}}),
        "TaskDone": object_of({"answers": {"type": "object"}, "result": TEXT}, "answers", "result"),
        "TaskCancelled": object_of({"result": TEXT}, "result"),
    }


def paths() -> Shape:
    """Return the paths, each with its operations."""
    form = operation(
        "task_form",
        "tasks",
        summary="What one task asks for before it is done",
        about="As a JSON Schema; `null` where it asks for nothing.",
        good=good("TaskForm"),
        refused=(404,),
        takes=(parameters.ID,),
    )
    done = _act("finish", "Say that one task is done", _DONE, 412)
    cancel = _act("cancel", "Say that one task is not to be done", "`result` says why.")
    done["parameters"].append(parameters.MATCH)
    done |= _maybe(body(reference("TaskDone"), {"answers": {"amount": "4800"}}))
    cancel |= _maybe(body(reference("TaskCancelled"), {"result": "The client called first"}))
    return {
        "/tasks/{id}/form": {"get": form},
        "/tasks/{id}/start": {"post": _act("start", "Say that somebody is at one task", _STATES)},
        "/tasks/{id}/pause": {"post": _act("pause", "Say that nobody is at one task for now", _STATES)},
        "/tasks/{id}/done": {"post": done},
        "/tasks/{id}/cancel": {"post": cancel},
    }


def _act(name: str, summary: str, about: str, *more: int) -> dict[str, Any]:
    found = good("task", headers=written(tagged=True))
    gone = {"204": {"description": "Done; the task is out of your sight now", "headers": written(tagged=False)}}
    refused = tuple(sorted((*_REFUSED, *more)))
    takes = (parameters.ID,)
    return operation(
        f"task_{name}", "tasks", summary=summary, about=about, good=found | gone, refused=refused, takes=takes
    )


def _maybe(part: Shape) -> Shape:
    """Return a body that may be left out."""
    return {"requestBody": {**part["requestBody"], "required": False}}
