"""A stage that is taken away while a record enters it: on both databases, by two connections at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from threading import Event
from typing import Any

import pytest
from tests.services.process.definitions.texts import Apply

from opencrm import (
    CRM,
    ConflictError,
    Create,
    Deal,
    Delete,
    InputError,
    Move,
    OpenCRMError,
    Query,
    Restore,
    pipelines,
    records,
)
from opencrm.services.definitions.process import planning, text
from opencrm.services.writing.work import Work
from opencrm.testing import Firm, make_deal

WITH = """
[[pipelines]]
key = "repairs"
moves = [["new", "fixing"], ["*", "done"]]
stages = [{key = "new"}, {key = "fixing"}, {key = "done", kind = "won"}]
"""
WITHOUT = WITH.replace('{key = "fixing"}, ', "").replace('["new", "fixing"], ', "")
REPLACED = WITHOUT.replace("moves =", 'replaced_by = {fixing = "done"}\nmoves =')

Act = Callable[[Work], object]


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as threads:
        yield threads


@pytest.fixture
def act(request: Any, crm: CRM, firm: Firm, apply: Apply) -> Act:
    """Something that has a record stand in the stage `fixing`."""
    apply("pipelines", WITH)
    stage = "fixing" if request.param == "restore" else "new"
    deal = make_deal(crm, by=firm.owner, pipeline="repairs", stage=stage)
    if request.param == "restore":
        with crm.work(firm.owner) as work:
            records.delete(work, [Delete(Deal, deal.id)])
    acts: dict[str, Act] = {
        "create": lambda work: records.create(work, [Create(Deal, title="A", pipeline="repairs", stage="fixing")]),
        "move": lambda work: pipelines.move(work, [Move(Deal, deal.id, to="fixing")]),
        "restore": lambda work: records.restore(work, [Restore(Deal, deal.id)]),
    }
    return acts[request.param]


each = pytest.mark.parametrize("act", ["create", "move", "restore"], indirect=True)


def lost(crm: CRM, firm: Firm) -> Sequence[str]:
    """Return the stages in which records stand and that are not there."""
    with crm.read(firm.owner) as reader:
        stood = {(it.pipeline, it.stage) for it in reader.list(Query(Deal))}
    return sorted(stage for key, stage in stood if crm.catalogue.pipelines[key].stage(stage) is None)


@each
@pytest.mark.parametrize("toml", [WITHOUT, REPLACED], ids=["refused", "replaced"])
def test_whoever_takes_a_stage_away_waits_for_those_who_enter_it(
    crm: CRM, firm: Firm, apply: Apply, act: Act, pool: ThreadPoolExecutor, toml: str
) -> None:
    """It finds the record that was not committed yet when it began: it is refused, or moves the record."""
    with crm.work(firm.owner) as work:
        act(work)
        removing = pool.submit(apply, "pipelines", toml)
        with suppress(TimeoutError):
            removing.result(timeout=0.5)
    if toml is WITHOUT:
        with pytest.raises(InputError, match="records stand in this stage"):
            removing.result(timeout=30)
    else:
        removing.result(timeout=30)
    assert lost(crm, firm) == []


@each
def test_whoever_enters_a_stage_that_went_is_refused(
    crm: CRM, firm: Firm, apply: Apply, act: Act, pool: ThreadPoolExecutor
) -> None:
    """Though it was there when the work block began; nothing of the block is kept."""
    began, went = Event(), Event()

    def enter() -> None:
        with crm.work(firm.owner) as work:
            began.set()
            went.wait(30)
            act(work)

    if crm.database.sqlite:
        pytest.skip("a work block keeps everybody else from writing")
    entering = pool.submit(enter)
    assert began.wait(30)
    try:
        apply("pipelines", WITHOUT)
    finally:
        went.set()
    with pytest.raises(ConflictError, match="somebody else changed the stages meanwhile"):
        entering.result(timeout=30)
    assert lost(crm, firm) == []


@each
def test_a_stage_that_went_long_ago_cannot_be_entered(crm: CRM, firm: Firm, apply: Apply, act: Act) -> None:
    """Nor by a record that was deleted in it."""
    apply("pipelines", WITHOUT)
    with pytest.raises(OpenCRMError, match="fixing"), crm.work(firm.owner) as work:
        act(work)
    assert lost(crm, firm) == []


def test_many_who_enter_and_one_who_takes_away(crm: CRM, firm: Firm, apply: Apply, pool: ThreadPoolExecutor) -> None:
    """Whatever comes first, no record is left where no stage is."""
    apply("pipelines", WITH)
    stop = Event()

    def enter() -> int:
        made = 0
        while not stop.is_set():
            with suppress(InputError, ConflictError), crm.work(firm.owner) as work:
                records.create(work, [Create(Deal, title="A", pipeline="repairs", stage="fixing")])
                made += 1
        return made

    entering: Future[int] = pool.submit(enter)
    try:
        for _ in range(8):
            _until_done(crm, firm, REPLACED)
            assert lost(crm, firm) == []
            _until_done(crm, firm, WITH)
    finally:
        stop.set()
    assert entering.result(timeout=30)
    assert lost(crm, firm) == []


def _until_done(crm: CRM, firm: Firm, toml: str) -> None:
    for _ in range(20):
        with suppress(ConflictError), crm.work(firm.owner) as work:
            planning.carry_out(work, "pipelines", text.parse(toml, "pipelines"))
            return
    raise AssertionError("there was always somebody before")
