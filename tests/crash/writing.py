"""Writers over REST: each keeps a log of what was acknowledged, and never takes a silence for a yes."""

from __future__ import annotations

import http.client
import json
import threading
import time
from pathlib import Path
from random import Random

import attrs


@attrs.define
class Writers:
    """Threads that change contacts over REST, and make new ones.

    Attributes:
        acknowledged: The values that the server said yes to.
        made: Names of the contacts that the server said it made.
        unsure: How many answers never came.
        refused: How many were refused, which none should be.
    """

    port: int
    token: str
    contacts: list[str]
    number: int
    log: Path
    threads: int = 4
    acknowledged: list[tuple[str, str]] = attrs.Factory(list)
    made: list[str] = attrs.Factory(list)
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
        kind = ("source", "description", "name")[attempt % 3 if attempt % 10 == 0 else attempt % 2]
        if kind == "name":
            method, path, body = "POST", "/api/v1/contacts", {"name": value}
        else:
            method, path, body = "PATCH", f"/api/v1/contacts/{random.choice(self.contacts)}", {kind: value}
        status = self._send(method, path, body)
        if status in (200, 201):
            with self._lock, self.log.open("a") as log:
                (self.made if kind == "name" else self.acknowledged).append(value if kind == "name" else (kind, value))
                log.write(f"{kind} {value}\n")
            return True
        if 400 <= status < 500:
            self.refused += 1
            return True
        self.unsure += 1
        time.sleep(0.1)
        return False

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
