"""Generated companies: what a list gives is what a brute-force check of each record allows."""

from __future__ import annotations

from itertools import pairwise

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opencrm import (
    Create,
    Deal,
    DealLine,
    ExternalRef,
    Grant,
    Membership,
    NotFound,
    PermissionDenied,
    Principal,
    Query,
    Role,
    Scope,
    Unit,
    Update,
    User,
    records,
)
from opencrm.embed import grant_rows
from opencrm.services.reading.planning import plans
from opencrm.services.reading.reader import Reader
from opencrm.services.workspaces.signing_in import resolve

SCOPES = [Scope.OWN, Scope.TEAM, Scope.SUBTREE, Scope.ALL]
PEOPLE = 4


@attrs.frozen
class Plan:
    """A company as numbers: parents of units, seats of people, deals."""

    parents: tuple[int, ...]
    seats: tuple[tuple[int, int, int], ...]
    deals: tuple[tuple[int, int | None, int], ...]


@st.composite
def companies(draw):
    parents = tuple(draw(st.integers(0, at)) for at in range(draw(st.integers(1, 5))))
    units = st.integers(0, len(parents))
    people = st.integers(0, PEOPLE - 1)
    seats = draw(st.sets(st.tuples(people, units, st.integers(0, len(SCOPES) - 1)), max_size=6))
    deals = draw(st.lists(st.tuples(people, st.none() | people, units), max_size=12))
    return Plan(parents, tuple(seats), tuple(deals))


class Undone(Exception):
    """Ends an example: nothing of it stays."""


@attrs.frozen
class Built:
    units: list[str]
    people: list[str]
    deals: list[str]


def build(work, plan):
    """Make the company in an open transaction."""
    units = [entry.record_id for entry in records.create(work, [Create(Unit, name="U0")])]
    for at, parent in enumerate(plan.parents, 1):
        [made] = records.create(work, [Create(Unit, name=f"U{at}", parent_id=units[parent])])
        units.append(made.record_id)
    roles = [entry.record_id for entry in records.create(work, [Create(Role, values=role(it)) for it in SCOPES])]
    people = [made.record_id for made in records.create(work, [Create(User, name=f"P{at}") for at in range(PEOPLE)])]
    seats = [
        Create(Membership, user_id=people[who], unit_id=units[unit], role_id=roles[what])
        for who, unit, what in plan.seats
    ]
    if seats:
        records.create(work, seats)
    return Built(units, people, [deal(work, people, units, each) for each in plan.deals])


def role(scope):
    grants = [Grant("deal", action, scope) for action in ("create", "read", "update", "delete")]
    return {"key": f"r{scope.name}", "name": scope.name, "grants": grant_rows(grants)}


def deal(work, people, units, planned):
    """Make a deal as the owner, and write into it who made it: creation in a foreign unit is no matter of reading."""
    creator, owner, unit = planned
    given = {"owner_id": None if owner is None else people[owner], "unit_id": units[unit]}
    [made] = records.create(work, [Create(Deal, title=f"D{creator}", **given)])
    table = Deal.__table__
    statement = table.update().where(table.c.id == made.record_id).values(created_by=f"user:{people[creator]}")
    options = {"schema_translate_map": {None: work.workspace.database.schema}}
    work.tx.connection.execute(statement, execution_options=options)
    return made.record_id


def below(plan, unit):
    found = {unit}
    for at, parent in enumerate(plan.parents, 1):
        if parent in found:
            found.add(at)
    return found


def expected(plan, who, seats=None):
    """Say which deals somebody may see, word for word as access.md has it."""
    found = set()
    for at, (creator, owner, unit) in enumerate(plan.deals):
        mine = owner == who or (owner is None and creator == who)
        for person, seat, what in plan.seats if seats is None else seats:
            scope = SCOPES[what]
            if person == who and (
                mine
                or scope is Scope.ALL
                or (scope >= Scope.TEAM and unit == seat)
                or (scope >= Scope.SUBTREE and unit in below(plan, seat))
            ):
                found.add(at)
    return found


def reader_of(work, person):
    rights, configuration = resolve(work.tx, work.workspace, Principal.user(person), work.now)
    return Reader(work.tx, work.workspace, rights, configuration, work.now)


def listed(reader, **how):
    cursor, found = None, []
    while True:
        page = reader.list(Query(Deal, cursor=cursor, **how))
        found += [row.id for row in page]
        cursor = page.next
        if cursor is None:
            return found


@settings(max_examples=25)
@given(plan=companies(), limit=st.integers(1, 5), sort=st.sampled_from(["-created_at", "created_at", "amount", "-id"]))
def test_filter_is_check(crm, firm, plan, limit, sort):
    """List, count, single reads and the brute-force set are one, for everybody, in both shapes of the statement."""
    with pytest.raises(Undone), crm.work(firm.owner) as work:
        built = build(work, plan)
        for who, person in enumerate(built.people):
            reader = reader_of(work, person)
            wanted = {built.deals[at] for at in expected(plan, who)}
            merged = listed(reader, limit=limit, sort=sort)
            assert set(merged) == wanted
            assert len(merged) == len(wanted)
            assert reader.count(Deal) == len(wanted)
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(plans, "MOST_ARMS", 0)
                assert listed(reader, limit=limit, sort=sort) == merged
            for id in built.deals:
                if id in wanted:
                    assert reader.get(Deal, id).id == id
                else:
                    with pytest.raises(NotFound):
                        reader.get(Deal, id)
        raise Undone


@settings(max_examples=15)
@given(plan=companies(), limit=st.integers(1, 5))
def test_parts_are_seen_with_their_whole(crm, firm, plan, limit):
    """Lines and keys in other systems: a list of them holds those of the visible deals, and no other."""
    with pytest.raises(Undone), crm.work(firm.owner) as work:
        built = build(work, plan)
        lines = [Create(DealLine, deal_id=id, price=1) for id in built.deals]
        refs = [Create(ExternalRef, system="s", key=id, entity="deal", record_id=id) for id in built.deals]
        if lines:
            records.create(work, lines)
            records.create(work, refs)
        for who, person in enumerate(built.people):
            reader = reader_of(work, person)
            wanted = sorted(built.deals[at] for at in expected(plan, who))
            for entity, whole in ((DealLine, "deal_id"), (ExternalRef, "record_id")):
                parts = [row[whole] for row in reader.stream(Query(entity))]
                assert sorted(parts) == wanted
                assert reader.count(entity) == len(wanted)
                assert len(reader.list(Query(entity, limit=limit))) == min(limit, len(wanted))
        raise Undone


@settings(max_examples=15)
@given(plan=companies())
def test_the_verdict_agrees_with_the_list(crm, firm, plan):
    """What explains a decision comes to the same decision, with a reason."""
    with pytest.raises(Undone), crm.work(firm.owner) as work:
        built = build(work, plan)
        states = work.states(Deal.spec, built.deals)
        for who, person in enumerate(built.people):
            reader = reader_of(work, person)
            expression = reader.rights.expression(Deal, "read")
            verdicts = {at: expression.verdict(states[id], reader.linked) for at, id in enumerate(built.deals)}
            assert {at for at, verdict in verdicts.items() if verdict.allowed} == expected(plan, who)
            assert all(verdict.reason for verdict in verdicts.values())
        raise Undone


@settings(max_examples=40)
@given(plan=companies(), data=st.data())
def test_scopes_are_nested_and_seats_only_add(plan, data):
    """own <= team <= subtree <= all, and one more seat never takes a record away: on the model itself."""
    who, unit = data.draw(st.integers(0, PEOPLE - 1)), data.draw(st.integers(0, len(plan.parents)))
    sets = [expected(plan, who, [(who, unit, what)]) for what in range(len(SCOPES))]
    assert all(narrow <= wide for narrow, wide in pairwise(sets))


@settings(max_examples=15)
@given(plan=companies())
def test_writing_needs_what_reading_shows(crm, firm, plan):
    """Who does not see a deal cannot change it; who may change it sees it before and after."""
    with pytest.raises(Undone), crm.work(firm.owner) as work:
        built = build(work, plan)
        for who, person in enumerate(built.people):
            rights, configuration = resolve(work.tx, work.workspace, Principal.user(person), work.now)
            other = type(work)(work.tx, work.workspace, rights, configuration, work.now, work._act)
            allowed = expected(plan, who)
            for at, id in enumerate(built.deals):
                command = Update(Deal, id, title=f"T{who} {at}")
                if at in allowed:
                    assert records.update(other, [command])[0].after["title"] == f"T{who} {at}"
                else:
                    with pytest.raises((NotFound, PermissionDenied)):
                        records.update(other, [command])
        raise Undone
