"""Rules tried against the past, what they did, runs that failed begun again, and the switch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

import pytest
from tests.services.process.definitions.texts import LARGE, REPAIRS, Apply

from opencrm import (
    CRM,
    Deal,
    DomainError,
    Grant,
    InputError,
    Move,
    NotFound,
    PermissionDenied,
    Role,
    Rule,
    Scope,
    Service,
    Task,
    Update,
    call,
    changed,
    hookimpl,
    pipelines,
    records,
    update,
)
from opencrm.core.access.grants import grant_rows
from opencrm.core.process.text import rule_of
from opencrm.services.definitions.process import switching
from opencrm.services.process.overseeing import history, rehearsing
from opencrm.services.process.overseeing.rehearsing import Foretold
from opencrm.storage import tables
from opencrm.testing import MONDAY, Firm, make_contact, make_deal

MONTH = timedelta(days=30)
GONE = """
[[pipelines]]
key = "repairs"
replaced_by = {new = "lost", fixing = "lost"}
moves = [["*", "done"]]
stages = [{key = "done", kind = "won"}, {key = "lost", kind = "lost"}]
"""


class Bells:
    """A plugin with a rule, and a bell that is out of order until it is mended."""

    name = "bells"

    def __init__(self) -> None:
        self.works = False

    @hookimpl
    def opencrm_register_services(self) -> Iterator[Service]:
        yield Service(name="bells_ring", run=self._ring)

    def _ring(self, door: Any, values: Mapping[str, Any]) -> None:
        if not self.works:
            raise RuntimeError("out of order")

    @hookimpl
    def opencrm_register_rules(self) -> Iterator[Rule]:
        yield Rule("ring", on=changed(Deal, "lost_reason"), do=[call("bells_ring"), update(source="rung")])


@pytest.fixture
def bells() -> Bells:
    return Bells()


@pytest.fixture
def crm_plugins(bells: Bells) -> Sequence[object]:
    return [bells]


def change(crm: CRM, firm: Firm, id: str, **values: Any) -> None:
    with crm.work(firm.seller) as work:
        records.update(work, [Update(Deal, id, **values)])


def is_on(crm: CRM, key: str) -> bool:
    return crm.catalogue.process.rules[key].rule.active


def tried(crm: CRM, firm: Firm, raw: Mapping[str, Any], *, by: Any = None) -> Foretold:
    with crm.read(by or firm.owner) as reader:
        return rehearsing.foretell(reader, rule_of({"key": "one", **raw}), MONTH)


def test_a_rule_is_tried_against_the_past_as_it_was(crm: CRM, firm: Firm, rows: Any) -> None:
    """The record's state right after each event decides, and fills the texts; nothing is written."""
    one = make_deal(crm, by=firm.seller, title="Gate")
    for amount, title in ((2000, "Gate"), (500, "Gate"), (3000, "Big gate")):
        crm.advance("1h")
        change(crm, firm, one.id, amount=amount, currency="EUR", title=title)
    before = rows(tables.journal)
    found = tried(
        crm,
        firm,
        {
            "on": {"changed": "deal", "fields": ["amount"]},
            "when": {"field": "amount", "op": "greater", "value": 1000},
            "do": [{"update": {"source": "{title}"}}, {"notify": {"to": "owner", "text": "{title}: {amount}"}}],
        },
    )
    assert (found.heard, found.times, found.things) == (3, 2, 4)
    assert [it.at for it in found.occasions] == [MONDAY + timedelta(hours=1), MONDAY + timedelta(hours=3)]
    assert [it.record for it in found.occasions] == ["Gate", "Big gate"]
    assert found.occasions[0].actions == ("update source = 'Gate'", "notify owner: Gate: 2000")
    assert str(found).startswith("would have done 4 things, 2 times, since 2026-01-31")
    assert rows(tables.journal) == before


def test_a_rule_is_tried_by_who_keeps_rules(crm: CRM, firm: Firm) -> None:
    """Whoever may neither make nor change one is not told whether there is one."""
    one = rule_of({"key": "x", "on": {"created": "deal"}, "do": [{"move": "new"}]})
    with crm.read(firm.seller) as reader:
        for ask in (lambda: rehearsing.foretell(reader, one, MONTH), lambda: rehearsing.rule_named(reader, "nothing")):
            with pytest.raises(PermissionDenied, match="tried by who may make or change them"):
                ask()


def test_the_past_of_what_may_not_be_read_is_not_counted(crm: CRM, firm: Firm) -> None:
    """Whoever keeps rules is told of their own records alone."""
    make_deal(crm, by=firm.seller, title="Gate")
    with crm.work(firm.owner) as work:
        role = work.get(Role, firm.roles["firm_seller"])
        given = [*role.grants, *grant_rows([Grant("rule_definition", "create", Scope.ALL)])]
        records.update(work, [Update(Role, role.id, grants=given)])
    deals = {"on": {"created": "deal"}, "do": [{"move": "new"}]}
    assert tried(crm, firm, deals).heard == 1
    assert tried(crm, firm, deals, by=firm.stranger).heard == 0


@pytest.mark.parametrize(
    "on, heard",
    [
        ({"created": "deal"}, 1),
        ({"deleted": "deal"}, 0),
        ({"entered": "repairs.new"}, 1),
        ({"entered": "repairs.fixing"}, 1),
        ({"left": "repairs.new"}, 1),
        ({"left": "repairs.fixing"}, 0),
        ({"done": "look"}, 1),
        ({"cancelled": "look"}, 0),
        ({"overdue": "look"}, 1),
        ({"after": "deal", "field": "expected_close", "duration": "2h"}, 1),
        ({"before": "deal", "field": "expected_close", "duration": "2h"}, 1),
        ({"before": "deal", "field": "closed_at", "duration": "2h"}, 0),
    ],
)
def test_every_event_of_the_past_is_heard(crm: CRM, firm: Firm, apply: Apply, on: Any, heard: int) -> None:
    """Of records, of stages, of tasks, and of what a date tells."""
    apply("pipelines", REPAIRS)
    values = {"amount": 5, "currency": "EUR", "expected_close": "2026-03-03"}
    one = make_deal(crm, by=firm.seller, pipeline="repairs", **values)
    crm.advance("3h")
    with crm.work(firm.seller) as work:
        [task] = [it for it in work.list(_tasks()) if it["deal_id"] == one.id]
        records.update(work, [Update(Task, task["id"], state="done")])
        pipelines.move(work, [Move(Deal, one.id, to="fixing")])
    crm.advance("20h")
    assert tried(crm, firm, {"on": on, "do": [{"update": {"source": "x"}}]}).heard == heard


def test_what_set_nothing_off_is_not_heard(crm: CRM, firm: Firm, apply: Apply, undo: Any) -> None:
    """What a migration or an undo did, and an import without automations; one with them is."""
    apply("pipelines", REPAIRS)
    make_deal(crm, by=firm.seller, pipeline="repairs")
    entered = {"on": {"entered": "repairs.lost"}, "do": [{"update": {"source": "x"}}]}
    apply("pipelines", GONE)
    assert tried(crm, firm, entered).heard == 0
    changes = {"on": {"changed": "deal", "fields": ["title"]}, "do": [{"update": {"source": "x"}}]}
    one = make_deal(crm, by=firm.seller, title="Gate")
    for origin, automations, heard in ((None, True, 1), ("import:x", False, 1), ("import with automations:x", True, 2)):
        with crm.work(firm.seller, origin=origin, automations=automations) as work:
            act = work.act
            records.update(work, [Update(Deal, one.id, title=f"Gate {origin}")])
        assert tried(crm, firm, changes).heard == heard
    undo(act)
    assert tried(crm, firm, changes).heard == 2


def _tasks() -> Any:
    from opencrm import Query

    return Query(Task)


def test_what_the_past_does_not_tell_is_said(crm: CRM, firm: Firm) -> None:
    """Standing still, and the time of the day; and fields that are not there for whoever asks."""
    for on in ({"rotten": "windows.new"}, {"every": "Mo", "at": "09:00", "of": "deal"}):
        with pytest.raises(InputError, match="is not in the past"):
            tried(crm, firm, {"on": on, "do": [{"wait": "1d"}]})
    make_deal(crm, by=firm.seller)
    with pytest.raises(InputError, match="no such field"):
        tried(crm, firm, {"on": {"created": "deal"}, "when": {"field": "x", "op": "empty"}, "do": [{"wait": "1d"}]})
    with crm.read(firm.owner) as reader, pytest.raises(NotFound, match="no rule 'nothing'"):
        rehearsing.rule_named(reader, "nothing")


def test_a_run_that_failed_is_shown_and_begun_again(crm: CRM, firm: Firm, bells: Bells, deal: Any) -> None:
    """Its steps with the error for those who keep the rules, without it for who may read the record."""
    one = make_deal(crm, by=firm.seller)
    change(crm, firm, one.id, lost_reason="price")
    for _ in range(10):
        crm.worker().run_once()
        crm.advance("1h")
    with crm.read(firm.owner) as reader:
        [run] = history.of_rules(reader, rule="ring", state="failed").items
    assert [(step["action"], step["state"]) for step in run.steps] == [("call", "failed")]
    assert "out of order" in (run.error or "")
    assert run.rest == ("update",)
    with crm.read(firm.seller) as reader:
        [shown] = history.of_record(reader, "deal", one.id).items
        assert (shown.id, shown.error, shown.steps[0]["error"]) == (run.id, None, None)
        with pytest.raises(PermissionDenied):
            history.of_rules(reader)
    with crm.read(firm.stranger) as reader, pytest.raises(NotFound):
        history.of_record(reader, "deal", one.id)
    with crm.work(firm.seller) as work, pytest.raises(PermissionDenied):
        history.retry(work, run.id)
    bells.works = True
    with crm.work(firm.owner) as work:
        history.retry(work, run.id)
    crm.worker().run_once()
    assert deal(one.id).source == "rung"
    with crm.work(firm.owner) as work, pytest.raises(DomainError, match="this run is done"):
        history.retry(work, run.id)
    with crm.work(firm.owner) as work, pytest.raises(NotFound):
        history.retry(work, one.id)


def test_a_rule_is_switched_off_and_on_a_plugins_too(crm: CRM, firm: Firm, deal: Any, apply: Apply, undo: Any) -> None:
    """From the next change on, in the journal, and to be undone; what waits goes on, or is given up."""
    apply("rules", LARGE.replace("do = [", 'do = [{wait = "1d"}, '))
    one, two = make_deal(crm, by=firm.seller), make_deal(crm, by=firm.seller)
    change(crm, firm, one.id, amount=2000, currency="EUR")
    act = ""
    for key in ("large", "ring"):
        with crm.work(firm.owner) as work:
            switching.switch(work, key, "off")
            act = work.act
    change(crm, firm, two.id, amount=2000, currency="EUR", lost_reason="x")
    crm.advance("25h")
    assert (deal(one.id).source, deal(two.id).source) == ("large", None)
    assert not is_on(crm, "ring")
    undo(act)
    assert is_on(crm, "ring")
    with crm.work(firm.owner) as work:
        switching.switch(work, "large", "on")
    change(crm, firm, two.id, amount=3000)
    with crm.work(firm.owner) as work:
        switching.switch(work, "large", "off", waiting="drop")
    crm.advance("25h")
    assert deal(two.id).source is None
    with crm.read(firm.owner) as reader:
        assert [it.state for it in history.of_rules(reader, rule="large").items] == ["given_up", "done"]
    with crm.work(firm.head) as work, pytest.raises(PermissionDenied):
        switching.switch(work, "ring", "off")


@pytest.mark.parametrize(
    "state, waiting, wrong",
    [
        ("On", "keep", {"state": ["must be one of on, off"]}),
        ("", "Drop", {"state": ["must be one of on, off"], "waiting": ["must be one of keep, drop"]}),
    ],
)
def test_a_state_that_is_none_is_refused(
    crm: CRM, firm: Firm, state: str, waiting: str, wrong: dict[str, list[str]]
) -> None:
    """By name, and the rule stays as it is."""
    with pytest.raises(InputError) as refused, crm.work(firm.owner) as work:
        switching.switch(work, "ring", state, waiting=waiting)
    assert (refused.value.fields, is_on(crm, "ring")) == (wrong, True)


def test_runs_come_in_pages(crm: CRM, firm: Firm, apply: Apply) -> None:
    """Newest first, each once; a cursor that is none, and a limit out of range, are refused by name."""
    apply("rules", LARGE.replace("1000", "1"))
    for amount in (10, 20, 30):
        make_contact(crm, by=firm.seller)
        one = make_deal(crm, by=firm.seller)
        change(crm, firm, one.id, amount=amount, currency="EUR")
    with crm.read(firm.owner) as reader:
        first = history.of_rules(reader, limit=2)
        rest = history.of_rules(reader, limit=2, cursor=first.next)
        found = [it.id for it in (*first.items, *rest.items)]
        assert (len(found), found, rest.next) == (3, sorted(found, reverse=True), None)
        for wrong in ({"limit": 0}, {"limit": 1000}, {"cursor": "x"}):
            with pytest.raises(InputError) as refused:
                history.of_rules(reader, **wrong)
            assert list(refused.value.fields) == list(wrong)
