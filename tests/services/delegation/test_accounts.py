"""Whoever lets somebody in may act as them: opening an account is bound as giving all of its places is."""

from __future__ import annotations

import pytest
from tests.services.delegation.test_deputies import make as stand_in
from tests.services.delegation.test_deputies import second
from tests.services.delegation.test_memberships import change as change_place
from tests.services.delegation.test_memberships import give
from tests.services.delegation.test_users import change, make

from opencrm import Delete, Deputy, Membership, PermissionDenied, Principal, Restore, Role, Update, User, records
from opencrm.embed import issue_token

ADDRESS = {"email": "elsewhere@example.com"}
ENDED = "2026-03-01T00:00:00Z"


@pytest.fixture
def invited(crm):
    """`invited(person, user)`: the secret of an invitation that a person makes."""
    from opencrm.services.identity.mail.inviting import invite

    def act(person, user):
        with crm.work(person) as work:
            return invite(work, user.id)

    return act


def delete_place(seat):
    return lambda work: records.delete(work, [Delete(Membership, seat)])


def asleep(user):
    return change(user, active=False)


@pytest.mark.parametrize("role", ["wide", "exporter"])
def test_the_account_of_somebody_who_may_more_is_not_opened(branch, allowed, refused, invited, role):
    """Neither by another address nor by a link nor by waking them; what opens nothing is as ever."""
    allowed(branch.owner, change(branch.clerk, email="clerk@example.com"))
    allowed(branch.owner, give(branch.clerk.id, branch.units["north"], branch.roles[role]))
    assert refused(branch.boss, change(branch.clerk, **ADDRESS)) == "delegable"
    with pytest.raises(PermissionDenied) as caught:
        invited(branch.boss, branch.clerk)
    assert caught.value.rule == "delegable"
    allowed(branch.boss, asleep(branch.clerk))
    assert refused(branch.boss, change(branch.clerk, active=True)) == "delegable"
    allowed(branch.top, change(branch.clerk, active=True))
    assert invited(branch.top, branch.clerk)


def test_the_account_of_somebody_below_is_opened(branch, allowed, invited):
    """Whose places one may all give."""
    allowed(branch.boss, change(branch.clerk, **ADDRESS))
    assert invited(branch.boss, branch.clerk)
    allowed(branch.boss, asleep(branch.clerk))
    allowed(branch.boss, change(branch.clerk, active=True))


def test_a_place_from_next_week_counts_and_one_that_is_over_does_not(branch, allowed, refused):
    """Lasting ones: whoever opens the account waits for it."""
    later = give(branch.clerk.id, branch.units["north"], branch.roles["wide"], valid_from="2026-03-09T00:00:00Z")
    [made] = allowed(branch.owner, later)
    assert refused(branch.boss, change(branch.clerk, **ADDRESS)) == "delegable"
    allowed(branch.owner, change_place(made.record_id, valid_from=None, valid_to=ENDED))
    allowed(branch.boss, change(branch.clerk, **ADDRESS))


def test_who_gives_no_places_opens_no_accounts(crm, branch, allowed, refused):
    """The grant of changing people is not enough."""
    with crm.read(branch.owner) as reader:
        grants = reader.get(Role, branch.roles["boss"]).grants
    fewer = [it for it in grants if (it["entity"], it["action"]) != ("membership", "create")]
    allowed(branch.owner, lambda work: records.update(work, [Update(Role, branch.roles["boss"], grants=fewer)]))
    assert refused(branch.boss, change(branch.clerk, **ADDRESS)) == "reach"
    allowed(branch.boss, change(branch.clerk, name="x"))


def test_the_account_of_a_deputy_is_not_opened(branch, allowed, refused, invited):
    """Now or later; when it is taken away, it is as before."""
    [made] = allowed(branch.owner, stand_in(branch.owner, branch.clerk, valid_from="2026-03-20T00:00:00Z"))
    allowed(branch.owner, change(branch.clerk, email="clerk@example.com"))
    assert refused(branch.boss, change(branch.clerk, **ADDRESS)) == "delegable"
    with pytest.raises(PermissionDenied):
        invited(branch.boss, branch.clerk)
    allowed(branch.owner, lambda work: records.delete(work, [Delete(Deputy, made.record_id)]))
    assert invited(branch.boss, branch.clerk)


def test_a_deputy_of_the_same_batch_counts(crm, branch, refused):
    """As if the batch were done one after the other."""
    helper = second(crm, branch)

    def both(work):
        stand_in(branch.clerk, helper)(work)
        change(helper, **ADDRESS)(work)

    assert refused(branch.boss, both) == "delegable"


@pytest.mark.parametrize("taken", ["ended", "deleted"])
def test_who_lost_their_last_place_comes_back_to_the_branch(branch, allowed, taken, seat_of):
    """Whoever might give it before may give it again, anew or as it was."""
    place = seat_of(branch.clerk)
    ends = change_place(place, valid_to=ENDED) if taken == "ended" else delete_place(place)
    allowed(branch.boss, ends)
    allowed(branch.boss, change(branch.clerk, name="Clara"))
    allowed(branch.boss, give(branch.clerk.id, branch.units["north_shop"], branch.roles["reader"]))


@pytest.mark.parametrize("taken", ["ended", "deleted"])
def test_who_had_a_place_elsewhere_is_not_brought_back(branch, allowed, refused, taken, seat_of):
    """They may have left something there: whoever made them brings them back, or an owner."""
    place = seat_of(branch.other)
    back = give(branch.other.id, branch.units["north_shop"], branch.roles["reader"])
    allowed(branch.owner, change_place(place, valid_to=ENDED) if taken == "ended" else delete_place(place))
    assert refused(branch.boss, back) == "reach"
    assert refused(branch.boss, change(branch.other, **ADDRESS)) == "reach"
    allowed(branch.owner, back)


def test_somebody_new_gets_a_place_from_whoever_may_give_it(branch, allowed, refused):
    """An owner makes the account, and a boss gives the place; the account itself is its maker's until then."""
    [made] = allowed(branch.owner, make())
    user = Principal.user(made.record_id)
    assert refused(branch.boss, change(user, **ADDRESS)) == "reach"
    allowed(branch.boss, give(made.record_id, branch.units["north_shop"], branch.roles["reader"]))


def test_their_maker_gives_them_a_place_again(branch, allowed):
    """A boss who made somebody, took their place away, and thinks better of it."""
    [made] = allowed(branch.boss, make())
    give_one = give(made.record_id, branch.units["north"], branch.roles["reader"])
    [seat] = allowed(branch.boss, give_one)
    allowed(branch.boss, lambda work: records.delete(work, [Delete(Membership, seat.record_id)]))
    allowed(branch.boss, lambda work: records.restore(work, [Restore(Membership, seat.record_id)]))


def test_a_deleted_deputy_is_not_restored_by_their_maker(crm, branch, allowed, refused):
    """Restoring lets in as well."""
    [made] = allowed(branch.boss, make())
    allowed(branch.owner, stand_in(branch.owner, Principal.user(made.record_id)))
    allowed(branch.boss, lambda work: records.delete(work, [Delete(User, made.record_id)]))
    assert refused(branch.boss, lambda work: records.restore(work, [Restore(User, made.record_id)])) == "delegable"


def test_an_ended_place_elsewhere_puts_nobody_out_of_reach(branch, allowed, refused):
    """One that begins next month does."""
    away = give(branch.clerk.id, branch.units["south"], branch.roles["clerk"], valid_to=ENDED)
    [made] = allowed(branch.owner, away)
    allowed(branch.boss, change(branch.clerk, zone="Europe/Riga"))
    allowed(branch.owner, change_place(made.record_id, valid_from="2026-04-01T00:00:00Z", valid_to=None))
    assert refused(branch.boss, change(branch.clerk, zone="Europe/Berlin")) == "reach"


@pytest.mark.parametrize("who", ["boss", "owner"])
def test_a_key_changes_nobodys_address(crm, branch, allowed, refused, who):
    """Not even an owner's, of somebody else: a link would go there."""
    from opencrm.embed import principal_of

    key = principal_of(allowed(branch.owner, lambda work: issue_token(work, getattr(branch, who).id, label="key")))
    assert refused(key, change(branch.clerk, **ADDRESS)) == "target"
    allowed(key, change(branch.clerk, name="By key"))
    allowed(getattr(branch, who), change(branch.clerk, **ADDRESS))


def test_a_refused_name_is_not_told_as_theirs(crm, branch):
    """The refusal calls somebody what they are called."""
    with pytest.raises(PermissionDenied) as caught, crm.work(branch.boss) as work:
        change(branch.peer, name="Refused")(work)
    assert "X peer holds a role" in caught.value.reason
    assert "Refused" not in caught.value.reason
