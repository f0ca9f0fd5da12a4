"""A mail server that takes long: it holds up letters, and nothing else that rules do."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest

from opencrm import (
    CRM,
    ContactPoint,
    Create,
    Deal,
    Pipeline,
    Rule,
    Service,
    Stage,
    Update,
    call,
    changed,
    hookimpl,
    records,
    send,
    update,
)
from opencrm.embed import SignIn
from opencrm.plugins import smtp
from opencrm.storage import tables
from opencrm.testing import Firm, make_contact, make_deal

ORDER = Pipeline(
    "order",
    [Stage("request", do=[send("Your order: {title}", "It is here.")]), Stage("won", kind="won")],
    moves={("request", "won")},
)


class Slow:
    """Writes to clients of orders, and calls a service for what is renamed: before it writes."""

    name = "slow"

    def __init__(self) -> None:
        self.called = threading.Event()

    @hookimpl
    def opencrm_register_pipelines(self) -> Iterator[Pipeline]:
        yield ORDER

    @hookimpl
    def opencrm_register_services(self) -> Iterator[Service]:
        yield Service(name="slow_tell", run=self._tell)

    @hookimpl
    def opencrm_register_rules(self) -> Iterator[Rule]:
        letter = send("Renamed: {title}", "It is renamed.")
        yield Rule("telling", on=changed(Deal, "title"), do=[call("slow_tell"), letter, update(source="told")])

    def _tell(self, door: Any, values: Mapping[str, Any]) -> None:
        self.called.set()


@pytest.fixture
def slow() -> Slow:
    return Slow()


@pytest.fixture
def crm_plugins(slow: Slow) -> Sequence[object]:
    return [slow]


@pytest.fixture
def client(crm: CRM, firm: Firm) -> str:
    contact = make_contact(crm, by=firm.owner, owner_id=firm.seller.id, name="Maria Lopez")
    with crm.work(firm.seller) as work:
        values = {"contact_id": contact.id, "kind": "email", "value": "maria@example.com"}
        records.create(work, [Create(ContactPoint, values=values)])
    return contact.id


def rename(crm: CRM, firm: Firm, id: str) -> None:
    with crm.work(firm.seller) as work:
        records.update(work, [Update(Deal, id, title="Doors")])


def test_a_server_that_says_nothing_holds_up_no_other_run(
    crm: CRM, firm: Firm, slow: Slow, client: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Six letters before it take half a minute; the worker ends after the one that is under way."""
    monkeypatch.setattr(smtp, "SECONDS", 5.0)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        crm.accounts.policy = SignIn(
            base_url="https://crm.example.com", mail_url=f"smtp://127.0.0.1:{silent.getsockname()[1]}"
        )
        for _ in range(6):
            make_deal(crm, by=firm.seller, contact_id=client, pipeline="order")
        other = make_deal(crm, by=firm.seller, contact_id=client)
        with crm.worker().running():
            silent.settimeout(10)
            line, _ = silent.accept()
            rename(crm, firm, other.id)
            assert slow.called.wait(10)
        line.close()


def test_a_run_goes_from_one_thread_to_the_other(
    crm: CRM, firm: Firm, slow: Slow, client: str, letterbox: Any, rows: Any
) -> None:
    """What comes before a letter, the letter, and what comes after it: each once, and in order."""
    crm.accounts.policy = SignIn(base_url="https://crm.example.com", mail_url=letterbox.url)
    deal = make_deal(crm, by=firm.seller, contact_id=client)
    rename(crm, firm, deal.id)
    crm.worker().run_once()
    [run] = [it for it in rows(tables.run) if it["rule"] == "telling"]
    assert (run["state"], run["letter"]) == ("done", False)
    assert [(it["action"], it["state"]) for it in run["steps"]] == [
        ("call", "done"),
        ("send", "done"),
        ("update", "done"),
    ]
    assert [it["Subject"] for it in letterbox.letters].count("Renamed: Doors") == 1
