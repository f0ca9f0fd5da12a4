"""A receiver that is slow holds up its own messages, and nobody else's."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from opencrm import CRM, Deal, Update, records
from opencrm.app.working.delivering.dispatching import Parcel
from opencrm.plugins.webhooks import posting
from opencrm.plugins.webhooks.guard import Target
from opencrm.testing import Firm, make_deal

Subscribe = Callable[..., tuple[str, str]]
SECONDS = 6.0
SOON = 3.0


@pytest.fixture
def hanging(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of a server that takes a message and never answers."""
    monkeypatch.setattr(posting, "SECONDS", SECONDS)
    held: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=_take, args=(listening, held), daemon=True).start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/"
    for each in held:
        each.close()


def _take(listening: socket.socket, held: list[socket.socket]) -> None:
    try:
        while True:
            held.append(listening.accept()[0])
    except OSError:  # The test is over.
        return


def _until(true: Callable[[], bool]) -> float:
    """Wait until something is true; return for how long."""
    begun = time.monotonic()
    while not true() and time.monotonic() - begun < SECONDS + 2:
        time.sleep(0.02)
    return time.monotonic() - begun


def test_a_quick_receiver_does_not_wait_for_slow_ones(
    crm: CRM, firm: Firm, receiver: Any, subscribe: Subscribe, hanging: str
) -> None:
    """Whichever of them subscribed first, and though each event goes to the slow ones too."""
    for at in range(3):
        subscribe(firm.owner, name=f"slow {at}", url=hanging, entity="deal")
    subscribe(firm.owner, entity="deal")
    with crm.worker().running():
        deals = [make_deal(crm, by=firm.seller, title=f"Windows {at}") for at in range(8)]
        assert _until(lambda: len(receiver.got) >= 8) < SOON
        with crm.work(firm.owner) as work:
            records.update(work, [Update(Deal, deals[0].id, title="Doors")])
        assert _until(lambda: len(receiver.got) >= 9) < SOON
    assert sorted(receiver.types) == ["deal.changed"] + ["deal.created"] * 8


def test_events_of_a_record_come_in_order(crm: CRM, firm: Firm, receiver: Any, subscribe: Subscribe) -> None:
    """Though receivers are called side by side."""
    for name in ("/one", "/two"):
        subscribe(firm.owner, name, entity="deal")
    with crm.worker().running():
        deal = make_deal(crm, by=firm.seller, title="0")
        for at in range(1, 20):
            with crm.work(firm.owner) as work:
                records.update(work, [Update(Deal, deal.id, title=str(at))])
        _until(lambda: len(receiver.got) >= 40)
    titles: dict[str, list[str]] = {"/one": [], "/two": []}
    for (path, _, _), event in zip(receiver.got, receiver.events, strict=True):
        titles[path].append(event["data"]["after"]["title"])
    assert titles == {name: [str(at) for at in range(20)] for name in titles}


def test_an_engine_is_sent_one_message_at_a_time_for_a_receiver(
    crm: CRM, firm: Firm, receiver: Any, subscribe: Subscribe
) -> None:
    """A slow one then keeps one of its threads, and not all of them."""
    subscribe(firm.owner, entity="deal")
    for at in range(5):
        make_deal(crm, by=firm.seller, title=f"Windows {at}")
    parcels: list[Parcel] = []
    sender = crm.sender(parcels.append)
    for _ in range(2):
        sender.run_once()
        told, parcels = [it for it in parcels if it.kind == "deliveries"], []
        sender = crm.sender(parcels.append)
        for parcel in told:
            crm.perform(parcel)
    assert [len(it.ids) for it in told] == [5]
    assert len(receiver.got) == 5


def test_addresses_that_swallow_everything_share_the_time_of_one_message(monkeypatch: pytest.MonkeyPatch) -> None:
    """Connecting is a part of it."""
    waited: list[float] = []

    def swallowed(_: Any, seconds: float) -> socket.socket:
        waited.append(seconds)
        time.sleep(seconds)
        raise TimeoutError("timed out")

    monkeypatch.setattr(socket, "create_connection", swallowed)
    monkeypatch.setattr(posting, "SECONDS", 0.5)
    monkeypatch.setattr(posting, "SECONDS_TO_CONNECT", 0.2)
    target = Target("erp.example.com", 443, "/", True, tuple(f"93.184.216.{at}" for at in range(60)))
    with pytest.raises(posting.Undelivered, match="too long"):
        posting.post(target, b"", {})
    assert len(waited) <= 4
    assert sum(waited) <= 0.6
