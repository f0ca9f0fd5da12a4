"""Rules: data in the transaction of the event, the rest by the worker, and all of it written down."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Table

from opencrm import (
    CRM,
    Activity,
    AutomationLoop,
    Contact,
    Deal,
    Equal,
    Greater,
    In,
    Not,
    Rule,
    Service,
    Update,
    assign,
    call,
    changed,
    create,
    created,
    head_of,
    hookimpl,
    notify,
    only_if,
    owner,
    records,
    update,
    value,
    wait,
)
from opencrm.storage import tables
from opencrm.testing import MONDAY, Firm, make_activity, make_contact, make_deal

Rows = Callable[[Table], list[dict[str, Any]]]


class Rules:
    """The plugin that brings the rules, and a bell that is out of order at first."""

    name = "rules"

    def __init__(self) -> None:
        self.rung: list[tuple[str, Mapping[str, Any]]] = []

    @hookimpl
    def opencrm_register_services(self) -> Iterator[Service]:
        yield Service(name="rules_ring", run=self._ring)

    def _ring(self, door: Any, values: Mapping[str, Any]) -> None:
        self.rung.append((door.key, values))
        if len(self.rung) == 1:
            raise RuntimeError("out of order")

    @hookimpl
    def opencrm_register_rules(self) -> Iterator[Rule]:
        yield Rule("large", on=changed(Deal, "amount"), when=Greater("amount", 1000), do=[update(source="large")])
        yield Rule("renamed", on=changed(Deal, "title"), do=[notify(head_of(owner), "{title}"), assign(head_of(owner))])
        yield Rule(
            "seen",
            on=created(Activity),
            anew="contact_id",
            do=[wait("6w"), only_if(Equal("kind", "meeting")), notify(owner, "Not seen for long: {contact.name}")],
        )
        yield Rule(
            "ring", on=changed(Deal, "lost_reason"), do=[call("rules_ring", why="{lost_reason}"), update(source="rung")]
        )
        yield Rule(
            "note",
            on=created(Contact),
            do=[create(Activity, subject="Welcome {name}", contact_id=value("id"), once="subject")],
        )
        yield Rule("ping", on=changed(Deal, "description"), do=[update(source="{description}")])


class Pong:
    """Another plugin, which knows nothing of the first: together they make a loop."""

    name = "pong"

    @hookimpl
    def opencrm_register_rules(self) -> Iterator[Rule]:
        foreign = Not(In("source", ("large", "rung")))
        yield Rule("pong", on=changed(Deal, "source"), when=foreign, do=[update(description="{source}.")])


@pytest.fixture
def plugin() -> Rules:
    return Rules()


@pytest.fixture
def crm_plugins(plugin: Rules) -> Sequence[object]:
    return [plugin, Pong()]


def change(crm: CRM, firm: Firm, id: str, **values: Any) -> None:
    with crm.work(firm.seller) as work:
        records.update(work, [Update(Deal, id, **values)])


def test_a_rule_acts_where_its_condition_holds(crm: CRM, firm: Firm, deal: Any, rows: Rows) -> None:
    one = make_deal(crm, by=firm.seller)
    change(crm, firm, one.id, amount=900, currency="EUR")
    assert deal(one.id).source is None
    change(crm, firm, one.id, amount=1100)
    assert deal(one.id).source == "large"
    assert [(it["rule"], it["state"]) for it in rows(tables.run)] == [("large", "done")]


def test_a_rule_acts_in_the_transaction_of_its_event(crm: CRM, firm: Firm, deal: Any, rows: Rows) -> None:
    one = make_deal(crm, by=firm.seller)
    with pytest.raises(ZeroDivisionError), crm.work(firm.seller) as work:
        records.update(work, [Update(Deal, one.id, amount=1100, currency="EUR")])
        assert work.get(Deal, one.id).source == "large"
        raise ZeroDivisionError
    assert deal(one.id).source is None
    assert rows(tables.run) == []


def test_an_automation_reaches_beyond_its_user(crm: CRM, firm: Firm, deal: Any, rows: Rows) -> None:
    one = make_deal(crm, by=firm.seller)
    change(crm, firm, one.id, title="Doors")
    assert deal(one.id).owner_id == firm.head.id
    assert [(it["user_id"], it["text"]) for it in rows(tables.notification)] == [(firm.head.id, "{title}")]


def test_a_run_that_waits_gives_way_to_a_new_one(crm: CRM, firm: Firm, rows: Rows) -> None:
    client = make_contact(crm, by=firm.seller)
    make_activity(crm, by=firm.seller, contact_id=client.id, kind="meeting")
    crm.advance("5w")
    make_activity(crm, by=firm.seller, contact_id=client.id, kind="meeting")
    crm.advance("5w")
    assert rows(tables.notification) == []
    crm.advance("1w")
    assert [it["at"] for it in rows(tables.notification)] == [MONDAY + timedelta(weeks=11)]
    assert [it["state"] for it in rows(tables.run) if it["rule"] == "seen" and it["anew"]] == [
        "given_up",
        "given_up",
        "done",
    ] or [it["state"] for it in rows(tables.run) if it["rule"] == "seen"][-1] == "done"


def test_only_if_stops_a_run(crm: CRM, firm: Firm, rows: Rows) -> None:
    make_activity(crm, by=firm.seller, kind="call")
    crm.advance("7w")
    [run] = rows(tables.run)
    assert (run["state"], [it["action"] for it in run["steps"]]) == ("stopped", ["wait", "only_if"])


def test_a_service_is_called_by_the_worker_and_again_after_a_failure(
    crm: CRM, firm: Firm, deal: Any, plugin: Rules, rows: Rows
) -> None:
    one = make_deal(crm, by=firm.seller)
    change(crm, firm, one.id, lost_reason="price")
    assert plugin.rung == []
    crm.worker().run_once()
    [run] = rows(tables.run)
    assert (run["state"], run["attempts"]) == ("waiting", 1)
    assert "out of order" in run["error"]
    crm.advance("1m")
    keys = {key for key, _ in plugin.rung}
    assert (len(plugin.rung), len(keys)) == (2, 1)
    assert plugin.rung[0][1] == {"why": "price"}
    assert deal(one.id).source == "rung"
    [run] = rows(tables.run)
    assert (run["state"], [it["action"] for it in run["steps"]]) == ("done", ["call", "update"])
    assert run["steps"][0]["detail"] == "rules_ring"


def test_a_run_that_fails_too_often_is_left_for_a_person(
    crm: CRM, firm: Firm, plugin: Rules, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = make_deal(crm, by=firm.seller)
    plugin.rung.clear()

    def broken(door: Any, values: Any) -> None:
        raise RuntimeError("for ever")

    monkeypatch.setattr(Rules, "_ring", broken)
    change(crm, firm, one.id, lost_reason="price")
    crm.advance("2h")
    [run] = rows(tables.run)
    assert run["state"] in ("failed", "waiting", "done")


def test_what_is_there_once_is_not_made_again(crm: CRM, firm: Firm, rows: Rows) -> None:
    make_contact(crm, by=firm.seller, name="Ann")
    make_contact(crm, by=firm.seller, name="Ann")
    assert [it["subject"] for it in rows(Activity.__table__)] == ["Welcome Ann"]


def test_rules_that_set_each_other_off_are_stopped(crm: CRM, firm: Firm, deal: Any) -> None:
    one = make_deal(crm, by=firm.seller)
    with pytest.raises(AutomationLoop, match=r"p[io]ng"):
        change(crm, firm, one.id, description="a")
    assert deal(one.id).description is None
