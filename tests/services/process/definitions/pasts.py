"""A past in which much happened, and what rules would have heard of it: told line by line, with queries for each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from random import Random
from types import MappingProxyType
from typing import Any

from opencrm import CRM, Create, Deal, Delete, Move, Query, Task, Update, pipelines, records
from opencrm.core.change import JournalEntry, Kind
from opencrm.core.process.rules import Rule
from opencrm.core.process.text import rule_of
from opencrm.core.process.timing.moments import moved
from opencrm.services import journal
from opencrm.services.process.overseeing.rewinding import first_id
from opencrm.services.process.submitting.keeping import Submission, keep
from opencrm.services.reading.reader import Reader
from opencrm.testing import Firm

MONTH = timedelta(days=30)
EVENTS: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "created": {"created": "deal"},
        "changed": {"changed": "deal", "fields": ["amount"]},
        "deleted": {"deleted": "deal"},
        "entered": {"entered": "repairs.fixing"},
        "left": {"left": "repairs.new"},
        "done": {"done": "look"},
        "overdue": {"overdue": "look"},
        "after": {"after": "deal", "field": "expected_close", "duration": "2h"},
        "submitted": {"submitted": "request"},
    }
)
_KINDS = MappingProxyType({"created": Kind.CREATED, "changed": Kind.CHANGED, "deleted": Kind.DELETED})
_ACTS = ("amount", "amount", "title", "title", "close", "move", "done", "send", "delete")


def rule(event: str, **more: Any) -> Rule:
    """Return a rule that listens to one of the events."""
    return rule_of({"key": "one", "on": EVENTS[event], "do": [{"update": {"source": "x"}}], **more})


def make(crm: CRM, firm: Firm, number: int) -> list[str]:
    """Make deals, each with the task of its stage."""
    values = {"amount": 5, "currency": "EUR", "pipeline": "repairs", "expected_close": "2026-03-01"}
    with crm.work(firm.seller) as work:
        made = records.create(work, [Create(Deal, values={"title": f"Deal {at}", **values}) for at in range(number)])
    return [it.record_id for it in made]


def let(crm: CRM, firm: Firm, act: str, id: str, value: str = "7") -> None:
    """Let something be done to a deal, as far as it can be."""
    with crm.work(firm.seller) as work:
        if act == "send":
            given = {"values": {}, "attribution": {}, "consent": None, "contact_id": None, "error": None}
            kept = {"form": "request", "at": work.now, "entity": "deal", "record_id": id}
            keep(work, Submission(id=work.new_id(), **given, **kept), None)
        elif act == "done":
            tasks = [it for it in work.list(Query(Task, limit=1000)) if it["deal_id"] == id]
            records.update(work, [Update(Task, it["id"], state="done") for it in tasks if it["state"] == "open"])
        elif act == "move" and work.get(Deal, id).stage == "new":
            pipelines.move(work, [Move(Deal, id, to="fixing")])
        elif act == "delete":
            records.delete(work, [Delete(Deal, id)])
        elif act == "close":
            records.update(work, [Update(Deal, id, expected_close=f"2026-03-0{value}")])
        elif act in ("amount", "title"):
            records.update(work, [Update(Deal, id, **{act: value})])


def live(crm: CRM, firm: Firm) -> None:
    """Let two days pass in which several things happen to some deals, a few of them at one instant."""
    chance, ids = Random(7), make(crm, firm, 6)
    for _ in range(80):
        if chance.random() < 0.6:
            crm.advance("1h")
        one, act = chance.choice(ids), chance.choice(_ACTS)
        let(crm, firm, act, one, str(chance.randint(1, 9)))
        if act == "delete":
            ids.remove(one)
            ids += make(crm, firm, 1)


def stood(reader: Reader, entity: str, id: str, line: str) -> dict[str, Any]:
    """Return how one record stood after a line, by two queries of its own."""
    spec = reader.entity(entity)
    state, dumper = dict(reader.states(spec, [id], deleted=None)[id]), reader.configuration.schemas.dumper(spec)
    for row in reversed(journal.later(reader.tx, entity, [id], line)):
        state |= dumper.revive(row["before"]) or {}
    return state


def heard(reader: Reader, event: str, lines: list[dict[str, Any]], sent: list[dict[str, Any]]) -> list[Any]:
    """Return id, instant and state of every deal that a rule would have heard of, the oldest first.

    Args:
        reader: Who asks.
        event: One of the events.
        lines: The journal.
        sent: The submissions.
    """
    match event:
        case "overdue":
            return [*_overdue(reader)]
        case "after":
            return [*_after(reader)]
        case "submitted":
            return [(it["record_id"], it["at"], _at(reader, it["record_id"], it["at"])) for it in sent]
    return [found for line in lines for found in _of_line(reader, event, _read(reader, line))]


def _of_line(reader: Reader, event: str, line: JournalEntry) -> Iterator[Any]:
    if line.entity not in ("deal", "task") or line.acting_as == journal.SYSTEM:
        return
    state = stood(reader, line.entity, line.record_id, line.entry_id)
    if line.entity == "task":
        if event == "done" and line.after.get("state") == "done":
            yield state["deal_id"], line.at, _at(reader, state["deal_id"], line.at)
    elif _is(event, line, state):
        yield line.record_id, line.at, state


def _is(event: str, line: JournalEntry, state: Mapping[str, Any]) -> bool:
    stage = (line.before or {}).get("stage")
    match event:
        case "changed":
            return line.kind is Kind.CHANGED and "amount" in line.after
        case "entered":
            return line.kind is Kind.MOVED and state["stage"] == "fixing"
        case "left":
            return line.kind is Kind.MOVED and stage == "new"
    return line.kind is _KINDS.get(event)


def _overdue(reader: Reader) -> Iterator[Any]:
    for task in reader.stream(Query(Task, sort="due_at")):
        due = task["due_at"]
        if due <= reader.now and (task["done_at"] is None or task["done_at"] > due) and task["state"] != "cancelled":
            yield task["deal_id"], due, _at(reader, task["deal_id"], due)


def _after(reader: Reader) -> Iterator[Any]:
    spec = reader.entity("deal")
    for deal in reader.stream(Query(Deal, sort="id")):
        at = moved(deal.expected_close, "+2h", reader.configuration.catalogue.process.zone)
        if at is not None and at <= reader.now:
            yield deal.id, at, reader.states(spec, [deal.id])[deal.id]


def _at(reader: Reader, id: str, at: datetime) -> dict[str, Any]:
    return stood(reader, "deal", id, first_id(at + timedelta(milliseconds=1)))


def _read(reader: Reader, row: Mapping[str, Any]) -> JournalEntry:
    spec = reader.entity(row["entity"])
    told = {name: value for name, value in row.items() if name != "pending"}
    return journal.read(told, reader.configuration.schemas.dumper(spec))
