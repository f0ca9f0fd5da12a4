"""Writers over REST: each keeps a log of what was acknowledged, and never takes a silence for a yes."""

from __future__ import annotations

import http.client
import json
import threading
import time
from datetime import timedelta
from pathlib import Path
from random import Random
from types import MappingProxyType

import attrs

from opencrm.embed import Clock

PIPELINE = "crashing"
AHEAD = timedelta(seconds=2)
"""How far ahead an activity is planned, before and after which a rule does something."""

_MADE = MappingProxyType({"name": "contacts", "title": "deals", "subject": "activities"})
_NAMES = MappingProxyType({3: "title", 8: "subject", 10: "name", 18: "title", 23: "subject"})
"""What is made instead of changed, of thirty writes."""


@attrs.define
class Writers:
    """Threads that change contacts over REST, and make new ones.

    Attributes:
        acknowledged: The values that the server said yes to.
        clock: What the server's clock shows.
        made: What the server said it made: the field that names it, and its name.
        unsure: How many answers never came.
        refused: How many were refused, which none should be.
    """

    port: int
    token: str
    contacts: list[str]
    number: int
    log: Path
    clock: Clock
    threads: int = 4
    acknowledged: list[tuple[str, str]] = attrs.Factory(list)
    made: list[tuple[str, str]] = attrs.Factory(list)
    unsure: int = 0
    refused: int = 0
    _left: int = 0
    _lock: threading.Lock = attrs.Factory(threading.Lock)
    _running: list[threading.Thread] = attrs.Factory(list)

    def start(self) -> None:
        """Begin to write."""
        self._left = self.number
        self._running = [threading.Thread(target=self._write, args=(at,)) for at in range(self.threads)]
        for thread in self._running:
            thread.start()

    @property
    def done(self) -> bool:
        """Whether all is written."""
        return not any(thread.is_alive() for thread in self._running)

    @property
    def answered(self) -> int:
        """How much was acknowledged."""
        return len(self.acknowledged) + len(self.made)

    def went_on(self, before: int) -> bool:
        """Say whether more was acknowledged since then, or all is written."""
        return self.done or self.answered > before

    def _write(self, writer: int) -> None:
        random, attempt = Random(writer), 0
        while self._more():
            while True:
                attempt += 1
                value = f"w{writer}-{attempt}"
                if self._one(random, attempt, value):
                    break

    def _one(self, random: Random, attempt: int, value: str) -> bool:
        """Send one change; say whether it was acknowledged: one that was not may be there or not."""
        kind = _NAMES.get(attempt % 30, ("source", "description")[attempt % 2])
        method, path, body = self._request(random, kind, value)
        status = self._send(method, path, body)
        if status in (200, 201):
            with self._lock, self.log.open("a") as log:
                (self.made if kind in _MADE else self.acknowledged).append((kind, value))
                log.write(f"{kind} {value}\n")
            return True
        if 400 <= status < 500:
            self.refused += 1
            return True
        self.unsure += 1
        time.sleep(0.1)
        return False

    def _request(self, random: Random, kind: str, value: str) -> tuple[str, str, dict[str, str]]:
        if kind not in _MADE:
            return "PATCH", f"/api/v1/contacts/{random.choice(self.contacts)}", {kind: value}
        more = {"pipeline": PIPELINE} if kind == "title" else {}
        if kind == "subject":
            more = {"happened_at": (self.clock.now() + AHEAD).isoformat()}
        return "POST", f"/api/v1/{_MADE[kind]}", {kind: value, **more}

    def _send(self, method: str, path: str, body: dict[str, str]) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        try:
            connection.request(method, path, json.dumps(body), headers)
            return connection.getresponse().status
        except (OSError, http.client.HTTPException):
            return 0
        finally:
            connection.close()

    def _more(self) -> bool:
        with self._lock:
            self._left -= 1
            return self._left >= 0
