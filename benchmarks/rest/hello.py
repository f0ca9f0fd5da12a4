"""What routing and signing in cost, over a Flask application that says hello."""

from __future__ import annotations

from flask import Flask, Response

from benchmarks.measuring import Measured, in_turn
from benchmarks.rest.called import caller
from benchmarks.rest.requests import Request
from benchmarks.world import World
from opencrm.plugins.rest.application import application
from opencrm.plugins.rest.asking.requests import principal

MOST = 0.5e-3
"""Seconds over the hello."""

_HELLO = Request("GET", "/v1/hello")
_TIMES = 50


def line(one: World, key: str, database: str, rounds: int) -> Measured:
    """Measure a route that signs in and does no more, beside those of records."""
    app = application(one.crm)

    def signed_in() -> Response:
        with one.crm.read(principal()):
            return _hello()

    app.add_url_rule(_HELLO.path, "hello", signed_in)
    bare = Flask("hello")
    bare.add_url_rule(_HELLO.path, "hello", _hello)
    hello, ours = caller(bare), caller(app)
    pairs = in_turn(lambda: hello(_HELLO, key), lambda: ours(_HELLO, key), rounds=rounds, times=_TIMES)
    found = pairs.line("REST without server, signed in", database)
    over = found.ours - found.floor
    told = f"{over * 1000:.2f} ms over a Flask hello, at most {MOST * 1000:.2f}"
    return pairs.line(found.name, database, note=f"{told}: {'met' if over <= MOST else 'OVER'}")


def _hello() -> Response:
    return Response(b'"hello"', mimetype="application/json")
