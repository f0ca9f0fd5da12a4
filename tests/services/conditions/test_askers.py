"""For whom a condition is bound: what `me`, `today` and a path mean to whoever asks."""

from __future__ import annotations

import attrs
import pytest

from opencrm import (
    All,
    AtLeast,
    Changed,
    Company,
    Contains,
    Create,
    Deal,
    Empty,
    Equal,
    FieldRule,
    In,
    InputError,
    Less,
    Membership,
    Not,
    Query,
    Role,
    Unit,
    Update,
    User,
    records,
)
from opencrm.core.conditions import Link
from opencrm.testing import make_company, make_deal, make_record

PATHS = [
    Equal("company.city", "Riga"),
    Not(Equal("company.city", "Riga")),
    Empty("company.city"),
    Not(Empty("company.city")),
    Contains("company.city", "i"),
    In("company.city", ["Riga"]),
    Less("company.city", "z"),
    Changed("company.city", "-1d"),
    AtLeast("company.created_at", "-1d"),
    Link("company", "", All()),
    Not(Link("company", "", Not(Equal("city", "Riga")))),
]


def titles(crm, principal, where):
    with crm.read(principal) as reader:
        rows = reader.list(Query(Deal, where=where, sort="title"))
        assert reader.count(Deal, where) == len(rows)
        return [row.title for row in rows]


def change(crm, firm, entity, id, **values):
    with crm.work(firm.owner) as work:
        records.update(work, [Update(entity, id, values=values)])


def refused(crm, principal, where):
    with crm.read(principal) as reader, pytest.raises(InputError) as error:
        reader.list(Query(Deal, where=where))
    return error.value.fields


def test_a_path_leads_to_the_linked_record(crm, firm):
    """Whoever may read it finds by what it holds."""
    riga = make_company(crm, name="A", city="Rīga")
    make_deal(crm, title="in riga", company_id=riga.id)
    make_deal(crm, title="elsewhere", company_id=make_company(crm, name="B", city="Tartu").id)
    make_deal(crm, title="nowhere")
    assert titles(crm, firm.owner, Equal("company.city", "riga")) == ["in riga"]
    assert titles(crm, firm.owner, Not(Equal("company.city", "riga"))) == ["elsewhere", "nowhere"]
    assert titles(crm, firm.owner, Empty("company.city")) == ["nowhere"]


@pytest.mark.parametrize("where", PATHS)
def test_a_hidden_linked_record_is_as_none(crm, firm, where):
    """A link to a company of somebody else's, to a deleted one, and no link give one answer, whatever changes there."""
    hidden = make_company(crm, name="A", city="Riga", owner_id=firm.stranger.id)
    gone = make_company(crm, name="B", city="Riga", owner_id=firm.seller.id)
    for title, company in (("a", hidden.id), ("b", gone.id), ("c", None)):
        make_deal(crm, title=title, owner_id=firm.seller.id, company_id=company)
    from opencrm import Delete

    with crm.work(firm.owner) as work:
        records.delete(work, [Delete(Company, gone.id)])
    found = titles(crm, firm.seller, where)
    assert found in (["a", "b", "c"], [])
    crm.advance("2d")
    change(crm, firm, Company, hidden.id, city="Tartu")
    assert titles(crm, firm.seller, where) in (found, [] if isinstance(where, AtLeast) else found)
    change(crm, firm, Company, hidden.id, city=None)
    assert titles(crm, firm.seller, where) in (found, [] if isinstance(where, AtLeast) else found)


def set_rule(crm, firm, entity, field):
    rule = FieldRule(entity, field, read=False, write=False)
    change(crm, firm, Role, firm.roles["firm_seller"], field_rules=[attrs.asdict(rule)])


@pytest.mark.parametrize("where", PATHS[:-3])
def test_a_hidden_field_of_a_linked_record_is_as_none(crm, firm, where):
    """The same words as for a field that is not there."""
    set_rule(crm, firm, "company", "city")
    unknown = (
        attrs.evolve(where, item=attrs.evolve(where.item, field="company.colour")) if isinstance(where, Not) else None
    )
    unknown = unknown or attrs.evolve(where, field="company.colour")
    assert list(refused(crm, firm.seller, where)) == ["company.city"]
    assert list(refused(crm, firm.seller, where).values()) == list(refused(crm, firm.seller, unknown).values())


def test_a_hidden_reference_leads_nowhere(crm, firm):
    set_rule(crm, firm, "deal", "company_id")
    for path, unknown in (("company.city", "colour.city"), ("company_id.city", "colour_id.city")):
        wanted = list(refused(crm, firm.seller, Equal(unknown, "x")).values())
        assert list(refused(crm, firm.seller, Equal(path, "x")).values()) == wanted


def test_me_is_whoever_asks(crm, firm):
    """By owner, and by who made it."""
    make_deal(crm, by=firm.seller, title="sold")
    make_deal(crm, by=firm.head, title="headed")
    make_deal(crm, title="owned", owner_id=firm.seller.id)
    assert titles(crm, firm.owner, Equal("owner_id", "me")) == []
    assert titles(crm, firm.seller, Equal("owner_id", "me")) == ["owned", "sold"]
    assert titles(crm, firm.seller, Equal("created_by", "me")) == ["sold"]
    assert titles(crm, firm.head, Not(Equal("owner_id", "me"))) == ["owned", "sold"]


def test_my_units_over_and_over_are_too_much_to_ask(crm, firm):
    """In one list they count once; in many comparisons they are refused before a database has to."""
    with crm.work(firm.owner) as work:
        records.create(work, [Create(Unit, name=f"u{at}", parent_id=firm.units["north"]) for at in range(100)])
    make_deal(crm, by=firm.head)
    with crm.read(firm.head) as reader:
        assert reader.count(Deal, In("unit_id", ["my_units"] * 1000)) == 1
    with crm.read(firm.head) as reader, pytest.raises(InputError, match="my_units") as refused:
        reader.count(Deal, All([Equal("unit_id", "my_units")] * 199))
    assert list(refused.value.fields) == ["where"]


def test_my_units_are_those_below_too(crm, firm):
    """A head's are the whole subtree, a seller's the shop."""
    for name in ("north_shop", "north_field", "south_shop"):
        make_deal(crm, title=name, owner_id=None, unit_id=firm.units[name])
    assert titles(crm, firm.viewer, Equal("unit_id", "my_units")) == ["north_field", "north_shop", "south_shop"]
    assert titles(crm, firm.head, In("unit_id", ["my_units"])) == ["north_field", "north_shop"]
    assert titles(crm, firm.lead, Equal("unit_id", "my_units")) == ["north_shop"]
    assert titles(crm, firm.owner, Equal("unit_id", "my_units")) == ["north_field", "north_shop", "south_shop"]
    with crm.read(firm.owner) as reader:
        assert reader.count(Unit, Equal("parent_id", "my_units")) == 5


def test_a_day_is_that_of_the_persons_zone(crm, firm):
    """At ten in the evening of a Monday in London it is Tuesday in Auckland."""
    crm.advance("13h")
    make_deal(crm, title="tuesday", expected_close="2026-03-03")
    assert titles(crm, firm.owner, Equal("expected_close", "today")) == []
    change(crm, firm, User, firm.owner.id, zone="Pacific/Auckland")
    assert titles(crm, firm.owner, Equal("expected_close", "today")) == ["tuesday"]
    change(crm, firm, User, firm.owner.id, zone="No/Where")
    assert titles(crm, firm.owner, Equal("expected_close", "tomorrow")) == ["tuesday"]


def test_a_relative_list_goes_on_while_time_does(crm, firm):
    """A cursor belongs to the filter as it was asked, though it means other instants a minute later."""
    for at in range(4):
        make_deal(crm, title=str(at))
    query = Query(Deal, where=AtLeast("created_at", "-7d"), sort="title", limit=2)
    with crm.read(firm.owner) as reader:
        first = reader.list(query)
    crm.advance("1m")
    with crm.read(firm.owner) as reader:
        second = reader.list(attrs.evolve(query, cursor=first.next))
        assert [row.title for row in second] == ["2", "3"]
        with pytest.raises(InputError, match="cursor"):
            reader.list(attrs.evolve(query, where=AtLeast("created_at", "-8d"), cursor=first.next))


class TestChanges:
    """What changed since an instant, as the journal tells."""

    def test_a_change_is_one_of_that_field_after_the_creation(self, crm, firm):
        """Neither one of another field, nor one before, nor the creation, nor one back to nothing unlike another."""
        old, new, emptied, other = [
            make_deal(crm, title=it, source="fair") for it in ("old", "new", "emptied", "other")
        ]
        change(crm, firm, Deal, old.id, source="web")
        crm.advance("1d")
        since = crm.clock.now()
        assert titles(crm, firm.owner, Changed("source", since)) == []
        change(crm, firm, Deal, new.id, source="web")
        change(crm, firm, Deal, emptied.id, source=None)
        change(crm, firm, Deal, other.id, lost_reason="none")
        make_deal(crm, title="made", source="fair")
        assert titles(crm, firm.owner, Changed("source", since)) == ["emptied", "new"]
        assert titles(crm, firm.owner, Not(Changed("source", since))) == ["made", "old", "other"]
        assert titles(crm, firm.owner, Changed("source", "-1d")) == ["emptied", "new", "old"]
        assert titles(crm, firm.owner, Changed("source", "today")) == ["emptied", "new"]

    def test_moves_and_assigns_are_changes(self, crm, firm):
        from opencrm import Assign, Move, assigning, pipelines

        deal = make_deal(crm, title="deal")
        with crm.work(firm.owner) as work:
            pipelines.move(work, [Move(Deal, deal.id, to="offer")])
            assigning.assign(work, [Assign(Deal, deal.id, owner=firm.seller.id)])
        for name in ("stage", "owner_id"):
            assert titles(crm, firm.owner, Changed(name, "-1h")) == ["deal"]

    def test_a_hidden_fields_changes_are_hidden(self, crm, firm):
        """Asking for them is asking for what is not there; no other field tells of them."""
        set_rule(crm, firm, "deal", "amount")
        deal = make_deal(crm, title="deal", owner_id=firm.seller.id, amount=1)
        crm.advance("1h")
        change(crm, firm, Deal, deal.id, amount=7)
        words = {tuple(refused(crm, firm.seller, Changed(name, "-1d"))[name]) for name in ("amount", "colour")}
        assert words == {("deal has no such field",)}
        with crm.read(firm.seller) as reader:
            for name in reader.rights.readable(reader.entity(Deal)) - {"id", "created_at", "created_by", "updated_at"}:
                assert titles(crm, firm.seller, Changed(name, "-30m")) == []


class TestGrants:
    """Conditions of grants: they mean whoever holds the role, see every linked record, and may go with the time."""

    def viewer(self, crm, when, **given):
        """Make a person who may read and update what a condition reaches."""
        grants = [{"entity": "deal", "action": act, "scope": "all", "when": when} for act in ("read", "update")]
        role = make_record(crm, Role, key="some", name="Some", rank=1, grants=grants, **given)
        user = make_record(crm, User, name="some")
        with crm.read(crm.sole_owner()) as reader:
            [top] = reader.list(Query(Unit, where=Empty("parent_id")))
        with crm.work(crm.sole_owner()) as work:
            records.create(work, [Create(Membership, user_id=user.id, unit_id=top.id, role_id=role.id)])
        from opencrm import Principal

        return Principal.user(user.id)

    def test_a_grant_may_go_with_the_time(self, crm, firm):
        """What is recent is to be seen, and no longer when it is not; the check says the same."""
        who = self.viewer(crm, {"field": "created_at", "op": "at_least", "value": "-7d"})
        deal = make_deal(crm, title="recent")
        for days in range(0, 9, 2):
            with crm.read(who) as reader:
                assert bool(reader.list(Query(Deal)).rows) == (days <= 7)
                assert reader.rights.expression(Deal, "read").verdict(deal.values(), reader.linked).allowed == (
                    days <= 7
                )
            crm.advance("2d")

    def test_me_is_the_roles_holder(self, crm, firm):
        who = self.viewer(crm, {"field": "owner_id", "op": "equal", "value": "me"})
        make_deal(crm, title="mine", owner_id=who.id)
        make_deal(crm, title="other")
        assert titles(crm, who, None) == ["mine"]

    def test_a_grant_sees_every_linked_record(self, crm, firm):
        """Its author decides about companies that its holder may not read; writing is judged alike."""
        who = self.viewer(crm, {"field": "company.city", "op": "equal", "value": "Riga"})
        riga, tartu = [make_company(crm, name=city, city=city) for city in ("Riga", "Tartu")]
        deal = make_deal(crm, title="riga", company_id=riga.id)
        make_deal(crm, title="tartu", company_id=tartu.id)
        assert titles(crm, who, None) == ["riga"]
        assert titles(crm, who, Equal("company.city", "Riga")) == []
        with crm.work(who) as work:
            records.update(work, [Update(Deal, deal.id, title="Riga!")])
        from opencrm import NotFound, PermissionDenied

        change(crm, firm, Company, riga.id, city="Tartu")
        with crm.work(who) as work, pytest.raises((NotFound, PermissionDenied)):
            records.update(work, [Update(Deal, deal.id, title="Tartu!")])

    @pytest.mark.parametrize(
        "when, text",
        [
            ({"field": "title", "op": "changed", "value": "-1d"}, "cannot be asked for changed here"),
            ({"field": "company.colour", "op": "empty"}, "company has no such field"),
            ({"field": "contact.birthday", "op": "empty"}, "contact has no such field"),
            ({"field": "company.parent.city", "op": "empty"}, "one step"),
            ({"field": "created_at", "op": "less", "value": "soon"}, "must be a time"),
        ],
    )
    def test_a_condition_that_cannot_hold_is_refused(self, crm, firm, when, text):
        """When the role is made, and not when somebody signs in."""
        with pytest.raises(InputError, match=text):
            self.viewer(crm, when)
