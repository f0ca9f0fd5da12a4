"""Lanes: what cannot be done now, though it is due, is looked at again after a pause, not without end."""

from __future__ import annotations

import threading
import time
from datetime import timedelta

import pytest

from opencrm.app.working.lanes import Lane
from opencrm.storage.waiting.alarms import Bell


class Locked:
    """A station with something that is due, and that somebody else has locked."""

    timely = True

    def __init__(self, due):
        self.rounds = 0
        self._due = due

    def work(self):
        self.rounds += 1
        return 0

    def next_at(self, tx):
        return self._due


@pytest.mark.parametrize("ago", [timedelta(0), timedelta(hours=1)])
def test_what_is_locked_elsewhere_makes_no_lane_spin(crm, ago):
    """A few looks a second."""
    station, stop = Locked(crm.clock.now() - ago), threading.Event()
    lane = Lane(crm.workspace, [station], Bell(), lambda: None)
    thread = threading.Thread(target=lane.run, args=[stop])
    thread.start()
    time.sleep(1)
    stop.set()
    thread.join(10)
    assert 1 <= station.rounds <= 7
