"""Search by the beginnings of words among contacts, against the better of some hand-written statements."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from functools import partial
from random import Random
from statistics import median
from typing import Any

import attrs

from benchmarks.databases import Place
from benchmarks.measuring import Measured, in_turn, timed
from benchmarks.world import BEGIN, World, stamp, world
from opencrm import Contact, ContactPoint, Create, Membership, Principal, Role, User, records
from opencrm.core.search import HEAD, Document, documents
from opencrm.services import searching
from opencrm.storage.search import VECTOR, beginnings

BRANCHES = 20
FEW = 10_000
"""One contact in so many is the seller's who sees only their own: 0.01 %."""
LIMIT = 20
TIMES = 5

ASKED = ("an", "sch", "schmidt", "gm", "schmidt 77", "0171 77")
"""Beginnings of many names, of fewer, a whole name, the domain of a third of all addresses, two words, a number."""

_FIRST = [
    "Anna",
    "Bernd",
    "Clara",
    "David",
    "Elena",
    "Farid",
    "Greta",
    "Hugo",
    "Ines",
    "Jonas",
    "Karl",
    "Lena",
    "Mario",
    "Nina",
    "Oskar",
    "Petra",
    "Rosa",
    "Sven",
    "Tom",
]
_ONSET = [
    "Schm",
    "Schn",
    "Schr",
    "An",
    "Ar",
    "B",
    "Br",
    "D",
    "F",
    "Gr",
    "H",
    "J",
    "K",
    "Kr",
    "L",
    "M",
    "N",
    "P",
    "R",
    "St",
    "T",
    "V",
    "W",
    "Z",
]
_CODA = [
    "idt",
    "eider",
    "aeger",
    "ack",
    "auer",
    "ecker",
    "ehn",
    "ell",
    "erg",
    "ink",
    "isch",
    "ohl",
    "olt",
    "onn",
    "ucker",
    "usch",
]
_DOMAINS = ("gmail.com", "example.org", "example.com")
_CONTACT = ["id", "name", "name_key", "owner_id", "unit_id", "created_at", "created_by", "updated_at", "version"]
_POINT = [
    "id",
    "contact_id",
    "kind",
    "value",
    "key",
    "preferred",
    "valid",
    "consent",
    "created_at",
    "created_by",
    "updated_at",
    "version",
]
_DOCUMENT = [*Document._fields, "head"]


def measure(place: Place, size: int, rounds: int) -> Iterator[Measured]:
    """Measure each question for three readers: of 5 %, of 0.01 % and of all contacts."""
    with world(place, branches=BRANCHES) as one:
        owner = one.crm.sole_owner()
        few = _seller(one, owner)
        fill(one, size, few)
        readers = {"5 %": one.manager, "0.01 %": Principal.user(few), "100 %": owner}
        for how, principal in readers.items():
            yield from _measured(one, size, how, principal, rounds)


def _measured(one: World, size: int, how: str, principal: Principal, rounds: int) -> Iterator[Measured]:
    with one.crm.read(principal) as reader:
        for text in ASKED:
            hand = _best(one, how, principal, text)
            ask = partial(searching.search, reader, text, [Contact], limit=LIMIT)
            assert not hand.run() or len(ask()) == len(hand.run()), (how, text)
            pairs = in_turn(hand.run, ask, rounds=max(rounds // 4, 5), times=TIMES)
            note = f"{size:,} contacts, floor: {hand.name}"
            allowed = 5 + 0.003 / median(pairs.floor)
            yield pairs.line(f"search {text!r}, {how}", _database(one), target=allowed, note=note)


@attrs.frozen
class Floor:
    """A hand-written statement: it gives the names of the contacts that were entered last."""

    name: str
    run: Callable[[], list[str]]


def _best(one: World, how: str, principal: Principal, text: str) -> Floor:
    """Return the fastest of the hand-written statements."""
    found = [Floor(name, run) for name, run in _ways(one, how, str(principal.id), text).items()]
    rounds = [[timed(floor.run) for floor in found] for _ in range(10)]
    return min(zip(found, zip(*rounds, strict=True), strict=True), key=lambda pair: median(pair[1]))[0]


def _ways(one: World, how: str, user: str, text: str) -> dict[str, Callable[[], list[str]]]:
    reach, mine = _reach(one, how, user)
    words = ["17177"] if text.startswith("0171") else text.split()
    columns = "SELECT d.record_id, c.name FROM"
    living = f"c.deleted_at IS NULL AND {reach} ORDER BY d.id DESC LIMIT {3 * LIMIT}"
    held = " AND ".join([f"{'instr' if one.raw.sqlite else 'strpos'}(' ' || d.text, ?) > 0"] * len(words))
    if one.raw.sqlite:
        first = (
            "crm_search s CROSS JOIN crm_search_document d ON d.id = s.rowid JOIN crm_contact c ON c.id = d.record_id "
            "WHERE crm_search MATCH ?"
        )
        living_first = living.replace("d.id", "s.rowid")
    else:
        first = f"crm_search_document d JOIN crm_contact c ON c.id = d.record_id WHERE {VECTOR} @@ CAST(? AS tsquery)"
        living_first = living
    scoped = f"crm_contact c JOIN crm_search_document d ON d.record_id = c.id WHERE {held}"
    return {
        "full text first": _runner(one, f"{columns} {first} AND {living_first}", (_match(one, words), *mine)),
        "reach first": _runner(one, f"{columns} {scoped} AND {living}", (*(f" {it}" for it in words), *mine)),
    }


def _match(one: World, words: list[str]) -> str:
    both, either = (" AND ", " OR ") if one.raw.sqlite else (" & ", " | ")
    each = [both.join(beginnings([word], [it], sqlite=one.raw.sqlite) for word in words) for it in (0, 1)]
    return either.join(f"({it})" for it in each)


def _reach(one: World, how: str, user: str) -> tuple[str, tuple[str, ...]]:
    if how == "100 %":
        return "1 = 1", ()
    units = tuple(dict.fromkeys(unit for _, unit in one.people[:10])) if how == "5 %" else ()
    inside = f"c.unit_id IN ({', '.join('?' * len(units))}) OR " if units else ""
    return f"({inside}c.owner_id = ? OR c.owner_id IS NULL AND c.created_by = ?)", (*units, user, f"user:{user}")


def _runner(one: World, sql: str, values: tuple[str, ...]) -> Callable[[], list[str]]:
    return lambda: list(dict(one.raw.run(sql, values)).values())[:LIMIT]


def _database(one: World) -> str:
    return "sqlite" if one.raw.sqlite else "postgresql"


def fill(one: World, size: int, few: str) -> None:
    """Store contacts, each with an address and a number, and what search holds of them."""
    one.raw.begin()
    one.raw.load("crm_contact", _CONTACT, (row for row, _, _ in _contacts(one, size, few)))
    one.raw.load("crm_contact_point", _POINT, (row for _, rows, _ in _contacts(one, size, few) for row in rows))
    one.raw.load(
        "crm_search_document", _DOCUMENT, (it for _, _, several in _contacts(one, size, few) for it in several)
    )
    one.raw.commit()
    one.raw.run("ANALYZE" if one.raw.sqlite else "VACUUM ANALYZE")


def _contacts(one: World, size: int, few: str) -> Iterator[tuple[Any, list[Any], list[Any]]]:
    """Give each contact as a row, its points as rows, and its documents; the same at each call."""
    random = Random(2026)
    for at in range(size):
        owner, unit = (few, one.people[-1][1]) if at % FEW == FEW // 2 else random.choice(one.people)
        first, last = random.choice(_FIRST), random.choice(_ONSET) + random.choice(_CODA)
        when = stamp(BEGIN + timedelta(seconds=60 * at), sqlite=one.raw.sqlite)
        end = (when, f"user:{owner}", when, 1)
        id, name = _id(at, 0), f"{first} {last} {at}"
        mail, phone = f"{first}.{last}{at}@{random.choice(_DOMAINS)}".lower(), f"+49171{at % 100:02}{at:06}"
        points = [
            {"id": _id(at, 1), "contact_id": id, "kind": "email", "value": mail, "key": mail},
            {"id": _id(at, 2), "contact_id": id, "kind": "phone", "value": phone, "key": phone},
        ]
        flags = (0, 1) if one.raw.sqlite else (False, True)
        rows = [(*point.values(), *flags, "unknown", *end) for point in points]
        yield (id, name, name.lower(), owner, unit, *end), rows, list(_documents(id, name, points))


def _documents(id: str, name: str, points: Iterable[dict[str, Any]]) -> Iterator[tuple[Any, ...]]:
    known = {spec.name: spec for spec in (Contact.spec, ContactPoint.spec)}
    states = [(Contact.spec, {"id": id, "name": name}), *((ContactPoint.spec, point) for point in points)]
    for spec, state in states:
        yield from ((*it, it.text[:HEAD]) for it in documents(spec, state, known))


def _id(at: int, kind: int) -> str:
    return f"01900000-{at >> 16:04x}-7{kind:03x}-8000-{at:012x}"


def _seller(one: World, owner: Principal) -> str:
    with one.crm.work(owner) as work:
        [role] = work.lookup(Role, "key", ["manager_2"])["manager_2"]
        [user] = records.create(work, [Create(User, name="Sole Seller")])
        seat = {"user_id": user.record_id, "unit_id": one.people[-1][1], "role_id": role, "is_primary": True}
        records.create(work, [Create(Membership, values=seat)])
    return user.record_id
