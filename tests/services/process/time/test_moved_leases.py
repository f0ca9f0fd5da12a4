"""Work that is under way while a sandbox's clock is moved: it stays its holder's, and is done once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import pytest

from opencrm import (
    CRM,
    Deal,
    Grant,
    JournalEntry,
    Pipeline,
    Rule,
    Scope,
    Service,
    Stage,
    call,
    created,
    hookimpl,
    notify,
    owner,
)
from opencrm.embed import Message, SignIn, notification_choices
from opencrm.services.queue import LEASE
from opencrm.storage import tables
from opencrm.testing import MONDAY, Firm, make_deal

POLICY = SignIn(base_url="https://crm.example.com")


class Slow:
    """Calls a service, is told of deals, and delivers letters: while it does so, something else happens."""

    name = "slow"

    def __init__(self) -> None:
        self.done: list[str] = []
        self.meanwhile: Callable[[], object] = lambda: None

    def _do(self, what: str) -> None:
        self.done.append(what)
        if len(self.done) == 1:
            self.meanwhile()

    @hookimpl
    def opencrm_register_grants(self) -> Iterator[Grant]:
        yield Grant("deal", "read", Scope.ALL)

    @hookimpl
    def opencrm_register_pipelines(self) -> Iterator[Pipeline]:
        yield Pipeline("order", [Stage("request"), Stage("won", kind="won")], moves={("request", "won")})

    @hookimpl
    def opencrm_register_services(self) -> Iterator[Service]:
        def run(door: Any, values: Mapping[str, Any]) -> None:
            self._do("service")

        yield Service(name="slow_one", run=run)

    @hookimpl
    def opencrm_register_rules(self) -> Iterator[Rule]:
        yield Rule("calling", on=created(Deal), do=[call("slow_one")])
        yield Rule("telling", on=created(Deal), do=[notify(owner, "New: {title}")])

    @hookimpl
    def opencrm_on_change(self, entry: JournalEntry, door: Any) -> None:
        if entry.entity == "deal":
            self._do("plugin")

    @hookimpl
    def opencrm_provide_delivery(self, message: Message) -> bool:
        self._do("letter")
        return True


class _Still:
    def now(self) -> Any:
        return MONDAY


@pytest.fixture
def slow() -> Slow:
    return Slow()


@pytest.fixture
def crm_plugins(slow: Slow) -> Sequence[object]:
    return [slow]


@pytest.fixture
def other(crm: CRM, firm: Firm, slow: Slow) -> Iterator[CRM]:
    """Another process; the workspace is a sandbox that sends."""
    crm.sandbox.make(firm.owner)
    crm.accounts.policy, crm.workspace.sandbox_sends = POLICY, True
    with crm.work(firm.seller) as work:
        notification_choices.choose(work, "rule", "mail", wanted=True)
    found = CRM(
        engine=crm.database.engine,
        schema=crm.database.schema,
        plugins=[slow],
        clock=_Still(),
        sign_in=POLICY,
        sandbox_sends=True,
    )
    yield found
    found.close()


def station(crm: CRM, kind: str) -> Any:
    """Return a station of a worker by what it does first."""
    at = {"service": 2, "plugin": 4, "letter": 5}[kind]
    return crm.worker()._stations[at]


@pytest.mark.parametrize("kind", ["service", "plugin", "letter"])
def test_what_is_under_way_is_done_once(crm: CRM, firm: Firm, slow: Slow, other: CRM, kind: str) -> None:
    """Somebody moves the clock while it is done, and works off what is there."""
    make_deal(crm, by=firm.seller, title="Windows")

    def meanwhile() -> None:
        other.sandbox.advance(firm.owner, "3d")
        other.worker().run_once()

    slow.meanwhile = meanwhile
    station(crm, kind).work()
    other.worker().run_once()
    assert sorted(slow.done) == ["letter", "plugin", "service"]


def test_what_is_on_its_way_is_sent_once(crm: CRM, firm: Firm, slow: Slow, other: CRM) -> None:
    make_deal(crm, by=firm.seller, title="Windows")
    sent: list[Any] = []
    crm.sender(sent.append).run_once()
    there = len(sent)
    other.sandbox.advance(firm.owner, "3d")
    other.sender(sent.append).run_once()
    assert (there > 0, len(sent)) == (True, there)
    assert [other.perform(it) for it in sent] == [1] * there


@pytest.mark.parametrize("table", [tables.run, tables.delivery])
def test_what_lost_its_worker_is_taken_again_in_time(
    crm: CRM, firm: Firm, slow: Slow, other: CRM, rows: Any, table: Any
) -> None:
    """A lease ends when it would have ended: the worker looks again then, and not before."""
    make_deal(crm, by=firm.seller, title="Windows")
    one = station(crm, "service" if table is tables.run else "plugin")
    one.take(1) if table is tables.run else (one.fan_out(), one.take(1))
    other.sandbox.advance(firm.owner, "3d")
    [held] = [it for it in rows(table) if it["state"] == "running"]
    assert held["lease_until"] == MONDAY + LEASE
    with crm.database.read() as tx:
        assert crm.workspace.now(tx) < one.next_at(tx)
    assert one.take(9) == []
    crm.clock.advance(LEASE * 2)
    assert len(one.take(9)) == 1
