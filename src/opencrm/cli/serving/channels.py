"""What waitress is taught: to refuse a body before it is stored, and to leave those who no longer read."""

from __future__ import annotations

import json
from collections.abc import Iterable
from copy import copy
from typing import Any

from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser
from waitress.utilities import RequestEntityTooLarge

STRANGERS = 2**20
"""Bytes that the body of a request may have that says nothing of who sends it."""
_WHO = ("AUTHORIZATION", "COOKIE")


class TooLarge(RequestEntityTooLarge):
    """The refusal of a body, as problem details."""

    def to_response(self, ident: Any = None) -> Any:
        told = {"type": "about:blank", "title": "Content Too Large", "status": 413, "code": "too_large"}
        body = json.dumps({**told, "detail": "the request's body is too large"}).encode()
        return f"{self.code} {self.reason}", [("Content-Type", "application/problem+json")], body


class Request(HTTPRequestParser):
    """Reads a request, and refuses a body that is too large once its length is told or reached."""

    def received(self, data: bytes) -> int:
        consumed: int = super().received(data)
        if isinstance(self.error, RequestEntityTooLarge):
            self.error = TooLarge("")
            self.expect_continue = False
        return consumed

    def parse_header(self, header_plus: bytes) -> None:
        super().parse_header(header_plus)
        if self.body_rcv is not None and not any(name in self.headers for name in _WHO):
            self.adj = copy(self.adj)
            self.adj.max_request_body_size = min(self.adj.max_request_body_size, STRANGERS + 1)


class Channel(HTTPChannel):
    """A connection."""

    parser_class = Request


class Stalled:
    """Closes connections whose client takes nothing of an answer for some time.

    Each keeps what it did not take, and perhaps the thread that answers; waitress itself waits for them for ever.

    Args:
        longest: After how many seconds.
    """

    def __init__(self, longest: float) -> None:
        self._longest = longest
        self._next = 0.0
        self._known: dict[Any, tuple[float, float]] = {}

    def close(self, connections: Iterable[Any], now: float) -> None:
        """Close those that are stalled for long, and remember the others; once a second is enough.

        Args:
            connections: All that there are, and what else waits for the network.
            now: Seconds of a clock that never jumps.
        """
        if now < self._next:
            return
        self._next, known = now + 1, dict[Any, tuple[float, float]]()
        for each in [*connections]:
            if isinstance(each, HTTPChannel) and each.total_outbufs_len:
                taken, since = self._known.get(each, (None, now))
                known[each] = (taken, since) if taken == each.last_activity else (each.last_activity, now)
                if now - known[each][1] > self._longest:
                    each.handle_close()
        self._known = known
