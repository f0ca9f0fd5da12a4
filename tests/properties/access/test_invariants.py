"""The invariants that sequences of operations do not show by themselves: each told as one small story."""

from __future__ import annotations

from itertools import pairwise

import pytest
from tests.properties.access.companies import HELD, Holding
from tests.properties.access.companies import Firm as Client
from tests.properties.access.oracle import above

from opencrm import (
    AddedField,
    Contact,
    Create,
    Customer,
    Deal,
    Delete,
    Deputy,
    Grant,
    InputError,
    Membership,
    NotFound,
    PermissionDenied,
    Principal,
    Query,
    Role,
    Scope,
    Share,
    Task,
    Text,
    Unit,
    Update,
    User,
    hookimpl,
    records,
)
from opencrm.embed import grant_rows

SCOPES = (Scope.OWN, Scope.TEAM, Scope.SUBTREE, Scope.ALL)


def made(crm, by, kind, /, **values):
    with crm.work(by) as work:
        return records.create(work, [Create(kind, values=values)])[0].record_id


def changed(crm, by, entity, id, **values):
    with crm.work(by) as work:
        records.update(work, [Update(entity, id, values=values)])


def person(crm, firm, name, unit, *grants, **more):
    """Somebody new with a role of their own in a unit; the user and the seat."""
    rows = grant_rows([Grant(entity, "read", Scope.ALL) for entity in ("user", "unit", "role")] + list(grants))
    role = made(crm, firm.owner, Role, key=f"role_{name}", name=name, rank=100, grants=rows)
    user = made(crm, firm.owner, User, name=name)
    seat = made(crm, firm.owner, Membership, user_id=user, unit_id=firm.units[unit], role_id=role, **more)
    return Principal.user(user), seat


def seen(crm, principal, entity=Deal):
    with crm.read(principal) as reader:
        return {row.id for row in reader.list(Query(entity, limit=1000))}


@pytest.fixture
def deals(crm, firm):
    """A deal of each person's in their unit, and one of nobody in each unit."""
    people = (firm.head, firm.lead, firm.seller, firm.fitter, firm.stranger)
    for one in people:
        made(crm, one, Deal, title="D")
    for unit in firm.units.values():
        made(crm, firm.owner, Deal, title="D", owner_id=None, unit_id=unit)
    return seen(crm, firm.owner)


def test_isolation(make_crm, crm, firm, deals):
    """Invariant 1: a person, a key and an id of one workspace are nothing in another."""
    other = make_crm()
    made(crm, firm.owner, User, name="only here")
    new = Principal.user(next(iter(seen(crm, firm.owner, User) - seen(other, firm.owner, User))))
    with pytest.raises(PermissionDenied), other.read(new):
        pass
    assert seen(other, firm.owner) == set()
    token = Client(crm).token(firm.owner.id)
    answer = Client(other).client.get("/api/v1/me", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 401
    with other.read(firm.owner) as reader:
        for id in deals:
            with pytest.raises(NotFound):
                reader.get(Deal, id)


def test_scopes_are_nested(crm, firm, deals):
    """Invariant 4: own, team, subtree and all, each holds the one before."""
    found = [
        seen(crm, person(crm, firm, f"p{scope.value}", "north", Grant("deal", "read", scope))[0]) for scope in SCOPES
    ]
    assert all(narrow <= wide for narrow, wide in pairwise(found))
    assert [len(each) for each in found] == [0, 2, 7, len(deals)]


def test_a_seat_higher_up_shows_no_less(crm, firm, deals):
    """Invariant 5: a subtree membership that moves up keeps what it saw; heads of sibling units share nothing."""
    grant = Grant("deal", "read", Scope.SUBTREE)
    who, seat = person(crm, firm, "climber", "north_shop", grant)
    steps = [seen(crm, who)]
    for unit in ("north", "HQ"):
        changed(crm, firm.owner, Membership, seat, unit_id=firm.units[unit])
        steps.append(seen(crm, who))
    assert all(low < high for low, high in pairwise(steps))
    heads = [seen(crm, person(crm, firm, f"head of {unit}", unit, grant)[0]) for unit in ("north", "south")]
    assert not heads[0] & heads[1]


def test_a_scope_is_measured_from_its_seat(crm, firm, deals):
    """Invariant 6: head here and clerk there is no head there."""
    who, _ = person(crm, firm, "head and clerk", "north", Grant("deal", "read", Scope.SUBTREE))
    alone = seen(crm, who)
    clerk = made(
        crm, firm.owner, Role, key="clerk", name="c", rank=1, grants=grant_rows([Grant("deal", "read", Scope.OWN)])
    )
    made(crm, firm.owner, Membership, user_id=who.id, unit_id=firm.units["south"], role_id=clerk, is_primary=False)
    assert seen(crm, who) == alone


def test_more_only_adds(crm, firm, deals):
    """Invariant 3: a grant, a membership, a share more never takes a record away."""
    who, _ = person(crm, firm, "more", "south_shop", Grant("deal", "read", Scope.OWN))
    steps = [seen(crm, who)]
    hidden = sorted(deals)[0]
    made(crm, firm.owner, Share, entity="deal", record_id=hidden, user_id=who.id, actions=["read"])
    steps.append(seen(crm, who))
    lead = firm.roles["firm_lead"]
    made(crm, firm.owner, Membership, user_id=who.id, unit_id=firm.units["north"], role_id=lead, is_primary=False)
    steps.append(seen(crm, who))
    assert all(low <= high for low, high in pairwise(steps))
    assert hidden in steps[1]


def test_a_write_answers_with_what_may_be_read(crm, firm):
    """Invariant 12: an update without reading finds nothing; an answer has readable fields only."""
    who, _ = person(crm, firm, "blind", "north", Grant("deal", "update", Scope.ALL))
    deal = made(crm, firm.owner, Deal, title="D")
    with pytest.raises(NotFound):
        changed(crm, who, Deal, deal, title="X")


def test_a_share_goes_as_far_as_the_sharer(crm, firm, deals):
    """Invariant 14: no share carries what the sharer lacks; it stops when the sharer loses it."""
    grants = [Grant("deal", action, Scope.TEAM) for action in ("read", "share")]
    sharer, seat = person(crm, firm, "sharer", "north_shop", *grants)
    deal = made(crm, firm.owner, Deal, title="D", owner_id=None, unit_id=firm.units["north_shop"])
    about = {"entity": "deal", "record_id": deal, "user_id": firm.stranger.id}
    with pytest.raises(PermissionDenied):
        made(crm, sharer, Share, **about, actions=["read", "update"])
    made(crm, sharer, Share, **about, actions=["read"])
    assert deal in seen(crm, firm.stranger)
    changed(crm, firm.owner, Membership, seat, unit_id=firm.units["south"])
    assert deal not in seen(crm, firm.stranger)
    changed(crm, firm.owner, Membership, seat, unit_id=firm.units["north_shop"])
    assert deal in seen(crm, firm.stranger)
    changed(crm, firm.owner, User, sharer.id, active=False)
    assert deal not in seen(crm, firm.stranger)


def test_a_share_carries_along_a_link_what_the_sharer_reads(crm, firm):
    """Invariant 14: with a deal goes its contact, if the sharer may read that one, too."""
    contact = made(crm, firm.owner, Contact, name="C")
    deal = made(crm, firm.owner, Deal, title="D", contact_id=contact)
    more = [Grant("deal", action, Scope.ALL) for action in ("read", "share")]
    wide, _ = person(crm, firm, "wide", "north", *more, Grant("contact", "read", Scope.ALL))
    narrow, _ = person(crm, firm, "narrow", "north", *more)
    about = {"entity": "deal", "record_id": deal, "actions": ["read"]}
    made(crm, narrow, Share, **about, user_id=firm.stranger.id)
    made(crm, wide, Share, **about, user_id=firm.fitter.id)
    assert seen(crm, firm.stranger) == seen(crm, firm.fitter) == {deal}
    assert seen(crm, firm.fitter, Contact) == {contact}
    assert seen(crm, firm.stranger, Contact) == set()


@pytest.mark.parametrize("end", ["done", "given away", "deleted"])
def test_participation_ends_with_the_task(crm, firm, end):
    """Invariant 15: while a task is open its owner reads what it names, and what that links to, and not after."""
    contact = made(crm, firm.owner, Contact, name="C")
    deal = made(crm, firm.owner, Deal, title="D", contact_id=contact)
    task = made(crm, firm.owner, Task, title="T", deal_id=deal, owner_id=firm.stranger.id)
    assert seen(crm, firm.stranger) == {deal}
    assert seen(crm, firm.stranger, Contact) == {contact}
    with pytest.raises(PermissionDenied):
        changed(crm, firm.stranger, Deal, deal, title="X")
    api = Client(crm)
    if end == "done":
        changed(crm, firm.stranger, Task, task, state="done")
    elif end == "given away":
        assert api.by_rest(firm.owner.id, "assign", "task", task, {"owner_id": firm.fitter.id})[0] == 200
    else:
        with crm.work(firm.owner) as work:
            records.delete(work, [Delete(Task, task)])
    assert seen(crm, firm.stranger) == seen(crm, firm.stranger, Contact) == set()


def test_a_client_gives_nothing_away(crm, firm):
    """Invariant 13: what a client's `assign` reaches is theirs, and lies with nobody else."""
    contact = made(crm, firm.owner, Contact, name="C", owner_id=None, unit_id=firm.units["north"])
    grants = [Grant("contact", "read", Scope.ALL), Grant("contact", "assign", Scope.ALL)]
    client, _ = person(crm, firm, "client", "south_shop", *grants)
    made(crm, firm.owner, Customer, user_id=client.id, contact_id=contact)
    assert seen(crm, client, Contact) == {contact}
    api = Client(crm)
    for act in (api.by_service, api.by_rest):
        assert act(client.id, "assign", "contact", contact, {"owner_id": firm.head.id})[0] == 422  # Nobody they know.


def test_a_task_is_no_key(crm, firm):
    """Invariants 9 and 15: nobody opens a record for themselves with a task of their own that names it."""
    deal = made(crm, firm.owner, Deal, title="D")
    with pytest.raises((NotFound, InputError, PermissionDenied)):
        made(crm, firm.stranger, Task, title="T", deal_id=deal)
    task = made(crm, firm.stranger, Task, title="T")
    with pytest.raises((NotFound, InputError, PermissionDenied)):
        changed(crm, firm.stranger, Task, task, deal_id=deal)
    assert seen(crm, firm.stranger) == set()


class Adding:
    """A plugin that adds a field to deals."""

    @hookimpl
    def opencrm_register_fields(self):
        yield AddedField(entity="deal", name="adding_secret", type=Text(100, folded=True), label="Secret")


class TestPlugins:
    @pytest.fixture
    def crm_plugins(self):
        return [Adding()]

    def test_deny_by_default(self, crm, firm):
        """Invariant 19: a field that a plugin adds is closed to all but owners, until a role opens it."""
        deal = made(crm, firm.seller, Deal, title="D")
        changed(crm, firm.owner, Deal, deal, adding_secret="zz")
        api = Client(crm)
        assert "adding_secret" not in api.call(firm.seller.id, "GET", f"/deals/{deal}").json
        assert "adding_secret" in api.call(firm.owner.id, "GET", f"/deals/{deal}").json
        unknown, closed = (
            api.call(firm.seller.id, "GET", f"/deals?{it}=zz") for it in ("nonsense_xxx", "adding_secret")
        )
        assert unknown.status_code == closed.status_code == 422
        assert unknown.text.replace("nonsense_xxx", "adding_secret") == closed.text


@pytest.mark.parametrize("door", ["rest", "service"])
def test_access_ends_at_its_instant(crm, firm, deals, door):
    """Invariant 20: at `valid_to` and one tick the access is gone: of memberships, shares and deputyships."""
    api, later = Client(crm), "2026-03-02T12:00:00Z"
    who, _ = person(crm, firm, "guest", "HQ", Grant("deal", "read", Scope.ALL), valid_to=later)
    deal = sorted(deals)[0]
    made(crm, firm.owner, Share, entity="deal", record_id=deal, user_id=firm.stranger.id, actions=["read"], until=later)
    made(crm, firm.owner, Deputy, of_id=firm.head.id, to_id=firm.fitter.id, valid_to=later)
    people = [who, firm.stranger, firm.fitter]
    before = [_seen_by(api, crm, one, door) for one in people]
    crm.advance("2h")
    crm.advance("59m")
    assert [_seen_by(api, crm, one, door) for one in people] == before
    crm.advance("1m")
    crm.advance("1s")
    after = [_seen_by(api, crm, one, door) for one in people]
    assert all(late < early for early, late in zip(before, after, strict=True))


def _seen_by(api, crm, principal, door):
    if door == "service":
        return seen(crm, principal)
    return {row["id"] for row in api.call(principal.id, "GET", "/deals?limit=1000").json["items"]}


def test_a_deputy_acts_on_behalf(crm, firm):
    """A deputy does what they stand in for, the journal tells for whom, and nothing that is administrative."""
    made(crm, firm.owner, Deputy, of_id=firm.head.id, to_id=firm.fitter.id, valid_to="2027-01-01T00:00:00Z")
    deal = made(crm, firm.seller, Deal, title="D")
    changed(crm, firm.fitter, Deal, deal, title="X")
    line = Client(crm).call(firm.owner.id, "GET", f"/deals/{deal}/history").json["items"][-1]
    assert line["acting_as"] == f"user:{firm.head.id}"
    with pytest.raises(PermissionDenied):
        made(crm, firm.fitter, Share, entity="deal", record_id=deal, user_id=firm.stranger.id, actions=["read"])


def test_explain_agrees_and_its_only_reason_decides(crm, firm, deals):
    """Invariant 18: take away the one reason that explain gives, and the decision flips."""
    api = Client(crm)
    who, seat = person(crm, firm, "explained", "HQ", Grant("deal", "read", Scope.ALL))
    address = f"/deals/{sorted(deals)[0]}/explain?user={who.id}&action=read"
    told = api.call(firm.owner.id, "GET", address).json
    assert told["allowed"]
    assert [it["membership_id"] for it in told["reasons"]] == [seat]
    with crm.work(firm.owner) as work:
        records.delete(work, [Delete(Membership, seat)])
    assert not api.call(firm.owner.id, "GET", address).json["allowed"]
    assert seen(crm, who) == set()


def test_the_tree_is_closed(crm, firm):
    """Invariant 21: after moves, whoever sits anywhere sees the units below; a cycle is refused."""
    api, units = Client(crm), firm.units
    for child, parent in (("north_shop", "south"), ("south", "north"), ("north_field", "south_shop")):
        changed(crm, firm.owner, Unit, units[child], parent_id=units[parent])
    for child, parent in (("north", "south_shop"), ("HQ", "north"), ("south", "south")):
        assert api.by_rest(firm.owner.id, "update", "unit", units[child], {"parent_id": units[parent]})[0] in (409, 422)
    world = api.world()
    ids = {unit: made(crm, firm.owner, Deal, title="D", owner_id=None, unit_id=unit) for unit in units.values()}
    for name, unit in units.items():
        who, _ = person(crm, firm, f"in {name}", name, Grant("deal", "read", Scope.SUBTREE))
        assert seen(crm, who) == {id for below, id in ids.items() if unit in above(world, below)}


class Asking:
    """A plugin that asks for one thing."""

    @hookimpl
    def opencrm_register_grants(self):
        yield Grant("task", "read", Scope.ALL)
        yield Grant("task", "create", Scope.ALL)


class TestAutomations:
    @pytest.fixture
    def crm_plugins(self):
        return [Asking()]

    def test_an_automation_does_no_more_than_was_approved(self, crm, firm):
        """Invariant 17: an automation has its grants, and nothing of what people have."""
        deal = made(crm, firm.owner, Deal, title="D")
        automation = Principal.automation("asking")
        task = made(crm, automation, Task, title="T")
        assert seen(crm, automation, Task) == {task}
        assert seen(crm, automation) == set()
        with pytest.raises((NotFound, PermissionDenied)):
            changed(crm, automation, Deal, deal, title="X")
        with pytest.raises(PermissionDenied):
            made(crm, automation, Deal, title="D")
        with pytest.raises(PermissionDenied):
            made(crm, automation, User, name="U")


class TestGuards:
    @pytest.fixture
    def crm_plugins(self):
        return [Holding()]

    def test_a_guard_binds_owners_and_the_parts_of_what_it_guards(self, crm, firm):
        """Invariant 3: a guard only takes away: nobody changes what is on hold, not through its lines either."""
        api = Client(crm)
        deal = made(crm, firm.seller, Deal, title="D", source=HELD)
        for who in (firm.owner, firm.seller):
            assert api.by_rest(who.id, "update", "deal", deal, {"title": "X"})[0] == 403
            assert api.by_rest(who.id, "delete", "deal", deal, {})[0] == 403
            assert api.by_rest(who.id, "create", "deal_line", None, {"deal_id": deal, "title": "L"})[0] == 403
