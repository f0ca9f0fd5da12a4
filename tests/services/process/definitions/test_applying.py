"""Pipelines and rules as text: planned, applied, in force at once, exported, retired."""

from __future__ import annotations

from typing import Any

import pytest
from tests.services.process.definitions.texts import LARGE, REPAIRS, Apply

from opencrm import CRM, Deal, InputError, Move, NotFound, PermissionDenied, Update, pipelines, records
from opencrm.services.definitions.process import planning, switching, text
from opencrm.storage import tables
from opencrm.testing import Firm, make_deal


def change(crm: CRM, firm: Firm, id: str, **values: Any) -> None:
    with crm.work(firm.seller) as work:
        records.update(work, [Update(Deal, id, **values)])


def exported(crm: CRM, firm: Firm, kind: Any) -> str:
    with crm.read(firm.owner) as reader:
        return text.export(reader, kind)


def test_a_plan_keeps_nothing_and_apply_puts_it_in_force(crm: CRM, firm: Firm, plan: Apply, apply: Apply) -> None:
    """The plan tells what the automation may do; what was applied is exported, and applied again changes nothing."""
    planned = plan("pipelines", REPAIRS)
    assert "repairs" not in crm.catalogue.pipelines
    assert planned.steps[0].act == "create"
    assert "  may: deal.read (all), task.create (all)" in str(planned.steps[0])
    assert str(apply("pipelines", REPAIRS).steps[0]) == str(planned.steps[0])
    assert [it.label for it in crm.catalogue.pipelines["repairs"].stages][1] == "In the workshop"
    out = exported(crm, firm, "pipelines")
    assert not apply("pipelines", out).steps
    assert not apply("pipelines", out, retire=True).steps
    assert "# Of the plugin window_sales" in out


def test_a_new_pipeline_gives_its_tasks(crm: CRM, firm: Firm, apply: Apply, rows: Any) -> None:
    """As its own automation, which the journal names."""
    apply("pipelines", REPAIRS)
    deal = make_deal(crm, by=firm.seller, title="Gate", pipeline="repairs")
    [task] = rows(tables.journal.metadata.tables["crm_task"])
    assert (task["title"], task["deal_id"]) == ("Look at Gate", deal.id)
    line = next(it for it in rows(tables.journal) if it["record_id"] == task["id"])
    assert (line["acting_as"], line["rule"]) == ("automation:pipeline.repairs", "repairs.new")


def test_a_new_rule_acts_as_its_own_automation(crm: CRM, firm: Firm, deal: Any, apply: Apply, rows: Any) -> None:
    """From the next change on; the history of runs names it."""
    one = make_deal(crm, by=firm.seller)
    apply("rules", LARGE)
    change(crm, firm, one.id, amount=900, currency="EUR")
    assert deal(one.id).source is None
    change(crm, firm, one.id, amount=1100)
    assert deal(one.id).source == "large"
    [run] = rows(tables.run)
    assert (run["rule"], run["automation"], run["state"]) == ("large", "rule.large", "done")


def test_what_is_under_way_goes_on_when_a_rule_is_edited_and_retired(
    crm: CRM, firm: Firm, deal: Any, apply: Apply
) -> None:
    """A run that waits does what it was begun with; a deleted rule's is given up."""
    waiting = LARGE.replace("do = [", 'do = [{wait = "1d"}, ')
    apply("rules", waiting)
    one = make_deal(crm, by=firm.seller, amount=1, currency="EUR")
    change(crm, firm, one.id, amount=2000)
    apply("rules", waiting.replace('"large"}', '"huge"}'))
    apply("rules", '[[rules]]\nkey = "large"\nretired = true\n')
    assert "large" not in crm.catalogue.process.rules
    crm.advance("25h")
    assert deal(one.id).source == "large"


def test_a_removed_stage_in_use_says_where_its_records_go(
    crm: CRM, firm: Firm, deal: Any, apply: Apply, undo: Any
) -> None:
    """Refused without; with `replaced_by` they are moved in the same act, which can be undone as a whole."""
    apply("pipelines", REPAIRS)
    several = [make_deal(crm, by=firm.seller, pipeline="repairs", amount=5, currency="EUR") for _ in range(3)]
    with crm.work(firm.seller) as work:
        pipelines.move(work, [Move(Deal, it.id, to="fixing") for it in several])
    fewer = REPAIRS.replace('["new", "fixing"], ["fixing", "done"]', '["new", "ready"], ["ready", "done"]')
    fewer = fewer.replace('{key = "fixing", label', '{key = "ready", label')
    with pytest.raises(InputError) as refused:
        apply("pipelines", fewer)
    assert list(refused.value.fields) == ["pipelines[0].replaced_by"]
    assert "fixing: records stand in this stage" in str(refused.value)
    moving = fewer.replace('key = "repairs"', 'key = "repairs"\nreplaced_by = {fixing = "ready"}')
    with crm.work(firm.owner) as work:
        done = planning.carry_out(work, "pipelines", text.parse(moving, "pipelines"))
        act = work.act
    assert [str(it) for it in done.steps[0].touched] == [
        "remove repairs.fixing: 3 records stand there",
        (
            "create repairs.ready: 0 records stand there; moved there by Owner (owner); head (head); lead (lead); "
            "seller (fitter, seller, stranger)"
        ),
    ]
    assert "  records in fixing go to ready" in str(done.steps[0])
    assert {deal(it.id).stage for it in several} == {"ready"}
    assert crm.catalogue.pipelines["repairs"].stage("fixing") is None
    undo(act)
    assert {deal(it.id).stage for it in several} == {"fixing"}
    assert crm.catalogue.pipelines["repairs"].stage("ready") is None
    with crm.work(firm.seller) as work:
        pipelines.move(work, [Move(Deal, several[0].id, to="done")])


def test_a_pipeline_in_use_is_not_retired(crm: CRM, firm: Firm, deal: Any, apply: Apply) -> None:
    """Unless its records go to another one."""
    apply("pipelines", REPAIRS)
    one = make_deal(crm, by=firm.seller, pipeline="repairs")
    with pytest.raises(InputError, match="new: records stand in this stage"):
        apply("pipelines", '[[pipelines]]\nkey = "repairs"\nretired = true\n')
    apply("pipelines", '[[pipelines]]\nkey = "repairs"\nretired = true\nreplaced_by = {new = "windows.new"}\n')
    assert (deal(one.id).pipeline, deal(one.id).stage) == ("windows", "new")
    assert "repairs" not in crm.catalogue.pipelines


def test_what_another_needs_stays(crm: CRM, firm: Firm, apply: Apply) -> None:
    """A stage that a rule listens to, and a task, are not taken away."""
    apply("pipelines", REPAIRS)
    apply("rules", '[[rules]]\nkey = "looked"\non = {done = "look"}\ndo = [{move = "repairs.fixing"}]\n')
    with pytest.raises(InputError, match="rule looked needs it: no stage and no rule gives a task 'look'"):
        apply("pipelines", REPAIRS.replace(', tasks = [{key = "look", title = "Look at {title}", due = "2h"}]', ""))
    with pytest.raises(InputError, match="rule looked needs it: there is no pipeline 'repairs'"):
        apply("pipelines", '[[pipelines]]\nkey = "repairs"\nretired = true\n')


def test_only_who_may_hand_it_on_saves_a_definition(crm: CRM, firm: Firm, apply: Apply) -> None:
    """Somebody without grants of definitions neither reads nor writes them."""
    with pytest.raises(PermissionDenied):
        apply("rules", LARGE, by=firm.head)
    with crm.read(firm.head) as reader, pytest.raises(PermissionDenied):
        text.export(reader, "rules")
    with pytest.raises(NotFound), crm.work(firm.owner) as work:
        switching.switch(work, "nothing", "off")
