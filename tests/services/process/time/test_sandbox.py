"""Sandboxes: an owner moves the clock for every process, and is told what happened."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

import pytest

from opencrm import (
    CRM,
    ConflictError,
    Deal,
    InputError,
    NotSignedIn,
    PermissionDenied,
    Rule,
    TaskSpec,
    after,
    give,
    hookimpl,
    notify,
    owner,
)
from opencrm.services import tokens
from opencrm.testing import MONDAY, Firm, make_deal, make_task
from opencrm.testing.firm import WindowSales


class Asking:
    """A plugin with a rule that goes by time."""

    name = "asking"

    @hookimpl
    def opencrm_register_rules(self) -> Iterator[Rule]:
        asked = TaskSpec("ask", title="Ask about {title}")
        yield Rule("late", on=after(Deal, "expected_close", "1d"), do=[give(asked), notify(owner, "Late: {title}")])


@pytest.fixture
def crm_plugins() -> Sequence[object]:
    return [Asking()]


def test_an_owner_moves_the_clock_and_is_told_what_happened(crm: CRM, firm: Firm) -> None:
    crm.sandbox.make(firm.owner)
    deal = make_deal(crm, by=firm.seller, title="A", expected_close="2026-03-05")
    make_task(crm, by=firm.seller, title="Call", due_at=MONDAY + timedelta(hours=1))
    found = crm.sandbox.advance(firm.owner, "5d")
    assert (found.started, found.now, found.more) == (MONDAY, MONDAY + timedelta(days=5), False)
    assert [(it["rule"], it["state"], it["record_id"]) for it in found.runs] == [("late", "done", deal.id)]
    assert [(it["title"], it["owner_id"]) for it in found.tasks] == [("Ask about A", firm.seller.id)]
    assert [it["text"] for it in found.notifications] == ["Overdue: Call", "New task: Ask about A", "Late: A"]
    late = timedelta(days=3, hours=15)
    assert [it["at"] - MONDAY for it in found.notifications] == [timedelta(hours=1), late, late]
    assert ("late", "created", "task") in [(it["rule"], it["kind"], it["entity"]) for it in found.changes]


def test_every_process_shows_the_new_time(crm: CRM, firm: Firm) -> None:
    other = CRM(
        engine=crm.database.engine, schema=crm.database.schema, plugins=[WindowSales(), Asking()], clock=_Still()
    )
    with other.read(firm.owner) as reader:
        assert reader.now == MONDAY
    crm.sandbox.make(firm.owner)
    crm.sandbox.advance(firm.owner, "3d")
    with other.read(firm.owner) as reader:  # It learns here that the clock may be moved at all.
        assert reader.configuration.sandbox
    for opened in (other.read, other.work):
        with opened(firm.owner) as block:
            assert block.now == MONDAY + timedelta(days=3)
    crm.sandbox.advance(firm.owner, "1h")
    with other.work(firm.seller) as work:
        assert work.now == MONDAY + timedelta(days=3, hours=1)
    late = CRM(
        engine=crm.database.engine, schema=crm.database.schema, plugins=[WindowSales(), Asking()], clock=_Still()
    )
    with late.work(firm.seller) as work:
        assert work.now == MONDAY + timedelta(days=3, hours=1)
    late.close()
    other.close()


class _Still:
    def now(self) -> Any:
        return MONDAY


def test_only_owners_and_only_in_a_sandbox(crm: CRM, firm: Firm) -> None:
    with pytest.raises(ConflictError, match="no sandbox"):
        crm.sandbox.advance(firm.owner, "1d")
    with pytest.raises(PermissionDenied, match="only an owner decides about a sandbox and its clock"):
        crm.sandbox.make(firm.head)
    crm.sandbox.make(firm.owner)
    with pytest.raises(PermissionDenied, match="only an owner decides about a sandbox and its clock"):
        crm.sandbox.advance(firm.head, "1d")
    for wrong in ("soon", "0s", "400d"):
        with pytest.raises(InputError, match="by"):
            crm.sandbox.advance(firm.owner, wrong)


def test_a_session_goes_on(crm: CRM, firm: Firm) -> None:
    crm.sandbox.make(firm.owner)
    with crm.work(firm.owner) as work:
        from opencrm.storage import tables

        at = dict.fromkeys(("created_at", "seen_at"), work.now)
        until = {"idle_at": work.now + timedelta(minutes=30), "expires_at": work.now + timedelta(days=1)}
        row = {"id": work.new_id(), "user_id": firm.owner.id, "digest": "d", "rights": "r", **at, **until}
        work.tx.insert(tables.session, [row])
    crm.sandbox.advance(firm.owner, "3d")
    with crm.database.read() as tx:
        [found] = tx.query("session", tables.session.select, {})
    assert found["idle_at"] == MONDAY + timedelta(days=3, minutes=30)


def test_a_key_goes_on(crm: CRM, firm: Firm) -> None:
    """As long as before, by the clock of whoever uses it; one that had ended by then, or was ended, stays so."""
    crm.sandbox.make(firm.owner)
    with crm.work(firm.owner) as work:
        made = {label: tokens.issue(work, firm.owner.id, label=label, days=90) for label in ("used", "revoked")}
        made["old"] = tokens.issue(work, firm.owner.id, label="old", days=1)
        made["endless"] = tokens.issue(work, firm.owner.id, label="endless")
        tokens.end(work, tokens.find(work, made["revoked"]).id)
    crm.clock.advance(timedelta(days=2))
    crm.sandbox.advance(firm.owner, "120d")
    with crm.read(tokens.principal_of(made["used"])) as reader:
        assert reader.now == MONDAY + timedelta(days=122)
        assert tokens.find(reader, made["used"]).expires_at == MONDAY + timedelta(days=210)
        assert {it.label for it in tokens.living(reader, firm.owner.id)} == {"used", "endless"}
    for label in ("revoked", "old"):
        with pytest.raises(NotSignedIn), crm.read(tokens.principal_of(made[label])):
            pass
