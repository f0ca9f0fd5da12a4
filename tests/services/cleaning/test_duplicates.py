"""Doubles are proposed with reasons, quickly, and to nobody who may not see both."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opencrm import (
    Company,
    Contact,
    Create,
    Deal,
    Delete,
    ExternalRef,
    InputError,
    NotFound,
    PermissionDenied,
    Role,
    Update,
    User,
    records,
)
from opencrm.services.cleaning import duplicates
from opencrm.services.cleaning.comparing.similar import likeness, name_of, similar
from opencrm.testing import make_company, make_contact, make_deal

NOBODY = "0190a000-0000-7000-8000-000000000000"


def found(crm, by, entity=Contact, **more):
    with crm.read(by) as reader:
        return duplicates.find(reader, entity, **more)


def told(proposals):
    return [(it.one, it.other, [reason.kind for reason in it.reasons]) for it in proposals]


def point(kind, value):
    return {"kind": kind, "value": value}


@pytest.mark.parametrize(
    "kind, first, second",
    [
        ("email", "Ann.Lee@Example.com", "ann.lee@example.com"),
        ("phone", "+1 650 253 0000", "+1-650-253-0000"),
        ("messenger", "@ann", "@ANN"),
    ],
)
def test_the_same_contact_point(crm, firm, kind, first, second):
    """In whatever notation; the older record comes first, and the reason names what both have."""
    one = make_contact(crm, name="Ann", points=[point(kind, first)])
    two = make_contact(crm, name="Somebody", points=[point(kind, second)])
    [proposal] = found(crm, firm.owner)
    assert told([proposal]) == [(one.id, two.id, [kind])]
    assert proposal.reasons[0].value is not None


@pytest.mark.parametrize(
    "first, second",
    [
        ("Ann Lee", "ann  lee"),
        ("Ann Lee", "Lee, Ann"),
        ("Jürgen Müller", "Jurgen Muller"),
        ("Jürgen Müller", "Juergen Mueller"),
        ("Katharine Smith", "Katherine Smith"),
        ("Fenster Huber GmbH", "Fenster-Huber"),
        ("Mr John Archibald Smith", "John Archibald Smith"),
    ],
)
def test_nearly_the_same_name(crm, firm, first, second):
    """Folded, in any order of words, with a slip or a legal form."""
    one, two = make_contact(crm, name=first), make_contact(crm, name=second)
    assert told(found(crm, firm.owner)) == [(one.id, two.id, ["name"])]


@pytest.mark.parametrize(
    "first, second",
    [("Ann Lee", "Bob Reed"), ("Site 12", "Site 13"), ("Ann Lee", "Ann Leeson-Smythe"), ("GmbH", "Ltd")],
)
def test_names_that_are_two(crm, firm, first, second):
    """Other people, other numbers."""
    make_contact(crm, name=first)
    make_contact(crm, name=second)
    assert found(crm, firm.owner) == ()


def test_what_speaks_for_it_adds_up(crm, firm):
    """The likeliest first: address and name, address alone, name alone."""
    both = [make_contact(crm, name="Ann Lee", points=[point("email", "ann@example.com")]).id for _ in range(2)]
    mail = [make_contact(crm, name=name, points=[point("email", "x@example.com")]).id for name in ("Xi", "Quark")]
    name = [make_contact(crm, name="Zoe Young").id for _ in range(2)]
    proposals = found(crm, firm.owner)
    assert told(proposals) == [(*both, ["email", "name"]), (*mail, ["email"]), (*name, ["name"])]
    assert proposals[0].score > proposals[1].score > proposals[2].score
    assert told(found(crm, firm.owner, limit=1)) == [(*both, ["email", "name"])]


def test_a_switchboard_tells_nothing(crm, firm):
    """A number that many have is nobody's own."""
    names = [
        "Ann Lee",
        "Bob Reed",
        "Cid Pye",
        "Dan Oak",
        "Eve Fir",
        "Fay Elm",
        "Gus Ash",
        "Hal Yew",
        "Ida Box",
        "Jo Bay",
    ]
    for name in names:
        make_contact(crm, name=name, points=[point("phone", "+1 650 253 0000")])
    assert len(found(crm, firm.owner)) == 45
    make_contact(crm, name="Kim Sun", points=[point("phone", "+1 650 253 0000")])
    assert found(crm, firm.owner) == ()


def test_the_same_key_in_two_systems_takes_a_like_name(crm, firm):
    """Numbers of two systems are equal by chance; of like names they are a reason more."""
    one = make_contact(crm, name="Ann Lee", refs=[{"system": "a", "key": "4711"}])
    two = make_contact(crm, name="Anne Lee", refs=[{"system": "b", "key": "4711"}])
    make_contact(crm, name="Bob Reed", refs=[{"system": "c", "key": "4711"}])
    assert told(found(crm, firm.owner)) == [(one.id, two.id, ["name", "key"])]


def test_other_entities_have_doubles_too(crm, firm):
    """Companies by their points and names, deals by their titles; people who work here, whoever they are."""
    one = make_company(crm, name="Huber Fenster GmbH", points=[point("email", "info@huber.example")])
    two = make_company(crm, name="Fenster Huber", points=[point("email", "INFO@huber.example")])
    assert told(found(crm, firm.owner, Company)) == [(one.id, two.id, ["email", "name"])]
    make_deal(crm, title="Six windows")
    make_deal(crm, title="six  windows")
    assert len(found(crm, firm.owner, Deal)) == 1
    assert found(crm, firm.owner, User) == ()
    assert found(crm, firm.owner, ExternalRef) == ()


def test_what_may_not_be_seen_changes_no_proposal(crm, firm):
    """Neither hidden records nor hidden fields; not by a key that too many share either."""
    one = make_contact(crm, by=firm.seller, name="Ann Lee", points=[point("email", "ann@example.com")])
    two = make_contact(crm, by=firm.seller, name="Ann Lee", points=[point("email", "ann@example.com")])
    before = found(crm, firm.seller)
    assert told(before) == [(one.id, two.id, ["email", "name"])]
    for _ in range(12):
        make_contact(crm, by=firm.stranger, name="Ann Lee", points=[point("email", "ann@example.com")])
    assert found(crm, firm.seller) == before
    for field, kinds in (("name", ["email"]), ("key", ["name"])):
        rule = {
            "entity": "contact" if field == "name" else "contact_point",
            "field": field,
            "read": False,
            "write": False,
        }
        with crm.work(firm.owner) as work:
            held = work.get(Role, firm.roles["firm_seller"]).grants
            grants = [it for it in held if (it["entity"], it["action"]) != ("contact", "create")]
            records.update(work, [Update(Role, firm.roles["firm_seller"], grants=grants, field_rules=[rule])])
        assert told(found(crm, firm.seller)) == [(one.id, two.id, kinds)]


def test_deleted_records_are_nobodys_doubles(crm, firm):
    """Nor are those with a deleted contact point."""
    one = make_contact(crm, name="Ann Lee")
    make_contact(crm, name="Ann Lee")
    with crm.work(firm.owner) as work:
        records.delete(work, [Delete(Contact, one.id)])
    assert found(crm, firm.owner) == ()


def test_a_dismissed_pair_is_proposed_no_more(crm, firm):
    """To nobody, until somebody takes that back."""
    one, two = (make_contact(crm, by=firm.seller, name="Ann Lee") for _ in range(2))
    with crm.work(firm.seller) as work:
        duplicates.dismiss(work, Contact, two.id, one.id)
        duplicates.dismiss(work, Contact, one.id, two.id)
    assert found(crm, firm.seller) == found(crm, firm.owner) == ()
    three = make_contact(crm, by=firm.seller, name="Ann Lee")
    assert {it.other for it in found(crm, firm.seller)} == {three.id}
    with crm.work(firm.seller) as work:
        duplicates.propose_again(work, Contact, one.id, two.id)
    assert len(found(crm, firm.seller)) == 3


def test_who_may_dismiss(crm, firm):
    """Whoever may change both; a record is not its own double."""
    one, two = (make_contact(crm, by=firm.seller, name="Ann Lee") for _ in range(2))
    for by, other, error in (
        (firm.viewer, two.id, PermissionDenied),
        (firm.stranger, two.id, NotFound),
        (firm.seller, NOBODY, NotFound),
        (firm.seller, one.id, InputError),
    ):
        with pytest.raises(error), crm.work(by) as work:
            duplicates.dismiss(work, Contact, one.id, other)
    assert len(found(crm, firm.owner)) == 1


@pytest.mark.parametrize("limit", [0, 1001])
def test_a_limit_lies_between_1_and_1000(crm, firm, limit):
    with pytest.raises(InputError):
        found(crm, firm.owner, limit=limit)


def of(crm, by, values, entity=Contact):
    with crm.read(by) as reader:
        return [(it.id, [reason.kind for reason in it.reasons]) for it in duplicates.of(reader, entity, values)]


def test_doubles_of_what_is_about_to_be_made(crm, firm):
    """By what was typed so far: the name or its parts, and the points; nonsense finds nothing."""
    one = make_contact(crm, by=firm.seller, name="Katharine Smith", points=[point("email", "k@example.com")])
    assert of(crm, firm.seller, {"name": "Smith, Katherine"}) == [(one.id, ["name"])]
    assert of(crm, firm.seller, {"first_name": "katharine", "last_name": "smith"}) == [(one.id, ["name"])]
    points = [point("email", "K@example.com"), point("email", "no address"), point("fax", "1"), "nonsense"]
    assert of(crm, firm.seller, {"name": "Bob", "points": points}) == [(one.id, ["email"])]
    assert of(crm, firm.seller, {"name": "Katharine Smith", "points": points}) == [(one.id, ["email", "name"])]
    for values in ({}, {"name": None}, {"name": 5}, {"points": 5}, {"name": "", "points": []}, {"name": "***"}):
        assert of(crm, firm.seller, values) == []
    assert of(crm, firm.stranger, {"name": "Katharine Smith", "points": points}) == []


def test_doubles_of_a_company_with_an_amount(crm, firm):
    """Raw values do no harm."""
    one = make_company(crm, name="Huber GmbH")
    assert of(crm, firm.owner, {"name": "Huber", "revenue": "5 EUR"}, Company) == [(one.id, ["name"])]


WORDS = st.sampled_from(["ann", "anne", "lee", "smith", "smyth", "john", "jon", "müller", "mueller", "12", "gmbh", "a"])


@settings(max_examples=50)
@given(names=st.lists(st.lists(WORDS, min_size=1, max_size=3).map(" ".join), min_size=2, max_size=12))
def test_blocks_lose_no_pair_that_begins_alike(names):
    """Compared in blocks, the pairs are those of comparing all with all, where a word and a letter begin alike."""
    ready = [name_of(str(at), name) for at, name in enumerate(names)]
    pairs = {(min(one, other), max(one, other)) for one, other, _ in similar(ready)}
    for at, one in enumerate(ready):
        for other in ready[at + 1 :]:
            pair = (min(one.id, other.id), max(one.id, other.id))
            assert (pair in pairs) <= bool(likeness(one, other))
            if one.text == other.text:
                assert pair in pairs


def test_five_thousand_names(crm, firm):
    """Streamed and blocked: the pairs that were hidden among them are found."""
    chance = random.Random(7)
    syllables = ["ba", "ke", "lo", "mi", "nu", "ra", "se", "ti", "vo", "zu", "fa", "ge"]

    def word():
        return "".join(chance.choice(syllables) for _ in range(4))

    with crm.work(firm.owner) as work:
        names = [f"{word()} {word()}" for _ in range(5_000)]
        lines = records.create(work, [Create(Contact, name=name) for name in names])
        more = records.create(work, [Create(Contact, name=f"{name[:-1]}x") for name in names[:5]])
    expected = {(lines[at].record_id, more[at].record_id) for at in range(5)}
    assert expected <= {(it.one, it.other) for it in found(crm, firm.owner, limit=1000)}


@pytest.mark.parametrize("limit", [-1, 0, 1001])
def test_a_limit_is_judged(crm, firm, limit):
    """Of the pairs, and of those who may be the one that is about to be made."""
    make_contact(crm, name="Ann Lee")
    with pytest.raises(InputError, match="limit"):
        found(crm, firm.owner, limit=limit)
    with crm.read(firm.owner) as reader, pytest.raises(InputError, match="limit"):
        duplicates.of(reader, Contact, {"name": "Ann Lee"}, limit=limit)
