"""Operations, one plain dict each: drawn at random for a company, told in a line, and kept as a script.

    {"who": "P1", "door": "rest", "act": "update", "entity": "deal", "of": "deal3", "values": {"contact_id": "@c1"}}

`@name` stands for what the operation with `"as": "name"` made; an operation about something that was never made is
left out, so that any part of a script is a script too.
"""

from __future__ import annotations

from datetime import timedelta
from random import Random
from typing import Any

Op = dict[str, Any]

SCOPES = ["own", "team", "subtree", "all"]
WORK = ["deal", "contact", "company", "task", "activity"]
ACTIONS = ["create", "update", "delete", "restore", "assign", "share", "export"]
ADMIN = {
    "user": ["create", "update", "delete", "restore"],
    "membership": ["create", "update", "delete", "restore"],
    "role": ["create", "update"],
    "unit": ["create", "update", "delete"],
    "deputy": ["create", "delete"],
}
STAGES = ["new", "measuring", "offer", "waiting", "won", "lost"]
FIELD_RULES = [("deal", "source"), ("deal", "expected_close"), ("contact", "birthday"), ("contact", "source")]
FIELD_RULES += [("company", "city"), ("task", "result"), ("deal", "contact_id")]
WORDS = ["red", "green", "blue", "on hold"]


def grant(entity: str, action: str, scope: str, when: Any = None) -> dict[str, Any]:
    return {"entity": entity, "action": action, "scope": scope} | ({} if when is None else {"when": when})


def reads() -> list[dict[str, Any]]:
    known = ["user", "unit", "role", "membership", "deputy", "product", "tag"]
    return [grant(entity, "read", "all") for entity in known]


def draw_when(random: Random, entity: str) -> Any:
    if entity != "deal" or random.random() < 0.8:
        return None
    least = {"field": "amount", "op": "at_most", "value": "500 EUR"}
    return random.choice([least, {"not": {"field": "stage", "op": "equal", "value": "won"}}, {"not": least}])


def draw_grants(random: Random, wide: float) -> list[dict[str, Any]]:
    found = reads()
    for entity in WORK:
        if random.random() < 0.85:
            scope = "all" if random.random() < wide else random.choice(SCOPES)
            found.append(grant(entity, "read", scope, draw_when(random, entity)))
            for action in [*ACTIONS, *(["move:*"] if entity == "deal" else [])]:
                if random.random() < 0.65:
                    narrow = scope if random.random() < 0.7 else random.choice(SCOPES)
                    found.append(grant(entity, action, narrow, draw_when(random, entity)))
    if random.random() < 0.2:
        found.append(grant("deal", random.choice(["move:windows.offer", "move:windows.*"]), random.choice(SCOPES)))
    return found


def draw_admin(random: Random) -> list[dict[str, Any]]:
    scope = random.choice(["team", "subtree", "subtree", "all"])
    return [
        grant(entity, action, scope)
        for entity, actions in ADMIN.items()
        for action in actions
        if random.random() < 0.85
    ]


def narrowed(random: Random, grants: list[dict[str, Any]], share: float) -> list[dict[str, Any]]:
    """A part of some grants, some of them narrower."""
    found = []
    for each in grants:
        if random.random() < share:
            upto = SCOPES[: SCOPES.index(each["scope"]) + 1]
            known = each["entity"] not in WORK
            found.append({**each, "scope": each["scope"] if known or random.random() < 0.6 else random.choice(upto)})
    return found


def draw_role(random: Random, at: int, above: list[Op], units: list[str]) -> Op:
    rank = random.choice([100, 200, 300, 300, 500, 700])
    if at < 2 or not above:
        grants, rank = draw_grants(random, 0.3) + draw_admin(random), random.choice([500, 600, 700])
    elif random.random() < 0.7:
        grants = narrowed(random, random.choice(above)["values"]["delegable"], 0.9)
    else:
        grants = draw_grants(random, 0.1) + (draw_admin(random) if random.random() < 0.3 else [])
    names = random.sample(FIELD_RULES, random.choice([0, 0, 1, 2]))
    rules = [
        {"entity": entity, "field": name, "read": read, "write": read and random.random() < 0.5}
        for entity, name in names
        for read in [random.random() < 0.5]
    ]
    values = {"key": f"r{at}", "name": f"R{at}", "rank": rank, "grants": grants, "field_rules": rules}
    values["delegable"] = narrowed(random, grants, 0.95) if rank >= 300 else []
    values["home_unit_id"] = f"@{random.choice(units)}" if random.random() < 0.3 else None
    return made("role", f"R{at}", values)


def made(entity: str, label: str, values: dict[str, Any]) -> Op:
    return {"who": "owner", "door": "service", "act": "create", "entity": entity, "as": label, "values": values}


def founding(random: Random) -> list[Op]:
    """A company before anything happens in it."""
    ops, units, roles = [], ["HQ"], []
    for at in range(random.randint(2, 5)):
        ops.append(made("unit", f"U{at}", {"name": f"U{at}", "parent_id": f"@{random.choice(units)}"}))
        units.append(f"U{at}")
    for at in range(random.randint(3, 5)):
        roles.append(draw_role(random, at, [it for it in roles if it["values"]["delegable"]], units))
    ops += roles
    ops.append(made("contact", "contact0", {"name": "C0", "owner_id": None, "unit_id": f"@{random.choice(units)}"}))
    people = [f"P{at}" for at in range(random.randint(4, 6))]
    ops += [made("user", person, {"name": person}) for person in people]
    if random.random() < 0.4:
        ops.append(made("customer", "client", {"user_id": f"@{people[3]}", "contact_id": "@contact0"}))
    for at in range(random.randint(len(people), len(people) + 3)):
        person = people[at] if at < len(people) else random.choice(people)
        role = roles[0]["as"] if at == 0 else random.choice(roles)["as"]
        seat = {"user_id": f"@{person}", "unit_id": f"@{random.choice(units)}", "role_id": f"@{role}"}
        late = {"valid_to": random.randint(1, 40)} if random.random() < 0.15 else {}
        late |= {"valid_from": random.randint(1, 20)} if random.random() < 0.1 else {}
        ops.append(made("membership", f"M{at}", {**seat, "is_primary": at < len(people), **late}))
    ops.append(made("tag", "tag0", {"name": "T0"}))
    for at in range(1, 12):
        entity = WORK[at % len(WORK)] if at > 4 else random.choice(["contact", "company"])
        ops.append(made(entity, f"{entity}{at}", draw_record(random, entity, at, ops) | placed(random, people, units)))
    ops += [made("deal_line", f"line{at}", draw_part(random, "deal_line", ops, at)) for at in range(2)]
    ops += [made("contact_point", f"point{at}", draw_part(random, "contact_point", ops, at)) for at in range(2)]
    return ops


def placed(random: Random, people: list[str], units: list[str]) -> dict[str, Any]:
    owner = None if random.random() < 0.2 else f"@{random.choice(people)}"
    return {"owner_id": owner, "unit_id": f"@{random.choice(units)}"}


def labels(ops: list[Op], *entities: str) -> list[str]:
    return [op["as"] for op in ops if op.get("entity") in entities and op["act"] == "create"]


def draw_record(random: Random, entity: str, at: int, ops: list[Op]) -> dict[str, Any]:
    names = {"deal": "title", "task": "title", "activity": "subject"}
    values: dict[str, Any] = {names.get(entity, "name"): f"{entity.title()} {at}"}
    if entity == "company":
        return values | ({"industry": "on hold"} if random.random() < 0.1 else {"city": random.choice(WORDS)})
    if entity in ("deal", "contact") and random.random() < 0.6:
        values["source"] = random.choice(WORDS)
    if entity == "deal":
        values |= {"amount": random.choice([100, 500, 900]), "currency": "EUR", "pipeline": "windows"}
    links = {"deal": ["contact", "company"], "task": ["deal", "contact", "company"], "activity": ["contact", "deal"]}
    for kind in links.get(entity, ()):
        known = labels(ops, kind)
        if known and random.random() < 0.6:
            values[f"{kind}_id"] = f"@{random.choice(known)}"
    return values


def draw_part(random: Random, entity: str, ops: list[Op], at: int) -> dict[str, Any]:
    if entity == "deal_line":
        return {"deal_id": f"@{random.choice(labels(ops, 'deal'))}", "title": f"L{at}", "price": 10, "currency": "EUR"}
    if entity == "tagging":
        kind = random.choice(["deal", "contact"])
        return {"tag_id": "@tag0", "entity": kind, "record_id": f"@{random.choice(labels(ops, kind))}"}
    whole = random.choice(["contact", "contact", "company"])
    known = labels(ops, whole)
    whole, label = (whole, random.choice(known)) if known else ("contact", "contact0")
    return {f"{whole}_id": f"@{label}", "kind": "messenger", "value": f"v{at}"}


def hours(number: int) -> timedelta:
    return timedelta(hours=number)


def told(op: Op) -> str:
    """An operation in one line."""
    if op["act"] == "wait":
        return f"wait {op['hours']} h"
    values = ", ".join(f"{name}={_brief(value)}" for name, value in op.get("values", {}).items())
    about = op.get("of") or op.get("as")
    return f"{op['who']} ({op['door']}) {op['act']} {op['entity']} {about}: {values}"


def _brief(value: Any) -> str:
    """A value in few words; grants by their entity."""
    if not (isinstance(value, list) and value and isinstance(value[0], dict)):
        return str(value)
    found: dict[str, list[str]] = {}
    for row in value:
        found.setdefault(row["entity"], []).append(" ".join(str(it) for name, it in row.items() if name != "entity"))
    return "[" + "; ".join(f"{entity}: {', '.join(each)}" for entity, each in found.items()) + "]"
