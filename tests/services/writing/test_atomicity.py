"""All of a block, or nothing."""

from __future__ import annotations

import contextlib

import pytest
from sqlalchemy import func, select

from opencrm import (
    Assign,
    Change,
    ConfigurationError,
    ConflictError,
    Contact,
    Create,
    Deal,
    Delete,
    Duplicate,
    InputError,
    Kind,
    Move,
    NotFound,
    Product,
    Query,
    Role,
    Undo,
    Unit,
    Update,
    User,
    assigning,
    organisation,
    pipelines,
    records,
    undoing,
)
from opencrm.testing import MONDAY, make_deal, make_product


class Boom(Exception):
    """Something that goes wrong at the very end."""


def test_a_block_that_fails_at_its_end_leaves_nothing(crm, firm, sizes):
    """Every kind of act, in one block, taken back by one exception."""
    deal = make_deal(crm, by=firm.seller, lines=[{"price": 1}])
    before = sizes()
    with pytest.raises(Boom), crm.work(firm.owner) as work:
        [made] = records.create(
            work, [Create(Deal, title="A", lines=[{"price": 2}], refs=[{"system": "x", "key": "1"}])]
        )
        records.update(work, [Update(Deal, deal.id, title="B")])
        pipelines.move(work, [Move(Deal, deal.id, to="offer")])
        assigning.assign(work, [Assign(Deal, deal.id, owner=firm.stranger.id)])
        undoing.undo(work, [Undo(entry=made.entry_id)])
        records.delete(work, [Delete(Deal, deal.id)])
        organisation.add_user(work, "new", email=None, role="firm_seller", unit="north")
        raise Boom
    assert sizes() == before
    with crm.read(firm.seller) as reader:
        now = reader.get(Deal, deal.id)
    assert (now.title, now.stage, now.owner_id) == ("Windows", "new", firm.seller.id)


def test_a_refusal_by_the_database_leaves_nothing(crm, firm, sizes):
    """A unique value that is taken refuses the whole batch."""
    make_product(crm, sku="W-1")
    before = sizes()
    with pytest.raises(Duplicate), crm.work(firm.owner) as work:
        records.create(work, [Create(Contact, name="A")])
        records.create(work, [Create(Product, name=str(at), sku=f"W-{at}") for at in (3, 2, 1)])
    assert sizes() == before


def test_a_big_refused_batch_leaves_nothing(crm, firm, sizes):
    """The same where rows go in by COPY."""
    make_product(crm, sku="W-1")
    before = sizes()
    with pytest.raises(Duplicate) as refused, crm.work(firm.owner) as work:
        records.create(work, [Create(Product, name="x", sku=f"W-{at}") for at in range(200)])
    assert refused.value.details == {"fields": ["sku"]}
    assert sizes() == before


def test_a_savepoint_takes_back_only_itself(crm, firm):
    """What was done before it, and after it, is kept."""
    with crm.work(firm.seller) as work:
        records.create(work, [Create(Deal, title="before")])
        with pytest.raises(Boom), work.savepoint():
            records.create(work, [Create(Deal, title="inside")])
            raise Boom
        records.create(work, [Create(Deal, title="after")])
    with crm.read(firm.seller) as reader:
        assert {row.title for row in reader.list(Query(Deal))} == {"before", "after"}


def test_a_savepoint_survives_a_refusal_by_the_database(crm, firm):
    """On PostgreSQL an error spoils a transaction; within a savepoint it spoils only that."""
    make_product(crm, sku="W-1")
    with crm.work(firm.owner) as work:
        with pytest.raises(Duplicate), work.savepoint():
            records.create(work, [Create(Product, name="x", sku="W-1")])
        records.create(work, [Create(Product, name="x", sku="W-2")])
    with crm.read(firm.owner) as reader:
        assert {row.sku for row in reader.list(Query(Product))} == {"W-1", "W-2"}


def test_rights_that_were_taken_back_were_never_there(crm, firm):
    """A role that a failed block widened is as narrow as before, for everybody in this process."""
    from opencrm import Grant, Scope
    from opencrm.embed import grant_rows

    deal = make_deal(crm, by=firm.seller)
    everything = grant_rows([Grant("*", "*", Scope.ALL)])
    with pytest.raises(Boom), crm.work(firm.owner) as work:
        records.update(work, [Update(Role, firm.roles["firm_seller"], grants=everything)])
        raise Boom
    with crm.work(firm.owner) as work:
        records.update(work, [Update(Role, firm.roles["firm_seller"], name="Seller")])
    with crm.read(firm.stranger) as reader, pytest.raises(NotFound):
        reader.get(Deal, deal.id)


class TestJoinedToAHost:
    """`crm.work(principal, connection=...)` works in a transaction that somebody else commits."""

    @pytest.fixture
    def host(self, crm):
        with crm.database.engine.connect() as connection:
            yield connection

    def test_the_hosts_rollback_takes_all_back(self, crm, firm, sizes, host):
        """What the block did is gone with everything else of the host's."""
        before = sizes()
        transaction = host.begin()
        with crm.work(firm.seller, connection=host) as work:
            records.create(work, [Create(Deal, title="A")])
        transaction.rollback()
        assert sizes() == before

    def test_the_hosts_commit_keeps_it(self, crm, firm, host):
        """The block commits nothing by itself: nobody sees it before the host commits."""
        with host.begin():
            with crm.work(firm.seller, connection=host) as work:
                records.create(work, [Create(Deal, title="A")])
            with crm.read(firm.seller) as reader:
                assert len(reader.list(Query(Deal))) == 0
        with crm.read(firm.seller) as reader:
            assert len(reader.list(Query(Deal))) == 1

    def test_an_error_inside_spoils_only_the_block(self, crm, firm, host):
        """The host may catch it and go on in the same transaction."""
        table = Product.spec.table
        schema = crm.database.schema
        make_product(crm, sku="W-1")
        with host.begin():
            with pytest.raises(Duplicate), crm.work(firm.owner, connection=host) as work:
                records.create(work, [Create(Contact, name="Ann")])
                records.create(work, [Create(Product, name="x", sku="W-1")])
            translated = host.execution_options(schema_translate_map={None: schema})
            assert translated.scalar(select(func.count()).select_from(table)) == 1
            with crm.work(firm.owner, connection=host) as work:
                records.create(work, [Create(Product, name="x", sku="W-2")])
        with crm.read(firm.owner) as reader:
            assert {row.sku for row in reader.list(Query(Product))} == {"W-1", "W-2"}
            assert reader.count(Contact) == 0

    def test_rights_that_a_host_took_back_were_never_there(self, crm, firm, host):
        """Definitions changed in a host's transaction bind nobody once it is rolled back."""
        transaction = host.begin()
        with crm.work(firm.owner, connection=host) as work:
            records.update(work, [Update(User, firm.seller.id, active=False)])
            records.update(work, [Update(Role, firm.roles["firm_seller"], grants=[])])
        with crm.work(firm.owner, connection=host) as work:
            records.create(work, [Create(Deal, title="A")])
        transaction.rollback()
        assert make_deal(crm, by=firm.seller).title == "Windows"


def test_setting_up_twice_is_refused(crm, sizes):
    """A workspace has one beginning."""
    before = sizes()
    with pytest.raises(ConfigurationError):
        crm.init(owner="Somebody else")
    assert sizes() == before


@pytest.mark.parametrize(
    "kind, field, value",
    [
        (Kind.CHANGED, "deleted_at", MONDAY),
        (Kind.CHANGED, "created_by", "user:x"),
        (Kind.CHANGED, "stage", "won"),
        (Kind.CHANGED, "unit_id", None),
        (Kind.MOVED, "title", "x"),
        (Kind.ASSIGNED, "stage", "won"),
        (Kind.DELETED, "title", "x"),
    ],
)
def test_a_change_sets_only_the_fields_of_its_kind(crm, firm, kind, field, value):
    """Whoever builds changes by hand gets no further than the services."""
    deal = make_deal(crm, by=firm.owner)
    with crm.work(firm.owner) as work, pytest.raises(InputError) as error:
        state = work.states(Deal.spec, [deal.id])[deal.id]
        work.apply([Change("deal", deal.id, kind, state, {**state, field: value})])
    assert list(error.value.fields) == [field]


def test_a_change_starts_from_what_its_block_read(crm, firm):
    """A state that is made up, such as another owner, is no ground to stand on."""
    deal = make_deal(crm, by=firm.owner)
    with crm.work(firm.seller) as work, pytest.raises(ConflictError):
        state = {**dict.fromkeys(Deal.spec.fields), "id": deal.id, "version": 1, "owner_id": firm.seller.id}
        work.apply([Change("deal", deal.id, Kind.CHANGED, state, {**state, "title": "mine"})])


def test_a_refused_change_of_the_organisation_leaves_the_block_usable(crm, firm):
    """After a savepoint took it back, the next one is judged by what stands."""
    with crm.work(firm.owner) as work:
        with pytest.raises(InputError), work.savepoint():
            records.create(work, [Create(Unit, name="East")])
            records.create(work, [Create(Unit)])
        records.create(work, [Create(Unit, name="West")])


def test_a_change_that_failed_half_way_takes_its_block_along(crm, firm, sizes):
    """A caller that swallows the error gets nothing kept; with a savepoint around the call, the rest is."""
    make_product(crm, sku="W-1")
    before = sizes()
    with pytest.raises(ConfigurationError, match="half-way"), crm.work(firm.owner) as work:
        records.create(work, [Create(Contact, name="A")])
        with contextlib.suppress(ConflictError, Duplicate):
            records.create(work, [Create(Product, name="x", sku=sku) for sku in ("W-2", "W-1")])
    assert sizes() == before
    with crm.work(firm.owner) as work:
        records.create(work, [Create(Contact, name="A")])
        with contextlib.suppress(Duplicate), work.savepoint():
            records.create(work, [Create(Product, name="x", sku=sku) for sku in ("W-2", "W-1")])
    assert sizes() != before


def test_a_nested_change_that_failed_half_way_takes_the_block_along(crm, firm, sizes):
    """Opencrm itself, or an automation, did it in a block of its own, and the error was caught outside of that."""
    before = sizes()
    with (
        pytest.raises(ConfigurationError, match="half-way"),
        crm.work(firm.owner) as work,
        contextlib.suppress(Duplicate),
        work.entailing("a test") as inner,
    ):
        records.create(inner, [Create(Product, name=name, sku="W-1") for name in "AB"])
    assert sizes() == before
