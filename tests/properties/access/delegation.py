"""Who may administer what: the five rules of delegation, in plain Python over plain dicts.

`refusals(world, actor, act)` gives for each seat of the actor the rules that it breaks; one seat without any allows the
act. An act is `(entity, action, before, after)`, both rows whole, `before` None for a creation.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from tests.properties.access.oracle import (
    ORGANISATION,
    SCOPES,
    above,
    covers,
    in_subtree,
    is_owner,
    living,
    matches,
    role_of,
    seats,
)

Row = Mapping[str, Any]
World = Mapping[str, Any]
Act = tuple[str, str, Row | None, Row | None]

RULES = ("reach", "rank", "delegable", "target", "home")
ADMINISTERED = ("unit", "user", "role", "membership", "deputy")


def covered(grants: Iterable[Row], by: Iterable[Row]) -> bool:
    """Whether each of these grants goes no further than one of those."""
    return all(any(goes_as_far(wide, grant) for wide in by) for grant in grants)


def goes_as_far(wide: Row, grant: Row) -> bool:
    if SCOPES.index(wide["scope"]) < SCOPES.index(grant["scope"]):
        return False
    if wide.get("when") is not None and wide.get("when") != grant.get("when"):
        return False
    return wide["entity"] in ("*", grant["entity"]) and matches_action(wide["action"], grant["action"])


def matches_action(wide: str, action: str) -> bool:
    """Whether one pattern of an action holds all of another."""
    if wide in ("*", action):
        return True
    if not (wide.startswith("move:") and action.startswith("move:")):
        return False
    parts = [text.removeprefix("move:").split(".") for text in (wide, action)]
    wider, narrower = [it if len(it) == 2 else ["*", "*"] for it in parts]
    return all(big in ("*", small) for big, small in zip(wider, narrower, strict=True))


def opened(world: World, role: Row, entity: str, mode: str) -> set[str]:
    """The fields that a role opens."""
    rules = {it["field"]: it[mode] for it in role["field_rules"] or () if it["entity"] == entity}
    names = world["fields"].get(entity, ())
    return {name for name in names if rules.get(name, (entity, name) not in world["sensitive"])}


def no_more_fields(world: World, given: Row, giver: Row) -> bool:
    """Whether a role opens no more fields than another: of what it reads, and of what it has rules for."""
    ruled = {(it["entity"], it["field"]) for it in given["field_rules"] or ()}
    read = {name for name in world["fields"] if any(matches(grant, name, "read") for grant in given["grants"] or ())}
    return all(
        name in opened(world, giver, entity, mode) or (entity not in read and (entity, name) not in ruled)
        for entity in world["fields"]
        for mode in ("read", "write")
        for name in opened(world, given, entity, mode)
    )


def fits(world: World, role: Row, giver: Row) -> bool:
    """Rule 3: whether a role goes no further than what another may hand on."""
    return covered(role["grants"] or (), giver["delegable"] or ()) and no_more_fields(world, role, giver)


def highest(world: World, user: str) -> int:
    """The highest rank that somebody holds now, or later on."""
    mine = [seat for seat in living(world, "membership") if seat["user_id"] == user and not is_over(world, seat)]
    return max((role_of(world, seat)["rank"] for seat in mine), default=-1)


def holders_now(world: World, role: str) -> set[str]:
    """Whoever holds a role now, or will."""
    return {it["user_id"] for it in living(world, "membership") if it["role_id"] == role and not is_over(world, it)}


def is_over(world: World, seat: Row) -> bool:
    return seat["valid_to"] is not None and seat["valid_to"] <= world["now"]


def grants_reach(world: World, seat: Row, entity: str, action: str, units: Iterable[str | None]) -> bool:
    """Rule 1: whether the seat's role grants the act with a scope that covers the units, all below the seat's unit."""
    top = seat["unit_id"]
    found = [it for it in role_of(world, seat)["grants"] or () if matches(it, entity, action) and not it.get("when")]
    return all(
        unit is not None
        and in_subtree(world, unit, top)
        and any(covers(world, grant["scope"], top, unit) for grant in found)
        for unit in units
    )


def refusals(world: World, actor: str, act: Act) -> list[list[str]]:
    """For each seat of the actor, the rules that the act breaks."""
    kind = {"user": _user, "membership": _membership, "role": _role, "unit": _unit, "deputy": _deputy}[act[0]]
    return [list(kind(world, actor, seat, act)) for seat in seats(world, actor)]


def allowed(world: World, actor: str, act: Act) -> bool:
    if is_owner(world, actor):
        return not owner_refused(world, actor, act)
    return any(not broken for broken in refusals(world, actor, act))


def owner_refused(world: World, actor: str, act: Act) -> bool:
    """What even an owner may not: change their own place, disable or delete themselves."""
    entity, action, before, after = act
    about = after or before
    assert about is not None
    if entity == "membership":
        return actor in {row["user_id"] for row in (before, after) if row is not None}
    return entity == "user" and about["id"] == actor and (action in ("delete", "restore") or not about["active"])


def states(act: Act) -> list[Row]:
    return [row for row in act[2:] if row is not None]


def _user(world: World, actor: str, seat: Row, act: Act) -> Iterator[str]:
    _, action, before, _ = act
    target = states(act)[0]["id"]
    units = {row["unit_id"] for row in lasting(world, target)}
    own = any(row["created_by"] == f"user:{actor}" for row in states(act))
    granted = any(matches(it, "user", action) and it["scope"] != "none" for it in role_of(world, seat)["grants"] or ())
    had = former(world, target)
    here = bool(had) and grants_reach(world, seat, "user", action, had)
    if (units and not grants_reach(world, seat, "user", action, units)) or (
        not units and not (granted and (own or here or before is None))
    ):
        yield "reach"
    if target == actor or highest(world, target) >= role_of(world, seat)["rank"]:
        yield "target"
    if opens_account(act):
        for place in lasting(world, target):
            yield from _membership(world, actor, seat, ("membership", "create", None, place))
        if any(it["to_id"] == target and not is_over(world, it) for it in living(world, "deputy")):
            yield "delegable"


def opens_account(act: Act) -> bool:
    """Whether whoever does this gets hold of somebody's account: another address, woken up, or restored."""
    _, action, before, after = act
    if action == "restore":
        return True
    if before is None or after is None:
        return False
    return before["email"] != after["email"] or (after["active"] and not before["active"])


def lasting(world: World, user: str) -> list[Row]:
    """The places that somebody has now, or will have."""
    return [it for it in living(world, "membership") if it["user_id"] == user and not is_over(world, it)]


def former(world: World, user: str) -> set[str]:
    """The units in which somebody has, had or will have a place, deleted ones too."""
    return {it["unit_id"] for it in world["membership"].values() if it["user_id"] == user}


def _comes_back(world: World, actor: str, seat: Row, act: Act) -> bool:
    """Whether somebody without a place gets one from neither their maker nor whoever reaches all that they had."""
    _, action, _, after = act
    if after is None or (is_over(world, after) and action not in ("create", "restore")):
        return False
    user = after["user_id"]
    made = world["user"].get(user, {"created_by": f"user:{actor}"})
    elsewhere = former(world, user) - {after["unit_id"]}
    reached = grants_reach(world, seat, "membership", action, elsewhere)
    return not lasting(world, user) and made["created_by"] != f"user:{actor}" and not reached


def _membership(world: World, actor: str, seat: Row, act: Act) -> Iterator[str]:
    mine = role_of(world, seat)
    if not grants_reach(world, seat, "membership", act[1], {row["unit_id"] for row in states(act)}):
        yield "reach"
    if _comes_back(world, actor, seat, act):
        yield "reach"
    roles = [world["role"][row["role_id"]] for row in states(act)]
    if any(role["rank"] >= mine["rank"] for role in roles):
        yield "rank"
    if not all(fits(world, role, mine) for role in roles):
        yield "delegable"
    targets = {row["user_id"] for row in states(act)}
    if any(target == actor or highest(world, target) >= mine["rank"] for target in targets):
        yield "target"
    for row, role in zip(states(act), roles, strict=True):
        if role["home_unit_id"] is not None and role["home_unit_id"] not in above(world, row["unit_id"]):
            yield "home"


def gives_more(world: World, act: Act) -> bool:
    """Whether an act on a role lets its holders do, read or hand on more, or raises them."""
    _, action, before, after = act
    if before is None or after is None or action != "update":
        return action == "restore"
    wider = any(not covered(after[name] or (), before[name] or ()) for name in ("grants", "delegable"))
    return wider or after["rank"] > before["rank"] or not no_more_fields(world, after, before)


def _role(world: World, actor: str, seat: Row, act: Act) -> Iterator[str]:
    mine, rows = role_of(world, seat), states(act)
    if not grants_reach(world, seat, "role", act[1], {row["home_unit_id"] for row in rows}):
        yield "reach"
    held = [it for it in living(world, "membership") if it["role_id"] == rows[0]["id"] and not is_over(world, it)]
    if gives_more(world, act) and not all(in_subtree(world, it["unit_id"], seat["unit_id"]) for it in held):
        yield "reach"
    if any(row["rank"] >= mine["rank"] for row in rows):
        yield "rank"
    if not all(fits(world, row, mine) and covered(row["delegable"] or (), mine["delegable"] or ()) for row in rows):
        yield "delegable"
    holders = {it["user_id"] for it in living(world, "membership") if it["role_id"] == rows[0]["id"]}
    if actor in holders or any(highest(world, it) >= mine["rank"] for it in holders_now(world, rows[0]["id"])):
        yield "target"
    if not all(in_subtree(world, row["home_unit_id"], seat["unit_id"]) for row in rows):
        yield "home"


def _unit(world: World, actor: str, seat: Row, act: Act) -> Iterator[str]:
    _, action, before, after = act
    about = states(act)[0]
    units = {about["id"]} if before is not None else set()
    moved = before is None or after is None or before["parent_id"] != after["parent_id"]
    if moved:
        units |= {row["parent_id"] for row in states(act)}
    if before is not None and about["id"] == seat["unit_id"] and (moved or action == "delete"):
        yield "target"
    found = [it for it in role_of(world, seat)["grants"] or () if matches(it, "unit", action)]
    further = before is not None or any(it["scope"] in ("subtree", "all") for it in found)
    if not further or not grants_reach(world, seat, "unit", action, units):
        yield "reach"  # A new unit lies below one's own, never beside or at it.
    if before is not None and after is not None and moved:
        new = above(world, after["parent_id"]) - above(world, before["parent_id"])
        mine = role_of(world, seat)
        for other in living(world, "membership"):
            role = role_of(world, other)
            if other["unit_id"] in new and role["rank"] >= mine["rank"]:
                yield "rank"
            if other["unit_id"] in new and not fits(world, role, mine):
                yield "delegable"


def _deputy(world: World, actor: str, seat: Row, act: Act) -> Iterator[str]:
    mine = role_of(world, seat)
    for row in states(act):
        of, to = row["of_id"], row["to_id"]
        for user in {of, to} - {actor}:
            units = {it["unit_id"] for it in lasting(world, user)}
            if not units or not grants_reach(world, seat, "deputy", act[1], units):
                yield "reach"
        if to == actor or highest(world, to) >= mine["rank"] or (of != actor and highest(world, of) >= mine["rank"]):
            yield "target"
        if of != actor and highest(world, of) >= mine["rank"]:
            yield "rank"  # What is lent is a role of theirs, too.
        held = [role_of(world, it) for it in lasting(world, of)] if act[1] != "delete" else []
        if not all(covered(lent(world, role, row), mine["delegable"] or ()) for role in held):
            yield "delegable"
        if not all(no_more_fields(world, role, mine) for role in held):
            yield "delegable"


def lent(world: World, role: Row, deputy: Row) -> Iterator[Row]:
    """What of a role's grants a deputy gets: of the entities that are named, nothing administrative, and no sharing."""
    for grant in role["grants"] or ():
        entities = world["fields"] if grant["entity"] == "*" else [grant["entity"]]
        for entity in entities:
            named = deputy["entities"] is None or entity in deputy["entities"]
            if named and entity not in ORGANISATION and grant["action"] != "share" and grant["scope"] != "none":
                yield {**grant, "entity": entity}
