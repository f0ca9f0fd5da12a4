"""Events in writing: `{changed = "deal", fields = ["amount"]}`, `{every = "Mo-Fr", at = "09:00"}`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from opencrm.core.process import events
from opencrm.core.process.events import Event, OnField, OnForm, OnRecord, OnRotten, OnStage, OnTask, OnTime
from opencrm.core.process.text.kinds import Kind
from opencrm.core.process.text.parts import LENGTH, TEXT, TEXTS
from opencrm.core.process.text.tables import Choice, Table


def _changed(entity: str, fields: tuple[str, ...] = ()) -> OnRecord:
    return events.changed(entity, *fields)


def _word(event: Event) -> str | None:
    """Return the word that tells an event from others."""
    match event:
        case OnRecord(_, (kind,)):
            return str(kind)
        case OnStage(_, _, leaving):
            return "left" if leaving else "entered"
        case OnTask(_, state):
            return state
        case OnForm():
            return "submitted"
        case OnRotten():
            return "rotten"
        case OnTime():
            return "every"
        case OnField(_, _, offset):
            return "after" if offset.startswith("+") else "before"
    return None


def _parts(event: Event) -> Mapping[str, Any]:
    """Return the arguments of the function that makes an event."""
    match event:
        case OnRecord(entity, _, fields):
            return {"entity": entity, "fields": fields}
        case OnStage(pipeline, stage) | OnRotten(pipeline, stage):
            return {"stage": f"{pipeline}.{stage}"}
        case OnTask(task):
            return {"task": task}
        case OnForm(form):
            return {"form": form}
        case OnTime(at, days, zone, entity):
            return {"days": days, "at": at, "of": entity, "zone": zone}
        case OnField(entity, field, offset):
            return {"entity": entity, "field": field, "duration": offset[1:]}


def _form(word: str, make: Callable[..., Event], kinds: Mapping[str, Kind], sample: str) -> Table:
    return Table(make, kinds, word=word, parts=_parts, sample=sample)


_ENTITY = {"entity": TEXT}
_STAGE = {"stage": TEXT}
_TASK = {"task": TEXT}
_SINCE = {"entity": TEXT, "field": TEXT, "duration": LENGTH}

EVENT = Choice(
    {
        "created": _form("created", events.created, _ENTITY, '{created = "deal"}'),
        "changed": _form("changed", _changed, {**_ENTITY, "fields": TEXTS}, '{changed = "deal", fields = ["amount"]}'),
        "assigned": _form("assigned", events.assigned, _ENTITY, '{assigned = "deal"}'),
        "deleted": _form("deleted", events.deleted, _ENTITY, '{deleted = "deal"}'),
        "entered": _form("entered", events.entered, _STAGE, '{entered = "windows.agreed"}'),
        "left": _form("left", events.left, _STAGE, '{left = "windows.agreed"}'),
        "done": _form("done", events.done, _TASK, '{done = "call"}'),
        "cancelled": _form("cancelled", events.cancelled, _TASK, '{cancelled = "call"}'),
        "overdue": _form("overdue", events.overdue, _TASK, '{overdue = "call"}'),
        "submitted": _form("submitted", events.submitted, {"form": TEXT}, '{submitted = "request"}'),
        "rotten": _form("rotten", events.rotten, _STAGE, '{rotten = "windows.pricing"}'),
        "every": _form(
            "every",
            events.every,
            {"days": TEXT, "at": TEXT, "of": TEXT, "zone": TEXT},
            '{every = "Mo-Fr", at = "09:00", of = "deal"}',
        ),
        "after": _form("after", events.after, _SINCE, '{after = "deal", field = "closed_at", duration = "6w"}'),
        "before": _form(
            "before", events.before, _SINCE, '{before = "deal", field = "expected_close", duration = "1w"}'
        ),
    },
    word_of=_word,
)
