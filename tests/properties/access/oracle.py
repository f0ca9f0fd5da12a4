"""Who may do what, once more: access.md in plain Python over plain dicts, slow and short on purpose.

Nothing here is opencrm's: a world is a dict of tables, a table a dict of rows by id, a row a dict. `ways` gives every
reason why somebody may do something to a record; where it is empty they may not. The rest follows from it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

Row = Mapping[str, Any]
World = Mapping[str, Any]

ORGANISATION = {"unit", "user", "role", "membership", "deputy", "customer", "custom_field"}
ORGANISATION |= {"pipeline_definition", "rule_definition"}
OWNED = {"activity", "company", "contact", "deal", "task"}
WHOLES: Mapping[str, Mapping[str, str]] = {
    "contact_point": {"contact_id": "contact", "company_id": "company"},
    "employment": {"contact_id": "contact"},
    "deal_line": {"deal_id": "deal"},
    "price": {"product_id": "product"},
    "tagging": {"record_id": ""},
    "external_ref": {"record_id": ""},
    "share": {"record_id": ""},
}
"""The field of a part that names its whole, and the whole's entity; without one the part's `entity` says it."""

CUSTOMERS = {"deal": "contact_id", "task": "contact_id", "activity": "contact_id", "contact": "id"}
"""Where a record refers to a contact."""

CARRIES = {"deal": {"contact_id": "contact", "company_id": "company"}}
PARTICIPATED = {"deal_id": "deal", "contact_id": "contact", "company_id": "company"}
OPEN = {"open", "started", "paused"}
SCOPES = ("none", "own", "team", "subtree", "all")


def living(world: World, entity: str) -> Iterator[Row]:
    return (row for row in world[entity].values() if row["deleted_at"] is None)


def above(world: World, unit: str | None) -> set[str]:
    """A unit and all that it is part of."""
    found: set[str] = set()
    while unit is not None and unit not in found:
        found.add(unit)
        unit = world["unit"][unit]["parent_id"]
    return found


def in_subtree(world: World, unit: str | None, top: str) -> bool:
    return unit is not None and top in above(world, unit)


def is_active(world: World, user: str) -> bool:
    row = world["user"].get(user)
    return row is not None and row["active"] and row["deleted_at"] is None


def customer_of(world: World, user: str) -> str | None:
    """The contact whom somebody is, if they are a client."""
    return next((row["contact_id"] for row in living(world, "customer") if row["user_id"] == user), None)


def is_valid(world: World, row: Row) -> bool:
    start, end = row["valid_from"], row["valid_to"]
    return (
        row["deleted_at"] is None and (start is None or start <= world["now"]) and (end is None or world["now"] < end)
    )


def seats(world: World, user: str) -> list[Row]:
    """The places that somebody holds now."""
    if not is_active(world, user):
        return []
    mine = [row for row in world["membership"].values() if row["user_id"] == user and is_valid(world, row)]
    gone = lambda entity, id: world[entity][id]["deleted_at"] is not None  # noqa: E731
    return [row for row in mine if not gone("role", row["role_id"]) and not gone("unit", row["unit_id"])]


def role_of(world: World, seat: Row) -> Row:
    return world["role"][seat["role_id"]]


def is_owner(world: World, user: str) -> bool:
    return any(owns(role_of(world, seat)) for seat in seats(world, user))


def owns(role: Row) -> bool:
    every = ("*", "*", "all", None)
    return any((it["entity"], it["action"], it["scope"], it.get("when")) == every for it in role["grants"] or ())


def matches(grant: Row, entity: str, action: str) -> bool:
    """Whether a grant speaks of this act; `*` stands for anything, also within `move:PIPELINE.STAGE`."""
    if grant["entity"] not in ("*", entity):
        return False
    wanted = grant["action"]
    if wanted in ("*", action) or (wanted == "move:*" and action.startswith("move:")):
        return True
    pattern = re.escape(wanted).replace(r"\*", "[^.]*")
    return wanted.startswith("move:") and re.fullmatch(pattern, action) is not None


def holds(row: Row, condition: Row | None) -> bool:
    """Whether a row meets a condition, of the few kinds that the generated roles have."""
    if condition is None:
        return True
    if "not" in condition:
        return not holds(row, condition["not"])
    if "all" in condition:
        return all(holds(row, each) for each in condition["all"])
    value, wanted = row[condition["field"]], condition.get("value")
    if condition["op"] == "empty":
        return value is None
    if condition["op"] == "at_most":
        number, currency = wanted.split()
        return value is not None and row["currency"] == currency and value <= int(number)
    assert condition["op"] == "equal", condition
    return value is not None and str(value).casefold() == str(wanted).casefold()


def guarded(world: World, entity: str, action: str, row: Row) -> bool:
    """Whether a guard forbids it."""
    rules = [
        it for it in world["guards"] if it["entity"] == entity and (action in it["actions"] or "*" in it["actions"])
    ]
    return any(not holds(row, rule["condition"]) for rule in rules)


def whole_of(world: World, part: str, row: Row) -> tuple[str, Row] | None:
    for field, entity in WHOLES[part].items():
        if row.get(field) is not None:
            kind = entity or row["entity"]
            found = world.get(kind, {}).get(row[field])
            return None if found is None else (kind, found)
    return None


def places(world: World, entity: str, row: Row) -> set[str]:
    """Where a record of the organisation stands; nowhere means the whole company."""
    if entity == "unit":
        return {row["id"]}
    if entity == "membership":
        return {row["unit_id"]}
    if entity == "role":
        return {row["home_unit_id"]} - {None}
    if entity == "user":
        return {seat["unit_id"] for seat in living(world, "membership") if seat["user_id"] == row["id"]}
    return set()


def covers(world: World, scope: str, top: str, unit: str) -> bool:
    """Whether a scope, seen from a unit, reaches a unit."""
    return scope == "all" or (scope == "team" and unit == top) or (scope == "subtree" and in_subtree(world, unit, top))


def is_own(entity: str, row: Row, user: str) -> bool:
    if entity == "user" and row["id"] == user:
        return True
    return row.get("owner_id") == user or (row.get("owner_id") is None and row["created_by"] == f"user:{user}")


def in_scope(world: World, seat: Row, scope: str, entity: str, row: Row) -> bool:
    """Whether a scope, seen from a seat, reaches a record."""
    user = seat["user_id"]
    customer = customer_of(world, user)
    if customer is not None and entity in ORGANISATION:
        return entity == "user" and row["id"] == user
    if customer is not None and (entity in OWNED or entity in CUSTOMERS):
        return scope != "none" and entity in CUSTOMERS and row[CUSTOMERS[entity]] == customer
    if scope in ("none", "all"):
        return scope == "all"
    if entity in ORGANISATION:
        where = places(world, entity, row)
        if not where or row["id"] == user:
            return is_own(entity, row, user)
        return all(covers(world, scope, seat["unit_id"], it) for it in where)
    if is_own(entity, row, user):
        return True
    return entity in OWNED and row["unit_id"] is not None and covers(world, scope, seat["unit_id"], row["unit_id"])


def by_grants(world: World, user: str, entity: str, action: str, row: Row) -> set[str]:
    return {
        f"role {role_of(world, seat)['key']} at {seat['id']}"
        for seat in seats(world, user)
        for grant in role_of(world, seat)["grants"] or ()
        if matches(grant, entity, action)
        and holds(row, grant.get("when"))
        and in_scope(world, seat, grant["scope"], entity, row)
    }


def linked(world: World, user: str, entity: str, row: Row) -> list[tuple[str, Row]]:
    """The records from which a link leads to this one, by a field that somebody may read: another is not there."""
    links = [(kind, name) for kind, fields in CARRIES.items() for name, to in fields.items() if to == entity]
    links = [(kind, name) for kind, name in links if field_open(world, user, kind, name, "read")]
    return [(kind, it) for kind, name in links for it in living(world, kind) if it[name] == row["id"]]


def by_participation(world: World, user: str, entity: str, action: str, row: Row) -> set[str]:
    if action != "read" or not is_active(world, user) or customer_of(world, user) is not None:
        return set()  # Tasks are for colleagues: what a client may know is linked to them.
    found = set()
    for task in living(world, "task"):
        if task["owner_id"] == user and task["state"] in OPEN:
            fields = [name for name in PARTICIPATED if field_open(world, user, "task", name, "read")]
            named = {(PARTICIPATED[name], task[name]) for name in fields}
            reached = {(entity, row["id"]), *((kind, it["id"]) for kind, it in linked(world, user, entity, row))}
            if named & reached:
                found.add(f"task {task['id']}")
    return found


def by_shares(
    world: World, user: str, entity: str, action: str, row: Row, seen: frozenset[str] = frozenset()
) -> set[str]:
    """Shares of the record; of one that links to it for reading; as far as the sharer still goes on both."""
    if not is_active(world, user):
        return set()
    found = set()
    for share in living(world, "share"):
        ended = share["until"] is not None and share["until"] <= world["now"]
        if share["user_id"] != user or ended or share["id"] in seen or action not in share["actions"]:
            continue
        sharer = share["created_by"].removeprefix("user:")
        reached = [(entity, row)] + (linked(world, user, entity, row) if action == "read" else [])
        if any((kind, it["id"]) == (share["entity"], share["record_id"]) for kind, it in reached):
            whole = world[share["entity"]][share["record_id"]]
            both = [(share["entity"], whole), (entity, row)]
            if all(held(world, sharer, kind, action, it, seen | {share["id"]}) for kind, it in both):
                found.add(f"share {share['id']}")
    return found


def held(world: World, user: str, entity: str, action: str, row: Row, seen: frozenset[str]) -> bool:
    """What a sharer must hold: through grants, a task, a deputyship or another share."""
    return bool(
        by_grants(world, user, entity, action, row)
        or by_participation(world, user, entity, action, row)
        or by_deputies(world, user, entity, action, row, seen)
        or by_shares(world, user, entity, action, row, seen)
    )


def represented(world: World, user: str, entity: str) -> Iterator[tuple[str, str]]:
    """Those for whom somebody stands in now, with the deputyship."""
    for deputy in world["deputy"].values() if customer_of(world, user) is None else ():
        spoken_of = deputy["entities"] is None or entity in deputy["entities"]
        if deputy["to_id"] == user and spoken_of and is_valid(world, deputy) and is_active(world, user):
            yield deputy["of_id"], deputy["id"]


def by_deputies(
    world: World, user: str, entity: str, action: str, row: Row, seen: frozenset[str] = frozenset()
) -> set[str]:
    if entity in ORGANISATION or action == "share":
        return set()
    return {
        f"deputy {id}"
        for of, id in represented(world, user, entity)
        if by_grants(world, of, entity, action, row)
        or by_shares(world, of, entity, action, row, seen)
        or by_participation(world, of, entity, action, row)
    }


def ways(world: World, user: str, entity: str, action: str, row: Row) -> set[str]:
    """Every reason why somebody may do this to a record, as it is in `row`; none: they may not."""
    if entity in WHOLES:
        return ways_to_part(world, user, entity, action, row)
    if guarded(world, entity, action, row):
        return set()
    kinds = (by_grants, by_participation, by_shares, by_deputies)
    return set().union(*(kind(world, user, entity, action, row) for kind in kinds))


def ways_to_part(world: World, user: str, part: str, action: str, row: Row) -> set[str]:
    if guarded(world, part, action, row):
        return set()
    found = whole_of(world, part, row)
    if found is None:
        return set()
    changing = "share" if part == "share" else "update"
    return ways(world, user, found[0], "read" if action == "read" else changing, found[1])


def may(world: World, user: str, entity: str, action: str, row: Row) -> bool:
    """Whether somebody may do this to a record; whoever may not read it may do nothing to it."""
    if action != "create" and not ways(world, user, entity, "read", row):
        return False
    return bool(ways(world, user, entity, action, row))


def visible(world: World, user: str, entity: str, action: str = "read") -> set[str]:
    """The ids of the living records."""
    return {row["id"] for row in living(world, entity) if may(world, user, entity, action, row)}


def reads(role: Row, entity: str) -> bool:
    return any(matches(grant, entity, "read") and grant["scope"] != "none" for grant in role["grants"] or ())


def field_roles(world: World, user: str, entity: str) -> list[Row]:
    """The roles that let somebody read records of an entity, their own and of those for whom they stand in."""
    people = [user, *(of for of, _ in represented(world, user, entity))]
    roles = [role_of(world, seat) for one in people for seat in seats(world, one)]
    return [role for role in roles if reads(role, entity)]


def field_open(world: World, user: str, entity: str, field: str, mode: str) -> bool:
    """Whether somebody may read or write a field: of their roles that read the entity the most permissive counts.

    Without any, what no role that reads it is denied: one more role never takes a field away (invariant 3).
    """
    roles = field_roles(world, user, entity)
    if roles:
        return any(role_opens(world, role, entity, field, mode) for role in roles)
    others = [role for role in living(world, "role") if reads(role, entity)]
    return (entity, field) not in world["sensitive"] and all(
        role_opens(world, role, entity, field, mode) for role in others if not owns(role)
    )


def role_opens(world: World, role: Row, entity: str, field: str, mode: str) -> bool:
    rules = [it[mode] for it in role["field_rules"] or () if (it["entity"], it["field"]) == (entity, field)]
    return owns(role) or any(rules or [(entity, field) not in world["sensitive"]])


def readable(world: World, user: str, entity: str) -> set[str]:
    return {name for name in world["fields"][entity] if field_open(world, user, entity, name, "read")}
