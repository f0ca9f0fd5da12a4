"""Signing in with a password: one answer for all that is wrong, and a limit for those who guess."""

from __future__ import annotations

import threading

import pytest

from opencrm import (
    CRM,
    NotSignedIn,
    PluginError,
    Principal,
    TooManyAttempts,
    User,
    hookimpl,
    organisation,
)
from opencrm.embed import Attempt, Cost, Identity, ManualClock, account, principal_of
from opencrm.services.identity import limits
from opencrm.storage import tables
from opencrm.testing import MONDAY

PASSWORD = "correct horse battery"


def test_one_acts_as_oneself(crm, firm, sign_in):
    """The session is a principal with the person's rights and their name."""
    opened = sign_in()
    with crm.read(principal_of(opened.secret)) as reader:
        assert reader.rights.user_id == opened.user_id == firm.seller.id
        assert reader.rights.name == f"user:{firm.seller.id}"
        assert account.session(reader)["expires_at"] == opened.expires_at


def test_only_a_digest_of_the_secret_is_kept(sign_in, rows):
    """Each session has its own, and it is nowhere in the table."""
    one, other = sign_in(), sign_in()
    assert one.secret != other.secret
    assert one.secret not in str(rows(tables.session))
    assert one.secret not in repr(one)


def refusal(sign_in, **how):
    with pytest.raises(NotSignedIn) as refused:
        sign_in(**how)
    return type(refused.value), str(refused.value), refused.value.details


def test_whatever_is_wrong_the_answer_is_the_same(crm, firm, accounts, sign_in):
    """A wrong password, nobody of that address, somebody without a password, somebody disabled, nonsense."""
    accounts.set_password(firm.owner, firm.fitter.id, PASSWORD)
    with crm.work(firm.owner) as work:
        organisation.disable(work, firm.fitter.id)
    wrong = [
        {"password": "wrong horse battery"},
        {"who": "nobody"},
        {"who": "head"},
        {"who": "fitter"},
        {"who": "no address\0at all"},
        {"password": None},
    ]
    assert len({repr(refusal(sign_in, **how)) for how in wrong}) == 1


def test_each_of_these_costs_one_hash(accounts, sign_in, firm, crm, monkeypatch):
    """The time tells nothing: the same work is done whoever is named."""
    accounts.set_password(firm.owner, firm.fitter.id, PASSWORD)
    with crm.work(firm.owner) as work:
        organisation.disable(work, firm.fitter.id)
    refusal(sign_in, who="nobody")
    hasher = accounts._passwords._hasher
    asked: list[str] = []

    class Counting:
        def verify(self, kept, typed):
            asked.append(typed)
            return hasher.verify(kept, typed)

    accounts._passwords.__dict__["_hasher"] = Counting()
    for how in ({"password": "wrong"}, {"who": "nobody"}, {"who": "head"}, {"who": "fitter"}, {"password": None}):
        asked.clear()
        refusal(sign_in, **how)
        assert len(asked) == 1, how


def test_the_address_may_be_typed_in_any_way(accounts):
    """As users have it."""
    assert accounts.sign_in(Attempt(email=" Seller@EXAMPLE.com ", password=PASSWORD))


def test_a_hash_of_another_cost_is_made_anew(crm, firm, accounts, accounts_of, rows, sign_in):
    """When its owner signs in, who notices nothing."""
    dearer = accounts_of(crm, cost=Cost(rounds=2, kibibytes=16, lanes=1))
    assert dearer.sign_in(Attempt(email="seller@example.com", password=PASSWORD))
    with crm.database.read() as tx:
        from opencrm.services.identity.passwords import credentials

        assert "m=16,t=2" in credentials.by_id(tx, firm.seller.id)["hash"]
        assert "m=8,t=1" in credentials.by_id(tx, firm.owner.id)["hash"]
    assert dearer.sign_in(Attempt(email="seller@example.com", password=PASSWORD))


# How often one may try.


@pytest.mark.parametrize("who", ["seller", "nobody"])
def test_an_account_is_guarded_whether_it_exists_or_not(crm, sign_in, who):
    """After ten wrong ones the right one does not help either, until the time is over."""
    for _ in range(limits.ACCOUNT.number):
        refusal(sign_in, who=who, password="wrong horse battery")
    with pytest.raises(TooManyAttempts) as refused:
        sign_in(who=who)
    assert 0 < refused.value.retry_after <= 900
    crm.advance("10m")
    with pytest.raises(TooManyAttempts):
        sign_in(who=who)
    crm.advance("5m")
    if who == "seller":
        assert sign_in(who=who)
    else:
        refusal(sign_in, who=who)


def test_the_refusals_of_the_known_and_the_unknown_are_alike(sign_in):
    """A locked account does not tell that it exists."""
    told = []
    for who in ("seller", "nobody"):
        for _ in range(limits.ACCOUNT.number):
            refusal(sign_in, who=who, password="wrong horse battery")
        with pytest.raises(TooManyAttempts) as refused:
            sign_in(who=who)
        told.append((str(refused.value), refused.value.details))
    assert told[0] == told[1]


def test_a_good_password_begins_the_count_anew(sign_in):
    """Nine wrong ones, again and again, lock nobody out."""
    for _ in range(3):
        for _ in range(limits.ACCOUNT.number - 1):
            refusal(sign_in, password="wrong horse battery")
        sign_in()


def test_an_address_is_guarded_over_all_accounts(sign_in):
    """Somebody who tries one password with many accounts; a neighbour is not held up."""
    for number in range(limits.REMOTE.number):
        refusal(sign_in, who=f"nobody{number}", remote="192.0.2.1")
    with pytest.raises(TooManyAttempts):
        sign_in(remote="192.0.2.1")
    assert sign_in(remote="192.0.2.2")


def test_those_who_sign_in_do_not_use_up_their_address(sign_in):
    """A whole office behind one address."""
    for _ in range(limits.REMOTE.number + 5):
        sign_in(remote="192.0.2.1")


@pytest.mark.parametrize(
    "remote, counted",
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8::1:2:3:4", "2001:db8::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", None),
        (None, None),
        ("unix:", "unix:"),
    ],
)
def test_by_what_an_address_is_counted(remote, counted):
    """Of IPv6 somebody has a whole network."""
    assert limits.network(remote) == counted


def test_several_processes_count_together(crm, firm, accounts, accounts_of, tmp_path):
    """Two workspaces on one database, several threads in each: no more than the limit get through."""
    url = crm.database.engine.url.render_as_string(hide_password=False)
    others = [CRM(url, schema=crm.database.schema, clock=ManualClock(MONDAY)) for _ in range(2)]
    outcomes: list[str] = []

    def guess(own):
        for _ in range(6):
            try:
                own.sign_in(Attempt(email="seller@example.com", password="wrong horse battery"))
            except TooManyAttempts:
                outcomes.append("held up")
            except NotSignedIn:
                outcomes.append("let through")

    threads = [threading.Thread(target=guess, args=(accounts_of(each),)) for each in others for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for each in others:
        each.close()
    assert len(outcomes) == 36
    assert outcomes.count("let through") == limits.ACCOUNT.number


def test_what_is_over_is_swept_away(crm, sign_in, rows):
    """Tables do not grow with every guess and every session."""
    refusal(sign_in, who="nobody")
    sign_in()
    crm.advance("31d")
    sign_in()
    assert len(rows(tables.session)) == 1
    with crm.database.read() as tx:
        from sqlalchemy import select

        assert tx.query("attempts", lambda: select(tables.attempt.c.key), {}) == []


# Other ways to say who one is.


class Badge:
    """Lets in whoever shows a badge, and wants a code of those who give a password."""

    name = "badge"

    @hookimpl
    def opencrm_provide_identity(self, attempt, door):
        if "badge" in attempt.more:
            return Identity(door.user(attempt.more["badge"]))
        if attempt.password == "to the box, please":
            return None
        if attempt.password == "broken":
            raise LookupError("no reader")
        good = attempt.more.get("code") == "1234"
        return Identity(door.verified(attempt.email, attempt.password) if good else None)


class TestPlugins:
    @pytest.fixture
    def crm_plugins(self):
        return [Badge()]

    def test_a_plugin_may_want_more_than_the_password(self, sign_in):
        """The password alone is no longer enough: the box is not asked behind its back."""
        refusal(sign_in)
        refusal(sign_in, more={"code": "9"})
        refusal(sign_in, password="wrong horse battery", more={"code": "1234"})
        assert sign_in(more={"code": "1234"})

    def test_a_plugin_may_know_somebody_by_other_means(self, crm, firm, accounts):
        """Without a password; but nobody who is disabled, or who is not there."""
        opened = accounts.sign_in(Attempt(more={"badge": "head@example.com"}))
        assert opened.user_id == firm.head.id
        with crm.work(firm.owner) as work:
            organisation.disable(work, firm.head.id)
        for badge in ("head@example.com", "nobody@example.com"):
            with pytest.raises(NotSignedIn):
                accounts.sign_in(Attempt(more={"badge": badge}))

    def test_a_plugin_that_fails_lets_nobody_in(self, sign_in):
        """It is named, and the next one is not asked."""
        with pytest.raises(PluginError) as refused:
            sign_in(password="broken")
        assert refused.value.plugin == "badge"

    def test_what_a_plugin_leaves_is_the_boxs(self, accounts, firm, sign_in):
        """The password, last of all."""
        accounts.set_password(firm.owner, firm.lead.id, "to the box, please")
        assert sign_in("lead", "to the box, please")


def test_a_users_id_that_a_plugin_makes_up_is_nobody(accounts, monkeypatch):
    """It is looked up like any other."""
    with pytest.raises(NotSignedIn), accounts._workspace.database.write() as tx:
        accounts._begin(tx, "nonsense", None, since=MONDAY)
    with pytest.raises(NotSignedIn), accounts._workspace.database.write() as tx:
        accounts._begin(tx, "0190a000-0000-7000-8000-000000000000", None, since=MONDAY)


def test_a_password_that_was_changed_meanwhile_is_of_no_use(crm, firm, accounts):
    """Whoever guessed the old one just before does not slip in just after."""
    crm.advance("1s")
    before = crm.clock.now()
    crm.advance("1s")
    accounts.set_password(firm.owner, firm.seller.id, "another horse altogether")
    with pytest.raises(NotSignedIn), crm.database.write() as tx:
        accounts._begin(tx, firm.seller.id, None, since=before)


def test_a_user_is_not_told_in_the_log(crm, sign_in, caplog):
    """Neither passwords nor secrets are."""
    opened = sign_in()
    refusal(sign_in, password="wrong horse battery")
    assert PASSWORD not in caplog.text
    assert opened.secret not in caplog.text
    assert PASSWORD not in repr(Attempt(email="a@example.com", password=PASSWORD))
    with crm.read(Principal.system("look at what is kept")) as reader:
        assert "password" not in reader.entity(User).fields
