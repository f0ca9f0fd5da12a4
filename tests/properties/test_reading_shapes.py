"""Generated firms: lists, counts, sums, boards and reports are what plain Python makes of every record."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, date, datetime
from decimal import Decimal

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opencrm import (
    All,
    Create,
    Deal,
    Equal,
    Grant,
    Membership,
    Not,
    Principal,
    Query,
    Report,
    Role,
    Scope,
    Unit,
    User,
    boards,
    records,
    reports,
)
from opencrm.core.change import Change, Kind
from opencrm.core.values import fold
from opencrm.embed import grant_rows
from opencrm.services.reading.planning import plans
from opencrm.services.reading.reader import Reader
from opencrm.services.workspaces.signing_in import resolve
from opencrm.services.writing import counting

PEOPLE = 3
SCOPES = [Scope.OWN, Scope.TEAM, Scope.SUBTREE, Scope.ALL]
SORTS = ["created_at", "amount", "expected_close", "title", "source", "id"]
STAGES = ["new", "offer", "won", "lost"]
INSTANTS = [datetime(2026, 1, 1, hour, tzinfo=UTC) for hour in (0, 22, 23)]
WON = Equal("stage", "won")


@attrs.frozen
class Sale:
    """A deal as numbers."""

    creator: int
    owner: int | None
    unit: int
    deleted: bool
    values: dict[str, object] = attrs.field(hash=False)


@attrs.frozen
class Seat:
    """A place: whose, in which unit, how far it reaches, and whether for won deals only."""

    person: int
    unit: int
    scope: Scope
    won_only: bool


@attrs.frozen
class Firm:
    """A firm as numbers: parents of units, seats, deals."""

    parents: tuple[int, ...]
    seats: tuple[Seat, ...]
    deals: tuple[Sale, ...]


@st.composite
def firms(draw):
    parents = tuple(draw(st.integers(0, at)) for at in range(draw(st.integers(1, 4))))
    people, units = st.integers(0, PEOPLE - 1), st.integers(0, len(parents))
    seat = st.builds(Seat, people, units, st.sampled_from(SCOPES), st.booleans())
    values = st.fixed_dictionaries(
        {
            "created_at": st.sampled_from(INSTANTS),
            "amount": st.none() | st.sampled_from([Decimal(0), Decimal(1), Decimal("7.50"), Decimal(-3)]),
            "currency": st.sampled_from(["EUR", "USD"]),
            "expected_close": st.none() | st.sampled_from([date(2026, 1, 31), date(2026, 2, 1)]),
            "closed_at": st.none() | st.sampled_from(INSTANTS),
            "title": st.sampled_from(["Ähre", "ahre", "Zoo"]),
            "source": st.none() | st.sampled_from(["web", "WEB", "fair"]),
            "stage": st.sampled_from(STAGES),
        }
    )
    deal = st.builds(Sale, people, st.none() | people, units, st.sampled_from([False, False, False, True]), values)
    return Firm(
        parents,
        tuple(draw(st.lists(seat, max_size=4, unique_by=lambda it: (it.person, it.unit, it.scope, it.won_only)))),
        tuple(draw(st.lists(deal, max_size=14))),
    )


class Undone(Exception):
    """Ends an example: nothing of it stays."""


@attrs.frozen
class Built:
    """What came of a firm."""

    firm: Firm
    people: list[str]
    units: list[str]
    rows: list[dict[str, object]]


def build(work, firm):
    units = [entry.record_id for entry in records.create(work, [Create(Unit, name="U0")])]
    for at, parent in enumerate(firm.parents, 1):
        units += [it.record_id for it in records.create(work, [Create(Unit, name=f"U{at}", parent_id=units[parent])])]
    people = [it.record_id for it in records.create(work, [Create(User, name=f"P{at}") for at in range(PEOPLE)])]
    kinds = [(scope, won) for scope in SCOPES for won in (False, True)]
    made = records.create(work, [Create(Role, values=_role(*kind)) for kind in kinds])
    roles = {kind: line.record_id for kind, line in zip(kinds, made, strict=True)}
    seats = [
        Create(
            Membership,
            user_id=people[it.person],
            unit_id=units[it.unit],
            role_id=roles[it.scope, it.won_only],
        )
        for it in firm.seats
    ]
    if seats:
        records.create(work, seats)
    rows = [_row(work, people, units, it) for it in firm.deals]
    work.tx.insert(Deal.__table__, rows)
    made = [Change("deal", row["id"], Kind.CREATED, None, row) for row in rows]
    work.tx.insert(*counting.appended(work, {Deal.spec: made}))
    return Built(firm, people, units, rows)


def _role(scope, won):
    grant = Grant("deal", "read", scope, WON if won else None)
    return {"key": f"r{scope.name}{won}".lower(), "name": "R", "grants": grant_rows([grant])}


def _row(work, people, units, sale):
    [id] = work.new_ids(1)
    values = dict(sale.values)
    values["currency"] = values["currency"] if values["amount"] is not None else None
    return values | {
        "id": id,
        "title_key": fold(values["title"]),
        "source_key": values["source"] and fold(values["source"]),
        "owner_id": None if sale.owner is None else people[sale.owner],
        "unit_id": units[sale.unit],
        "created_by": f"user:{people[sale.creator]}",
        "updated_at": values["created_at"],
        "deleted_at": INSTANTS[0] if sale.deleted else None,
        "pipeline": "windows",
        "amount_from": "hand",
        "version": 1,
    }


def seen_by(built, who):
    """Say which living deals somebody may read, word for word as access.md has it."""
    return [
        row
        for sale, row in zip(built.firm.deals, built.rows, strict=True)
        if not sale.deleted and any(_reaches(built.firm, seat, sale) for seat in built.firm.seats if seat.person == who)
    ]


def _reaches(firm, seat, sale):
    mine = sale.owner == seat.person or (sale.owner is None and sale.creator == seat.person)
    reach = (
        mine
        or seat.scope is Scope.ALL
        or (seat.scope >= Scope.TEAM and sale.unit == seat.unit)
        or (seat.scope >= Scope.SUBTREE and sale.unit in _below(firm, seat.unit))
    )
    return reach and (not seat.won_only or sale.values["stage"] == "won")


def _below(firm, unit):
    found = {unit}
    for at, parent in enumerate(firm.parents, 1):
        if parent in found:
            found.add(at)
    return found


def ordered(rows, sort):
    """Order rows by a field and then by id, those without a value last in either direction."""
    name, down = sort.removeprefix("-"), sort.startswith("-")
    key = f"{name}_key" if name in ("title", "source") else name
    held = sorted((row for row in rows if row[key] is not None), key=lambda row: (row[key], row["id"]), reverse=down)
    empty = sorted((row for row in rows if row[key] is None), key=lambda row: row["id"], reverse=down)
    return [row["id"] for row in held + empty]


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


SHAPES = {
    "merged": {},
    "walked": {"MOST_ARMS": 0},
    "tried": {"MANY_ARMS": 1, "LOOK": 1},
    "walked after a try": {"MANY_ARMS": 1, "LOOK": 2},
}


@pytest.mark.parametrize("shape", SHAPES)
@settings(max_examples=12)
@given(firm=firms(), limit=st.integers(1, 4), where=st.sampled_from([None, Not(WON), Equal("source", "web")]))
def test_every_shape_lists_what_python_lists(crm, firm_of_owner, shape, firm, limit, where):
    """Whatever the arms, the sort and its direction: every page, in order, and the total."""
    with pytest.raises(Undone), crm.work(firm_of_owner) as work, pytest.MonkeyPatch.context() as patch:
        for name, value in SHAPES[shape].items():
            patch.setattr(plans, name, value)
        built = build(work, firm)
        for who, person in enumerate(built.people):
            reader, rows = reader_of(work, person), [row for row in seen_by(built, who) if _holds(where, row)]
            for sort in [*SORTS, *(f"-{each}" for each in SORTS)]:
                assert listed(reader, sort=sort, limit=limit, where=where) == ordered(rows, sort), sort
            assert reader.count(Deal, where) == len(rows)
            assert reader.list(Query(Deal, where=where, limit=limit, total=True)).total == len(rows)
        raise Undone


def _holds(where, row):
    if where is None:
        return True
    return row["stage"] != "won" if isinstance(where, Not) else row["source_key"] == "web"


@pytest.fixture
def firm_of_owner(firm):
    """Whoever may make the examples' firms."""
    return firm.owner


@settings(max_examples=25)
@given(firm=firms(), look=st.integers(1, 3), sort=st.sampled_from(["-amount", "-created_at", "created_at"]))
def test_sums_and_boards_are_what_python_adds_up(crm, firm_of_owner, firm, look, sort):
    """By stage and by currency, of what may be seen, with the first cards, however far a walk looks."""
    with pytest.raises(Undone), crm.work(firm_of_owner) as work, pytest.MonkeyPatch.context() as patch:
        patch.setattr(boards, "_LOOK", look)
        built = build(work, firm)
        for who, person in enumerate(built.people):
            reader, rows = reader_of(work, person), seen_by(built, who)
            assert {it.currency: it.amount for it in reader.sums(Deal, "amount")} == _added(rows)
            board = boards.board(reader, "windows", cards=2, sort=sort)
            for column in board.columns:
                own = [row for row in rows if row["stage"] == column.stage.key]
                assert column.count == len(own)
                assert {it.currency: it.amount for it in column.sums} == _added(own)
                assert [card.id for card in column.cards] == ordered(own, sort)[:2]
        raise Undone


@settings(max_examples=20)
@given(firm=firms(), first=st.sampled_from(["source", "stage", "closed_at:month", "expected_close:quarter"]))
def test_reports_are_what_python_groups(crm, firm_of_owner, firm, first):
    """Groups of a field or a period and of the owner, with counts, sums and conversion."""
    with pytest.raises(Undone), crm.work(firm_of_owner) as work:
        built = build(work, firm)
        asked = Report(Deal, (first, "owner_id"), ("count", "sum:amount", "conversion"), where=All())
        for who, person in enumerate(built.people):
            rows = reports.run(reader_of(work, person), asked).rows
            found = {(_folded(one), other): tuple(rest) for one, other, *rest in rows}
            assert len(found) == len(rows)
            groups = defaultdict(list)
            for row in seen_by(built, who):
                groups[_group(first, row), row["owner_id"]].append(row)
            assert {key: told[0] for key, told in found.items()} == {key: len(own) for key, own in groups.items()}
            for key, own in groups.items():
                _, sums, conversion = found[key]
                assert {it.currency: it.amount for it in sums} == _added(own)
                ends = [row["stage"] for row in own if row["stage"] in ("won", "lost")]
                assert (conversion.won, conversion.closed) == (ends.count("won"), len(ends))
        raise Undone


def _added(rows):
    found = defaultdict(Decimal)
    for row in rows:
        if row["amount"] is not None:
            found[row["currency"]] += row["amount"]
    return dict(found)


def _folded(value):
    return fold(value) if isinstance(value, str) else value


def _group(name, row):
    """Say to which group a row belongs; London has no summer time in January."""
    if name == "closed_at:month":
        return None if row["closed_at"] is None else date(2026, 1, 1)
    if name == "expected_close:quarter":
        return None if row["expected_close"] is None else date(2026, 1, 1)
    return row[f"{name}_key"] if name == "source" else row[name]
