"""Somebody who comes by records in every way that there is."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import attrs

from benchmarks.databases import Raw
from benchmarks.world import PEOPLE, World
from opencrm import Create, Deputy, Principal, Share, Task, records

EVERY_WAY = "5 %, every way"
"""Units, own and unowned records, open tasks, shares of two people, and standing in for a third."""

TASKS = 40
SHARES = 15
"""Of each who shares."""

_UNTIL = datetime(2100, 1, 1, tzinfo=UTC)


@attrs.frozen(kw_only=True)
class Ways:
    """Who reads in every way, and through whom.

    Attributes:
        reader: The manager of the second branch.
        sharers: The managers of the third and the fourth, who each share some deals of their branch.
        absent: A seller of the fifth branch, for whom the reader stands in.
    """

    reader: str
    sharers: tuple[str, str]
    absent: str


def every_way(one: World, owner: Principal) -> Ways:
    """Give the manager of the second branch tasks, shares and a deputyship."""
    heads = [one.people[PEOPLE * at][0] for at in range(1, 4)]
    found = Ways(reader=heads[0], sharers=(heads[1], heads[2]), absent=one.people[PEOPLE * 4 + 3][0])
    others = _deals(one.raw, [user for user, _ in one.people[PEOPLE * 6 : PEOPLE * 8]], TASKS)
    with one.crm.work(owner) as work:
        deputy = {"of_id": found.absent, "to_id": found.reader, "valid_to": _UNTIL}
        records.create(work, [Create(Deputy, values=deputy)])
        given = {"title": "Call back", "owner_id": found.reader}
        records.create(work, [Create(Task, values={**given, "deal_id": id}) for id in others])
    for at, sharer in enumerate(found.sharers, 2):
        theirs = _deals(one.raw, [user for user, _ in one.people[PEOPLE * at + 1 : PEOPLE * (at + 1)]], SHARES)
        with one.crm.work(Principal.user(sharer)) as work:
            share = {"entity": "deal", "user_id": found.reader, "actions": ["read"]}
            records.create(work, [Create(Share, values={**share, "record_id": id}) for id in theirs])
    one.raw.run("ANALYZE")
    return found


def arms(one: World, ways: Ways) -> Iterator[tuple[str, tuple[object, ...]]]:
    """Give the reader's reach, as hand-written SQL has it."""
    yield from of_manager(one, 1)
    yield "owner_id = ?", (ways.absent,)
    yield "owner_id IS NULL AND created_by = ?", (f"user:{ways.absent}",)
    yield of_tasks(one.raw, ways.reader)
    shared = (
        "SELECT record_id FROM crm_share WHERE user_id = ? AND created_by = ? AND entity = 'deal' "
        "AND deleted_at IS NULL AND until IS NULL"
    )
    for at, sharer in enumerate(ways.sharers, 2):
        theirs = list(of_manager(one, at))
        reach = " OR ".join(text for text, _ in theirs)
        values = tuple(value for _, several in theirs for value in several)
        yield f"{_among(one.raw, shared)} AND ({reach})", (ways.reader, f"user:{sharer}", *values)


def of_manager(one: World, branch: int) -> Iterator[tuple[str, tuple[object, ...]]]:
    """Give the reach of a branch's manager: own, unowned, and the units of the branch that hold deals."""
    people = one.people[PEOPLE * branch : PEOPLE * (branch + 1)]
    user = people[0][0]
    yield "owner_id = ?", (user,)
    yield "owner_id IS NULL AND created_by = ?", (f"user:{user}",)
    units = tuple(dict.fromkeys(unit for _, unit in people))
    yield f"unit_id IN ({', '.join('?' * len(units))})", units


def of_tasks(raw: Raw, user: str) -> tuple[str, tuple[object, ...]]:
    """Return the reach of what somebody has to do: everybody has that, and most reach by it what they reach anyway."""
    tasks = "SELECT deal_id FROM crm_task WHERE owner_id = ? AND deleted_at IS NULL AND deal_id IS NOT NULL"
    return _among(raw, f"{tasks} AND state IN ('open', 'started', 'paused')"), (user,)


def _among(raw: Raw, text: str) -> str:
    return f"id IN ({text})" if raw.sqlite else f"id = ANY(ARRAY({text}))"


def _deals(raw: Raw, owners: list[str], number: int) -> list[str]:
    """Return the ids of some deals of some people."""
    marks = ", ".join("?" * len(owners))
    found = raw.run(
        f"SELECT id FROM crm_deal WHERE owner_id IN ({marks}) ORDER BY id LIMIT {number * 97}", tuple(owners)
    )
    return [str(id) for (id,) in found[::97]]
