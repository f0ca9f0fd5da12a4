"""A company with as many deals and contacts as are asked for, written by the bare driver."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from random import Random
from typing import Any

import attrs

from benchmarks.databases import Place, Raw
from benchmarks.large.ways import EVERY_WAY, Ways, every_way
from benchmarks.world import World, stamp, world
from opencrm import Create, Membership, Pipeline, Principal, Role, Stage, User, hookimpl, records

BRANCHES = 20
LEVELS = 6
FEW = 10_000
"""One deal in so many is the seller's who sees only their own: 0.01 %."""

STAGES = ("new", "contact", "offer", "negotiation", "won", "lost")
_BEGIN, _END = datetime(2024, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)
_CURRENCIES = ("EUR",) * 16 + ("USD",) * 3 + ("GBP",)
_SOURCES = ("web", "fair", "phone", "partner")

DEAL = [
    "id",
    "title",
    "title_key",
    "amount",
    "currency",
    "amount_from",
    "expected_close",
    "closed_at",
    "source",
    "source_key",
    "owner_id",
    "unit_id",
    "pipeline",
    "stage",
    "stage_since",
    "created_at",
    "created_by",
    "updated_at",
    "version",
]
MOVE = ["id", "act", "entity", "record_id", "pipeline", "start", "end", "at", "by", "seconds"]
CONTACT = [
    "id",
    "name",
    "name_key",
    "source",
    "source_key",
    "owner_id",
    "unit_id",
    "created_at",
    "created_by",
    "updated_at",
    "version",
]


class Staged:
    """A plugin with one pipeline of six stages."""

    @hookimpl
    def opencrm_register_pipelines(self) -> Iterator[Pipeline]:
        ends = [Stage("won", kind="won"), Stage("lost", kind="lost")]
        yield Pipeline("sales", [*STAGES[:4], *ends], moves=[*pairwise(STAGES[:5]), ("*", "lost")])


@attrs.frozen(kw_only=True)
class Large:
    """A large company, and three who read it.

    Attributes:
        one: The company.
        readers: Who reads, by how much of it they see.
        ways: Of whom sees records in every way: who shares with them, and whom they stand in for.
    """

    one: World
    readers: dict[str, Principal]
    ways: Ways


@contextmanager
def large(place: Place, size: int) -> Iterator[Large]:
    """Make a company of so many deals and contacts in a new database."""
    with world(place, branches=BRANCHES, levels=LEVELS, plugins=[Staged()]) as one:
        owner = one.crm.sole_owner()
        few = _seller(one, owner)
        fill(one, size, few)
        ways = every_way(one, owner)
        readers = {"5 %": one.manager, "0.01 %": Principal.user(few), "100 %": owner}
        yield Large(one=one, readers={**readers, EVERY_WAY: Principal.user(ways.reader)}, ways=ways)


def fill(one: World, size: int, few: str) -> None:
    """Store the deals with their stages, and the contacts; indexes are made afterwards."""
    with _unindexed(one.raw, ("crm_deal", "crm_stage_move", "crm_contact")):
        one.raw.begin()
        one.raw.load("crm_deal", DEAL, (deal for deal, _ in _deals(one, size, few)))
        one.raw.load("crm_stage_move", MOVE, (move for _, moves in _deals(one, size, few) for move in moves))
        one.raw.load("crm_contact", CONTACT, _contacts(one, size, few))
        one.raw.commit()
    one.crm.recount()
    one.raw.run("ANALYZE" if one.raw.sqlite else "VACUUM ANALYZE")


def _seller(one: World, owner: Principal) -> str:
    with one.crm.work(owner) as work:
        [role] = work.lookup(Role, "key", ["manager_2"])["manager_2"]
        [made] = records.create(work, [Create(User, name="Few Deals")])
        unit = one.people[-1][1]
        records.create(work, [Create(Membership, user_id=made.record_id, unit_id=unit, role_id=role)])
        return made.record_id


def _deals(one: World, size: int, few: str) -> Iterator[tuple[tuple[Any, ...], list[tuple[Any, ...]]]]:
    """Give each deal with its log of stages; the same ones at each call."""
    random, ids = Random(2026), _ids()
    for at in range(size):
        owner, unit = random.choice(one.people)
        creator, unowned = random.choice(one.people)[0], random.random() < 0.03
        if at % FEW == FEW // 2:
            owner, unit, unowned = few, one.people[-1][1], False
        made = _BEGIN + (_END - _BEGIN) * at / size
        stage = _stage(random, at / size)
        since = made + timedelta(hours=random.randrange(1, 2000))
        when, moved = stamp(made, sqlite=one.raw.sqlite), stamp(since, sqlite=one.raw.sqlite)
        amount = None if random.random() < 0.03 else random.randrange(100, 90_000) * 10_000
        close: Any = (made + timedelta(days=at % 200)).date()
        close = close.isoformat() if one.raw.sqlite else close
        source, currency = random.choice(_SOURCES), None if amount is None else random.choice(_CURRENCIES)
        id, by, title = next(ids), f"user:{creator}", f"Windows for house {at}"
        closed = moved if stage in ("won", "lost") else None
        head = (id, title, title.lower(), amount, currency, "hand", close, closed, source, source)
        deal = (*head, None if unowned else owner, unit, "sales", stage, moved, when, by, when, 1)
        moves = [(next(ids), id, "deal", id, "sales", None, "new", when, by, None)]
        if stage != "new":
            seconds = int((since - made).total_seconds())
            moves.append((next(ids), id, "deal", id, "sales", "new", stage, moved, by, seconds))
        yield deal, moves


def _stage(random: Random, age: float) -> str:
    """Return a stage: most of the old deals are closed, most of the new ones open."""
    if random.random() < (0.95 if age < 0.85 else 0.1):
        return "won" if random.random() < 0.4 else "lost"
    return random.choice(STAGES[:4])


def _contacts(one: World, size: int, few: str) -> Iterator[tuple[Any, ...]]:
    random, ids = Random(2027), _ids(2)
    for at in range(size):
        owner, unit = (few, one.people[-1][1]) if at % FEW == FEW // 2 else random.choice(one.people)
        when = stamp(_BEGIN + (_END - _BEGIN) * at / size, sqlite=one.raw.sqlite)
        name = f"{random.choice(_FIRST)} {random.choice(_LAST)} {at}"
        yield (next(ids), name, name.lower(), "web", "web", owner, unit, when, f"user:{owner}", when, 1)


def _ids(series: int = 1) -> Iterator[str]:
    """Give ids in order of time, the same ones at each call."""
    at = 0
    while True:
        at += 1
        yield f"018c{at >> 32:04x}-{at >> 16 & 0xFFFF:04x}-7{series:03x}-8000-{at & 0xFFFF:012x}"


@contextmanager
def _unindexed(raw: Raw, tables: Iterable[str]) -> Iterator[None]:
    """Take the indexes off while much is loaded."""
    marks = tuple(tables)
    wanted = ", ".join("?" * len(marks))
    listed = (
        f"SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL AND tbl_name IN ({wanted})"
        if raw.sqlite
        else f"SELECT indexname, indexdef FROM pg_indexes WHERE indexname NOT LIKE 'pk_%%' AND tablename IN ({wanted})"
    )
    found = raw.run(listed, marks)
    for name, _ in found:
        raw.run(f'DROP INDEX "{name}"')
    yield
    for _, text in found:
        raw.run(text)


_FIRST = ("Anna", "Ben", "Carla", "David", "Eva", "Finn", "Greta", "Hugo", "Ines", "Jan")
_LAST = ("Adler", "Becker", "Conrad", "Diaz", "Ebert", "Fischer", "Graf", "Huber", "Ivanov", "Jansen")
