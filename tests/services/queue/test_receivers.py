"""Threads of receivers: nobody in two at once, and room is kept for the quick ones."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from opencrm.app.working.delivering import receivers
from opencrm.app.working.delivering.receivers import Receivers
from opencrm.services.queue import Delivery


def deliveries(*names: str) -> list[Delivery]:
    told = {"entry_id": "e", "entity": "deal", "record_id": "r", "attempts": 1, "lease": "l"}
    return [Delivery(id=f"{at}", plugin=name, **told) for at, name in enumerate(names)]


class Calls:
    """Receivers that answer when they are told to."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.freed = threading.Semaphore(0)
        self.answers: dict[str, threading.Event] = {}
        self.receivers = Receivers(self._call, self.freed.release)

    def take(self, *names: str) -> list[str]:
        for name in {*names} - self.receivers.barred().names:
            self.answers[name] = threading.Event()
        return [it.plugin for it in self.receivers.take(deliveries(*names))]

    def answer(self, *names: str) -> None:
        for name in names:
            self.answers[name].set()
        for _ in names:
            assert self.freed.acquire(timeout=10)

    def _call(self, several: list[Delivery]) -> None:
        name = several[0].plugin
        answered = self.answers[name]
        self.begun += [it.plugin for it in several]
        assert answered.wait(10)
        if name.endswith("breaks"):
            raise RuntimeError("the database is away")


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Iterator[Calls]:
    monkeypatch.setattr(receivers, "MOST", 4)
    monkeypatch.setattr(receivers, "MOST_SLOW", 2)
    found = Calls()
    yield found
    for each in found.answers.values():
        each.set()
    found.receivers.close()


def test_one_that_is_called_is_not_called_beside(calls: Calls) -> None:
    assert calls.take("p:a", "p:a", "p:b") == []
    assert calls.take("p:a", "p:b") == ["p:a", "p:b"]
    assert calls.receivers.barred().names == {"p:a", "p:b"}
    calls.answer("p:a")
    assert calls.take("p:a") == []


def test_there_is_an_end_to_how_many_are_called(calls: Calls) -> None:
    assert calls.take(*[f"p:{at}" for at in range(6)]) == ["p:4", "p:5"]
    assert calls.receivers.barred().channels
    calls.answer("p:0")
    assert not calls.receivers.barred().channels


def test_slow_ones_leave_room(calls: Calls, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a first turn that took long they share a half; one that was quick again is no longer among them."""
    slow = [f"p:slow {at}" for at in range(4)]
    monkeypatch.setattr(receivers, "_SLOW", -1.0)
    calls.take(*slow)
    calls.answer(*slow)
    monkeypatch.setattr(receivers, "_SLOW", 60.0)
    assert calls.take(*slow, "p:quick") == slow[2:]
    assert calls.receivers.barred().bars(slow[3])
    calls.answer(slow[0])
    assert calls.take(slow[0], slow[2]) == []


def test_what_breaks_frees_its_thread(calls: Calls) -> None:
    calls.take("p:breaks")
    calls.answer("p:breaks")
    assert calls.take("p:breaks") == []
