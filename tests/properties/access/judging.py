"""What an operation must come to: the oracle's answer before it is tried.

The verdicts: `allow`; `refuse`, by any of the refusals; `hidden`, as if the record were not there; `either`, where
access.md leaves it open, and only what became of it is looked at.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.properties.access import delegation
from tests.properties.access.oracle import (
    OPEN,
    OWNED,
    PARTICIPATED,
    WHOLES,
    Row,
    World,
    by_grants,
    covers,
    customer_of,
    field_open,
    field_roles,
    guarded,
    holds,
    is_active,
    is_owner,
    living,
    matches,
    may,
    role_of,
    seats,
    ways,
    whole_of,
)

Values = Mapping[str, Any]
REFERENCES = {"contact_id": "contact", "company_id": "company", "deal_id": "deal", "product_id": "product"}
REFERENCES |= {"user_id": "user", "role_id": "role", "of_id": "user", "to_id": "user", "parent_id": "unit"}
REFERENCES |= {"unit_id": "unit", "owner_id": "user", "home_unit_id": "unit", "tag_id": "tag"}


def home(world: World, user: str | None) -> str | None:
    """The unit of somebody's main place."""
    found = [row["unit_id"] for row in seats(world, user) if row["is_primary"]] if user else []
    return found[0] if len(found) == 1 else None


def sees(world: World, user: str, entity: str, id: str) -> bool:
    row = world[entity].get(id)
    return row is not None and row["deleted_at"] is None and may(world, user, entity, "read", row)


def judge(world: World, user: str, act: str, entity: str, id: str | None, values: Values) -> str:
    """Return what must come of it."""
    if not is_active(world, user):
        return "nobody"
    if entity in delegation.ADMINISTERED:
        return _organisation(world, user, act, entity, id, values)
    if act == "create":
        return _create(world, user, entity, values)
    row = world[entity].get(id)
    if row is None or (row["deleted_at"] is not None) != (act == "restore"):
        return "hidden"
    if not may(world, user, entity, "read", row):
        return "hidden"
    whole = whole_of(world, entity, row) if entity in WHOLES else None
    if whole is not None and whole[1]["deleted_at"] is not None:
        return "either"
    return {"update": _update, "assign": _assign, "move": _move}.get(act, _take)(world, user, act, entity, row, values)


def same(row: Any, values: Values) -> bool:
    """Whether a write would leave everything as it is: whether it is refused tells nothing."""
    return all(row.get(name) == value for name, value in values.items())


def _references(world: World, user: str, values: Values) -> bool:
    """Whether somebody sees all that a write refers to."""
    named = [(REFERENCES[name], id) for name, id in values.items() if name in REFERENCES and id is not None]
    return all(sees(world, user, entity, id) for entity, id in named)


def _fields(world: World, user: str, entity: str, values: Values) -> bool:
    return all(field_open(world, user, entity, name, mode) for name in values for mode in ("read", "write"))


def _deputised(world: World, user: str) -> bool:
    return any(row["to_id"] == user for row in living(world, "deputy"))


def _create(world: World, user: str, entity: str, values: Values) -> str:
    if entity in WHOLES:
        return _create_part(world, user, entity, values)
    if not _references(world, user, {k: v for k, v in values.items() if k not in ("owner_id", "unit_id")}):
        return "refuse"
    if not _fields(world, user, entity, values):
        return "refuse" if field_roles(world, user, entity) and not _deputised(world, user) else "either"
    owner = values.get("owner_id", user)
    unit = values.get("unit_id") or home(world, owner) or home(world, user)
    row = {**dict.fromkeys(world["fields"][entity]), "currency": "EUR", "id": "new", **values}
    row |= {"owner_id": owner, "unit_id": unit, "created_by": f"user:{user}"}
    if guarded(world, entity, "create", row):
        return "refuse"
    if not by_grants(world, user, entity, "create", row):
        return "either" if _deputised(world, user) or len(seats(world, user)) > 1 else "refuse"
    if entity in OWNED and (owner != user or "unit_id" in values):
        if guarded(world, entity, "assign", row):
            return "either" if owner in (None, user) else "refuse"
        far = any(
            matches(it, entity, "assign") and it["scope"] == "all" and holds(row, it.get("when"))
            for _, it in _grants(world, user)
        )
        none = not any(matches(it, entity, "assign") for _, it in _grants(world, user))
        plain = owner is None or "unit_id" in values or home(world, owner) is None or customer_of(world, user)
        return "either" if plain else "allow" if far else "refuse" if none and not _deputised(world, user) else "either"
    return "allow" if unit is not None or entity not in OWNED else "either"


def _create_part(world: World, user: str, part: str, values: Values) -> str:
    found = whole_of(world, part, values)
    if found is None or found[1]["deleted_at"] is not None or not may(world, user, found[0], "read", found[1]):
        return "refuse"
    if not ways(world, user, part, "create", values):
        return "refuse"
    if part != "share":
        fields = _fields(world, user, part, values)
        rest = {name: id for name, id in values.items() if name not in WHOLES[part]}
        return "refuse" if not _references(world, user, rest) else "allow" if fields else "either"
    if all(ways(world, user, found[0], action, found[1]) for action in values["actions"]):
        return "allow" if sees(world, user, "user", values["user_id"]) else "either"
    return "refuse"


def _update(world: World, user: str, act: str, entity: str, row: Any, values: Values) -> str:
    read = all(field_open(world, user, entity, name, "read") for name in values)
    if read and same(row, values):
        return "either"
    if not _fields(world, user, entity, values):
        return "refuse" if field_roles(world, user, entity) and not _deputised(world, user) else "either"
    if same(row, values):
        return "either"
    if not _references(world, user, values):
        return "refuse"
    if entity == "share" and row["created_by"] != f"user:{user}" and not is_owner(world, user):
        return "refuse"
    opens = entity == "task" and row["state"] not in OPEN and values.get("state") in OPEN
    if opens and not _references(world, user, {name: row[name] for name in PARTICIPATED}):
        return "refuse"
    after = {**row, **values}
    before, then = (ways(world, user, entity, "update", it) for it in (row, after))
    if entity in WHOLES:
        return "allow" if before and then else "refuse"
    return "refuse" if not before or not then else "allow" if before & then else "either"


def _take(world: World, user: str, act: str, entity: str, row: Any, _: Values) -> str:
    if act == "restore" and entity == "share" and row["created_by"] != f"user:{user}" and not is_owner(world, user):
        return "refuse"
    opens = act == "restore" and entity == "task" and row["state"] in OPEN
    if opens and not _references(world, user, {name: row[name] for name in PARTICIPATED}):
        return "refuse"
    return "allow" if ways(world, user, entity, act, row) else "refuse"


def _move(world: World, user: str, act: str, entity: str, row: Any, values: Values) -> str:
    pipeline, _, stage = values["to"].rpartition(".")
    pipeline = pipeline or row["pipeline"]
    action = f"move:{pipeline}.{stage}"
    before, then = (
        ways(world, user, entity, action, it) for it in (row, {**row, "stage": stage, "pipeline": pipeline})
    )
    return "refuse" if not before or not then else "allow" if before & then else "either"


def _grants(world: World, user: str) -> list[tuple[Any, Any]]:
    return [(seat, grant) for seat in seats(world, user) for grant in role_of(world, seat)["grants"] or ()]


def bound(world: World, user: str, entity: str, row: Row | None, owner: str | None, unit: str | None) -> bool:
    """Invariant 13: whether a record's owner and unit lie within somebody's reach of `assign`, or a principal's.

    An owner who keeps the record is given nothing; `row` is the record as it was.
    """
    kept = row is not None and row["owner_id"] == owner
    people = [user, *(row["of_id"] for row in living(world, "deputy") if row["to_id"] == user)]
    people += [row["created_by"].removeprefix("user:") for row in living(world, "share") if row["user_id"] == user]
    for person in people:
        for seat, grant in _grants(world, person):
            if not matches(grant, entity, "assign") or grant["scope"] == "none":
                continue
            if grant["scope"] == "all":
                return True
            theirs = [it["unit_id"] for it in living(world, "membership") if it["user_id"] == owner]
            reached = [it for it in theirs if covers(world, grant["scope"], seat["unit_id"], it)]
            to_unit = unit is None or covers(world, grant["scope"], seat["unit_id"], unit)
            if (kept or owner in (None, person, user) or reached) and (to_unit or owner in (person, user)):
                return True
    return False


def _assign(world: World, user: str, act: str, entity: str, row: Any, values: Values) -> str:
    found = by_grants(world, user, entity, "assign", row)
    if not ways(world, user, entity, "assign", row):
        return "refuse"
    owner = values.get("owner_id", row["owner_id"])
    unit = values.get("unit_id") or home(world, owner)
    if same(row, {"owner_id": owner, "unit_id": unit or row["unit_id"]}):
        return "either"
    if not bound(world, user, entity, row, owner, unit):
        return "refuse"
    wide = any(
        matches(it, entity, "assign") and it["scope"] == "all" and it.get("when") is None
        for _, it in _grants(world, user)
    )
    placed = customer_of(world, user) is None and (owner is None or home(world, owner) is not None)
    return "allow" if found and wide and placed and _references(world, user, values) else "either"


def administered(world: World, act: str, entity: str, id: str | None, values: Values, user: str) -> delegation.Act:
    """The change of the organisation, as its whole rows before and after."""
    before = None if id is None else world[entity][id]
    empty = dict.fromkeys(world["fields"][entity])
    blank = {**empty, "id": "new", "created_by": f"user:{user}", "deleted_at": None, "active": True, "rank": 0}
    after = {**(before or blank), **values}
    return entity, act, None if act == "restore" else before, None if act == "delete" else after


def _organisation(world: World, user: str, act: str, entity: str, id: str | None, values: Values) -> str:
    row = None if id is None else world[entity].get(id)
    if id is not None and (row is None or (row["deleted_at"] is not None) != (act == "restore")):
        return "hidden"
    if row is not None and not may(world, user, entity, "read", row):
        return "hidden"
    if act == "update" and same(row, values):
        return "either"
    if customer_of(world, user) is not None and not is_owner(world, user):
        return "refuse"
    change = administered(world, act, entity, id, values, user)
    if not delegation.allowed(world, user, change):
        return "refuse"
    if entity == "role" and not delegation.covered(change[3]["delegable"] or (), change[3]["grants"] or ()):
        return "refuse"
    whole = is_owner(world, user) or not _references(world, user, values) or not _fields(world, user, entity, values)
    return "either" if whole or _for_clients(world, change, id) else "allow"


def rules_broken(world: World, user: str, act: str, entity: str, id: str | None, values: Values) -> set[str]:
    """Return the rules of delegation that a refused change breaks, from one seat or another; none where all hold."""
    if entity not in delegation.ADMINISTERED:
        return set()
    change = administered(world, act, entity, id, values, user)
    if customer_of(world, user) is not None:
        return {"reach"}
    if delegation.allowed(world, user, change):
        return set()
    if is_owner(world, user):
        return {"target"}
    broken = {rule for seat in delegation.refusals(world, user, change) for rule in seat}
    return (broken or {"reach"}) | ({"delegable"} if _for_clients(world, change, id) else set())


def _for_clients(world: World, change: delegation.Act, id: str | None) -> bool:
    """Whether clients get it: what is linked to them lies anywhere, so whoever hands it on must do so everywhere."""
    row = change[3] or change[2] or {}
    people = {row.get("user_id"), row.get("of_id"), *_holders(world, change[0], id)}
    return bool(people & {it["user_id"] for it in living(world, "customer")})


def _holders(world: World, entity: str, id: str | None) -> set[str]:
    """Whoever holds a role that is changed."""
    return {it["user_id"] for it in living(world, "membership") if entity == "role" and it["role_id"] == id}
