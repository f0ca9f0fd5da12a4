"""The floor: a bare WSGI application that reads the key, asks the same of the database and writes the same JSON."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import orjson

from benchmarks import creating, paging
from benchmarks.world import Company
from opencrm import Deal

Application = Callable[[dict[str, Any], Callable[..., Any]], Any]
_TOKEN = (
    "SELECT w.config_version, u.id, u.active, m.id, m.unit_id, m.role_id, t.expires_at FROM crm_workspace w "
    "JOIN crm_token t ON t.digest = ? AND t.revoked_at IS NULL "
    "JOIN crm_user u ON u.id = t.user_id AND u.deleted_at IS NULL "
    "LEFT JOIN crm_membership m ON m.user_id = u.id AND m.deleted_at IS NULL"
)


def application(connected: Callable[[], Company], way: str) -> Application:
    """Return the application; each thread of a server has a connection of its own.

    Args:
        connected: Connects to the company's database.
        way: Name of the fastest statement for the list.
    """
    own = threading.local()

    def answer(environ: dict[str, Any], start: Callable[..., Any]) -> Any:
        if not hasattr(own, "views"):
            own.views = _Views(connected(), way)
        view = own.views.listed if environ["REQUEST_METHOD"] == "GET" else own.views.created
        return view(environ, start)

    return answer


class _Views:
    """What answers on one connection."""

    def __init__(self, one: Company, way: str) -> None:
        self._raw = one.raw
        self._floor = creating.Floor(one)
        self._page = paging.ways(one)[way]
        self._names = [name for name in Deal.spec.fields if name != "deleted_at"]

    def listed(self, environ: dict[str, Any], start: Callable[..., Any]) -> list[bytes]:
        self._raw.begin_read()
        self._sign_in(environ)
        rows = self._page()
        self._raw.commit()
        items = [dict(zip(self._names, row, strict=True)) for row in rows]
        for item in items:
            item["amount"] = f"{item['amount'] / 10_000:.2f}"
            for name in ("stage_since", "created_at", "updated_at"):
                item[name] = _zulu(item[name])
        return _answer(start, "200 OK", {"items": items, "next": None})

    def created(self, environ: dict[str, Any], start: Callable[..., Any]) -> list[bytes]:
        given = orjson.loads(environ["wsgi.input"].read())
        deal, line, move = self._floor.rows(given)
        self._raw.begin()
        self._sign_in(environ)
        self._floor.store(deal, line, move)
        self._raw.commit()
        return _answer(start, "201 Created", {**given, "id": deal[0]})

    def _sign_in(self, environ: dict[str, Any]) -> None:
        key = environ["HTTP_AUTHORIZATION"].removeprefix("Bearer ")
        if not self._raw.run(_TOKEN, (sha256(key.encode()).hexdigest(),)):
            raise AssertionError("the key is not known")


def _zulu(at: Any) -> str:
    if isinstance(at, datetime):
        at = at.astimezone(UTC).isoformat()
    return str(at).replace(".000000", "").replace("+00:00", "Z")


def _answer(start: Callable[..., Any], status: str, body: Any) -> list[bytes]:
    text = orjson.dumps(body)
    start(status, [("Content-Type", "application/json"), ("Content-Length", str(len(text)))])
    return [text]
