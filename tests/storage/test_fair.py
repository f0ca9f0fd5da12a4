"""The queue of writers on SQLite: whoever is interrupted leaves it, and blocks nobody."""

from __future__ import annotations

import threading
from types import SimpleNamespace

import pytest

from opencrm.storage.waiting import fair
from opencrm.storage.waiting.fair import FairLock


def interrupted(lock, monkeypatch, *, turn_came):
    """Wait for the lock, and be interrupted: before one's turn, or at the very moment at which it came."""

    class Interrupted(threading.Event):
        def wait(self, timeout=None):
            if turn_came:
                release.set()
                super().wait(30)
            raise KeyboardInterrupt

    release, taken, left = threading.Event(), threading.Event(), threading.Event()

    def hold():
        with lock:
            taken.set()
            release.wait(30)
        left.set()

    holder = threading.Thread(target=hold)
    holder.start()
    assert taken.wait(30)
    with monkeypatch.context() as patch:
        names = {"Lock": threading.Lock, "get_ident": threading.get_ident}
        patch.setattr(fair, "threading", SimpleNamespace(Event=Interrupted, **names))
        with pytest.raises(KeyboardInterrupt), lock:
            pytest.fail("the lock was not waited for")
    release.set()
    holder.join(30)
    assert left.is_set()


def takes(lock):
    """Say whether another thread gets the lock."""
    got = threading.Event()

    def go():
        with lock:
            got.set()

    threading.Thread(target=go, daemon=True).start()
    return got.wait(10)


@pytest.mark.parametrize("turn_came", [False, True], ids=["before its turn", "at its turn"])
def test_an_interrupted_waiter_does_not_block_the_next(monkeypatch, turn_came):
    """The lock is free again, for others and for the one who was interrupted."""
    lock = FairLock()
    interrupted(lock, monkeypatch, turn_came=turn_came)
    assert not lock._queue
    assert takes(lock)
    with lock:
        pass


def test_a_turn_that_came_too_late_is_handed_on(monkeypatch):
    """Whoever waits behind the interrupted one gets the turn, and not before it is free."""
    lock, order = FairLock(), []

    class Interrupted(threading.Event):
        def wait(self, timeout=None):
            threading.Thread(target=behind).start()
            while len(lock._queue) < 2:
                pass
            release.set()
            super().wait(30)
            raise KeyboardInterrupt

    release, taken, done = threading.Event(), threading.Event(), threading.Event()

    def behind():
        monkeypatch.undo()
        with lock:
            order.append("behind")
        done.set()

    def hold():
        with lock:
            taken.set()
            release.wait(30)
            order.append("holder")

    threading.Thread(target=hold).start()
    assert taken.wait(30)
    names = {"Lock": threading.Lock, "get_ident": threading.get_ident}
    monkeypatch.setattr(fair, "threading", SimpleNamespace(Event=Interrupted, **names))
    with pytest.raises(KeyboardInterrupt), lock:
        pytest.fail("the lock was not waited for")
    assert done.wait(30)
    assert order == ["holder", "behind"]
    assert takes(lock)
