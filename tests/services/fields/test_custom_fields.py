"""Fields that a workspace adds at run time."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from opencrm import (
    CRM,
    AddedField,
    Contact,
    Create,
    CustomField,
    Deal,
    Delete,
    Empty,
    Equal,
    Greater,
    In,
    InputError,
    Less,
    Not,
    PermissionDenied,
    Query,
    Restore,
    Text,
    Undo,
    Update,
    hookimpl,
    records,
    undoing,
)
from opencrm.errors import PluginError
from opencrm.testing import make_contact, make_deal

OPTIONS = {"red": "Red", "blue": "Dark blue", "green": "Green"}

KINDS = [
    ("text", {}, "Ångström", "Ångström"),
    ("long_text", {}, "two\nlines", "two\nlines"),
    ("number", {}, "12.5", Decimal("12.50")),
    ("money", {}, "1200.50", Decimal("1200.50")),
    ("date", {}, "2026-03-02", date(2026, 3, 2)),
    ("datetime", {}, "2026-03-02T09:00:00+02:00", datetime(2026, 3, 2, 7, tzinfo=UTC)),
    ("choice", {"choices": OPTIONS}, "dark BLUE", "blue"),
    ("choices", {"choices": OPTIONS}, "green, red", ("red", "green")),
    ("yes_no", {}, "yes", True),
    ("email", {}, "Ann@Example.COM", "ann@example.com"),
    ("phone", {}, "020 7183 8750", "+442071838750"),
    ("link", {}, "https://example.com/a", "https://example.com/a"),
]


@pytest.mark.parametrize("kind, more, raw, typed", KINDS, ids=[kind for kind, *_ in KINDS])
def test_every_kind_is_kept_changed_filtered_and_told(crm, firm, define, kind, more, raw, typed):
    """A value goes in as text, comes out typed, is in the journal, and is taken back by undo."""
    define("deal", "extra", kind, **more)
    deal, other = make_deal(crm, extra=raw), make_deal(crm)
    assert (deal.extra, other.extra) == (typed, None)
    with crm.work(firm.owner) as work:
        [entry] = records.update(work, [Update(Deal, other.id, extra=raw)])
    assert entry.after["extra"] == typed
    with crm.work(firm.owner) as work:
        undoing.undo(work, [Undo(act=entry.act)])
    with crm.read(firm.owner) as reader:
        assert reader.get(Deal, other.id).extra is None
        assert reader.history(Deal, other.id, field="extra")[0].after["extra"] == typed
        found = (
            [row.id for row in reader.list(Query(Deal, where=Not(Empty("extra"))))]
            if kind not in ("long_text", "link")
            else []
        )
        assert found in ([deal.id], [])


@pytest.mark.parametrize("kind", ["text", "number", "money", "date", "datetime", "email", "phone"])
def test_lists_are_sorted_by_a_custom_field_with_empty_ones_last(crm, firm, define, kind):
    """The order is the type's own, on both databases, page after page, in both directions."""
    define("contact", "extra", kind, indexed=True)
    values = {
        "text": ["anna", "Ärger", "Zoe"],
        "number": ["-3", "2", "10"],
        "money": ["0.5", "9", "1000"],
        "date": ["1999-12-31", "2026-02-01", "2026-11-01"],
        "datetime": ["1999-12-31T00:00:00Z", "2026-02-01T00:00:00.5Z", "2026-11-01T00:00:00+14:00"],
        "email": ["a@example.com", "b@example.com", "c@example.com"],
        "phone": ["+442071838750", "+442071838751", "+493012345678"],
    }[kind]
    ids = [make_contact(crm, extra=value).id for value in values]
    nothing = make_contact(crm).id
    with crm.read(firm.owner) as reader:
        for sort, wanted in (("extra", [*ids, nothing]), ("-extra", [*reversed(ids), nothing])):
            assert [row.id for row in _all(reader, Query(Contact, sort=sort, limit=1))] == wanted


def _all(reader, query):
    found, cursor = [], None
    while True:
        page = reader.list(Query(query.entity, sort=query.sort, limit=query.limit, cursor=cursor))
        found += page
        cursor = page.next
        if cursor is None:
            return found


def test_numbers_days_and_words_are_compared(crm, firm, define):
    """Conditions mean the same as on declared fields."""
    define("deal", "floors", "number")
    define("deal", "visit", "date")
    define("deal", "town", "text")
    low = make_deal(crm, floors=2, visit="2026-01-01", town="Rīga").id
    high = make_deal(crm, floors=11, visit="2026-06-01", town="Valmiera").id
    with crm.read(firm.owner) as reader:

        def found(where):
            return {row.id for row in reader.list(Query(Deal, where=where))}

        assert found(Greater("floors", 3)) == {high}
        assert found(Less("visit", "2026-02-01")) == {low}
        assert found(Equal("town", "riga")) == {low}
        assert found(In("town", ["RĪGA", "valmiera"])) == {low, high}
        assert found(Not(Equal("town", "riga"))) == {high}


def test_sixty_fields_on_one_entity(crm, firm, define):
    """All of them are written and read at once."""
    with crm.work(firm.owner) as work:
        made = [Create(CustomField, entity="deal", key=f"extra_{n}", kind="text", label=f"E {n}") for n in range(60)]
        records.create(work, made)
    values = {f"extra_{n}": f"value {n}" for n in range(60)}
    deal = make_deal(crm, **values)
    assert {name: deal[name] for name in values} == values


def test_a_field_is_renamed_retired_and_restored_without_loss(crm, firm, define):
    """Values and history stay, whatever the field is called and whether it is in force."""
    one = define("deal", "town")
    deal = make_deal(crm, town="Rīga")
    with crm.work(firm.owner) as work:
        records.update(work, [Update(CustomField, one, key="city", label="City")])
    with crm.read(firm.owner) as reader:
        assert reader.get(Deal, deal.id).city == "Rīga"
        assert reader.history(Deal, deal.id, field="city")[0].after["city"] == "Rīga"
        assert reader.get(CustomField, one).former == ["town"]
    with crm.work(firm.owner) as work:
        records.update(work, [Update(CustomField, one, retired=True)])
    with crm.work(firm.owner) as work:
        records.update(work, [Update(Deal, deal.id, title="Doors")])
    with crm.read(firm.owner) as reader:
        assert "city" not in reader.get(Deal, deal.id).fields
    with crm.work(firm.owner) as work:
        records.update(work, [Update(CustomField, one, retired=False)])
    with crm.read(firm.owner) as reader:
        assert reader.get(Deal, deal.id).city == "Rīga"


def test_a_deleted_definition_comes_back_with_its_values(crm, firm, define):
    """Deleting takes a field out of force; restoring brings back what was in it."""
    one = define("deal", "town")
    deal = make_deal(crm, town="Rīga")
    with crm.work(firm.owner) as work:
        records.delete(work, [Delete(CustomField, one)])
    with crm.work(firm.owner) as work, pytest.raises(InputError, match="town"):
        records.update(work, [Update(Deal, deal.id, town="Ogre")])
    with crm.work(firm.owner) as work:
        records.restore(work, [Restore(CustomField, one)])
    with crm.read(firm.owner) as reader:
        assert reader.get(Deal, deal.id).town == "Rīga"


@pytest.mark.parametrize(
    "values, field",
    [
        ({"entity": "deel", "key": "a"}, "entity"),
        ({"key": "A b"}, "key"),
        ({"key": "title"}, "key"),
        ({"key": "lines"}, "key"),
        ({"key": "title_key"}, "key"),
        ({"key": "version"}, "key"),
        ({"key": "town"}, "key"),
        ({"key": "old_name"}, "key"),
        ({"kind": "colour"}, "kind"),
        ({"kind": "choice"}, "choices"),
        ({"kind": "choice", "choices": {"a,b": "x"}}, "choices"),
        ({"kind": "choice", "choices": ["a", "a"]}, "choices"),
        ({"kind": "text", "choices": ["a"]}, "choices"),
        ({"kind": "reference"}, "reference_to"),
        ({"kind": "reference", "reference_to": "deel"}, "reference_to"),
        ({"kind": "link", "indexed": True}, "indexed"),
    ],
)
def test_a_definition_that_cannot_be_is_refused(crm, firm, define, values, field):
    """The error names the field of the definition."""
    renamed = define("deal", "old_name")
    with crm.work(firm.owner) as work:
        records.update(work, [Update(CustomField, renamed, key="town")])
    with crm.work(firm.owner) as work, pytest.raises(InputError) as refused:
        given = {"entity": "deal", "key": "extra", "kind": "text", "label": "Extra", **values}
        records.create(work, [Create(CustomField, values=given)])
    assert field in refused.value.fields


def test_nothing_is_lost_by_another_definition(crm, firm, define):
    """Another kind, or fewer options, is refused while a record holds a value."""
    kind, options = define("deal", "size"), define("deal", "colour", "choice", choices=OPTIONS)
    several = define("deal", "colours", "choices", choices=OPTIONS)
    make_deal(crm, size="big", colour="red", colours=["red", "blue"])
    for one, change, field in (
        (kind, {"kind": "number"}, "kind"),
        (options, {"choices": {"blue": "Blue"}}, "choices"),
        (several, {"choices": {"red": "Red"}}, "choices"),
    ):
        with crm.work(firm.owner) as work, pytest.raises(InputError) as refused:
            records.update(work, [Update(CustomField, one, values=change)])
        assert field in refused.value.fields
    with crm.work(firm.owner) as work:
        records.update(work, [Update(CustomField, options, choices={"red": "Rosso"})])


def test_an_empty_field_may_change_its_kind(crm, firm, define):
    """What nobody filled in loses nothing."""
    one = define("deal", "size")
    make_deal(crm)
    with crm.work(firm.owner) as work:
        records.update(work, [Update(CustomField, one, kind="number")])
    assert make_deal(crm, size="12").size == Decimal("12.00")


def test_only_owners_define(crm, firm, define):
    """A custom field belongs to the organisation of the workspace."""
    with crm.work(firm.head) as work, pytest.raises(PermissionDenied):
        records.create(work, [Create(CustomField, entity="deal", key="a", kind="text", label="A")])


def test_a_sensitive_field_does_not_exist_without_a_rule(crm, firm, define):
    """It is neither read, nor written, nor compared, nor told of by those whom no rule lets in."""
    define("deal", "margin", "number", sensitive="finance")
    deal = make_deal(crm, by=firm.owner, owner_id=firm.seller.id, margin="12")
    with crm.read(firm.seller) as reader:
        assert "margin" not in reader.get(Deal, deal.id).fields
        with pytest.raises(InputError):
            reader.list(Query(Deal, where=Equal("margin", "12")))
    with crm.work(firm.seller) as work, pytest.raises(InputError):
        records.update(work, [Update(Deal, deal.id, margin="13")])


def test_a_required_field_is_asked_of_new_records_only(crm, firm, define):
    """Records that were there before go on to be changed; a value cannot be taken away."""
    old = make_deal(crm)
    define("deal", "town", required=True)
    with crm.work(firm.owner) as work, pytest.raises(InputError, match="town"):
        records.create(work, [Create(Deal, title="New")])
    with crm.work(firm.owner) as work:
        records.update(work, [Update(Deal, old.id, title="Old")])
    with crm.work(firm.owner) as work, pytest.raises(InputError, match="town"):
        records.update(work, [Update(Deal, old.id, town="")])


def test_money_has_its_own_currency(crm, firm, define):
    """The workspace's, unless one is named; never finer than it can be paid."""
    define("contact", "budget", "money")
    contact = make_contact(crm, budget="10.5")
    assert (contact.budget, contact.budget_currency) == (Decimal("10.50"), "EUR")
    assert make_contact(crm, budget="10", budget_currency="jpy").budget_currency == "JPY"
    with pytest.raises(InputError, match="budget"):
        make_contact(crm, budget="10.5", budget_currency="JPY")


def test_a_reference_leads_to_a_record_that_is_there(crm, firm, define):
    """As a declared one does, with the same refusal for none and for a hidden one."""
    define("deal", "partner_id", "reference", reference_to="contact")
    contact = make_contact(crm)
    assert make_deal(crm, partner_id=contact.id).partner_id == contact.id
    with pytest.raises(InputError, match="partner_id"):
        make_deal(crm, partner_id="019c0000-0000-7000-8000-000000000000")


def test_another_process_sees_a_new_field_at_once(crm, firm, define, another):
    """What one process defines, the next transaction of every other one knows."""
    with another.read(firm.owner) as reader:
        assert "town" not in reader.entity(Deal).fields
    define("deal", "town")
    with another.read(firm.owner) as reader:
        assert "town" in reader.entity(Deal).fields


@pytest.mark.parametrize("labels", [["A", "A "], [",a", "option_1"]])
def test_no_option_is_lost_where_two_would_have_one_key(crm, firm, define, labels):
    """A list of labels gives each its own key, or is refused."""
    with pytest.raises(InputError) as refused:
        define("deal", "size", "choice", choices=labels)
    assert "choices" in refused.value.fields


def test_definitions_themselves_have_no_custom_fields(crm, firm, define):
    """A required one would stand in the way of every other."""
    with pytest.raises(InputError) as refused:
        define("custom_field", "extra", "text", required=True)
    assert "entity" in refused.value.fields


@pytest.mark.parametrize("key", ["sort", "where", "q", "limit", "cursor", "fields", "by", "measure", "cards", "total"])
def test_names_of_parameters_are_refused(define, key):
    """Over REST nobody could filter by such a field."""
    with pytest.raises(InputError, match="a parameter of that name"):
        define("deal", key)


@pytest.mark.parametrize("key", ["a_'b", 'a_"b', "a_b') OR 1=1 --", "Frame_Type"])
def test_a_name_that_cannot_be_reaches_no_statement(define, key):
    """It is refused for what it is."""
    with pytest.raises(InputError, match="must be at most 40"):
        define("deal", key)


def test_a_name_of_a_plugin_that_is_away_is_refused(crm, firm, define):
    """While records hold its values: they would be hidden when it comes back."""
    crm.enable(firm.owner, "attribution")
    make_deal(crm, attribution_source="google")
    crm.disable(firm.owner, "attribution")
    with pytest.raises(InputError, match="values of a plugin under the name 'attribution_source'"):
        define("deal", "attribution_source")
    define("deal", "attribution_campaign")
    with pytest.raises(PluginError, match=r"adds deal\.attribution_campaign: this workspace has a field of its own"):
        crm.enable(firm.owner, "attribution")


def test_a_plugin_whose_field_has_the_name_of_ones_own_is_told(crm, firm, define):
    """It may come with the host, and nobody is asked; one's own field keeps its values."""
    define("deal", "alpha_order")
    deal = make_deal(crm, alpha_order="7")

    class Alpha:
        name = "alpha"

        @hookimpl
        def opencrm_register_fields(self):
            yield AddedField(entity="deal", name="alpha_order", type=Text(50))

    plugged = CRM(engine=crm.database.engine, schema=crm.database.schema, clock=crm.clock, plugins=[Alpha()])
    assert "deal.alpha_order" in plugged.problems()["alpha"]
    with plugged.read(firm.owner) as reader:
        assert reader.get(Deal, deal.id).alpha_order == "7"
