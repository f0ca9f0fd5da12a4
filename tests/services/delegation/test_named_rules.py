"""Each refusal of the organisation and of accounts tells its rule by name: in the error, and over REST."""

from __future__ import annotations

import pytest

from opencrm import (
    Create,
    Delete,
    Grant,
    Membership,
    OpenCRMError,
    Principal,
    Query,
    Role,
    Scope,
    Unit,
    Update,
    User,
    organisation,
    records,
)
from opencrm.embed import account, grant_rows, issue_token, principal_of, tokens
from opencrm.rest import problem_of
from opencrm.services.delegation.refusals import RULES
from opencrm.services.identity.mail import inviting


def names_of(refusal):
    """The rule as the error tells it, as its details do, and as a problem of REST does."""
    return refusal.details.get("rule"), problem_of(refusal).body().get("rule")


@pytest.fixture
def rule_of(crm):
    """`rule_of(person, act)`: the rule by which `act(work)` is refused, told the same everywhere."""

    def find(person, act):
        with pytest.raises(OpenCRMError) as caught, crm.work(person) as work:
            act(work)
        inside, outside = names_of(caught.value)
        assert inside is not None
        assert inside == outside == getattr(caught.value, "rule", inside)
        return inside

    return find


def seats(crm, branch, user):
    with crm.read(branch.owner) as reader:
        return [it.id for it in reader.list(Query(Membership, limit=200)) if it.user_id == user.id]


def update(entity, id, **values):
    return lambda work: records.update(work, [Update(entity, id, values=values)])


def delete(entity, id):
    return lambda work: records.delete(work, [Delete(entity, id)])


def place(branch, unit, role):
    about = {"user_id": branch.clerk.id, "unit_id": branch.units[unit], "role_id": branch.roles[role]}
    return lambda work: records.create(work, [Create(Membership, values=about)])


def test_what_must_stay_true_of_the_company(crm, branch, rule_of):
    """Whoever acts: an owner, here."""
    owner, units = branch.owner, branch.units
    assert rule_of(owner, update(Unit, units["north"], parent_id=units["north_shop"])) == "no cycle"
    assert rule_of(owner, delete(Unit, units["north"])) == "in use"
    assert rule_of(owner, delete(Role, branch.roles["clerk"])) == "in use"
    assert rule_of(owner, delete(User, branch.clerk.id)) == "in use"
    system = Principal.system("take the last owner's place")
    [seat] = seats(crm, branch, owner)
    assert rule_of(system, delete(Membership, seat)) == "last owner"
    assert rule_of(system, update(Role, branch.roles["owner"], grants=[], delegable=[])) == "last owner"
    wide = grant_rows([Grant("deal", "read", Scope.ALL)])
    assert rule_of(owner, update(Role, branch.roles["reader"], delegable=wide)) == "delegable"


def test_what_is_handed_down(crm, branch, rule_of):
    """The five, of one who is no owner; and oneself, who an owner is too."""
    boss, clerk = branch.boss, branch.clerk
    assert [
        rule_of(boss, place(branch, "south", "reader")),
        rule_of(boss, place(branch, "north", "equal")),
        rule_of(boss, place(branch, "north", "exporter")),
        rule_of(boss, update(User, branch.peer.id, name="x")),
        rule_of(boss, place(branch, "north", "of_shop")),
    ] == [*RULES]
    assert rule_of(branch.owner, update(User, branch.owner.id, active=False)) == "target"
    assert rule_of(branch.owner, delete(Membership, seats(crm, branch, branch.owner)[0])) == "target"
    assert rule_of(clerk, place(branch, "north", "reader")) == "reach"


def key_of(crm, person, *scopes):
    with crm.work(person) as work:
        return principal_of(issue_token(work, person.id, label="test", scopes=scopes or None))


def test_what_accounts_are_for(crm, branch, rule_of):
    """People, no keys; and owners, or oneself."""
    owner, clerk = branch.owner, branch.clerk
    whole, narrow = key_of(crm, owner), key_of(crm, owner, "user.read")
    system = Principal.system("try")
    issue = lambda work: issue_token(work, clerk.id, label="x")  # noqa: E731
    assert rule_of(clerk, lambda work: issue_token(work, owner.id, label="x")) == "owner"
    assert rule_of(clerk, lambda work: tokens.living(work, owner.id)) == "owner"
    assert rule_of(clerk, lambda work: account.sign_out_everywhere(work, owner.id)) == "owner"
    assert rule_of(whole, issue) == "key"
    assert rule_of(narrow, issue) == "key"
    assert rule_of(narrow, lambda work: account.change(work, {"name": "x"})) == "key"
    assert rule_of(system, lambda work: account.change(work, {"name": "x"})) == "person"
    assert rule_of(whole, lambda work: inviting.invite(work, clerk.id)) == "key"
    assert rule_of(branch.boss, lambda work: inviting.reset(work, clerk.id)) == "owner"
    assert rule_of(whole, update(User, clerk.id, email="x@example.com")) == "target"


def test_passwords(crm, branch):
    """Are chosen by people who signed in with one; owners put them on the command line alone."""
    whole = key_of(crm, branch.owner)
    for act, rule in [
        (lambda: crm.accounts.change_password(whole, "x", "correct horse battery"), "key"),
        (lambda: crm.accounts.change_password(Principal.system("try"), "x", "correct horse battery"), "person"),
        (lambda: crm.accounts.set_password(whole, branch.clerk.id, "correct horse battery"), "key"),
        (lambda: crm.accounts.set_password(branch.boss, branch.clerk.id, "correct horse battery"), "owner"),
    ]:
        with pytest.raises(OpenCRMError) as caught:
            act()
        assert names_of(caught.value) == (rule, rule)


def test_nobody_is_invited_twice(crm, branch, rule_of):
    """Who has a password asks for another one."""
    with crm.work(branch.owner) as work:
        user = organisation.add_user(work, "Kim", email="kim@example.com", role="x_reader", unit="north")
    crm.accounts.set_password(branch.owner, user, "correct horse battery")
    assert rule_of(branch.owner, lambda work: inviting.invite(work, user)) == "invited once"
