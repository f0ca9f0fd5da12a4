"""The process of a company that sells windows, without its forms and documents: stages, tasks and rules."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from opencrm import (
    CRM,
    Deal,
    Escalation,
    Form,
    Pipeline,
    Principal,
    Query,
    Stage,
    Task,
    TaskSpec,
    Update,
    by,
    head_of,
    hookimpl,
    move,
    notify,
    owner,
    pick,
    records,
    required,
)
from opencrm.services.reading.rows import Record

CALL = TaskSpec(
    "call",
    title="Call {contact.name}",
    due=by("source", hot="15m", warm="20m", otherwise="30m"),
    escalations=[Escalation(to=head_of(owner))],
    done=[move("measuring")],
)
MEASURE = TaskSpec(
    "measure",
    title="Take measurements",
    owner=pick("firm_seller", within="north_field"),
    due="2d",
    form=Form("notes", ["description"]),
    done=[move("pricing")],
)
PRICE = TaskSpec("price", title="Price and agree", due="2d", form=Form("price", ["amount", "currency"]))

WINDOWS = Pipeline(
    "sales",
    [
        Stage("request", probability=10, tasks=[CALL]),
        Stage("measuring", probability=30, tasks=[MEASURE]),
        Stage("pricing", probability=50, tasks=[PRICE]),
        Stage("agreed", probability=80, enter=[required("amount")]),
        Stage("won", kind="won", do=[notify(head_of(owner), "Finished order: {title}")]),
        Stage("lost", kind="lost", enter=[required("lost_reason")]),
    ],
    moves={
        ("request", "measuring"),
        ("measuring", "pricing"),
        ("pricing", "measuring"),
        ("pricing", "agreed"),
        ("agreed", "won"),
        ("*", "lost"),
        ("lost", "request"),
    },
)


class Sales:
    """The plugin that brings the process."""

    name = "sales"

    @hookimpl
    def opencrm_register_pipelines(self) -> Iterator[Pipeline]:
        yield WINDOWS


@pytest.fixture
def crm_plugins() -> Sequence[object]:
    return [Sales()]


@pytest.fixture
def tasks(crm: CRM) -> Callable[..., list[Record]]:
    """`tasks()` gives all tasks, oldest first, as the owner sees them; `tasks("call")` those of one kind."""

    def found(kind: str | None = None) -> list[Record]:
        with crm.read(crm.sole_owner()) as reader:
            several = sorted(reader.list(Query(Task)), key=lambda it: it.id)
        return [it for it in several if kind in (None, it.kind)]

    return found


@pytest.fixture
def finish(crm: CRM, tasks: Callable[..., list[Record]]) -> Callable[..., None]:
    """`finish("call", by=firm.seller, answers={...})` finishes the newest task of a kind."""

    def finished(kind: str, *, by: Principal, **values: Any) -> None:
        with crm.work(by) as work:
            records.update(work, [Update(Task, tasks(kind)[-1].id, state="done", **values)])

    return finished


@pytest.fixture
def deal(crm: CRM) -> Callable[[str], Record]:
    """`deal(id)` gives a deal as the owner sees it."""

    def found(id: str) -> Record:
        with crm.read(crm.sole_owner()) as reader:
            return reader.get(Deal, id)

    return found
