"""The requests that both sides are sent."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Protocol

import attrs
import orjson

from benchmarks.world import World
from opencrm.embed import issue_token

Send = Callable[[], object]


@attrs.frozen
class Request:
    """A request without its key."""

    method: str
    path: str
    query: str = ""
    body: bytes = b""


class Side(Protocol):
    """Sends a request with a key to one side; returns the JSON of its answer."""

    def __call__(self, request: Request, key: str) -> Any: ...


_DEAL: Mapping[str, str] = MappingProxyType(
    {"title": "Windows for a house", "amount": "1200.50", "source": "web", "expected_close": "2026-12-01"}
)
LIST = Request("GET", "/api/v1/deals", query="limit=50")
CREATE = Request("POST", "/api/v1/deals", body=orjson.dumps(dict(_DEAL)))


def key_of(one: World) -> str:
    """Return a key of the company's manager."""
    with one.crm.work(one.manager) as work:
        return issue_token(work, one.manager_id, label="benchmark")


def answered(status: str, body: bytes) -> Any:
    """Return what an answer says; fail unless it is a success."""
    if not status.startswith("20"):
        raise AssertionError(f"{status}: {body[:300]!r}")
    return orjson.loads(body)


def must_agree(ours: Any, theirs: Any) -> None:
    """Fail unless both answer with the same deals."""
    if ours["items"] != theirs["items"]:
        differing = next(pair for pair in zip(ours["items"], theirs["items"], strict=True) if pair[0] != pair[1])
        raise AssertionError(f"the sides answer differently: {differing}")
