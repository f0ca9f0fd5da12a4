"""Making records."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from opencrm import (
    Company,
    Contact,
    ContactPoint,
    Create,
    Deal,
    History,
    InputError,
    InvalidMove,
    Kind,
    Objected,
    Objection,
    PermissionDenied,
    Product,
    Query,
    Task,
    hookimpl,
    records,
)
from opencrm.storage import tables
from opencrm.testing import MONDAY, make_company, make_contact, make_deal, make_product, make_record


def test_a_record_is_read_back_with_its_types(crm, firm):
    """What went in as text comes out as a date, an exact number and an aware instant."""
    deal = make_deal(crm, amount="1200.50", currency="usd", expected_close="2026-04-01")
    assert (deal.amount, deal.currency, deal.expected_close) == (Decimal("1200.5"), "USD", date(2026, 4, 1))
    assert deal.created_at == MONDAY
    assert deal.created_by == f"user:{firm.owner.id}"


def test_the_maker_owns_what_they_make(crm, firm):
    """Nobody is named, so the creator owns the record, in the unit of their primary membership."""
    deal = make_deal(crm, by=firm.seller)
    assert (deal.owner_id, deal.unit_id) == (firm.seller.id, firm.units["north_shop"])


def test_a_named_owner_brings_their_unit(crm, firm):
    """The owner's home unit is the record's, unless one is named."""
    deal = make_deal(crm, owner_id=firm.stranger.id)
    assert (deal.owner_id, deal.unit_id) == (firm.stranger.id, firm.units["south_shop"])
    other = make_deal(crm, owner_id=firm.stranger.id, unit_id=firm.units["north"])
    assert other.unit_id == firm.units["north"]


def test_a_record_may_be_nobodys(crm, firm):
    """An owner that is named as nobody is nobody; the unit is the maker's."""
    deal = make_deal(crm, by=firm.seller, owner_id=None)
    assert (deal.owner_id, deal.unit_id) == (None, firm.units["north_shop"])


def test_naming_an_owner_at_creation_is_judged_as_assigning(crm, firm):
    """A seller may assign within their own reach only, so they cannot make deals for a stranger."""
    with pytest.raises(PermissionDenied) as refused:
        make_deal(crm, by=firm.seller, owner_id=firm.stranger.id)
    assert refused.value.action == "deal.assign"
    assert make_deal(crm, by=firm.head, owner_id=firm.seller.id).owner_id == firm.seller.id


def test_naming_a_unit_out_of_reach_is_refused(crm, firm):
    """The head of the north puts nobody's deal but their own into the south."""
    with pytest.raises(PermissionDenied):
        make_deal(crm, by=firm.head, owner_id=firm.seller.id, unit_id=firm.units["south"])


def test_a_deal_starts_in_the_first_stage(crm):
    """Without a stage the pipeline's initial one is entered, at the instant of the act."""
    deal = make_deal(crm)
    assert (deal.pipeline, deal.stage, deal.stage_since) == ("windows", "new", MONDAY)


def test_naming_a_stage_at_creation_is_judged_as_moving(crm, firm):
    """Whoever may not move deals may not make one in a later stage either."""
    assert make_deal(crm, by=firm.seller, stage="offer").stage == "offer"
    with pytest.raises(PermissionDenied):
        make_deal(crm, by=firm.viewer, stage="offer")


def test_a_deal_made_in_a_closed_stage_is_closed(crm):
    """`closed_at` follows the stage on every way in."""
    assert make_deal(crm, stage="won").closed_at == MONDAY
    assert make_deal(crm, stage="offer").closed_at is None


@pytest.mark.parametrize(
    "wrong, field",
    [
        ({"title": None}, "title"),
        ({"title": "x" * 201}, "title"),
        ({"amount": "much"}, "amount"),
        ({"colour": "red"}, "colour"),
        ({"created_at": "2020-01-01T00:00:00Z"}, "created_at"),
        ({"closed_at": "2020-01-01T00:00:00Z"}, "closed_at"),
        ({"amount": "0.001"}, "amount"),
        ({"contact_id": "nonsense"}, "contact_id"),
        ({"contact_id": "0190a000-0000-7000-8000-000000000000"}, "contact_id"),
        ({"owner_id": "0190a000-0000-7000-8000-000000000000"}, "owner_id"),
        ({"unit_id": "0190a000-0000-7000-8000-000000000000"}, "unit_id"),
        ({"lines": "none"}, "lines"),
        ({"lines": [{"price": "x"}]}, "lines[0].price"),
        ({"lines": ["x"]}, "lines[0]."),
    ],
)
def test_bad_input_names_its_field(crm, sizes, wrong, field):
    """Each bad value is refused by name, and nothing is stored."""
    before = sizes()
    with pytest.raises(InputError) as refused:
        make_deal(crm, **wrong)
    assert list(refused.value.fields) == [field]
    assert sizes() == before


@pytest.mark.parametrize("stage, pipeline", [("nowhere", None), ("new", "nothing"), (None, "nothing")])
def test_an_unknown_stage_is_refused(crm, stage, pipeline):
    """A record enters no stage that its pipeline does not have."""
    with pytest.raises((InputError, InvalidMove)):
        make_deal(crm, stage=stage, pipeline=pipeline)


def test_a_batch_tells_every_bad_row(crm, firm, sizes):
    """One bad row refuses all of them, and each is told by its position."""
    before = sizes()
    commands = [Create(Contact, name="A"), Create(Contact), Create(Contact, name="B", birthday="x")]
    with crm.work(firm.owner) as work, pytest.raises(InputError) as refused:
        records.create(work, commands)
    assert {at: list(found) for at, found in refused.value.rows.items()} == {1: ["name"], 2: ["birthday"]}
    assert sizes() == before


def test_a_reference_must_be_readable(crm, firm):
    """A stranger's contact does not exist for the seller, so a deal cannot refer to it."""
    hidden = make_contact(crm, by=firm.stranger)
    with pytest.raises(InputError) as refused:
        make_deal(crm, by=firm.seller, contact_id=hidden.id)
    assert list(refused.value.fields) == ["contact_id"]


def test_a_reference_into_the_same_batch_needs_no_look_up(crm, firm):
    """A contact and its company may be made together, in one act."""
    with crm.work(firm.seller) as work:
        [company] = records.create(work, [Create(Company, name="Glass Ltd")])
        [contact] = records.create(work, [Create(Contact, name="Ann")])
        [job] = records.create(
            work,
            [Create(crm.catalogue.entity("employment"), contact_id=contact.record_id, company_id=company.record_id)],
        )
    assert {company.act, contact.act, job.act} == {work.act}


def test_a_deleted_record_cannot_be_referred_to(crm, firm):
    """What was taken away is no target for new references."""
    from opencrm import Delete

    contact = make_contact(crm)
    with crm.work(firm.owner) as work:
        records.delete(work, [Delete(Contact, contact.id)])
    with pytest.raises(InputError):
        make_deal(crm, contact_id=contact.id)


def test_a_name_is_made_of_its_parts(crm):
    """A contact with a first and a last name has a full one."""
    assert make_contact(crm, name=None, first_name="Ann", last_name="Bee").name == "Ann Bee"


def test_amounts_without_currency_have_the_workspaces(crm):
    """The locale's currency is added, and only where there is an amount."""
    assert make_company(crm, revenue="10").currency == "EUR"
    assert make_company(crm, name="Other").currency is None


def test_a_contact_comes_with_its_points(crm, firm):
    """Parts are made together with the record, each in its normal form."""
    contact = make_contact(
        crm,
        by=firm.seller,
        points=[{"kind": "email", "value": "Ann@Example.COM"}, {"kind": "phone", "value": "020 7183 8750"}],
    )
    with crm.read(firm.seller) as reader:
        points = reader.list(Query(ContactPoint)).rows
    assert {point.key for point in points} == {"ann@example.com", "+442071838750"}
    assert {point.contact_id for point in points} == {contact.id}


def test_a_product_comes_with_prices(crm, firm):
    """A price without a currency has the workspace's."""
    product = make_product(crm, sku="W-1", prices=[{"amount": "99.90"}])
    with crm.read(firm.seller) as reader:
        [price] = reader.list(Query(crm.catalogue.entity("price")))
    assert (price.product_id, price.amount, price.currency) == (product.id, Decimal("99.9"), "EUR")
    assert Product.spec.name == "product"


def test_any_record_may_bring_its_keys_in_other_systems(crm, firm):
    """`refs` say by which key another system knows the record."""
    from opencrm import ExternalRef

    task = make_record(crm, Task, by=firm.seller, title="Call", refs=[{"system": "mail", "key": "42"}])
    with crm.read(firm.seller) as reader:
        [ref] = reader.list(Query(ExternalRef))
    assert (ref.system, ref.key, ref.record_id, ref["entity"]) == ("mail", "42", task.id, "task")


def test_one_record_and_many_give_the_same_entries(crm, firm):
    """The answer has one created entry for each command, in order, whatever the number of parts."""
    with crm.work(firm.seller) as work:
        entries = records.create(work, [Create(Deal, title=f"D{at}", lines=[{"price": at}]) for at in range(60)])
    assert [entry.after["title"] for entry in entries] == [f"D{at}" for at in range(60)]
    assert {entry.kind for entry in entries} == {Kind.CREATED}
    assert {entry.entity for entry in entries} == {"deal"}


def test_imported_history_is_kept_as_it_was(crm, firm, rows):
    """A record from another system enters at its stage, with its own dates and its log of stages."""
    then = datetime(2025, 1, 1, tzinfo=UTC)
    moves = (("new", then), ("won", datetime(2025, 1, 3, tzinfo=UTC)))
    with crm.work(firm.owner, origin="file old.csv") as work:
        [made] = records.create(work, [Create(Deal, title="Old", history=History(created_at=then, moves=moves))])
    with crm.read(firm.owner) as reader:
        deal = reader.get(Deal, made.record_id)
    assert (deal.created_at, deal.stage, deal.closed_at) == (then, "won", moves[1][1])
    log = [(row["start"], row["end"], row["seconds"]) for row in rows(tables.stage_move)]
    assert log == [(None, "new", None), ("new", "won", 2 * 86400)]


def test_history_with_an_unknown_stage_is_refused(crm, firm):
    """Even history enters no stage that there is not."""
    with crm.work(firm.owner, origin="x") as work, pytest.raises(InputError):
        records.create(work, [Create(Deal, title="Old", history=History(moves=(("gone", MONDAY),)))])


def test_a_loaded_record_is_not_loaded_again(crm, firm):
    """What `schemas.load` gave may be handed on."""
    loaded = crm.schemas.load(Contact.spec, {"name": "Ann"})
    with crm.work(firm.owner) as work:
        [made] = records.create(work, [Create(Contact, values=loaded)])
    assert made.after["name"] == "Ann"


class Watching:
    """Notes what each of the two checks is asked about."""

    def __init__(self) -> None:
        self.checked: list[str] = []
        self.moved: list[str] = []

    @hookimpl
    def opencrm_check_change(self, changes):
        self.checked += [change.after.get("title") or change.entity for change in changes]
        return [Objection(change.id, "no", "No.") for change in changes if change.after.get("title") == "Bad"]

    @hookimpl
    def opencrm_check_move(self, changes):
        self.moved += [change.after.get("title") for change in changes]
        return ()


class TestTheCheckOfHistory:
    @pytest.fixture
    def watching(self):
        return Watching()

    @pytest.fixture
    def crm_plugins(self, watching):
        return [watching]

    def test_a_record_with_a_past_is_checked_and_its_moves_are_not(self, crm, firm, watching):
        """Its values are as new as anybody's; its stages were entered somewhere else. Its parts come with it."""
        past = History(created_at=MONDAY, moves=(("new", MONDAY), ("won", MONDAY)))
        commands = [Create(Deal, title="Old", history=past, lines=[{"title": "frame"}]), Create(Deal, title="New")]
        with crm.work(firm.owner, origin="file old.csv") as work:
            records.create(work, commands)
        assert sorted(watching.checked) == ["New", "Old", "frame"]
        assert watching.moved == ["New"]

    def test_an_objection_holds_for_a_record_with_a_past(self, crm, firm, sizes):
        """History is no way around a plugin's rule."""
        before = sizes()
        with pytest.raises(Objected), crm.work(firm.owner, origin="file old.csv") as work:
            records.create(work, [Create(Deal, title="Bad", history=History(created_at=MONDAY))])
        assert sizes() == before


@pytest.mark.parametrize("origin, at", [(None, MONDAY), ("import:x", MONDAY + timedelta(seconds=1))])
def test_a_past_comes_from_somewhere_and_is_over(crm, firm, origin, at):
    """Only an import tells of what was before, and nobody of what will be."""
    with crm.work(firm.seller, origin=origin) as work, pytest.raises(InputError) as error:
        records.create(work, [Create(Deal, title="Old", history=History(created_at=at))])
    assert error.value.fields.keys() == {"history"}
