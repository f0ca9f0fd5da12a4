"""No webhook reaches what only this machine and its network reach."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from opencrm import CRM, Create, NotFound, Objected, PermissionDenied, Update, records
from opencrm.embed import channel_state, issue_token, principal_of, record_secrets
from opencrm.plugins.webhooks import guard
from opencrm.plugins.webhooks.guard import Refused, checked
from opencrm.plugins.webhooks.subscription import Subscription
from opencrm.testing import Firm, make_deal


@pytest.fixture
def resolves(monkeypatch: pytest.MonkeyPatch) -> Any:
    """`resolves("10.0.0.1")`: what any name means from now on."""

    def means(*addresses: str) -> None:
        monkeypatch.setattr(guard, "_look_up", lambda host, port: list(addresses))

    means("93.184.216.34")
    return means


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "fe80::1",
        "fec0::1",
        "fc00::1",
        "fd00:ec2::254",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "2001:0:7f00:1::",
        "168.63.129.16",
        "::ffff:168.63.129.16",
        "192.88.99.1",
        "3fff::1",
        "3fff:fff::1",
    ],
)
def test_what_is_not_public_is_refused(resolves: Any, address: str) -> None:
    resolves(address)
    with pytest.raises(Refused, match="public"):
        checked("https://erp.example.com/x", ())


def test_a_host_with_many_addresses_is_tried_at_a_few(resolves: Any) -> None:
    """All of them are judged."""
    many = [f"93.184.216.{at}" for at in range(60)]
    resolves(*many)
    assert checked("https://erp.example.com/x", ()).addresses == tuple(many[: guard.MOST_ADDRESSES])
    resolves(*many, "127.0.0.1")
    with pytest.raises(Refused, match="public"):
        checked("https://erp.example.com/x", ())


def test_one_bad_address_among_good_ones_is_enough(resolves: Any) -> None:
    resolves("93.184.216.34", "127.0.0.1")
    with pytest.raises(Refused, match="public"):
        checked("https://erp.example.com/x", ())


@pytest.mark.parametrize(
    "url, why",
    [
        ("http://erp.example.com/", "https"),
        ("ftp://erp.example.com/", "https"),
        ("file:///etc/passwd", "host"),
        ("https://ann:secret@erp.example.com/", "password"),
        ("https://erp.example.com\\@evil.example/", "plain"),
        ("https://erp.example.com/a b", "plain"),
        ("https://erp.example.com/\r\nX: y", "plain"),
        ("https://", "host"),
        ("https://erp.example.com:99999/", "address"),
    ],
)
def test_what_is_no_such_address_is_refused(resolves: Any, url: str, why: str) -> None:
    with pytest.raises(Refused, match=why):
        checked(url, ())


@pytest.mark.parametrize("host", ["2130706433", "0x7f.1", "127.1", "localhost", "localhost."])
def test_other_ways_to_write_this_machine_are_refused(host: str) -> None:
    """As the system itself understands them."""
    with pytest.raises(Refused, match=r"public|found"):
        checked(f"https://{host}/", ())


def test_a_public_address_is_what_is_connected_to(resolves: Any) -> None:
    found = checked("https://erp.example.com/x?y=1#z", ())
    assert found == guard.Target("erp.example.com", 443, "/x?y=1", True, ("93.184.216.34",))


def test_a_host_that_is_named_may_be_called(resolves: Any) -> None:
    resolves("10.0.0.7")
    assert checked("http://erp.internal:8080/x", {"erp.internal"}).addresses == ("10.0.0.7",)
    with pytest.raises(Refused):
        checked("http://other.internal:8080/x", {"erp.internal"})


def test_a_name_that_means_nothing_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(*_: Any, **__: Any) -> Any:
        raise socket.gaierror(8, "unknown")

    monkeypatch.setattr(socket, "getaddrinfo", nothing)
    with pytest.raises(Refused, match="found"):
        checked("https://erp.example.com/", ())


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "2130706433", "0x7f.1", "127.1", "[::ffff:10.0.0.1]", "[fec0::1]", "localhost"]
)
def test_what_an_address_says_by_itself_is_judged_when_it_is_written(crm: CRM, firm: Firm, host: str) -> None:
    with pytest.raises(Objected, match="public"), crm.work(firm.owner) as work:
        records.create(work, [Create(Subscription, name="x", url=f"https://{host}/")])
    with crm.work(firm.owner) as work:
        [line] = records.create(work, [Create(Subscription, name="x", url="https://erp.example.com/")])
    with pytest.raises(Objected, match="public"), crm.work(firm.owner) as work:
        records.update(work, [Update(Subscription, line.record_id, url=f"https://{host}/")])


def test_nobody_is_asked_in_a_transaction(crm: CRM, firm: Firm, monkeypatch: pytest.MonkeyPatch) -> None:
    """A slow name server would keep the database of others: the name is looked up when the transaction is over."""
    asked: list[str] = []
    monkeypatch.setattr(guard, "_look_up", lambda host, port: asked.append(host) or ["93.184.216.34"])
    with crm.work(firm.owner) as work:
        [line] = records.create(work, [Create(Subscription, name="x", url="https://erp.example.com/")])
        records.update(work, [Update(Subscription, line.record_id, url="https://other.example.com/")])
    assert asked == []
    crm.worker().run_once()
    assert set(asked) == {"other.example.com"}


def test_where_a_new_address_leads_is_seen_at_once(crm: CRM, firm: Firm, resolves: Any) -> None:
    """Its owner need not wait for the first event to see that nothing will ever be sent there."""
    resolves("169.254.169.254")
    with crm.work(firm.owner) as work:
        [line] = records.create(work, [Create(Subscription, name="x", url="https://erp.example.com/", entity="deal")])
    crm.worker().run_once()
    with crm.read(firm.owner) as reader:
        error = channel_state(reader.tx, "webhooks", line.record_id).error
    assert error is not None
    assert "public" in error


def test_it_is_judged_again_when_it_is_sent(
    crm: CRM, firm: Firm, receiver: Any, subscribe: Any, rows: Any, resolves: Any
) -> None:
    """A name that means something else by now reaches nothing."""
    from opencrm.storage import tables

    resolves("127.0.0.1")
    subscribe(firm.owner, entity="deal")
    crm.workspace.intranet = frozenset()
    make_deal(crm, by=firm.seller)
    crm.worker().run_once()
    assert receiver.got == []
    [waiting] = [row for row in rows(tables.delivery) if ":" in row["plugin"]]
    assert "https" in waiting["error"]


def test_a_narrowed_key_takes_no_secret(crm: CRM, firm: Firm, subscribe: Any) -> None:
    """It would tell more than the key may know."""
    id, _ = subscribe(firm.owner)
    with crm.work(firm.owner) as work:
        key = principal_of(issue_token(work, firm.owner.id, label="x", scopes=["webhooks_subscription.*"]))
    with pytest.raises(PermissionDenied, match="narrowed"), crm.work(key) as work:
        record_secrets.take(work, Subscription, id, of="url")


def test_whether_a_secret_is_there_is_told_to_whoever_may_read_the_record(crm: CRM, firm: Firm, subscribe: Any) -> None:
    """And to nobody what it is: what finds it stands behind no door."""
    id, _ = subscribe(firm.owner)
    other, _ = subscribe(firm.owner, take=False)
    with crm.read(firm.owner) as reader:
        assert record_secrets.has(reader, Subscription, id, of="url")
        assert not record_secrets.has(reader, Subscription, other, of="url")
    with crm.work(firm.owner) as work:
        records.update(work, [Update(Subscription, id, url="https://93.184.216.34/x")])
        assert not record_secrets.has(work, Subscription, id, of="url")
    with crm.read(firm.stranger) as reader, pytest.raises(NotFound):
        record_secrets.has(reader, Subscription, id, of="url")
    assert not hasattr(record_secrets, "find")
