"""Several workspaces in one process: nothing of one is in another."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest
from sqlalchemy.orm import Mapped, relationship

from opencrm import (
    CRM,
    ConfigurationError,
    Create,
    Deal,
    Entity,
    NotFound,
    Options,
    Owned,
    Query,
    Reference,
    Text,
    field,
    hookimpl,
    records,
)
from opencrm.testing import firm_of, make_deal, make_record


class InvoicingBase(Entity, prefix="invoicing"):
    """The first author's entities."""


class Invoice(Owned, InvoicingBase):
    """A demand for payment."""

    options = Options(display="number", unique=(("number",),))

    number: Mapped[str] = field(Text(50, folded=True), required=True)
    deal_id: Mapped[str | None] = field(Reference(Deal))


FirstInvoice = Invoice


class BillingBase(Entity, prefix="billing"):
    """Another author, who does not know of the first."""


class Invoice(BillingBase):  # type: ignore[no-redef]
    """Another thing of the same name."""

    options = Options(display="title")

    title: Mapped[str] = field(Text(80, folded=True), required=True)


SecondInvoice = Invoice


class Invoicing:
    """Brings the first entity."""

    @hookimpl
    def opencrm_register_entities(self) -> Iterator[type[Entity]]:
        yield FirstInvoice


class Billing:
    """Brings the second."""

    @hookimpl
    def opencrm_register_entities(self) -> Iterator[type[Entity]]:
        yield SecondInvoice


@pytest.fixture
def first(make_crm):
    return make_crm([Invoicing()])


@pytest.fixture
def second(make_crm):
    return make_crm([Billing()])


def test_entities_of_one_name_live_side_by_side(make_crm):
    """Each has its own table, name and address."""
    crm = make_crm([Invoicing(), Billing()])
    make_record(crm, FirstInvoice, number="1")
    make_record(crm, SecondInvoice, title="1")
    with crm.read(crm.sole_owner()) as reader:
        assert reader.count(FirstInvoice) == reader.count(SecondInvoice) == 1
    assert {"invoicing_invoice", "billing_invoice"} <= set(crm.catalogue.entities)


def test_a_workspace_knows_its_own_plugins_only(first, second):
    """Neither entities nor tables of the other are there."""
    assert "billing_invoice" not in first.catalogue.entities
    assert "invoicing_invoice" not in second.catalogue.entities
    make_record(first, FirstInvoice, number="1")
    with pytest.raises(NotFound):
        make_record(second, FirstInvoice, number="1")
    with second.read(second.sole_owner()) as reader, pytest.raises(NotFound):
        reader.list(Query(FirstInvoice))


def test_records_of_one_are_not_in_the_other(first, second):
    """Neither in lists, nor by id, nor in counts."""
    deal = make_deal(first)
    with second.read(firm_of(second).owner) as reader:
        assert reader.count(Deal) == 0
        with pytest.raises(NotFound):
            reader.get(Deal, deal.id)


def test_each_has_its_own_clock(first, second):
    """Advancing one leaves the other where it is."""
    first.advance("1d")
    assert make_deal(first).created_at != make_deal(second).created_at


def test_cursors_of_one_are_worth_nothing_in_the_other(first, second):
    """Each workspace signs with a secret of its own... unless both are copies of one."""
    secrets = {crm.configuration.secret for crm in (first, second)}
    assert all(len(secret) == 32 for secret in secrets)


def test_a_plugins_record_refers_to_the_core(first):
    """A reference is checked like any other, and the scopes are its own."""
    from opencrm import InputError

    firm = firm_of(first)
    deal = make_deal(first, by=firm.seller)
    invoice = make_record(first, FirstInvoice, number="1", deal_id=deal.id)
    assert invoice.deal_id == deal.id
    with pytest.raises(InputError):
        make_record(first, FirstInvoice, number="2", deal_id="0190a000-0000-7000-8000-000000000000")


def test_deny_by_default_for_a_plugins_entity(first):
    """Nobody but owners sees or makes a record of it before somebody grants that."""
    from opencrm import PermissionDenied

    firm = firm_of(first)
    make_record(first, FirstInvoice, number="1")
    with first.read(firm.head) as reader:
        assert reader.count(FirstInvoice) == 0
    with pytest.raises(PermissionDenied):
        make_record(first, FirstInvoice, by=firm.head, number="2")


def test_deleting_a_deal_asks_for_no_plugins_table(first, second):
    """Where the plugin is not active, its table does not exist, and nobody misses it."""
    from opencrm import Delete

    for crm in (first, second):
        deal = make_deal(crm)
        with crm.work(crm.sole_owner()) as work:
            records.delete(work, [Delete(Deal, deal.id)])


def test_a_broken_relationship_stays_with_its_owner(crm, firm):
    """A plugin whose mapping cannot be resolved is refused by name; core and others go on."""
    from opencrm import PluginError

    class BrokenBase(Entity, prefix="broken"):
        """A base of its own."""

    class Thing(BrokenBase):
        """Relates to what is not there."""

        name: Mapped[str] = field(Text(50), required=True)
        other = relationship("Nowhere")

    class Broken:
        @hookimpl
        def opencrm_register_entities(self) -> Iterator[type[Entity]]:
            yield Thing

    with pytest.raises(PluginError) as refused:
        CRM("sqlite:///unused.db", plugins=[Broken()])
    assert refused.value.plugin == "broken"
    assert make_deal(crm, by=firm.seller).title == "Windows"


def test_a_plugins_own_lines_are_not_a_deals(make_crm):
    """Parts called `lines` of another entity leave its amounts alone."""

    class ShopBase(Entity, prefix="shop"):
        """A shop."""

    class Order(ShopBase):
        """An order."""

        options = Options(display="number")
        number: Mapped[str] = field(Text(50, folded=True), required=True)

    class OrderLine(ShopBase):
        """A line of it."""

        options = Options(display="text", part_of=("order_id",), nested="lines")
        order_id: Mapped[str] = field(Reference(Order), required=True)
        text: Mapped[str | None] = field(Text(50))

    class Shop:
        @hookimpl
        def opencrm_register_entities(self) -> Iterator[type[Entity]]:
            yield Order
            yield OrderLine

    crm = make_crm([Shop()])
    with crm.work(crm.sole_owner()) as work:
        records.create(work, [Create(Order, number="1", lines=[{"text": "a"}])])
    with crm.read(crm.sole_owner()) as reader:
        assert reader.count(OrderLine) == 1


def test_two_schemas_of_one_database_are_two_workspaces(pg_url):
    """On PostgreSQL a company is a schema; one without a name lives in the search path's."""
    companies = [CRM(pg_url, schema=schema) for schema in (None, "client_a", "Client-B")]
    for at, crm in enumerate(companies):
        owner = crm.init(owner=f"Owner {at}")
        with crm.work(owner) as work:
            records.create(work, [Create(Deal, title=f"Deal {at}")])
    for at, crm in enumerate(companies):
        with crm.read(crm.sole_owner()) as reader:
            assert [row.title for row in reader.list(Query(Deal))] == [f"Deal {at}"]
        crm.close()


def test_a_database_that_was_never_set_up_asks_for_a_workspace(request, crm_database, tmp_path):
    """And not for an upgrade, which gives it no owner."""
    place = f"sqlite:///{tmp_path}/new.db" if crm_database == "sqlite" else request.getfixturevalue("pg_url")
    with closing(CRM(place)) as crm, pytest.raises(ConfigurationError, match=r"no workspace.*crm\.init\(owner="):
        crm.principal("ann@example.com")
