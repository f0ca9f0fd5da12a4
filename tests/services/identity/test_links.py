"""Invitations, forgotten passwords and changed ones."""

from __future__ import annotations

import logging
import threading

import pytest
from sqlalchemy import select

from opencrm import (
    Create,
    DomainError,
    Grant,
    InputError,
    NotFound,
    NotSignedIn,
    PermissionDenied,
    Role,
    Scope,
    TooManyAttempts,
    Update,
    User,
    organisation,
    records,
)
from opencrm.embed import Attempt, grant_rows, issue_token, principal_of
from opencrm.services.identity import limits
from opencrm.storage import tables

PASSWORD, NEW = "correct horse battery", "staple the other horse"


def secret_of(made):
    return made.link.rpartition("#")[2]


def good(crm, principal):
    try:
        with crm.read(principal):
            return True
    except NotSignedIn:
        return False


# Invitations.


def test_an_invitation_lets_somebody_choose_their_first_password(crm, firm, accounts, outbox, sign_in):
    """It is sent to them, and leads to where the host says; then they sign in."""
    made = accounts.invite(firm.owner, firm.fitter.id)
    accounts.post.settle()
    [message] = outbox.messages
    assert made.sent
    assert message.to == "fitter@example.com"
    assert made.link in message.text
    assert made.link.startswith("https://crm.example.com/invitation#")
    accounts.accept(outbox.secret, NEW)
    assert sign_in("fitter", NEW).user_id == firm.fitter.id


def test_it_works_once(firm, accounts):
    """The second time it is as if it were not there."""
    secret = secret_of(accounts.invite(firm.owner, firm.fitter.id))
    accounts.accept(secret, NEW)
    with pytest.raises(NotFound):
        accounts.accept(secret, PASSWORD)


def test_a_password_that_cannot_be_chosen_uses_nothing_up(firm, accounts):
    """One tries again."""
    secret = secret_of(accounts.invite(firm.owner, firm.fitter.id))
    for password in ("short", "fitter@example.com", None):
        with pytest.raises(InputError):
            accounts.accept(secret, password)
    accounts.accept(secret, NEW)


def test_of_many_at_once_one_is_let_in(firm, accounts):
    """The link is spent where it counts: in the database."""
    secret = secret_of(accounts.invite(firm.owner, firm.fitter.id))
    done = []

    def accept(number):
        try:
            accounts.accept(secret, f"{NEW} {number}")
            done.append(number)
        except NotFound:
            pass

    threads = [threading.Thread(target=accept, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(done) == 1


def test_it_is_good_for_a_week(crm, firm, accounts):
    """To the tick."""
    one, other = (secret_of(accounts.invite(firm.owner, who.id)) for who in (firm.fitter, firm.lead))
    crm.advance("6d")
    accounts.accept(one, NEW)
    crm.advance("1d")
    with pytest.raises(NotFound):
        accounts.accept(other, NEW)


def test_only_a_digest_is_kept(firm, accounts, rows):
    """Whoever reads the table invites nobody."""
    made = accounts.invite(firm.owner, firm.fitter.id)
    assert secret_of(made) not in str(rows(tables.link))
    assert secret_of(made) not in repr(made)


def test_one_is_no_good_for_the_other(firm, accounts):
    """An invitation resets nothing, and a reset invites nobody."""
    invited = secret_of(accounts.invite(firm.owner, firm.fitter.id))
    reset = secret_of(accounts.make_reset(firm.owner, firm.seller.id))
    with pytest.raises(NotFound):
        accounts.reset(invited, NEW)
    with pytest.raises(NotFound):
        accounts.accept(reset, NEW)


@pytest.mark.parametrize("change", [{"email": "other@example.com"}, {"active": False}])
def test_it_is_good_for_that_address_and_while_they_are_welcome(crm, firm, accounts, change):
    """A link in somebody else's letter-box is of no use."""
    secret = secret_of(accounts.invite(firm.owner, firm.fitter.id))
    with crm.work(firm.owner) as work:
        records.update(work, [Update(User, firm.fitter.id, values=change)])
    with pytest.raises(NotFound):
        accounts.accept(secret, NEW)
    with crm.work(firm.owner) as work:
        records.update(work, [Update(User, firm.fitter.id, active=True)])
    with pytest.raises(NotFound):
        accounts.accept(secret, NEW)


def test_who_may_invite(crm, firm, accounts):
    """Whoever may change the user; neither a viewer, nor a key, not even an owner's."""
    with pytest.raises(PermissionDenied):
        accounts.invite(firm.viewer, firm.fitter.id)
    with crm.work(firm.owner) as work:
        key = principal_of(issue_token(work, firm.owner.id, label="script"))
    for act in (accounts.invite, accounts.make_reset):
        with pytest.raises(PermissionDenied):
            act(key, firm.fitter.id)


def test_who_has_a_password_is_not_invited(firm, accounts):
    """Else an invitation would take an account over."""
    with pytest.raises(DomainError):
        accounts.invite(firm.owner, firm.seller.id)


def test_whom_one_cannot_invite(crm, firm, accounts):
    """Somebody without an address, disabled, or not there."""
    with crm.work(firm.owner) as work:
        [made] = records.create(work, [Create(User, name="No Mail")])
        organisation.disable(work, firm.fitter.id)
    for user_id, error in (
        (made.record_id, InputError),
        (firm.fitter.id, InputError),
        ("0190a000-0000-7000-8000-000000000000", NotFound),
    ):
        with pytest.raises(error):
            accounts.invite(firm.owner, user_id)


def test_without_a_base_url_a_link_is_relative_and_not_sent(crm, firm, accounts, accounts_of, outbox):
    """Nothing that a request says takes its place."""
    made = accounts_of(crm, base_url=None).invite(firm.owner, firm.fitter.id)
    assert made.link.startswith("/invitation#")
    assert not made.sent
    crm.accounts.post.settle()
    assert outbox.messages == []


# Forgotten.


def test_a_forgotten_password_is_chosen_anew(crm, firm, accounts, outbox, sign_in, session):
    """By a link, once; whoever else was in is out, keys too."""
    with crm.work(firm.seller) as work:
        key = principal_of(issue_token(work, firm.seller.id, label="laptop"))
    accounts.request_reset("Seller@example.com")
    accounts.post.settle()
    assert outbox.messages[0].to == "seller@example.com"
    accounts.reset(outbox.secret, NEW)
    assert not good(crm, session)
    assert not good(crm, key)
    with pytest.raises(NotSignedIn):
        sign_in()
    assert good(crm, principal_of(sign_in(password=NEW).secret))
    with pytest.raises(NotFound):
        accounts.reset(outbox.secret, PASSWORD)


def test_a_link_is_good_for_an_hour(crm, accounts, outbox):
    """Then another one is asked for."""
    accounts.request_reset("seller@example.com")
    accounts.post.settle()
    crm.advance("1h")
    with pytest.raises(NotFound):
        accounts.reset(outbox.secret, NEW)


def test_the_newest_password_ends_all_links(accounts, outbox):
    """Two letters, one password."""
    secrets = []
    for _ in range(2):
        accounts.request_reset("seller@example.com")
        accounts.post.settle()
        secrets.append(outbox.secret)
    accounts.reset(secrets[0], NEW)
    with pytest.raises(NotFound):
        accounts.reset(secrets[1], PASSWORD)


def asked(crm, accounts, statements, email):
    statements.clear()
    answer = accounts.request_reset(email)
    return answer, len(statements)


def test_nobody_learns_who_is_there(crm, firm, accounts, outbox, accounts_of, statements):
    """The answer and the statements that it costs are the same; what else is done is done beside it."""
    with crm.work(firm.owner) as work:
        organisation.disable(work, firm.fitter.id)
    held = threading.Event()
    accounts.post.later(held.wait)
    asking = [asked(crm, accounts, statements, f"{who}@example.com") for who in ("seller", "nobody", "fitter")]
    assert len(set(map(repr, asking))) == 1
    held.set()
    accounts.post.settle()
    assert [message.to for message in outbox.messages] == ["seller@example.com"]


@pytest.mark.parametrize("who", ["seller", "nobody"])
def test_asking_is_limited_alike(accounts, who, outbox):
    """For those who are there and those who are not."""
    for _ in range(limits.RESETS.number):
        accounts.request_reset(f"{who}@example.com")
    with pytest.raises(TooManyAttempts):
        accounts.request_reset(f"{who}@example.com")
    accounts.post.settle()


def test_asking_from_one_address_is_limited(accounts):
    """Whomever they ask for."""
    for number in range(limits.RESETS_REMOTE.number):
        accounts.request_reset(f"nobody{number}@example.com", remote="192.0.2.1")
    with pytest.raises(TooManyAttempts):
        accounts.request_reset("seller@example.com", remote="192.0.2.1")
    accounts.post.settle()


def test_guessing_links_is_limited(accounts):
    """From one address."""
    for _ in range(limits.LINKS_REMOTE.number):
        with pytest.raises(NotFound):
            accounts.reset("guess", NEW, remote="192.0.2.1")
    with pytest.raises(TooManyAttempts):
        accounts.accept("guess", NEW, remote="192.0.2.1")


def test_where_nothing_can_be_sent_the_log_says_so(crm, firm, accounts, accounts_of, caplog, rows):
    """The answer is the same, no link is made, and the owner makes one by hand."""
    mute = accounts_of(crm, base_url=None)
    with caplog.at_level(logging.WARNING, "opencrm.identity"):
        mute.request_reset("seller@example.com")
        mute.post.settle()
    assert "set a base URL and a mail server" in caplog.text
    assert rows(tables.link) == []
    mute.reset(secret_of(mute.make_reset(firm.owner, firm.seller.id)), NEW)


def test_a_message_that_fails_is_logged(crm, accounts, outbox, caplog, monkeypatch):
    """And the next one goes out all the same."""
    accounts.post.later(lambda: 1 / 0)
    accounts.request_reset("seller@example.com")
    accounts.post.settle()
    assert "could not be made or delivered" in caplog.text
    assert len(outbox.messages) == 1


def test_resets_are_made_by_owners_only(firm, accounts):
    """A head may not open the accounts of the team."""
    with pytest.raises(PermissionDenied):
        accounts.make_reset(firm.head, firm.seller.id)


# Changed.


def test_one_changes_ones_password(crm, firm, accounts, sign_in, session):
    """The other sessions end; this one goes on, and the keys stay unless one says so."""
    other = principal_of(sign_in().secret)
    with crm.work(firm.seller) as work:
        key = principal_of(issue_token(work, firm.seller.id, label="laptop"))
    accounts.change_password(session, PASSWORD, NEW)
    assert [good(crm, each) for each in (session, other, key)] == [True, False, True]
    with pytest.raises(NotSignedIn):
        sign_in()
    accounts.change_password(session, NEW, PASSWORD, keys=True)
    assert not good(crm, key)


def test_the_present_one_is_asked_for(accounts, session, sign_in):
    """Guessing it is limited as signing in is: a stolen session is not a stolen password."""
    for _ in range(limits.ACCOUNT.number):
        with pytest.raises(InputError) as refused:
            accounts.change_password(session, "wrong horse battery", NEW)
        assert list(refused.value.fields) == ["current"]
    with pytest.raises(TooManyAttempts):
        accounts.change_password(session, PASSWORD, NEW)


def test_a_key_changes_no_password(crm, firm, accounts):
    """It is for a program."""
    with crm.work(firm.seller) as work:
        key = principal_of(issue_token(work, firm.seller.id, label="laptop"))
    with pytest.raises(PermissionDenied):
        accounts.change_password(key, PASSWORD, NEW)


def test_passwords_of_others_are_set_by_owners_at_the_command_line_only(crm, firm, accounts, sign_in):
    """Neither by a head, nor through a session or a key of the owner's."""
    with crm.work(firm.owner) as work:
        key = principal_of(issue_token(work, firm.owner.id, label="script"))
    for principal in (firm.head, key, principal_of(sign_in("owner").secret)):
        with pytest.raises(PermissionDenied):
            accounts.set_password(principal, firm.seller.id, NEW)
    accounts.set_password(firm.owner, firm.seller.id, NEW)
    assert accounts.sign_in(Attempt(email="seller@example.com", password=NEW))


def test_the_table_of_passwords_holds_none(crm, accounts):
    """A hash each, of those who have one."""
    with crm.database.read() as tx:
        rows = tx.query("credentials", lambda: select(tables.credential), {})
    assert len(rows) == 2
    assert PASSWORD not in str(rows)


def test_a_head_invites_whom_the_head_may_change(crm, firm, accounts):
    """Those of lower rank below, as the rules of delegation have it: nobody else, and never themselves."""
    with crm.read(firm.owner) as reader:
        grants = reader.get(Role, firm.roles["firm_head"]).grants
    with crm.work(firm.owner) as work:
        more = grant_rows([Grant("user", "update", Scope.SUBTREE), Grant("membership", "create", Scope.SUBTREE)])
        records.update(work, [Update(Role, firm.roles["firm_head"], grants=[*grants, *more])])
    with pytest.raises(PermissionDenied) as caught:
        accounts.invite(firm.head, firm.fitter.id)
    assert caught.value.rule == "delegable"  # Whoever makes the link may use it.
    with crm.work(firm.owner) as work:
        seller = work.get(Role, firm.roles["firm_seller"]).grants
        records.update(
            work, [Update(Role, firm.roles["firm_head"], grants=[*grants, *more, *seller], delegable=seller)]
        )
    assert accounts.invite(firm.head, firm.fitter.id).link
    for person in (firm.stranger, firm.head, firm.owner):
        with pytest.raises(PermissionDenied):
            accounts.invite(firm.head, person.id)
    with pytest.raises(PermissionDenied):
        accounts.invite(firm.lead, firm.fitter.id)
