"""Counters tell the same as the records, whatever is done in whatever order, to whoever looks, on both databases."""

from __future__ import annotations

from datetime import timedelta

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opencrm import (
    All,
    AnyOf,
    Assign,
    AtLeast,
    ConflictError,
    Create,
    Deal,
    Delete,
    DomainError,
    Empty,
    Equal,
    In,
    InputError,
    Less,
    MassEdit,
    Merge,
    Move,
    Not,
    NotFound,
    Report,
    Restore,
    Undo,
    Update,
    assigning,
    boards,
    editing,
    merging,
    pipelines,
    records,
    reports,
    undoing,
)
from opencrm.services.analysing import recounting
from opencrm.services.analysing.counters import counters_for
from opencrm.testing import make_deal

AMOUNTS = (None, "0", "-0.0001", "12.5", "16777215.9999", "99999999999999.9999")
STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            ("create", "change", "move", "give", "unown", "delete", "restore", "merge", "undo", "mass", "fold", "wait")
        ),
        st.integers(0, 7),
        st.sampled_from(AMOUNTS),
        st.sampled_from(("EUR", "USD")),
    ),
    min_size=4,
    max_size=20,
)
WON, MARCH = Equal("stage", "won"), "2026-03-01"
ASKED = (
    Report(Deal),
    Report(Deal, "stage", ("count", "sum:amount", "average:amount")),
    Report(Deal, ("closed_at:month", "owner_id"), ("count", "sum:amount"), where=WON),
    Report(Deal, ("closed_at:year", "stage"), ("count", "conversion")),
    Report(Deal, "closed_at:quarter", ("sum:amount",), where=Not(Empty("closed_at"))),
    Report(Deal, ("unit_id", "currency"), ("count",), where=AnyOf((WON, Not(Empty("owner_id"))))),
    Report(Deal, (), ("sum:amount", "conversion"), where=In("stage", ("won", "lost"))),
    Report(Deal, "stage", ("count",), where=All((AtLeast("closed_at", MARCH), Less("closed_at", "2026-05-01")))),
)


@pytest.fixture(autouse=True)
def _late(crm):
    """An hour before midnight, when it is March in London and not yet in UTC's."""
    crm.advance(timedelta(minutes=(24 * 60 - crm.clock.now().hour * 60 - crm.clock.now().minute) % (24 * 60) - 40))


@settings(max_examples=30)
@given(steps=STEPS)
def test_they_tell_the_same_as_the_records(crm, firm, steps):
    people = [firm.owner, firm.seller, firm.fitter, firm.stranger]
    deals, acts = [make_deal(crm, by=person, amount="3").id for person in people], []
    for what, at, amount, currency in steps:
        if what == "fold":
            _fold_all(crm)
        elif what == "wait":
            crm.advance(timedelta(days=11, minutes=25))
        else:
            try:
                with crm.work(firm.owner) as work:
                    done = _do(work, what, deals, at, {"amount": amount, "currency": currency}, people, acts)
                    acts.append(work.act)
                deals += [entry.record_id for entry in done or ()]
            except (ConflictError, DomainError, InputError, NotFound):
                pass  # It may not be done at this point; nothing of it stands.
    for person in (*people, firm.head):
        with crm.read(person) as reader:
            assert _told(reader, counted=True) == _told(reader, counted=False)
    _counted_anew(crm, firm.owner)


def test_each_of_them_is_answered_by_counters(crm, firm):
    """Otherwise the test above would compare the records with themselves."""
    for person, answered in ((firm.owner, True), (firm.head, True), (firm.seller, False)):
        with crm.read(person) as reader:
            for report in ASKED:
                found = counters_for(reader, Deal.spec, reader.bound(Deal.spec, report.where))
                assert (found is not None) == answered


def _do(work, what, deals, at, money, people, acts):
    deal, other = deals[at % len(deals)], deals[(at + 1) % len(deals)]
    match what:
        case "create":
            owner = people[at % len(people)].id if at % 3 else None
            return records.create(work, [Create(Deal, values={"title": "t", "owner_id": owner, **money})])
        case "change":
            records.update(work, [Update(Deal, deal, values=money)])
        case "move":
            pipelines.move(work, [Move(Deal, deal, to=("offer", "won", "lost")[at % 3])])
        case "give":
            assigning.assign(work, [Assign(Deal, deal, owner=people[at % len(people)].id)])
        case "unown":
            assigning.assign(work, [Assign(Deal, deal, owner=None)])
        case "delete":
            records.delete(work, [Delete(Deal, deal)])
        case "restore":
            records.restore(work, [Restore(Deal, deal)])
        case "merge":
            merging.merge(work, Merge(Deal, deal, [other]))
        case "mass":
            editing.edit(work, MassEdit(Deal, where=Equal("stage", "new"), set=money))
        case "undo" if acts:
            undoing.undo(work, [Undo(act=acts[-1 - len(acts) // 3])])
    return ()


def _told(reader, *, counted):
    held = reader.configuration
    reader.configuration = attrs.evolve(held, counted=held.counted if counted else frozenset())
    columns = boards.board(reader, "windows", cards=0).columns
    board = [(column.stage.key, column.count, column.sums) for column in columns]
    return board, [reports.run(reader, report).rows for report in ASKED]


def _fold_all(crm):
    with crm.database.read() as tx:
        owners = {row[0] for row in tx.connection.exec_driver_sql(f"SELECT owner_id FROM {_table(tx)}").fetchall()}
    for owner in owners:
        recounting._fold(crm.workspace, "deal", None if owner is None else str(owner))


def _table(tx):
    return tx.statements.writer(recounting._TABLE).target


def _counted_anew(crm, owner):
    """Counting all records anew changes nothing."""
    with crm.read(owner) as reader:
        before = _told(reader, counted=True)
    recounting.recount(crm.workspace, crm.configuration, Deal.spec)
    with crm.read(owner) as reader:
        assert _told(reader, counted=True) == before
