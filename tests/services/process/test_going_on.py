"""Runs that go on after the commit: what a service raises is its own run's failure, and no other's."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import pytest
from sqlalchemy import Table

from opencrm import CRM, ConflictError, Deal, OpenCRMError, Rule, Service, Unavailable, call, created, hookimpl, update
from opencrm.services.process import runs
from opencrm.services.process.overseeing import history
from opencrm.services.queue import overview
from opencrm.storage import tables
from opencrm.testing import Firm, make_deal

Rows = Callable[[Table], list[dict[str, Any]]]


class Storing:
    """A plugin with a service that needs something that may be away."""

    name = "storing"

    def __init__(self) -> None:
        self.raises: Exception | None = None
        self.keys: list[str] = []

    @hookimpl
    def opencrm_register_services(self) -> Iterator[Service]:
        yield Service(name="storing_store", run=self._store)

    @hookimpl
    def opencrm_register_rules(self) -> Iterator[Rule]:
        yield Rule("storing_deal", on=created(Deal), do=[call("storing_store"), update(source="stored")])

    def _store(self, door: Any, values: Mapping[str, Any]) -> None:
        self.keys.append(door.key)
        if self.raises is not None:
            raise self.raises


@pytest.fixture
def storing() -> Storing:
    return Storing()


@pytest.fixture
def crm_plugins(storing: Storing) -> Sequence[object]:
    return [storing]


@pytest.mark.parametrize("error", [Unavailable("files cannot be stored"), ConflictError("held"), ValueError("odd")])
def test_what_a_service_raises_is_its_runs_failure(
    crm: CRM, firm: Firm, storing: Storing, rows: Rows, error: Exception
) -> None:
    """Each of those that were claimed with it is tried, and nothing is left hanging under a lease."""
    storing.raises = error
    for _ in range(3):
        make_deal(crm, by=firm.seller)
    assert crm.worker().run_once() >= 3
    assert len(storing.keys) == 3
    assert [(it["state"], it["attempts"], it["lease"]) for it in rows(tables.run)] == [("waiting", 1, None)] * 3
    assert all(str(error) in it["error"] for it in rows(tables.run))
    storing.raises = None
    crm.advance("5s")
    assert [it["state"] for it in rows(tables.run)] == ["done"] * 3


@pytest.mark.parametrize("text", ["lone \udc80", "nothing \x00", "long " * 1000])
def test_whatever_stands_in_an_error_is_kept(crm: CRM, firm: Firm, storing: Storing, rows: Rows, text: str) -> None:
    """As far as any database keeps it; in the end a person reads it."""
    storing.raises = OpenCRMError(text)
    make_deal(crm, by=firm.seller)
    crm.advance("1h")
    [run] = rows(tables.run)
    assert (run["state"], run["steps"][0]["error"]) == ("failed", run["error"])
    assert run["error"] == text.replace("\udc80", r"\udc80").replace("\x00", r"\x00")[:2000]


def test_all_that_failed_is_begun_again_in_one_statement(
    crm: CRM, firm: Firm, storing: Storing, rows: Rows, statements: Any
) -> None:
    """However much it is; each goes on with the step that failed, under the same key as before."""
    storing.raises = ValueError("odd")
    for _ in range(3):
        make_deal(crm, by=firm.seller)
    crm.advance("1h")
    assert [it["state"] for it in rows(tables.run)] == ["failed"] * 3
    keys, storing.raises = {*storing.keys}, None
    statements.clear()
    with crm.work(firm.owner) as work:
        assert overview.retry(work) == 3
    assert sum("crm_run" in it for it in statements.texts) == 1
    storing.keys.clear()
    crm.worker().run_once()
    assert {*storing.keys} == keys
    assert [[step["state"] for step in it["steps"]] for it in rows(tables.run)] == [["done", "done"]] * 3


def test_what_is_only_written_down_is_not_begun_again(crm: CRM, firm: Firm, storing: Storing, rows: Rows) -> None:
    """Nor is another one than the named; nor one that did not fail."""
    storing.raises = ValueError("odd")
    for _ in range(2):
        make_deal(crm, by=firm.seller)
    crm.advance("1h")
    first, second = rows(tables.run)
    with crm.work(firm.owner) as work:
        assert overview.retry(work, id=first["id"]) == 1
    assert [it["state"] for it in rows(tables.run)] == ["waiting", "failed"]
    with crm.work(firm.owner) as work:
        assert runs.revive(work.tx, first["id"], work.now) == 0
    with crm.read(firm.owner) as reader:
        assert [it.id for it in history.of_rules(reader, rule="storing_deal", state="failed").items] == [second["id"]]
