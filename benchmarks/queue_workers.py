"""Four workers on PostgreSQL against one: deliveries whose handler waits for somebody else."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import get_context

from benchmarks.databases import Place
from benchmarks.measuring import Measured
from benchmarks.queue_jobs import JOBS, changed, deals_of
from benchmarks.world import world
from opencrm import CRM, Grant, JournalEntry, Scope, hookimpl

PAUSE = 0.005
"""How long the other side takes to answer."""


class Caller:
    """A plugin whose handler calls somebody who takes a while."""

    name = "caller"

    @hookimpl
    def opencrm_register_grants(self) -> Iterator[Grant]:
        yield Grant("deal", "read", Scope.ALL)

    @hookimpl(entity="deal")
    def opencrm_on_change(self, entry: JournalEntry) -> None:
        time.sleep(PAUSE)


def measure(place: Place) -> Iterator[Measured]:
    """Measure where there can be several."""
    if place.name == "postgresql":
        with world(place, plugins=[Caller()]) as one:
            deals = deals_of(one)
            one.crm.worker().run_once()
            taken = {}
            for number in (1, 4, 1, 4):
                changed(one.raw, deals)
                taken[number] = min(_seconds(one.url, number), taken.get(number, 1e9))
        yield Measured(
            name="a job that calls somebody: four workers (floor: one)",
            database=place.name,
            floor=taken[1] / JOBS,
            ours=taken[4] / JOBS,
            ratio=taken[4] / taken[1],
            target=1.0,
        )


def _seconds(url: str, number: int) -> float:
    """Return how long so many processes take to work the queue off; each is ready before the clock starts."""
    context = get_context("spawn")
    go, ready = context.Event(), context.Semaphore(0)
    processes = [context.Process(target=_work, args=(url, go, ready)) for _ in range(number)]
    for process in processes:
        process.start()
    for _ in processes:
        ready.acquire()
    begun = time.perf_counter()
    go.set()
    with ThreadPoolExecutor(number) as threads:
        list(threads.map(lambda process: process.join(), processes))
    return time.perf_counter() - begun


def _work(url: str, go: object, ready: object) -> None:
    crm = CRM(url, plugins=[Caller()])
    worker = crm.worker()
    _ = crm.configuration
    ready.release()  # type: ignore[attr-defined]
    go.wait()  # type: ignore[attr-defined]
    while _waits(crm):
        worker.run_once()
        time.sleep(0.01)
    crm.close()


def _waits(crm: CRM) -> bool:
    with crm.database.read() as tx:
        sql = "SELECT EXISTS (SELECT 1 FROM crm_delivery) OR EXISTS (SELECT 1 FROM crm_journal WHERE pending)"
        return bool(tx.connection.exec_driver_sql(sql).scalar_one())
