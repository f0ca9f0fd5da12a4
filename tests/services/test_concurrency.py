"""Many writers at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from opencrm import (
    ConflictError,
    Contact,
    Create,
    Deal,
    DealLine,
    Delete,
    DomainError,
    Duplicate,
    Membership,
    Move,
    Product,
    Query,
    Role,
    Unit,
    Update,
    User,
    pipelines,
    records,
)
from opencrm.testing import make_deal, make_record

THREADS = 16
ROUNDS = 5


def together(number, act):
    """Run `act(0)`, `act(1)` ... at the same moment; return the answers and errors."""
    start = Barrier(number)

    def run(at):
        start.wait(timeout=30)
        try:
            return act(at)
        except Exception as error:  # noqa: BLE001  # the test looks at it
            return error

    with ThreadPoolExecutor(number) as pool:
        return list(pool.map(run, range(number)))


def test_no_read_then_write_is_lost(crm, firm):
    """Sixteen threads each add to what they have read: the sum is exact."""
    deal = make_deal(crm, amount=0)

    def add(_at):
        for _ in range(ROUNDS):
            with crm.work(firm.owner) as work:
                read = work.get(Deal, deal.id)
                records.update(work, [Update(Deal, deal.id, amount=read.amount + 1)])

    assert together(THREADS, add) == [None] * THREADS
    with crm.read(firm.owner) as reader:
        assert reader.get(Deal, deal.id).amount == THREADS * ROUNDS
        assert len(reader.history(Deal, deal.id)) == THREADS * ROUNDS + 1


def test_of_two_stale_writers_one_is_told(crm, firm):
    """All hold the same tag: one write is acknowledged, the others are conflicts."""
    deal = make_deal(crm)
    with crm.read(firm.owner) as reader:
        tag = reader.etag(Deal, reader.get(Deal, deal.id))

    def write(at):
        with crm.work(firm.owner) as work:
            records.update(work, [Update(Deal, deal.id, title=f"T{at}", if_match=tag)])

    answers = together(8, write)
    assert answers.count(None) == 1
    assert all(isinstance(answer, ConflictError) for answer in answers if answer is not None)


def test_a_unique_value_is_given_once(crm, firm):
    """Of all who take it at the same moment, one gets it."""

    def take(at):
        with crm.work(firm.owner) as work:
            records.create(work, [Create(Product, name=f"P{at}", sku="W-1")])

    answers = together(8, take)
    assert answers.count(None) == 1
    assert all(isinstance(answer, Duplicate) for answer in answers if answer is not None)


def test_a_deal_moves_once(crm, firm):
    """Two people win one deal at the same moment: one move, one refusal, one line in the log."""
    deal = make_deal(crm, stage="offer")

    def win(_at):
        with crm.work(firm.owner) as work:
            pipelines.move(work, [Move(Deal, deal.id, to="won")])

    answers = together(8, win)
    assert answers.count(None) == 1
    assert all(isinstance(answer, DomainError) for answer in answers if answer is not None)


def test_lines_added_at_once_are_all_in_the_sum(crm, firm):
    """Each line is committed, and the amount is the sum of all."""
    deal = make_deal(crm, lines=[{"price": 1}])

    def add(_at):
        with crm.work(firm.owner) as work:
            records.create(work, [Create(DealLine, deal_id=deal.id, price=1)])

    assert together(8, add) == [None] * 8
    with crm.read(firm.owner) as reader:
        assert reader.count(DealLine) == 9
        assert reader.get(Deal, deal.id).amount == 9


def test_owners_cannot_remove_each_other_at_once(crm, firm):
    """Each removes the other at the same moment; one owner remains."""
    make_record(crm, Membership, user_id=firm.head.id, unit_id=firm.units["HQ"], role_id=firm.roles["owner"])
    owners = [firm.owner, firm.head]

    def disable(at):
        with crm.work(owners[at]) as work:
            records.update(work, [Update(User, owners[1 - at].id, active=False)])

    answers = together(2, disable)
    assert answers.count(None) == 1
    assert crm.sole_owner() in owners


def test_units_cannot_be_put_into_each_other_at_once(crm, firm):
    """Two moves that only together make a circle: one is refused."""
    pair = [firm.units["north"], firm.units["south"]]

    def put(at):
        with crm.work(firm.owner) as work:
            records.update(work, [Update(Unit, pair[at], parent_id=pair[1 - at])])

    assert together(2, put).count(None) == 1


def test_batches_in_opposite_order_do_not_lock_each_other_out(crm, firm):
    """Records are locked in the order of their ids, whatever the order of the commands."""
    deals = [make_deal(crm, amount=0) for _ in range(20)]

    def add(at):
        order = deals if at % 2 else deals[::-1]
        for _ in range(ROUNDS):
            with crm.work(firm.owner) as work:
                records.update(work, [Update(Deal, deal.id, source=f"s{at}") for deal in order])

    assert together(6, add) == [None] * 6


def test_readers_see_one_state(crm, firm):
    """A read block sees the same count twice, whatever is committed in between."""
    with crm.read(firm.owner) as reader:
        before = reader.count(Contact)
        with ThreadPoolExecutor(1) as pool:
            pool.submit(make_record, crm, Contact, name="Ann").result(timeout=30)
        assert reader.count(Contact) == before
    with crm.read(firm.owner) as reader:
        assert reader.count(Contact) == before + 1


def test_ids_ascend_across_threads(crm, firm):
    """Ids of one workspace are unique and time-ordered, whoever asks."""
    found = together(8, lambda _at: [crm.workspace.ids.new() for _ in range(500)])
    assert len({id for ids in found for id in ids}) == 4000
    assert all(ids == sorted(ids) for ids in found)


@pytest.mark.parametrize("size", [1, 60])
def test_creation_in_parallel_keeps_every_record(crm, firm, size):
    """Every acknowledged record is there, by single insert and by batch."""

    def make(at):
        with crm.work(firm.owner) as work:
            records.create(work, [Create(Deal, title=f"{at}") for _ in range(size)])

    assert together(8, make) == [None] * 8
    with crm.read(firm.owner) as reader:
        assert reader.count(Deal) == 8 * size
        assert len({row.id for row in reader.stream(Query(Deal))}) == 8 * size


@pytest.mark.parametrize("crm_database", ["postgresql"])
@pytest.mark.parametrize(
    "entity, change", [(User, {"name": "Eve"}), (Unit, {"name": "East"}), (Role, {"key": "x", "name": "x"})]
)
def test_who_was_an_owner_a_moment_ago_changes_the_organisation_no_more(crm, firm, entity, change):
    """Their seat was taken away while their block was open; on SQLite one block waits for the other."""
    seat = make_record(crm, Membership, user_id=firm.head.id, unit_id=firm.units["HQ"], role_id=firm.roles["owner"])
    with pytest.raises(ConflictError), crm.work(firm.head) as late:
        with crm.work(firm.owner) as work:
            records.delete(work, [Delete(Membership, seat.id)])
        records.create(late, [Create(entity, values=change)])
    with crm.read(firm.owner) as reader:
        assert change["name"] not in {row.name for row in reader.list(Query(entity))}


def test_an_owner_changes_the_organisation_in_several_steps(crm, firm):
    """Their own change does not make them late."""
    with crm.work(firm.owner) as work:
        for name in ("East", "West"):
            records.create(work, [Create(Unit, name=name, parent_id=firm.units["HQ"])])
    with crm.read(firm.owner) as reader:
        assert {"East", "West"} <= {row.name for row in reader.list(Query(Unit))}
