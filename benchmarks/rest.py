"""REST, without a server between: list 50 deals and create one, against a bare WSGI application that does the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from hashlib import sha256
from io import BytesIO
from typing import Any

import orjson

from benchmarks import creating, paging
from benchmarks.databases import Place
from benchmarks.measuring import Measured, in_turn
from benchmarks.world import World, fill_with_deals, world
from opencrm import Deal
from opencrm.app.serving import wsgi
from opencrm.embed import issue_token

TIMES = 10
"""Requests of one measurement."""

LIST, CREATE = 1 / 0.35, 1 / 0.30
"""The targets are shares of the bare application's requests per second."""

_BODY = {"title": "Windows for a house", "amount": "1200.50", "source": "web", "expected_close": "2026-12-01"}
_TOKEN = (
    "SELECT w.config_version, u.id, u.active, m.id, m.unit_id, m.role_id, t.expires_at FROM crm_workspace w "
    "JOIN crm_token t ON t.digest = ? AND t.revoked_at IS NULL "
    "JOIN crm_user u ON u.id = t.user_id AND u.deleted_at IS NULL "
    "LEFT JOIN crm_membership m ON m.user_id = u.id AND m.deleted_at IS NULL"
)
Application = Callable[[dict[str, Any], Callable[..., Any]], Any]


def measure(place: Place, size: int, rounds: int) -> Iterator[Measured]:
    """Measure both requests, signed in with a key."""
    with world(place, branches=paging.BRANCHES) as one, world(place) as theirs:
        fill_with_deals(one, size)
        ours, bare = wsgi(one.crm), _Bare(one)
        key = _key(one)
        listing = _request("GET", "/api/v1/deals?limit=50", key)
        theirs_too = _request("POST", "/api/v1/deals", _key(theirs), _BODY)
        creation = _request("POST", "/api/v1/deals", key, _BODY)
        _must_agree(_call(ours, listing), _call(bare.listed, listing))
        pairs = in_turn(lambda: _call(bare.listed, listing), lambda: _call(ours, listing), rounds=rounds, times=TIMES)
        yield pairs.line("REST, list of 50 deals", place.name, target=LIST)
        creator = _Bare(theirs).created
        pairs = in_turn(lambda: _call(creator, theirs_too), lambda: _call(ours, creation), rounds=rounds, times=TIMES)
        yield pairs.line("REST, create a deal", place.name, target=CREATE)


def _key(one: World) -> str:
    with one.crm.work(one.manager) as work:
        return issue_token(work, one.manager_id, label="benchmark")


def _request(method: str, path: str, key: str, body: Mapping[str, Any] | None = None) -> Callable[[], dict[str, Any]]:
    """Return what makes the environment of a request as a server would give it."""
    plain, _, query = path.partition("?")
    sent = b"" if body is None else orjson.dumps(body)
    given = {
        "REQUEST_METHOD": method,
        "PATH_INFO": plain,
        "QUERY_STRING": query,
        "SCRIPT_NAME": "",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_AUTHORIZATION": f"Bearer {key}",
        "HTTP_HOST": "localhost",
        "CONTENT_LENGTH": str(len(sent)),
        "wsgi.url_scheme": "http",
        "wsgi.version": (1, 0),
    }
    kind = {"CONTENT_TYPE": "application/json"} if body is not None else {}
    return lambda: {**given, **kind, "wsgi.input": BytesIO(sent), "wsgi.errors": BytesIO()}


def _call(application: Application, request: Callable[[], dict[str, Any]]) -> Any:
    statuses: list[str] = []
    answer = application(request(), lambda status, headers, exc_info=None: statuses.append(status))
    body = b"".join(answer)
    if not statuses[0].startswith("20"):
        raise AssertionError(f"{statuses[0]}: {body[:300]!r}")
    return orjson.loads(body)


def _must_agree(ours: Any, theirs: Any) -> None:
    """Fail unless both answer with the same deals."""
    if ours["items"] != theirs["items"]:
        differing = next(pair for pair in zip(ours["items"], theirs["items"], strict=True) if pair[0] != pair[1])
        raise AssertionError(f"the sides answer differently: {differing}")


class _Bare:
    """Hand-written: reads the key, asks the same of the database, writes the same JSON."""

    def __init__(self, one: World) -> None:
        self._raw = one.raw
        self._floor = creating.Floor(one)
        self._page = paging.best(one)
        self._names = [name for name in Deal.spec.fields if name != "deleted_at"]

    def listed(self, environ: dict[str, Any], start: Callable[..., Any]) -> list[bytes]:
        self._raw.begin_read()
        self._sign_in(environ)
        rows = self._page.run()
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
    start(status, [("Content-Type", "application/json")])
    return [orjson.dumps(body)]
