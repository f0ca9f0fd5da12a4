"""Random companies, random people who are no owners, random acts: what the invariants say holds after each."""

from __future__ import annotations

from random import Random
from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opencrm import (
    Assign,
    Create,
    Deal,
    Delete,
    FieldRule,
    Grant,
    Membership,
    OpenCRMError,
    Principal,
    Query,
    Role,
    Scope,
    Unit,
    Update,
    User,
    assigning,
    records,
)
from opencrm.embed import grant_rows
from opencrm.services.workspaces.configuration import load_organisation
from opencrm.services.workspaces.signing_in import resolve
from opencrm.services.writing.judging.organisation import owners

UNITS, ROLES, PEOPLE = 5, 5, 5
ADMINISTERED = ("unit", "user", "role", "membership")
BIRTHDAY = FieldRule("contact", "birthday", read=True, write=True)
SCOPES = [Scope.TEAM, Scope.SUBTREE, Scope.SUBTREE, Scope.ALL]
READS = [Grant(entity, "read", Scope.ALL) for entity in ADMINISTERED]


@attrs.frozen
class Plan:
    """A company as numbers, and what its people try."""

    parents: list[int]
    roles: list[dict[str, Any]]
    seats: list[tuple[int, int, int]]
    acts: list[tuple[int, str, int, int, int]]


def plan_of(rng):
    """Draw a company in which much is allowed: higher roles hold most of what lower ones do, and hand it on."""
    roles = list(_roles(rng))
    seats = [(who, rng.randrange(1 + who), ROLES - 1 - who) for who in range(PEOPLE)]
    seats += [(rng.randrange(PEOPLE), rng.randrange(UNITS), rng.randrange(ROLES)) for _ in range(2)]
    acts = [
        (min(rng.randrange(PEOPLE), rng.randrange(PEOPLE)), rng.choice([*ATTEMPTS]), *_numbers(rng)) for _ in range(15)
    ]
    return Plan([rng.randrange(at) for at in range(1, UNITS)], roles, seats, acts)


def _numbers(rng):
    """Give a person, mostly a low one; a number; and a role, mostly a low one."""
    return max(rng.randrange(5), rng.randrange(5)), rng.randrange(5), min(rng.randrange(5), rng.randrange(5))


def _roles(rng):
    work: list[Grant] = []
    for at in range(ROLES):
        work = [_wider(rng, grant) for grant in work if rng.random() < 0.95]
        work.append(Grant(rng.choice(["deal", "contact"]), rng.choice(["read", "assign", "*"]), rng.choice(SCOPES)))
        admin = [Grant(entity, "*", rng.choice(SCOPES)) for entity in ADMINISTERED if at > 1 and rng.random() < 0.9]
        grants = [*READS, *work, *admin]
        yield {
            "rank": 100 * (at + rng.randrange(2)),
            "grants": grant_rows(grants),
            "delegable": grant_rows([*READS, *(it for it in grants[len(READS) :] if rng.random() < 0.95)]),
            "field_rules": [BIRTHDAY] if at > rng.randrange(ROLES) else [],
            "home": rng.choice([None, None, None, 0, *range(UNITS)]),
        }


def _wider(rng, grant):
    return attrs.evolve(grant, scope=max(grant.scope, rng.choice(SCOPES)))


class Undone(Exception):
    """Ends an example: nothing of it stays."""


@attrs.define
class Built:
    units: list[str]
    roles: list[str]
    people: list[str]
    deal: str


def build(work, plan):
    """Make the company in an open transaction."""
    units = [records.create(work, [Create(Unit, name="U0")])[0].record_id]
    for at, parent in enumerate(plan.parents, 1):
        units.append(records.create(work, [Create(Unit, name=f"U{at}", parent_id=units[parent])])[0].record_id)
    made = [Create(Role, values=_role(at, plan, units)) for at in range(ROLES)]
    several = [it.record_id for it in records.create(work, made)]
    people = [it.record_id for it in records.create(work, [Create(User, name=f"P{at}") for at in range(PEOPLE)])]
    for who, unit, role in dict.fromkeys(plan.seats):
        place = {"user_id": people[who], "unit_id": units[unit], "role_id": several[role]}
        records.create(work, [Create(Membership, values=place)])
    [deal] = records.create(work, [Create(Deal, title="D", owner_id=None, unit_id=units[0])])
    return Built(units, several, people, deal.record_id)


def _role(at, plan, units):
    about = dict(plan.roles[at])
    home = about.pop("home")
    return {"key": f"r{at}", "name": f"R{at}", "home_unit_id": None if home is None else units[home], **about}


def attempt(work, built, act):
    """Do one act as its actor; return whether it was permitted."""
    who, what, one, two, three = act
    try:
        rights, configuration = resolve(work.tx, work.workspace, Principal.user(built.people[who]), work.now)
        inner = type(work)(work.tx, work.workspace, rights, configuration, work.now, work._act)
        with work.savepoint():
            ATTEMPTS[what](inner, built, one, two, three)
    except OpenCRMError:
        return False
    return True


def _seat(work, built, person, unit, role):
    place = {
        "user_id": built.people[person],
        "unit_id": built.units[unit],
        "role_id": built.roles[role % len(built.roles)],
    }
    records.create(work, [Create(Membership, values=place)])


def _seats(work, built, person):
    return [it for it in work.list(Query(Membership, limit=200)) if it.user_id == built.people[person]]


def _reseat(work, built, person, unit, role):
    for seat in _seats(work, built, person)[:1]:
        change = {"unit_id": built.units[unit], "role_id": built.roles[role]}
        records.update(work, [Update(Membership, seat.id, values=change)])


def _unseat(work, built, person, *_):
    records.delete(work, [Delete(Membership, seat.id) for seat in _seats(work, built, person)[:1]])


def _edit_role(work, built, rank, other, role):
    source = work.get(Role, built.roles[other])
    change = {
        "rank": rank * 150,
        "grants": source.grants,
        "delegable": source.delegable,
        "field_rules": source.field_rules,
    }
    records.update(work, [Update(Role, built.roles[role], values=change)])


def _new_role(work, built, rank, home, other):
    source = work.get(Role, built.roles[other])
    about = {name: source[name] for name in ("grants", "delegable", "field_rules")}
    about |= {"key": f"n{len(built.roles)}", "name": "N", "rank": rank * 150, "home_unit_id": built.units[home]}
    [made] = records.create(work, [Create(Role, values=about)])
    built.roles.append(made.record_id)


def _move(work, built, unit, parent, _):
    records.update(work, [Update(Unit, built.units[unit], parent_id=built.units[parent])])


def _unit(work, built, parent, *_):
    records.create(work, [Create(Unit, name="N", parent_id=built.units[parent])])


def _user(work, built, person, way, _):
    change = {"name": "X"} if way % 2 else {"active": bool(way)}
    records.update(work, [Update(User, built.people[person], values=change)])


def _assign(work, built, person, *_):
    assigning.assign(work, [Assign(Deal, built.deal, owner=built.people[person])])


ATTEMPTS = {
    "seat": _seat,
    "reseat": _reseat,
    "unseat": _unseat,
    "role": _edit_role,
    "new role": _new_role,
    "move": _move,
    "unit": _unit,
    "user": _user,
    "assign": _assign,
}


@attrs.frozen
class Picture:
    """All that counts, as plain data."""

    parents: dict
    roles: dict
    seats: dict
    users: dict

    def below(self, unit):
        """The units of which this one is an ancestor, itself among them: by asking each for its parents."""
        return {one for one in self.parents if unit in self.line(one)}

    def line(self, unit):
        found = []
        while unit is not None and unit not in found:
            found.append(unit)
            unit = self.parents[unit]
        return found

    def held(self, user):
        return [(seat, self.roles[seat["role_id"]]) for seat in self.seats.values() if seat["user_id"] == user]

    def rank(self, user):
        return max((role["rank"] for _, role in self.held(user)), default=0)

    def worth(self, user):
        """Each grant, field and right to hand on, by the units where it holds."""
        return {
            (kind, *thing, unit)
            for seat, role in self.held(user)
            for kind in ("grants", "delegable")
            for thing, unit in self._spread(seat, role[kind])
        } | {
            ("field", rule["entity"], rule["field"])
            for _, role in self.held(user)
            for rule in role["field_rules"] or ()
        }

    def _spread(self, seat, grants):
        for grant in grants or ():
            reached = {seat["unit_id"]} if grant["scope"] == "team" else self.below(seat["unit_id"])
            for unit in reached if grant["scope"] in ("team", "subtree") else {grant["scope"]}:
                yield (grant["entity"], grant["action"]), unit


SEEN = (Unit, Role, Membership, User)


def _plain(entity, row):
    return {name: row[name] for name in row.fields}


def picture(work):
    rows = {entity: {it.id: _plain(entity, it) for it in work.stream(Query(entity))} for entity in SEEN}
    parents = {id: row["parent_id"] for id, row in rows[Unit].items()}
    return Picture(parents, rows[Role], rows[Membership], rows[User])


def changed(before, after):
    """The states, old and new, of what is not the same."""
    keys = [key for key in {*before, *after} if before.get(key) != after.get(key)]
    return [state[key] for key in keys for state in (before, after) if key in state]


def check_act(before, after, actor, what):
    """Check what a permitted act may have done: invariants 7, 9 and 21."""
    mine = before.rank(actor)
    ranks = [role["rank"] for role in changed(before.roles, after.roles)]
    for seat in changed(before.seats, after.seats):
        ranks += [{**before.roles, **after.roles}[seat["role_id"]]["rank"], before.rank(seat["user_id"])]
    ranks += [before.rank(user["id"]) for user in changed(before.users, after.users)]
    assert all(rank < mine for rank in ranks), f"invariant 7: {what}"
    for user in before.users:
        known = {unit for unit in after.parents if unit not in before.parents}
        gained = {it for it in after.worth(user) - before.worth(user) if it[-1] not in known}
        raised = gained or after.rank(user) > before.rank(user)
        assert not raised or before.rank(user) < mine, f"invariant 9: {what}"


def check_end(work, start, end, people):
    """Check what no sequence may have brought: invariants 8, 10 and 21."""
    handed = [role for user in people for _, role in start.held(user)]
    for user in end.users:
        old = [grant for _, role in start.held(user) for grant in role["grants"] or ()]
        for _, role in end.held(user):
            for grant in role["grants"] or ():
                source = [*old, *(it for giver in handed for it in giver["delegable"] or ())]
                assert any(holds(it, grant) for it in source), "invariant 8"
            opened = {rule["field"] for _, it in start.held(user) for rule in it["field_rules"] or ()}
            givers = {rule["field"] for giver in handed for rule in giver["field_rules"] or ()}
            assert {rule["field"] for rule in role["field_rules"] or ()} <= opened | givers, "invariant 8"
    assert owners(work), "invariant 10"
    tree = load_organisation(work.tx, "")
    for unit in end.parents:
        assert not tree.in_circle(unit), "invariant 21"
        assert set(tree.subtree(unit)) == end.below(unit), "invariant 21"
        assert list(tree.above(unit)) == end.line(unit), "invariant 21"


def holds(wide, narrow):
    return (
        wide["entity"] in ("*", narrow["entity"])
        and wide["action"] in ("*", narrow["action"])
        and Scope[wide["scope"].upper()] >= Scope[narrow["scope"].upper()]
    )


def check_assign(before, actor, owner, work, deal):
    """Check that a record went to somebody within the actor's reach: invariant 13."""
    if work.whole(Deal.spec, [deal])[deal]["owner_id"] != owner or owner == actor:
        return
    homes = {seat["unit_id"] for seat, _ in before.held(owner)}
    reached = {
        unit
        for seat, role in before.held(actor)
        for grant in role["grants"]
        if grant["entity"] == "deal" and grant["action"] in ("assign", "*")
        for unit in {"all": before.parents, "subtree": before.below(seat["unit_id"]), "team": [seat["unit_id"]]}.get(
            grant["scope"], ()
        )
    }
    assert homes & reached, "invariant 13"


@settings(max_examples=25)
@given(seed=st.integers(0, 1_000_000))
def test_invariants_7_8_9_10_13_and_21_hold_in_every_sequence(crm, firm, seed):
    """Whatever people who are no owners try, alone and together."""
    with pytest.raises(Undone), crm.work(firm.owner) as work:
        plan = plan_of(Random(seed))
        built = build(work, plan)
        start = before = picture(work)
        for act in plan.acts:
            if not attempt(work, built, act):
                continue
            after, actor = picture(work), built.people[act[0]]
            check_act(before, after, actor, act)
            if act[1] == "assign":
                check_assign(before, actor, built.people[act[2]], work, built.deal)
            before = after
        check_end(work, start, before, built.people)
        raise Undone
