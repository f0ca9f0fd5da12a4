"""Keys that were narrowed, listed, and ended one by one."""

from __future__ import annotations

import pytest

from opencrm import (
    Assign,
    Contact,
    Create,
    Deal,
    Delete,
    InputError,
    Move,
    NotFound,
    NotSignedIn,
    PermissionDenied,
    Query,
    Update,
    User,
    assigning,
    pipelines,
    records,
)
from opencrm.embed import account, issue_token, principal_of, tokens
from opencrm.testing import make_contact, make_deal


@pytest.fixture
def key(crm, firm):
    """`key(firm.owner, "deal.read")`: a key of somebody's, narrowed."""

    def make(person, *scopes, **how):
        with crm.work(person) as work:
            return principal_of(issue_token(work, person.id, label="test", scopes=scopes or None, **how))

    return make


def denied(crm, principal, act):
    with pytest.raises((PermissionDenied, NotFound)), crm.work(principal) as work:
        act(work)


def test_it_does_what_its_scopes_say(crm, firm, key):
    """And nothing else of what its user may: no change, no other entity."""
    deal, contact = make_deal(crm, by=firm.owner), make_contact(crm, by=firm.owner)
    narrow = key(firm.owner, "deal.read")
    with crm.read(narrow) as reader:
        assert reader.get(Deal, deal.id).id == deal.id
        assert reader.count(Contact) == 0
        assert not reader.rights.owner
        with pytest.raises(NotFound):
            reader.get(Contact, contact.id)
    denied(crm, narrow, lambda work: records.update(work, [Update(Deal, deal.id, title="x")]))
    denied(crm, narrow, lambda work: records.delete(work, [Delete(Deal, deal.id)]))
    denied(crm, narrow, lambda work: pipelines.move(work, [Move(Deal, deal.id, to="offer")]))
    denied(crm, narrow, lambda work: assigning.assign(work, [Assign(Deal, deal.id, owner=firm.seller.id)]))
    denied(crm, narrow, lambda work: records.create(work, [Create(Deal, title="x")]))


@pytest.mark.parametrize(
    "scopes, entities",
    [
        (["deal.*"], {"deal"}),
        (["*.read"], {"deal", "contact"}),
        (["contact.read", "deal.read"], {"deal", "contact"}),
        ([{"entity": "deal", "action": "read", "scope": "all"}], {"deal"}),
        ([{"entity": "deal", "action": "read", "scope": "none"}], set()),
        (["deal.delete"], set()),
    ],
)
def test_how_scopes_are_written(crm, firm, key, scopes, entities):
    """As words, or as grants."""
    make_deal(crm, by=firm.owner)
    make_contact(crm, by=firm.owner)
    with crm.read(key(firm.owner, *scopes)) as reader:
        assert {entity.spec.name for entity in (Deal, Contact) if reader.count(entity)} == entities


def test_it_never_does_more_than_its_user(crm, firm, key):
    """A viewer's key with all scopes is a viewer's key; what the user loses, it loses."""
    deal = make_deal(crm, by=firm.owner)
    everything = key(firm.viewer, "*.*")
    denied(crm, everything, lambda work: records.update(work, [Update(Deal, deal.id, title="x")]))
    denied(crm, everything, lambda work: records.create(work, [Create(User, name="Eve")]))
    seller = key(firm.seller, "deal.*")
    with crm.read(seller) as reader:
        assert reader.count(Deal) == 0


def test_a_scope_may_be_nearer_than_ones_own(crm, firm, key):
    """A head's key for the head's own deals: the lesser of both holds."""
    mine, theirs = make_deal(crm, by=firm.head), make_deal(crm, by=firm.seller)
    own = key(firm.head, {"entity": "deal", "action": "*", "scope": "own"})
    with crm.read(own) as reader:
        assert [row.id for row in reader.list(Query(Deal))] == [mine.id]
    denied(crm, own, lambda work: records.update(work, [Update(Deal, theirs.id, title="x")]))
    with crm.work(own) as work:
        records.update(work, [Update(Deal, mine.id, title="x")])


@pytest.mark.parametrize(
    "scopes",
    [
        [],
        "deal.read",
        ["deal"],
        [".read"],
        ["deal."],
        ["dragon.read"],
        ["deal.fly"],
        [7],
        [None],
        [{"entity": "deal"}],
        [{"entity": "deal", "action": "read", "scope": "galaxy"}],
        [
            {
                "entity": "deal",
                "action": "read",
                "scope": "all",
                "when": {"field": "source", "op": "equal", "value": "web"},
            }
        ],
        ["deal.read"] * 101,
    ],
)
def test_scopes_that_cannot_be_used_are_refused(crm, firm, scopes):
    """The field is named, and no key is made."""
    with pytest.raises(InputError) as refused, crm.work(firm.seller) as work:
        issue_token(work, firm.seller.id, label="test", scopes=scopes)
    assert list(refused.value.fields) == ["scopes"]
    with crm.read(firm.seller) as reader:
        assert tokens.living(reader, firm.seller.id) == []


def test_a_narrowed_key_leaves_the_account_alone(crm, firm, key):
    """Neither keys nor sessions nor one's name, not even with all scopes."""
    narrow = key(firm.owner, "*.*")
    for act in (
        lambda work: tokens.living(work, firm.owner.id),
        lambda work: tokens.revoke(work, firm.owner.id),
        account.sign_out_everywhere,
        lambda work: account.change(work, {"name": "x"}),
        lambda work: issue_token(work, firm.owner.id, label="more"),
    ):
        with pytest.raises(PermissionDenied), crm.work(narrow) as work:
            act(work)


def test_keys_are_listed_without_their_secrets(crm, firm, key):
    """Those that work, with what they are for and until when."""
    with crm.work(firm.seller) as work:
        secret = issue_token(work, firm.seller.id, label="website", days=3, scopes=["deal.read"])
    key(firm.seller)
    key(firm.head)
    with crm.read(firm.seller) as reader:
        first, second = tokens.living(reader, firm.seller.id)
    assert (first.label, first.used_at) == ("website", None)
    assert first.scopes == [{"entity": "deal", "action": "read", "scope": "all"}]
    assert second.scopes is None
    assert secret not in str((first, second))
    crm.advance("3d")
    with crm.read(firm.seller) as reader:
        assert len(tokens.living(reader, firm.seller.id)) == 1


def test_one_key_is_ended(crm, firm, key):
    """At once, and the others work on; a second time there is none."""
    one, other = key(firm.seller), key(firm.seller)
    with crm.work(firm.seller) as work:
        first = tokens.living(work, firm.seller.id)[0].id
        tokens.end(work, first)
    with pytest.raises(NotSignedIn), crm.read(one):
        pass
    with crm.read(other):
        pass
    with pytest.raises(NotFound), crm.work(firm.seller) as work:
        tokens.end(work, first)


def test_others_keys_are_not_there(crm, firm, key):
    """But for owners."""
    key(firm.seller)
    with crm.read(firm.owner) as reader:
        [info] = tokens.living(reader, firm.seller.id)
    for id in (info.id, "nonsense", "0190a000-0000-7000-8000-000000000000"):
        with pytest.raises(NotFound), crm.work(firm.head) as work:
            tokens.end(work, id)
    with pytest.raises(PermissionDenied), crm.read(firm.head) as reader:
        tokens.living(reader, firm.seller.id)
    with crm.work(firm.owner) as work:
        tokens.end(work, info.id)
        assert tokens.living(work, firm.seller.id) == []


def test_a_session_makes_keys(crm, firm, session):
    """A person who signed in does what a person does."""
    with crm.work(session) as work:
        made = principal_of(issue_token(work, firm.seller.id, label="laptop"))
    with crm.read(made) as reader:
        assert reader.rights.user_id == firm.seller.id


def test_a_key_whose_scopes_entity_went_does_nothing(crm, firm, key):
    """A grant on what is no longer there grants nothing."""
    from sqlalchemy import bindparam, update

    from opencrm.storage import tables

    make_deal(crm, by=firm.owner)
    narrow = key(firm.owner, "deal.read")
    gone = [{"entity": "gone_dragon", "action": "read", "scope": "all"}]
    with crm.database.write() as tx:
        held = bindparam("held", type_=tables.token.c.scopes.type)
        tx.run("test", lambda: update(tables.token).values(scopes=held), [{"held": gone}])
    with crm.read(narrow) as reader:
        assert reader.count(Deal) == 0
