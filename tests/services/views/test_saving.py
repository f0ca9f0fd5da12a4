"""Saving views: what is refused, whose they are, and what they show."""

from __future__ import annotations

from decimal import Decimal

import pytest

from opencrm import (
    All,
    Assign,
    Contact,
    ContactPoint,
    Create,
    CustomField,
    Deal,
    Delete,
    Equal,
    FieldRule,
    Grant,
    InputError,
    Money,
    NotFound,
    PermissionDenied,
    Principal,
    Query,
    Restore,
    Role,
    SavedView,
    Scope,
    Segment,
    Undo,
    UndoRefused,
    Update,
    User,
    assigning,
    records,
    undoing,
    views,
)
from opencrm.embed import grant_rows
from opencrm.testing import make_deal, make_record

NOBODY = "01a20046-500b-7000-bdaa-4a1dcfa85aad"
WON = {"field": "stage", "op": "equal", "value": "won"}


def titles(crm, by, view):
    with crm.read(by) as reader:
        return [row.title for row in reader.list(views.open(reader, view))]


def test_a_view_gives_its_filter_its_columns_and_its_order(crm, firm, save, deals):
    """What was saved is what is shown."""
    view = save(
        firm.owner, where={"field": "amount", "op": "less", "value": "100 EUR"}, columns=["title"], sort="title"
    )
    assert titles(crm, firm.owner, view) == ["fitter small", "seller small", "stranger small"]
    with crm.read(firm.owner) as reader:
        assert reader.list(views.open(reader, view)).rows[0].fields == ("id", "title")


def test_a_view_of_nothing_but_an_entity_shows_all_of_it(crm, firm, save, deals):
    """Without a filter, columns and a sort it is the plain list."""
    view = save(firm.owner)
    assert sorted(titles(crm, firm.owner, view)) == sorted(deals)


def test_a_view_is_paged(crm, firm, save, deals):
    """The cursor of a page goes into the next opening."""
    view = save(firm.owner, sort="title")
    with crm.read(firm.owner) as reader:
        first = reader.list(views.open(reader, view, limit=4))
        second = reader.list(views.open(reader, view, limit=4, cursor=first.next))
        assert [row.title for row in (*first, *second)] == sorted(deals)


@pytest.mark.parametrize("who", ["owner", "head", "lead", "seller", "stranger", "viewer"])
def test_everybody_saves_views_for_themselves(crm, firm, save, who):
    """With no grant: it is theirs to read, change, delete and restore."""
    by = getattr(firm, who)
    view = save(by)
    with crm.work(by) as work:
        records.update(work, [Update(SavedView, view, name="Mine")])
        assert work.get(SavedView, view).owner_id == by.id
        records.delete(work, [Delete(SavedView, view)])
        records.restore(work, [Restore(SavedView, view)])
        assert work.get(SavedView, view).name == "Mine"


def test_who_has_no_seat_still_has_views(crm, firm, save):
    """A user without any membership saves one; somebody who did not sign in does not."""
    lone = Principal.user(make_record(crm, User, name="lone").id)
    view = save(lone)
    assert titles(crm, lone, view) == []
    with pytest.raises(PermissionDenied):
        save(Principal.anonymous())


def test_no_grant_opens_what_is_personal(crm, firm, save):
    """Somebody who may read and write everything but is no owner sees no view of others."""
    grants = [Grant("*", action, Scope.ALL) for action in ("read", "update", "delete", "create", "assign")]
    with crm.work(firm.owner) as work:
        records.update(work, [Update(Role, firm.roles["firm_viewer"], grants=grant_rows(grants))])
    view = save(firm.seller)
    with crm.work(firm.viewer) as work:
        assert work.list(Query(SavedView)).rows == ()
        for act in (
            lambda: work.get(SavedView, view),
            lambda: records.update(work, [Update(SavedView, view, name="x")]),
            lambda: records.delete(work, [Delete(SavedView, view)]),
        ):
            with pytest.raises(NotFound):
                act()


def test_owners_of_the_workspace_see_and_change_all_views(crm, firm, save):
    """They alone hand one over to somebody else."""
    view = save(firm.seller)
    with crm.work(firm.owner) as work:
        records.update(work, [Update(SavedView, view, name="Tidied")])
        assigning.assign(work, [Assign(SavedView, view, owner=firm.fitter.id)])
    with crm.read(firm.fitter) as reader:
        assert reader.get(SavedView, view).name == "Tidied"
    with crm.read(firm.seller) as reader, pytest.raises(NotFound):
        reader.get(SavedView, view)


def test_nobody_else_makes_or_gives_a_view_for_others(crm, firm, save):
    """Neither by naming another owner nor by assigning one's own."""
    with pytest.raises(PermissionDenied):
        save(firm.head, owner_id=firm.seller.id)
    view = save(firm.head)
    with pytest.raises(PermissionDenied), crm.work(firm.head) as work:
        assigning.assign(work, [Assign(SavedView, view, owner=firm.seller.id)])


def test_a_strangers_view_and_a_missing_one_look_alike(crm, firm, save):
    """The same class, the same words, the same details, whatever is asked."""
    view = save(firm.stranger)
    acts = (
        views.open,
        lambda work, id: work.get(SavedView, id),
        lambda work, id: work.history(SavedView, id),
        lambda work, id: records.update(work, [Update(SavedView, id, name="x")]),
    )
    for act in acts:
        told = []
        for id in (view, NOBODY):
            with crm.work(firm.seller) as work, pytest.raises(NotFound) as refused:
                act(work, id)
            told.append((str(refused.value).replace(id, ""), {**refused.value.details, "id": ""}))
        assert told[0] == told[1]


@pytest.mark.parametrize("text", ["", "x", "42", "None", "\x00"])
def test_what_is_no_id_is_no_view(crm, firm, text):
    """It is not found."""
    with crm.read(firm.seller) as reader, pytest.raises(NotFound):
        views.open(reader, text)


@pytest.mark.parametrize(
    "fields, part, word",
    [
        ({"entity": "spaceship"}, "entity", "spaceship"),
        ({"entity": "deals"}, "entity", "deals"),
        ({"where": {"field": "amout", "op": "empty"}}, "where", "amout"),
        ({"where": {"field": "title", "op": "nearly", "value": "x"}}, "where", "nearly"),
        ({"where": {"field": "amount", "op": "less", "value": "much"}}, "where", "amount"),
        ({"where": {"field": "description", "op": "equal", "value": "x"}}, "where", "description"),
        ({"where": {"all": [{"not": {"field": "nix", "op": "empty"}}]}}, "where", "nix"),
        ({"where": "title = x"}, "where", "condition"),
        ({"where": []}, "where", "condition"),
        ({"where": "[" * 100_000}, "where", "condition"),
        ({"where": {"field": "amount", "op": "less", "value": 10**30}}, "where", "amount"),
        ({"where": {"segment": "x"}}, "where", "id"),
        ({"where": {"segment": NOBODY}}, "where", NOBODY),
        ({"where": {"segment": NOBODY, "all": []}}, "where", "condition"),
        ({"columns": ["title", "colour"]}, "columns", "colour"),
        ({"columns": []}, "columns", "1 to 100"),
        ({"columns": "title"}, "columns", "list"),
        ({"columns": ["title", "title"]}, "columns", "twice"),
        ({"columns": [1]}, "columns", "names"),
        ({"columns": ["title"] * 101}, "columns", "100"),
        ({"sort": "colour"}, "sort", "colour"),
        ({"sort": "--title"}, "sort", "title"),
        ({"sort": "description"}, "sort", "description"),
        ({"name": " "}, "name", "required"),
        ({"published_to_id": NOBODY}, "published_to_id", "no record"),
    ],
)
def test_a_definition_that_cannot_be_used_is_refused_and_named(crm, firm, save, sizes, fields, part, word):
    """When it is made and when it is changed; nothing is stored."""
    view = save(firm.seller)
    before = sizes()
    with pytest.raises(InputError) as refused:
        save(firm.seller, **fields)
    assert word in " ".join(refused.value.fields[part])
    with pytest.raises(InputError) as refused, crm.work(firm.seller) as work:
        records.update(work, [Update(SavedView, view, values=fields)])
    assert word in " ".join(refused.value.fields[part])
    assert sizes() == before


def test_all_that_is_wrong_is_told_at_once(firm, save):
    """Each part under its own name."""
    with pytest.raises(InputError) as refused:
        save(firm.seller, where={"field": "nix", "op": "empty"}, columns=["nix"], sort="nix")
    assert set(refused.value.fields) == {"where", "columns", "sort"}


def test_a_condition_too_deep_or_too_large_is_refused(firm, save):
    """Before anything recurses or is compiled."""
    deep = {"field": "title", "op": "empty"}
    for _ in range(900):
        deep = {"not": deep}
    for where in (deep, {"all": [WON] * 201}, {"any": [{"segment": NOBODY}] * 201}):
        with pytest.raises(InputError) as refused:
            save(firm.seller, where=where)
        assert set(refused.value.fields) == {"where"}


def test_of_a_batch_the_bad_row_is_named(crm, firm):
    """By its position."""
    good = {"name": "good", "entity": "deal"}
    with crm.work(firm.seller) as work, pytest.raises(InputError) as refused:
        records.create(work, [Create(SavedView, values=good), Create(SavedView, values={**good, "sort": "nix"})])
    assert list(refused.value.rows) == [1]


def test_a_cell_of_a_file_holds_them_as_json(crm, firm, save, deals):
    """What an export writes, an import reads."""
    view = save(firm.owner, where='{"field": "title", "op": "equal", "value": "seller big"}', columns='["title"]')
    with crm.read(firm.owner) as reader:
        row = reader.get(SavedView, view)
        assert (row.where, row.columns) == ({"field": "title", "op": "equal", "value": "seller big"}, ["title"])


def test_a_typed_condition_is_saved_too(crm, firm, save, deals):
    """From Python, without its JSON form."""
    view = save(firm.owner, where=Equal("title", "SELLER BIG"))
    assert titles(crm, firm.owner, view) == ["seller big"]


def hide(crm, firm, role, *names, entity="deal"):
    rules = [{"entity": entity, "field": name, "read": False, "write": False} for name in names]
    with crm.work(firm.owner) as work:
        records.update(work, [Update(Role, firm.roles[role], field_rules=rules)])


def test_what_one_may_not_read_cannot_be_saved(crm, firm, save):
    """It is refused in the words of a field that does not exist."""
    hide(crm, firm, "firm_seller", "amount")
    for fields in ({"where": {"field": "amount", "op": "empty"}}, {"columns": ["amount"]}, {"sort": "amount"}):
        missing = {part: _renamed(value) for part, value in fields.items()}
        told = []
        for each in (fields, missing):
            with pytest.raises(InputError) as refused:
                save(firm.seller, **each)
            told.append(str(refused.value).replace("nothing", "amount"))
        assert told[0] == told[1]


def _renamed(value):
    match value:
        case str():
            return value.replace("amount", "nothing")
        case list():
            return [_renamed(each) for each in value]
    return {name: _renamed(each) for name, each in value.items()}


@pytest.mark.parametrize(
    "fields, part",
    [
        ({"where": {"not": {"field": "amount", "op": "less", "value": "100 EUR"}}}, "where"),
        ({"where": {"any": [WON, {"field": "amount", "op": "empty"}]}}, "where"),
        ({"sort": "-amount"}, "sort"),
    ],
)
def test_a_view_of_what_the_reader_may_not_read_is_an_error_without_its_name(crm, firm, save, fields, part):
    """It shows neither more nor fewer records; and the hidden values change nothing of the answer."""
    view = save(firm.lead, published_to_id=firm.units["north_shop"], **fields)
    hide(crm, firm, "firm_seller", "amount")
    deal = make_deal(crm, by=firm.lead, owner_id=firm.seller.id, amount=50)
    told = set()
    for amount in (50, 500, None):
        with crm.work(firm.lead) as work:
            records.update(work, [Update(Deal, deal.id, amount=amount)])
        with pytest.raises(InputError) as refused:
            titles(crm, firm.seller, view)
        assert list(refused.value.fields) == [part]
        assert "amount" not in str(refused.value)
        told.add(str(refused.value))
    assert len(told) == 1
    assert titles(crm, firm.lead, view) is not None


def test_a_hidden_filter_hides_the_view_rather_than_widening_it(crm, firm, save, deals):
    """Whoever may not read the definition itself gets an error, and not the list without its filter."""
    view = save(firm.seller, where=WON)
    grants = [Grant("saved_view", "read", Scope.OWN), Grant("deal", "read", Scope.OWN)]
    with crm.work(firm.owner) as work:
        rules = [FieldRule("saved_view", "where", read=False, write=False)]
        values = {"grants": grant_rows(grants), "field_rules": rules}
        records.update(work, [Update(Role, firm.roles["firm_seller"], values=values)])
    with pytest.raises(InputError) as refused:
        titles(crm, firm.seller, view)
    assert list(refused.value.fields) == ["where"]


def test_a_custom_field_is_followed_when_it_is_renamed_and_named_when_it_is_gone(crm, firm, save):
    """A retired one is an error, and no wider list; brought back, it works as before."""
    with crm.work(firm.owner) as work:
        values = {"entity": "deal", "key": "mood", "kind": "text", "label": "Mood", "indexed": True}
        [defined] = records.create(work, [Create(CustomField, values=values)])
    for mood in ("good", "bad"):
        make_deal(crm, title=mood, mood=mood)
    good = {"field": "mood", "op": "equal", "value": "GOOD"}
    view = save(firm.owner, where={"all": [good]}, columns=["title", "mood"], sort="-mood")
    with crm.work(firm.owner) as work:
        records.update(work, [Update(CustomField, defined.record_id, key="temper")])
    assert titles(crm, firm.owner, view) == ["good"]
    with crm.work(firm.owner) as work:
        records.update(work, [Update(CustomField, defined.record_id, retired=True)])
    with pytest.raises(InputError) as refused:
        titles(crm, firm.owner, view)
    assert set(refused.value.fields) == {"where", "columns", "sort"}
    with crm.work(firm.owner) as work:
        records.update(work, [Update(CustomField, defined.record_id, retired=False)])
    assert titles(crm, firm.owner, view) == ["good"]


def test_a_hidden_field_is_not_told_by_a_name_that_it_had(crm, firm, save):
    """Its former name is as any name that never was: no error tells what it is called now."""
    with crm.work(firm.owner) as work:
        values = {"entity": "deal", "key": "mood", "kind": "text", "label": "Mood", "indexed": True}
        [defined] = records.create(work, [Create(CustomField, values=values)])
    with crm.work(firm.owner) as work:
        records.update(work, [Update(CustomField, defined.record_id, key="temper")])
    hide(crm, firm, "firm_seller", "temper")
    for fields in ({"where": {"field": "mood", "op": "empty"}}, {"columns": ["mood"]}, {"sort": "mood"}):
        with pytest.raises(InputError) as refused:
            save(firm.seller, **fields)
        assert "temper" not in str(refused.value)
        assert "mood" in str(refused.value)


def test_an_entity_that_went_with_its_plugin_is_named(crm, firm, save):
    """A view over it is an error, and can be renamed and deleted all the same."""
    view = save(firm.owner)
    with crm.database.write() as tx:
        tx.run("a plugin went", lambda: SavedView.__table__.update().values(entity="gone_thing"), [{}])
    with crm.read(firm.owner) as reader, pytest.raises(InputError) as refused:
        views.open(reader, view)
    assert refused.value.fields == {"entity": ["there is no entity 'gone_thing'"]}
    with crm.work(firm.owner) as work:
        records.update(work, [Update(SavedView, view, name="old")])
        records.delete(work, [Delete(SavedView, view)])


def test_a_saved_view_is_undone(crm, firm, save):
    """The change goes back; one that was followed by another does not."""
    view = save(firm.seller, sort="title")
    with crm.work(firm.seller) as work:
        [first] = records.update(work, [Update(SavedView, view, sort="amount", where=WON)])
    with crm.work(firm.seller) as work:
        undoing.undo(work, [Undo(entry=first.entry_id)])
        assert (work.get(SavedView, view).sort, work.get(SavedView, view).where) == ("title", None)
    with crm.work(firm.seller) as work, pytest.raises(UndoRefused):
        undoing.undo(work, [Undo(entry=first.entry_id)])


def test_undo_does_not_bring_back_what_cannot_be_used(crm, firm, save):
    """A filter over what one may no longer read stays away."""
    view = save(firm.seller, where={"field": "amount", "op": "empty"})
    with crm.work(firm.seller) as work:
        [change] = records.update(work, [Update(SavedView, view, where=None)])
    hide(crm, firm, "firm_seller", "amount")
    with crm.work(firm.seller) as work, pytest.raises(InputError):
        undoing.undo(work, [Undo(entry=change.entry_id)])


def test_a_thousand_views_are_listed_by_pages(crm, firm):
    """Of one person, each page by itself, and nobody else's among them."""
    for by, prefix in ((firm.seller, "mine"), (firm.stranger, "theirs")):
        with crm.work(by) as work:
            made = [Create(SavedView, name=f"{prefix} {at:03}", entity="deal", sort="title") for at in range(1000)]
            records.create(work, made)
    with crm.read(firm.seller) as reader:
        found = [row.name for row in reader.stream(Query(SavedView, sort="name"))]
        assert found == [f"mine {at:03}" for at in range(1000)]
        assert len(reader.list(Query(SavedView, where=Equal("name", "MINE 042")))) == 1
        assert reader.list(Query(Segment)).rows == ()


def test_a_view_and_a_contact_point_are_made_together(crm, firm):
    """A view speaks of an entity and hangs on no record of it."""
    contact = make_record(crm, Contact, by=firm.seller, name="Ann")
    point = {"kind": "email", "value": "ann@example.com", "contact_id": contact.id}
    with crm.work(firm.seller) as work:
        records.create(work, [Create(SavedView, name="Mine", entity="contact"), Create(ContactPoint, values=point)])
    with crm.read(firm.seller) as reader:
        assert (reader.count(SavedView), reader.count(ContactPoint)) == (1, 1)


@pytest.mark.parametrize("where", [Money(Decimal(1), "EUR"), All((Money(Decimal(1), "EUR"),))])
def test_a_filter_that_is_none_is_refused(crm, firm, save, where):
    """Whatever else it is."""
    with pytest.raises(InputError, match="condition"):
        save(firm.owner, where=where)
