"""Two pipelines to begin with: requests to be qualified, and sales with measurements and installation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta

from opencrm import (
    AfterDoor,
    Change,
    Create,
    Grant,
    JournalEntry,
    Kind,
    Objection,
    Pipeline,
    Scope,
    Stage,
    Task,
    hookimpl,
    records,
)

LEADS = Pipeline(
    "leads",
    [
        Stage("new", probability=5),
        Stage("contacted", probability=10),
        Stage("waiting", kind="parked", probability=5),
        Stage("rejected", kind="lost"),
    ],
    kind="leads",
    moves={
        ("new", "contacted"),
        ("new", "rejected"),
        ("contacted", "waiting"),
        ("contacted", "rejected"),
        ("waiting", "contacted"),
        ("waiting", "rejected"),
        ("rejected", "contacted"),
        ("contacted", "sales.new"),
        ("waiting", "sales.new"),
    },
)
"""Requests; a deal that is qualified goes on in `sales`, with its id and its history."""

SALES = Pipeline(
    "sales",
    [
        Stage("new", probability=20),
        Stage("measuring", "Measurements", probability=35),
        Stage("offer", "Offer made", probability=50),
        Stage("agreed", "Contract signed", probability=80),
        Stage("installation", "Paid, installing", probability=95),
        Stage("won", kind="won"),
        Stage("lost", kind="lost"),
    ],
    moves={
        ("new", "measuring"),
        ("new", "offer"),
        ("measuring", "offer"),
        ("offer", "measuring"),
        ("offer", "agreed"),
        ("agreed", "offer"),
        ("agreed", "installation"),
        ("agreed", "won"),
        ("installation", "won"),
        ("new", "lost"),
        ("measuring", "lost"),
        ("offer", "lost"),
        ("agreed", "lost"),
        ("lost", "new"),
    },
)
"""Sales, from the first measurements until the windows are in."""

ANSWER_WITHIN = timedelta(minutes=20)


@hookimpl
def opencrm_register_pipelines() -> Iterator[Pipeline]:
    yield from (LEADS, SALES)


@hookimpl
def opencrm_register_grants() -> Iterator[Grant]:
    yield Grant("deal", "read", Scope.ALL)
    yield Grant("task", "create", Scope.ALL)
    yield Grant("task", "assign", Scope.ALL)


@hookimpl(entity="deal")
def opencrm_check_move(changes: Sequence[Change]) -> Iterator[Objection]:
    for change in changes:
        won = (change.after["pipeline"], change.after["stage"]) == (SALES.key, "won")
        if won and change.after["amount"] is None:
            yield Objection(change.id, "amount_missing", "A deal without an amount cannot be won.", "amount")


@hookimpl(entity="deal")
def opencrm_on_change(entry: JournalEntry, door: AfterDoor) -> None:
    if entry.kind is not Kind.CREATED or entry.after.get("pipeline") != LEADS.key:
        return
    with door.work() as work:
        if door.once(work, f"follow-up {entry.record_id}"):
            records.create(work, [_follow_up(entry)])


def _follow_up(entry: JournalEntry) -> Create[Task]:
    return Create(
        Task,
        title=f"Answer the request: {entry.after.get('title') or 'no title'}"[:200],
        due_at=entry.at + ANSWER_WITHIN,
        owner_id=entry.after.get("owner_id"),
        deal_id=entry.record_id,
    )
