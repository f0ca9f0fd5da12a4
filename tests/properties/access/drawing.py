"""What people try next, drawn at random from what there is in a company by now."""

from __future__ import annotations

from random import Random
from typing import Any

from tests.properties.access.companies import Firm
from tests.properties.access.scripts import (
    FIELD_RULES,
    SCOPES,
    STAGES,
    WORDS,
    WORK,
    Op,
    draw_grants,
    draw_part,
    draw_record,
    grant,
    narrowed,
)

WEIGHTS = {
    "update": 20,
    "create": 12,
    "assign": 7,
    "delete": 5,
    "restore": 4,
    "move": 5,
    "part": 5,
    "share": 7,
    "unshare": 2,
    "task": 6,
    "seat": 8,
    "reseat": 6,
    "person": 5,
    "role": 7,
    "unit": 5,
    "deputy": 5,
    "wait": 3,
}


def draw(random: Random, firm: Firm, at: int) -> Op:
    """Draw an operation of somebody's."""
    kind = random.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]
    if kind == "wait":
        return {"act": "wait", "hours": random.choice([1, 2, 5, 12])}
    op = _DRAWN[kind](random, firm, at)
    people = [label for label in firm.of("user") if label != "owner" and not label.startswith("N")] or ["owner"]
    governing = op["entity"] in ("unit", "user", "role", "membership", "deputy")
    who = "owner" if random.random() < (0.4 if governing else 0.08) else random.choice(people)
    doors = ["rest", "service", "many"] if op["entity"] in WORK and "of" in op else ["rest", "service"]
    return {"who": who, "door": random.choice(doors), **op}


def _of(random: Random, firm: Firm, *entities: str) -> str:
    known = firm.of(*entities)
    return random.choice(known) if known else "nothing"


def _known(firm: Firm) -> list[Op]:
    return [{"act": "create", "entity": entity, "as": label} for label, (entity, _) in firm.labels.items()]


def _change(act: str, entity: str, of: str, values: dict[str, Any] | None = None) -> Op:
    return {"act": act, "entity": entity, "of": of, "values": values or {}}


def _new(entity: str, label: str, values: dict[str, Any]) -> Op:
    return {"act": "create", "entity": entity, "as": label, "values": values}


def _update(random: Random, firm: Firm, at: int) -> Op:
    of = _of(random, firm, *WORK)
    entity = firm.labels[of][0] if of != "nothing" else "deal"
    choices: dict[str, list[dict[str, Any]]] = {
        "deal": [
            {"amount": random.choice([200, 501, 1200])},
            {"source": random.choice([*WORDS, f"s{at}"])},
            {"contact_id": f"@{_of(random, firm, 'contact')}"},
            {"title": f"D{at}"},
        ],
        "contact": [{"birthday": f"19{at % 90 + 10}-01-01"}, {"name": f"N{at}"}, {"source": f"s{at}"}],
        "company": [{"city": f"c{at}"}, {"name": f"N{at}"}],
        "task": [{"result": f"r{at}"}, {"deal_id": f"@{_of(random, firm, 'deal')}"}],
        "activity": [{"subject": f"a{at}"}, {"contact_id": f"@{_of(random, firm, 'contact')}"}],
    }
    return _change("update", entity, of, random.choice(choices[entity]))


def _create(random: Random, firm: Firm, at: int) -> Op:
    entity = random.choice(WORK)
    values = draw_record(random, entity, at + 100, _known(firm))
    if random.random() < 0.2:
        values["owner_id"] = random.choice([None, f"@{_of(random, firm, 'user')}"])
    if random.random() < 0.1:
        values["unit_id"] = f"@{_of(random, firm, 'unit')}"
    return _new(entity, f"{entity}{at + 100}", values)


def _assign(random: Random, firm: Firm, at: int) -> Op:
    of = _of(random, firm, *WORK)
    values = {"owner_id": f"@{_of(random, firm, 'user')}"} if random.random() < 0.8 else {}
    if not values or random.random() < 0.2:
        values["unit_id"] = f"@{_of(random, firm, 'unit')}"
    return _change("assign", of.rstrip("0123456789"), of, values)


def _delete(random: Random, firm: Firm, at: int) -> Op:
    of = _of(random, firm, "deal", "task", "activity", "contact_point", "deal_line", "contact")
    return _change("delete", firm.labels.get(of, ("deal",))[0], of)


def _restore(random: Random, firm: Firm, at: int) -> Op:
    world = firm.world()
    gone = [it for it in firm.of(*WORK) if world[firm.labels[it][0]][firm.id(it)]["deleted_at"] is not None]
    of = random.choice(gone) if gone else "nothing"
    return _change("restore", firm.labels.get(of, ("deal",))[0], of)


def _move(random: Random, firm: Firm, at: int) -> Op:
    return _change("move", "deal", _of(random, firm, "deal"), {"to": random.choice(STAGES)})


def _part(random: Random, firm: Firm, at: int) -> Op:
    entity = random.choice(["deal_line", "contact_point", "tagging"] if firm.of("deal") else ["contact_point"])
    return _new(entity, f"{entity}{at + 100}", draw_part(random, entity, _known(firm), at + 100))


def _share(random: Random, firm: Firm, at: int) -> Op:
    of = _of(random, firm, "deal", "deal", "contact")
    actions = random.choice([["read"], ["read"], ["read", "update"], ["read", "share"], ["read", "update", "delete"]])
    values = {"entity": of.rstrip("0123456789"), "record_id": f"@{of}", "user_id": f"@{_of(random, firm, 'user')}"}
    until = {"until": random.randint(1, 60)} if random.random() < 0.3 else {}
    return _new("share", f"S{at}", {**values, "actions": actions, **until})


def _unshare(random: Random, firm: Firm, at: int) -> Op:
    return _change("delete", "share", _of(random, firm, "share"))


def _task(random: Random, firm: Firm, at: int) -> Op:
    if random.random() < 0.4:
        state = random.choice(["started", "paused", "done", "cancelled"])
        return _change("update", "task", _of(random, firm, "task"), {"state": state})
    values = draw_record(random, "task", at + 100, _known(firm))
    return _new("task", f"task{at + 100}", {**values, "owner_id": f"@{_of(random, firm, 'user')}"})


def _seat(random: Random, firm: Firm, at: int) -> Op:
    place = {
        "user_id": _of(random, firm, "user"),
        "unit_id": _of(random, firm, "unit"),
        "role_id": _of(random, firm, "role"),
    }
    values: dict[str, Any] = {name: f"@{label}" for name, label in place.items()} | {"is_primary": False}
    if random.random() < 0.3:
        values["valid_to"] = random.randint(1, 60)
    return _new("membership", f"M{at + 100}", values)


def _reseat(random: Random, firm: Firm, at: int) -> Op:
    of = _of(random, firm, "membership")
    values = random.choice(
        [{"valid_to": random.randint(1, 60)}, {"valid_to": None}, {"unit_id": _of(random, firm, "unit")}]
    )
    if "unit_id" in values:
        values = {"unit_id": f"@{values['unit_id']}"}
    return _change("delete", "membership", of) if random.random() < 0.3 else _change("update", "membership", of, values)


def _person(random: Random, firm: Firm, at: int) -> Op:
    if random.random() < 0.3:
        return _new("user", f"N{at}", {"name": f"N{at}"})
    values = random.choice([{"active": False}, {"active": True}, {"active": True}, {"name": f"X{at}"}])
    return _change("update", "user", _of(random, firm, "user"), values)


def _role(random: Random, firm: Firm, at: int) -> Op:
    of = _of(random, firm, "role")
    world = firm.world()
    row = world["role"].get(firm.labels.get(of, ("", ""))[1], {})
    grants = list(row.get("grants") or draw_grants(random, 0.1))
    if random.random() < 0.5:
        grants.append(
            grant(random.choice(WORK), random.choice(["read", "update", "assign", "share"]), random.choice(SCOPES))
        )
        values: dict[str, Any] = {"grants": grants}
    elif random.random() < 0.4:
        entity, name = random.choice(FIELD_RULES)
        values = {"field_rules": [{"entity": entity, "field": name, "read": random.random() < 0.5, "write": False}]}
    elif random.random() < 0.3:
        values = {"rank": random.choice([50, 400, 800])}
    else:
        values = {"grants": narrowed(random, grants, 0.9), "delegable": []}
    if random.random() < 0.25:
        home = {"home_unit_id": f"@{_of(random, firm, 'unit')}", "rank": random.choice([50, 300])}
        small = narrowed(random, list(row.get("delegable") or []), 0.5)
        return _new("role", f"R{at + 100}", {"key": f"r{at + 100}", "name": f"R{at + 100}", "grants": small, **home})
    return _change("update", "role", of, values)


def _unit(random: Random, firm: Firm, at: int) -> Op:
    of, parent = _of(random, firm, "unit"), _of(random, firm, "unit")
    if random.random() < 0.25:
        return _new("unit", f"U{at + 100}", {"name": f"U{at + 100}", "parent_id": f"@{parent}"})
    return _change("update", "unit", of, random.choice([{"parent_id": f"@{parent}"}, {"name": f"U{at}"}]))


def _deputy(random: Random, firm: Firm, at: int) -> Op:
    if random.random() < 0.2:
        return _change("delete", "deputy", _of(random, firm, "deputy"))
    entities = random.choice([None, None, ["deal"], ["contact", "task"]])
    people = {"of_id": f"@{_of(random, firm, 'user')}", "to_id": f"@{_of(random, firm, 'user')}"}
    return _new("deputy", f"D{at}", {**people, "valid_to": random.randint(1, 60), "entities": entities})


_DRAWN = {
    "update": _update,
    "create": _create,
    "assign": _assign,
    "delete": _delete,
    "restore": _restore,
    "move": _move,
    "part": _part,
    "share": _share,
    "unshare": _unshare,
    "task": _task,
    "seat": _seat,
    "reseat": _reseat,
    "person": _person,
    "role": _role,
    "unit": _unit,
    "deputy": _deputy,
}
