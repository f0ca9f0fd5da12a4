"""Changing who may do what in a company of a thousand users, until the change is in force; and explaining it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count

import attrs

from benchmarks.databases import Place
from benchmarks.measuring import Measured, Pairs, timed
from benchmarks.world import PEOPLE, World, fill_with_deals, world
from opencrm import Deal, Principal, Query, Role, Unit, Update, explaining, records

BRANCHES = 100
LEVELS = 6
DEALS = 20_000


@attrs.frozen(kw_only=True)
class Change:
    """A change of the organisation, by opencrm and by hand.

    Attributes:
        name: What is changed.
        ours: Changes it, the other way at each call.
        floor: Does the same by hand.
    """

    name: str
    ours: Callable[[], object]
    floor: Callable[[], object]


def measure(place: Place, rounds: int) -> Iterator[Measured]:
    """Measure edits of a role and moves of a unit with the next request after each, and an explanation."""
    with _company(place) as one:
        for change in (_role(one), _move(one)):
            yield _measured(one, change, place, max(rounds // 4, 5))
        yield _explained(one, place, rounds)


@contextmanager
def _company(place: Place) -> Iterator[World]:
    with world(place, branches=BRANCHES, levels=LEVELS) as one:
        fill_with_deals(one, DEALS)
        yield one


def _measured(one: World, change: Change, place: Place, rounds: int) -> Measured:
    taken: tuple[list[float], list[float]] = ([], [])
    for at in range(-2, rounds):
        floor, ours = timed(change.floor), timed(change.ours)
        if at >= 0:
            taken[0].append(floor)
            taken[1].append(ours)
    users = BRANCHES * PEOPLE
    return Pairs(*taken).line(change.name, place.name, note=f"{users:,} users; wanted: under a second")


def _role(one: World) -> Change:
    """Edit the role that most people hold, and read a page as one of them."""
    owner, seller, turn = one.crm.sole_owner(), Principal.user(one.people[3][0]), count()
    with one.crm.read(owner) as reader:
        [id] = reader.lookup(Role, "key", ["manager_2"])["manager_2"]
        grants = list(reader.get(Role, id).grants)

    def ours() -> None:
        wider = [{"entity": "deal", "action": "read", "scope": ("team", "subtree")[next(turn) % 2]}]
        with one.crm.work(owner) as work:
            records.update(work, [Update(Role, id, grants=[*grants, *wider])])
        with one.crm.read(seller) as reader:
            reader.list(Query(Deal))

    return Change(name="role edit, and the next request", ours=ours, floor=_by_hand(one, "crm_role", "rank = rank", id))


def _move(one: World) -> Change:
    """Move a branch below another one and back, and read a page as the other's manager."""
    owner, turn = one.crm.sole_owner(), count()
    unit, other = one.people[0][1], one.people[PEOPLE][1]
    with one.crm.read(owner) as reader:
        root = reader.get(Unit, unit).parent_id

    def ours() -> None:
        with one.crm.work(owner) as work:
            records.update(work, [Update(Unit, unit, parent_id=(other, root)[next(turn) % 2])])
        with one.crm.read(Principal.user(one.people[PEOPLE][0])) as reader:
            reader.list(Query(Deal))

    floor = _by_hand(one, "crm_unit", "name = name", unit)
    return Change(name="move of a branch, and the next request", ours=ours, floor=floor)


def _by_hand(one: World, table: str, values: str, id: str) -> Callable[[], object]:
    """Return what changes one row and reads a page, past all rules."""
    raw = one.raw

    def change() -> None:
        raw.begin()
        raw.run(f"UPDATE {table} SET {values} WHERE id = ?", (id,))
        raw.commit()
        raw.run("SELECT * FROM crm_deal WHERE unit_id = ? ORDER BY created_at DESC, id DESC LIMIT 51", (one.unit,))

    return change


def _explained(one: World, place: Place, rounds: int) -> Measured:
    """Explain to the owner why a manager may read a deal: hand-written, that is the record and the person's places."""
    owner = one.crm.sole_owner()
    with one.crm.read(one.manager) as reader:
        deal = reader.list(Query(Deal, limit=1)).rows[0].id

    def ours() -> None:
        with one.crm.read(owner) as reader:
            assert explaining.explain(reader, Deal, deal, user=one.manager_id).allowed

    def floor() -> None:
        one.raw.run("SELECT * FROM crm_deal WHERE id = ?", (deal,))
        one.raw.run(
            "SELECT * FROM crm_membership m JOIN crm_role r ON r.id = m.role_id WHERE m.user_id = ?", (one.manager_id,)
        )

    taken = [(timed(floor), timed(ours)) for _ in range(rounds + 3)][3:]
    return Pairs(*zip(*taken, strict=True)).line("explain", place.name, note="wanted: under 50 ms")
