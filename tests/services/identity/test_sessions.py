"""Sessions: until when they are good, and that they end at the moment in which the rights of their person change."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select
from tests.services.identity.conftest import PASSWORD

from opencrm import (
    Create,
    Deal,
    Delete,
    Deputy,
    Grant,
    InputError,
    Membership,
    NotSignedIn,
    PermissionDenied,
    Principal,
    Query,
    Restore,
    Role,
    Scope,
    Unit,
    Update,
    User,
    records,
)
from opencrm.embed import account, grant_rows, issue_token, principal_of
from opencrm.storage import tables
from opencrm.testing import make_deal


def good(crm, principal):
    try:
        with crm.read(principal):
            pass
        with crm.work(principal):
            return True
    except NotSignedIn:
        return False


def change(crm, firm, *commands):
    with crm.work(firm.owner) as work:
        for command in commands:
            act = {Update: records.update, Delete: records.delete, Restore: records.restore}[type(command)]
            act(work, [command])


def seat_of(crm, firm, person):
    with crm.read(firm.owner) as reader:
        [seat] = [row for row in reader.list(Query(Membership)) if row.user_id == person.id]
    return seat.id


# Forged, ended, too old.


@pytest.mark.parametrize("secret", ["opencrm-session_", "opencrm-session_" + "A" * 43, "opencrm-session_\udcff"])
def test_a_forged_one_is_nobodys(crm, firm, secret):
    """There is no such secret."""
    assert not good(crm, principal_of(secret))


@pytest.mark.parametrize("digest", ["", "0" * 64, "nonsense", "' OR 1=1 --"])
def test_a_forged_digest_is_nobodys(crm, firm, digest):
    """Not even by its digest."""
    assert not good(crm, Principal.session(digest))


def test_a_secret_is_not_its_digest(crm, session, sign_in):
    """Whoever reads the table signs in with nothing of it."""
    assert not good(crm, principal_of(session.id))
    assert not good(crm, Principal.token(session.id))


def test_signing_out_ends_one(crm, sign_in):
    """This one, and no other."""
    here, there = (principal_of(sign_in().secret) for _ in range(2))
    with crm.work(here) as work:
        account.sign_out(work)
    assert (good(crm, here), good(crm, there)) == (False, True)


def test_without_a_session_there_is_nothing_to_end(crm, firm):
    """It says so."""
    with pytest.raises(InputError), crm.work(firm.seller) as work:
        account.sign_out(work)
    with crm.read(firm.seller) as reader:
        assert account.session(reader) is None


def test_signing_out_everywhere(crm, firm, sign_in):
    """All of one's own at once; nobody else's, and no keys unless they are meant too."""
    mine = [principal_of(sign_in().secret) for _ in range(3)]
    other = principal_of(sign_in("owner").secret)
    with crm.work(firm.seller) as work:
        key = principal_of(issue_token(work, firm.seller.id, label="laptop"))
    with crm.work(mine[0]) as work:
        assert account.sign_out_everywhere(work) == 3
    assert [good(crm, each) for each in (*mine, other, key)] == [False, False, False, True, True]
    with crm.work(firm.owner) as work:
        assert account.sign_out_everywhere(work, firm.seller.id, keys=True) == 1
    assert not good(crm, key)


def test_others_are_signed_out_by_owners_only(crm, firm, session):
    """A head is no owner."""
    with pytest.raises(PermissionDenied), crm.work(firm.head) as work:
        account.sign_out_everywhere(work, firm.seller.id)
    assert good(crm, session)


def test_one_ends_when_it_is_not_used(crm, session):
    """Twelve hours, as long as the host says nothing else."""
    crm.advance("11h")
    assert good(crm, session)
    crm.advance("1h")
    assert not good(crm, session)


def test_use_keeps_it(crm, accounts, session):
    """But no longer than thirty days."""
    for _ in range(30 * 24 // 10 - 1):
        crm.advance("10h")
        assert good(crm, session)
        accounts.touch(session)
    crm.advance("10h")
    accounts.touch(session)
    assert not good(crm, session)


def test_what_is_over_is_not_brought_back_by_use(crm, accounts, session):
    """Neither one that was not used for too long, nor one that was ended."""
    crm.advance("12h")
    accounts.touch(session)
    assert not good(crm, session)


def test_use_is_written_down_every_few_minutes_only(crm, accounts, session, statements):
    """Reading stays reading."""
    accounts.touch(session)
    statements.clear()
    for _ in range(10):
        accounts.touch(session)
    assert len(statements) == 0
    crm.advance("5m")
    accounts.touch(session)
    assert "crm_session" in str(statements)


def test_the_use_of_a_key_is_written_down(crm, firm, accounts):
    """So that one finds those that nobody needs."""
    with crm.work(firm.seller) as work:
        key = principal_of(issue_token(work, firm.seller.id, label="laptop"))
    accounts.touch(key)
    with crm.database.read() as tx:
        [row] = tx.query("used", lambda: select(tables.token.c.used_at), {})
    assert row["used_at"] == crm.clock.now()


def test_a_host_decides_how_long(crm, firm, accounts, accounts_of):
    """Shorter, or longer."""
    from opencrm.embed import Attempt

    brief = accounts_of(crm, idle=timedelta(minutes=1), longest=timedelta(minutes=2))
    opened = brief.sign_in(Attempt(email="seller@example.com", password="correct horse battery"))
    now = crm.clock.now()
    assert (opened.idle_at - now, opened.expires_at - now) == (timedelta(minutes=1), timedelta(minutes=2))
    crm.advance("1m")
    assert not good(crm, principal_of(opened.secret))


# At once, when the rights change.


def role_edit(crm, firm):
    grants = grant_rows([Grant("deal", "read", Scope.OWN)])
    change(crm, firm, Update(Role, firm.roles["firm_seller"], grants=grants))


def field_rule(crm, firm):
    rules = [{"entity": "deal", "field": "amount", "read": False, "write": False}]
    change(crm, firm, Update(Role, firm.roles["firm_seller"], field_rules=rules))


def rank(crm, firm):
    change(crm, firm, Update(Role, firm.roles["firm_seller"], rank=1))


def another_unit(crm, firm):
    change(crm, firm, Update(Membership, seat_of(crm, firm, firm.seller), unit_id=firm.units["south"]))


def another_role(crm, firm):
    change(crm, firm, Update(Membership, seat_of(crm, firm, firm.seller), role_id=firm.roles["firm_viewer"]))


def no_seat(crm, firm):
    change(crm, firm, Delete(Membership, seat_of(crm, firm, firm.seller)))


def head(crm, firm):
    change(crm, firm, Update(Membership, seat_of(crm, firm, firm.seller), is_head=True))


def disabled(crm, firm):
    change(crm, firm, Update(User, firm.seller.id, active=False))


@pytest.mark.parametrize("act", [role_edit, field_rule, rank, another_unit, another_role, no_seat, head, disabled])
def test_it_ends_when_the_rights_change(crm, firm, session, sign_in, act):
    """With the next request, whatever it was that changed; others stay, and one may sign in again."""
    other = principal_of(sign_in("owner").secret)
    assert good(crm, session)
    act(crm, firm)
    assert not good(crm, session)
    assert good(crm, other)
    if act is not disabled:
        assert good(crm, principal_of(sign_in().secret))


def test_it_ends_at_valid_to(crm, firm, sign_in):
    """With the tick, and no job has to run; also when another seat remains."""
    until = crm.clock.now() + timedelta(hours=1)
    change(crm, firm, Update(Membership, seat_of(crm, firm, firm.seller), valid_to=until))
    session = principal_of(sign_in().secret)
    crm.advance(timedelta(hours=1) - timedelta(microseconds=1))
    assert good(crm, session)
    crm.advance(timedelta(microseconds=1))
    assert not good(crm, session)


def test_it_ends_at_valid_from(crm, firm, sign_in):
    """More rights are other rights: one signs in for them."""
    start = crm.clock.now() + timedelta(hours=1)
    change(crm, firm, Update(Membership, seat_of(crm, firm, firm.seller), valid_from=start))
    session = principal_of(sign_in().secret)
    assert good(crm, session)
    crm.advance("1h")
    assert not good(crm, session)


def test_other_changes_leave_it(crm, firm, session):
    """Deals, names of roles, others' roles, one's own name."""
    make_deal(crm, by=firm.seller)
    change(crm, firm, Update(Role, firm.roles["firm_seller"], name="Seller of windows"))
    change(crm, firm, Update(Role, firm.roles["firm_viewer"], grants=[]))
    change(crm, firm, Update(User, firm.seller.id, name="Sel Ler"))
    change(crm, firm, Update(Unit, firm.units["south"], name="Deep south"))
    assert good(crm, session)


def test_who_was_disabled_signs_in_anew(crm, firm, session):
    """A session does not wait for the day on which its person is let in again."""
    disabled(crm, firm)
    change(crm, firm, Update(User, firm.seller.id, active=True))
    assert not good(crm, session)


def test_who_was_deleted_signs_in_anew(crm, firm, session):
    """Nor for that on which they are restored."""
    change(crm, firm, Delete(Membership, seat_of(crm, firm, firm.seller)), Delete(User, firm.seller.id))
    change(crm, firm, Restore(User, firm.seller.id))
    assert not good(crm, session)


def test_it_costs_one_statement(crm, session, statements):
    """As a key does: who it is, what they may do, and whether anything changed."""
    with crm.read(session):
        pass
    statements.clear()
    with crm.read(session) as reader:
        reader.list(Query(Deal, limit=50))
    assert len(statements) <= 4, statements


# One's own account.


def test_one_changes_ones_own_name_language_and_zone(crm, firm, session):
    """The journal tells who did, and why they could; the session goes on."""
    with crm.work(session) as work:
        account.change(work, {"name": "Sel Ler", "language": "de", "zone": "Europe/Vienna"})
    with crm.read(firm.owner) as reader:
        record = reader.get(User, firm.seller.id)
        assert (record.name, record.language, record.zone) == ("Sel Ler", "de", "Europe/Vienna")
        line = reader.history(User, firm.seller.id)[-1]
    assert (line.principal, line.origin) == (f"user:{firm.seller.id}", "system: one's own account")
    assert good(crm, session)


@pytest.mark.parametrize(
    "given, field",
    [
        ({"email": "other@example.com"}, "email"),
        ({"active": True}, "active"),
        ({"zone": "Mars/Base"}, "zone"),
        ({"zone": "../etc/passwd"}, "zone"),
        ({"language": "klingon!"}, "language"),
        ({"zone": 7}, "zone"),
        ({"name": ""}, "name"),
        ({"name": None}, "name"),
    ],
)
def test_and_nothing_else(crm, session, given, field):
    """Bad input is named, and nothing is changed."""
    with pytest.raises(InputError) as refused, crm.work(session) as work:
        account.change(work, given)
    assert list(refused.value.fields) == [field]


# Rights that change without the session's end.


def test_a_moved_unit_counts_at_the_next_request(crm, firm, sign_in, accounts):
    """The session goes on: which units lie below one's own is asked anew each time."""
    accounts.set_password(firm.owner, firm.head.id, PASSWORD)
    head, deal = principal_of(sign_in("head").secret), make_deal(crm, by=firm.owner, unit_id=firm.units["south_shop"])
    seen = []
    for above in ("south", "north", "south"):
        change(crm, firm, Update(Unit, firm.units["south_shop"], parent_id=firm.units[above]))
        with crm.read(head) as reader:
            seen.append(deal.id in [row.id for row in reader.list(Query(Deal))])
    assert seen == [False, True, False]


def test_a_deputyship_counts_at_the_next_request(crm, firm, session):
    """From its beginning on, and no longer at its end or when it is taken away."""
    deal = make_deal(crm, by=firm.owner, unit_id=firm.units["south"], owner_id=None)
    day, sees = timedelta(hours=1), lambda: _sees(crm, session, deal.id)
    about = {"of_id": firm.owner.id, "to_id": firm.seller.id, "entities": ["deal"]}
    assert not sees()
    with crm.work(firm.owner) as work:
        times = {"valid_from": work.now + day, "valid_to": work.now + 2 * day}
        records.create(work, [Create(Deputy, values={**about, **times})])
    found = []
    for _ in range(3):
        found.append(sees())
        crm.advance(day)
    assert found == [False, True, False]
    with crm.work(firm.owner) as work:
        [made] = records.create(work, [Create(Deputy, values={**about, "valid_to": work.now + day})])
    assert sees()
    change(crm, firm, Delete(Deputy, made.record_id))
    assert not sees()


def _sees(crm, principal, deal):
    with crm.read(principal) as reader:
        return deal in [row.id for row in reader.list(Query(Deal))]
