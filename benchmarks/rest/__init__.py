"""REST, signed in with a key: list 50 deals and create one, against a bare WSGI application that does the same."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks import paging
from benchmarks.databases import Place
from benchmarks.measuring import Measured, Pairs, in_turn
from benchmarks.rest import called, hello
from benchmarks.rest.requests import CREATE, LIST, Send, key_of, must_agree
from benchmarks.rest.served import Bare, Opencrm, served
from benchmarks.world import fill_with_deals, world

TIMES = 20
"""Requests of one measurement."""

MOST_LIST, MOST_CREATE = 1 / 0.35, 1 / 0.30
"""The targets are shares of the bare application's requests per second."""


def measure(place: Place, size: int, rounds: int) -> Iterator[Measured]:
    """Measure both requests behind the web server of `opencrm serve`, each side in a process of its own."""
    with world(place, branches=paging.BRANCHES) as one, world(place) as theirs:
        fill_with_deals(one, size)
        way, (key, other) = paging.best(one).name, map(key_of, (one, theirs))
        with served(Opencrm(one.url)) as ours:
            with served(Bare.of(one, way)) as bare:
                must_agree(ours(LIST, key), bare(LIST, key))
                pairs = _pairs(lambda: bare(LIST, key), lambda: ours(LIST, key), rounds)
            yield pairs.line("REST, list of 50 deals", place.name, target=MOST_LIST)
            with served(Bare.of(theirs, way)) as bare:
                pairs = _pairs(lambda: bare(CREATE, other), lambda: ours(CREATE, key), rounds)
            yield pairs.line("REST, create a deal", place.name, target=MOST_CREATE)


def measure_called(place: Place, size: int, rounds: int) -> Iterator[Measured]:
    """Measure the two applications alone, called in this process; and what signing in adds to a bare Flask."""
    with world(place, branches=paging.BRANCHES) as one, world(place) as theirs:
        fill_with_deals(one, size)
        way, (key, other) = paging.best(one).name, map(key_of, (one, theirs))
        ours, bare = called.opencrm(one), called.bare(one, way)
        must_agree(ours(LIST, key), bare(LIST, key))
        pairs = _pairs(lambda: bare(LIST, key), lambda: ours(LIST, key), rounds)
        yield pairs.line("REST without server, list of 50 deals", place.name)
        empty = called.bare(theirs, way)
        pairs = _pairs(lambda: empty(CREATE, other), lambda: ours(CREATE, key), rounds)
        yield pairs.line("REST without server, create a deal", place.name)
        yield hello.line(one, key, place.name, rounds)


def _pairs(floor: Send, ours: Send, rounds: int) -> Pairs:
    return in_turn(floor, ours, rounds=rounds, times=TIMES, warm=8)
