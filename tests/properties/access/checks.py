"""What people see, through every door, beside what the oracle says that they see."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from random import Random
from typing import Any

import orjson
from tests.properties.access.companies import BY_NAME, PLURALS, Firm
from tests.properties.access.delegation import covered
from tests.properties.access.oracle import (
    WHOLES,
    field_roles,
    in_subtree,
    is_active,
    is_owner,
    living,
    may,
    readable,
    role_of,
    seats,
    visible,
    whole_of,
)

from opencrm import NotFound, PermissionDenied, Principal, Query

World = Mapping[str, Any]
ABSENT = "0190a000-0000-7000-8000-000000000000"
WORK = ("deal", "contact", "company", "task", "activity")
OTHERS = ("contact_point", "deal_line", "tagging", "share", "tag", "unit", "user", "role", "membership", "deputy")


class Differs(AssertionError):
    """What somebody sees and the oracle differ.

    Attributes:
        look: Who looked at what.
    """

    def __init__(self, look: tuple[str, str], text: str) -> None:
        super().__init__(text)
        self.look = look


def everything(firm: Firm, world: World, random: Random) -> int:
    """Compare what everybody sees of everything; return how many answers were compared."""
    looks = ((who, name) for who in _people(firm, world) for name in (*WORK, *OTHERS))
    return sum(look(firm, world, random, it, [random.choice(DOORS)]) for it in looks)


def something(firm: Firm, world: World, random: Random, touched: str) -> int:
    """Compare what somebody sees of one kind of records or two, often of the kind that was changed."""
    names = [touched if touched in (*WORK, *OTHERS) and random.random() < 0.5 else random.choice(WORK)]
    names += random.sample(OTHERS, random.choice((0, 0, 1)))
    people = random.sample(_people(firm, world), 1)
    return sum(look(firm, world, random, (who, name), [random.choice(DOORS)]) for who in people for name in names)


def _people(firm: Firm, world: World) -> list[str]:
    return [it for it in firm.of("user") if is_active(world, firm.id(it)) and firm.has_token(firm.id(it))]


def look(firm: Firm, world: World, random: Random, of: tuple[str, str], doors: Any) -> int:
    """Compare lists, counts, single records, histories and exports as somebody sees those of an entity."""
    who, entity = of
    user = firm.id(who)
    wanted = visible(world, user, entity)
    answers = 0
    for door in doors:
        for what, found in door(firm, world, random, user, entity):
            expected = wanted if what == "list" else _expected(world, user, entity, what, wanted)
            answers += 1
            seen, expected = (_without_gone(world, entity, it) for it in (found, expected))
            if seen != expected:
                name = door.__name__.strip("_").replace("_", " ")
                raise Differs(of, f"{who}, {name}: {what} of {entity}: {_difference(firm, seen, expected)}")
    return answers


def _without_gone(world: World, part: str, ids: Any) -> Any:
    """Leave out parts of what is deleted: whether they are there still is nobody's secret."""
    if part not in WHOLES or not isinstance(ids, set):
        return ids
    whole = lambda id: whole_of(world, part, world[part][id]) if id in world[part] else None  # noqa: E731
    return {id for id in ids if whole(id) is None or whole(id)[1]["deleted_at"] is None}


def _expected(world: World, user: str, entity: str, what: str, wanted: set[str]) -> Any:
    if what == "count":
        return len(wanted)  # Of parts this is not asked: see `_without_gone`.
    if what == "fields":
        return (readable(world, user, entity) | {"id"}) - {"deleted_at"}
    if what == "deleted":
        gone = [row for row in world[entity].values() if row["deleted_at"] is not None]
        return {row["id"] for row in gone if may(world, user, entity, "read", row)}
    if what == "export":
        return visible(world, user, entity, "export") & wanted
    kind, id, *rest = what.split()
    if kind == "who":
        people = [it for it in {*visible(world, user, "user"), user} if is_active(world, it)]
        return {it for it in people if may(world, it, entity, rest[0], world[entity][id])}
    return 200 if id in wanted else 404


def _difference(firm: Firm, found: Any, expected: Any) -> str:
    if not isinstance(found, set):
        return f"{found}, and the oracle says {expected}"
    named = lambda ids: ", ".join(sorted(firm.label(id) for id in ids)) or "nothing"  # noqa: E731
    return f"too many: {named(found - expected)}; missing: {named(expected - found)}"


def _ids(world: World, random: Random, entity: str) -> list[str]:
    known = sorted(_without_gone(world, entity, {row["id"] for row in living(world, entity)}))
    return random.sample(known, min(2, len(known)))


def _by_rest(firm: Firm, world: World, random: Random, user: str, entity: str) -> Iterator[tuple[str, Any]]:
    path = f"/{PLURALS[entity]}"
    page = firm.call(user, "GET", f"{path}?limit=1000&total=true").json
    yield "list", {row["id"] for row in page["items"]}
    if entity not in WHOLES:
        yield "count", page["total"]["count"]
    granted = field_roles(world, user, entity)
    if page["items"] and granted and not any(row["to_id"] == user for row in world["deputy"].values()):
        yield "fields", set(page["items"][0])
    if entity not in WHOLES:
        gone = firm.call(user, "GET", f"{path}?limit=1000&deleted=true").json
        yield "deleted", {row["id"] for row in gone["items"]}
    if entity in WORK:
        file = firm.call(user, "POST", f"{path}/export?format=jsonl&fields=id")
        lines = file.text.splitlines() if file.status_code == 200 else []
        yield "export", {orjson.loads(line)["id"] for line in lines}
    yield from _explained(firm, world, random, user, entity)
    for id in _ids(world, random, entity):
        for tail in ("", "/history"):
            answer = firm.call(user, "GET", f"{path}/{id}{tail}")
            yield f"{tail.strip('/') or 'record'} {id}", answer.status_code
            if answer.status_code == 404 and answer.data != firm.call(user, "GET", f"{path}/{ABSENT}").data:
                raise AssertionError(f"the 404 of {firm.label(id)} differs from that of what is not there")


def _explained(firm: Firm, world: World, random: Random, user: str, entity: str) -> Iterator[tuple[str, Any]]:
    """Invariant 18: who may do something to a record, as far as the one who asks may know of the person."""
    known = sorted(visible(world, user, entity))
    if entity not in WORK or not known:
        return
    id, action = random.choice(known), random.choice(("read", "update", "delete", "assign", "export"))
    told = firm.call(user, "GET", f"/{PLURALS[entity]}/{id}/who?action={action}").json["items"]
    yield f"who {id} {action}", {it["user_id"] for it in told}


def _by_service(firm: Firm, world: World, random: Random, user: str, entity: str) -> Iterator[tuple[str, Any]]:
    declared, principal = BY_NAME[entity], Principal.user(user)
    with firm.crm.read(principal) as reader:
        yield "list", set(_walk(reader, declared, random))
        if entity not in WHOLES:
            yield "count", len(list(reader.stream(Query(declared))))
            yield "count", int(reader.count(declared))
        for id in _ids(world, random, entity):
            yield f"record {id}", _status(lambda id=id: reader.get(declared, id))
            yield f"history {id}", _status(lambda id=id: reader.history(declared, id))
    if entity in WORK:
        try:
            with firm.crm.export(principal, Query(declared, fields=("id",))) as taken:
                yield "export", {row[list(taken.fields).index("id")] for row in taken.rows}
        except PermissionDenied:
            yield "export", set()


def _walk(reader: Any, entity: Any, random: Random) -> Iterator[str]:
    """The ids of all pages, of which none comes twice."""
    seen, cursor, limit = set(), None, random.choice((2, 5, 1000))
    while True:
        page = reader.list(Query(entity, limit=limit, cursor=cursor, sort=random.choice(("-created_at",))))
        for row in page:
            if row.id in seen:
                raise AssertionError("a list gives a record twice")
            seen.add(row.id)
            yield row.id
        cursor = page.next
        if cursor is None:
            return


def _status(ask: Any) -> int:
    try:
        ask()
    except NotFound:
        return 404
    return 200


def _held(world: World, user: str) -> list[tuple[str, Any, int]]:
    """All grants of somebody, sooner or later, with the unit that each is seen from and the rank that it comes with."""
    mine = [row for row in living(world, "membership") if row["user_id"] == user]
    return [
        (it["unit_id"], grant, role_of(world, it)["rank"])
        for it in mine
        for grant in role_of(world, it)["grants"] or ()
    ]


def _within(world: World, unit: str, grant: Any, given: list[tuple[str, Any]]) -> bool:
    """Whether a grant, seen from a unit, goes no further than one of those that were held or may be handed on."""
    for top, wide in given:
        placed = wide["scope"] == "all" or grant["scope"] == "own" or in_subtree(world, unit, top)
        if placed and covered([grant], [wide]):
            return True
    return False


def no_amplification(before: World, after: World, actor: str) -> None:
    """Invariants 7, 8 and 9: what one act of somebody who is no owner gave to whom."""
    ranks = [role_of(before, seat)["rank"] for seat in seats(before, actor)]
    handed = [(seat["unit_id"], it) for seat in seats(before, actor) for it in role_of(before, seat)["delegable"] or ()]
    for user in after["user"]:
        had, has = (_held(world, user) for world in (before, after))
        if had == has:
            continue
        top, then = (max((rank for _, _, rank in held), default=-1) for held in (had, has))
        if then > top and then >= max(ranks, default=-1):
            raise AssertionError("invariant 7: an act gave a rank as high as one's own")
        earlier = [(unit, grant) for unit, grant, _ in had]
        allowed = earlier if user == actor else earlier + handed
        wider = [grant for unit, grant, _ in has if not _within(after, unit, grant, allowed)]
        if wider:
            number = 9 if user == actor else 8
            raise AssertionError(f"invariant {number}: an act gave {wider[0]}, more than could be handed on")
    if is_owner(after, actor):
        raise AssertionError("invariant 9: somebody made themselves an owner")


DOORS = (_by_rest, _by_service)
