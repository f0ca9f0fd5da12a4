"""Pipelines and rules over REST: listed, planned, applied, tried, switched; and what rules did."""

from __future__ import annotations

import pytest

NOBODY = "0190a000-0000-7000-8000-000000000000"
RULE = {
    "key": "large",
    "on": {"changed": "deal", "fields": ["amount"]},
    "when": {"field": "amount", "op": "greater", "value": 1000},
    "do": [{"update": {"source": "large"}}],
}
PIPELINE = {"key": "repairs", "moves": [["new", "done"]], "stages": [{"key": "new"}, {"key": "done", "kind": "won"}]}


def test_a_pipeline_is_planned_applied_listed_and_undone(as_, firm):
    """The plan keeps nothing; what was applied has its own automation's grants."""
    owner = as_(firm.owner)
    planned = owner.post("/v1/pipelines/plan", {"pipelines": [PIPELINE]})
    assert (planned.status_code, planned.json["steps"][0]["act"]) == (200, "create")
    assert [it["stage"] for it in planned.json["steps"][0]["stages"]] == ["repairs.new", "repairs.done"]
    assert {it["key"] for it in owner.get("/v1/pipelines").json["items"]} == {"windows"}
    applied = owner.post("/v1/pipelines/apply", {"pipelines": [PIPELINE]})
    assert applied.json == planned.json
    [own] = [it for it in owner.get("/v1/pipelines").json["items"] if it["source"] is None]
    assert (own["key"], own["definition"]["stages"]) == ("repairs", PIPELINE["stages"])
    assert owner.post("/v1/pipelines/apply", {"pipelines": [PIPELINE]}).json["steps"] == []
    assert owner.post("/v1/undo", {"act": applied.headers["OpenCRM-Act"]}).status_code == 200
    assert len(owner.get("/v1/pipelines").json["items"]) == 1


def test_a_rule_is_applied_runs_and_is_switched(as_, firm):
    """Its runs stand at the record, too; off, it does nothing."""
    owner, seller = as_(firm.owner), as_(firm.seller)
    assert owner.post("/v1/rules/apply", {"rules": [RULE]}).status_code == 200
    deal = seller.make("deals", title="Gate")["id"]
    seller.patch(f"/v1/deals/{deal}", {"amount": "2000"})
    assert seller.get(f"/v1/deals/{deal}").json["source"] == "large"
    [run] = seller.get(f"/v1/deals/{deal}/runs").json["items"]
    assert (run["rule"], run["state"], [step["action"] for step in run["steps"]]) == ("large", "done", ["update"])
    assert owner.get("/v1/rules/runs?rule=large").json["items"] == [run]
    past = owner.post("/v1/rules/large/try", {"since": "1d"}).json
    assert (past["things"], past["only_since"]) == (1, None)
    tried = owner.post("/v1/rules/other/try", {"rule": {**RULE, "when": {"field": "amount", "op": "empty"}}})
    assert (tried.json["heard"], tried.json["things"]) == (1, 0)
    assert owner.post("/v1/rules/large/off", {}).json == {"key": "large", "active": False}
    seller.patch(f"/v1/deals/{deal}", {"amount": "3000", "source": "x"})
    assert seller.get(f"/v1/deals/{deal}").json["source"] == "x"
    assert owner.post("/v1/rules/large/on", {}).json == {"key": "large", "active": True}
    assert owner.post(f"/v1/rules/runs/{run['id']}/retry", {}).status_code == 409


@pytest.mark.parametrize(
    "path, body, field",
    [
        ("rules/plan", {}, "rules"),
        ("rules/plan", {"rules": 1}, "rules"),
        ("rules/plan", {"rules": [1]}, "rules[0]"),
        ("rules/plan", {"rules": [{}]}, "rules[0].key"),
        ("rules/plan", {"rules": [{"key": "x"}]}, "rules[0]"),
        ("rules/plan", {"rules": [{**RULE, "do": [{"update": {"x": 1}}]}]}, "rules[0].do[0].update.x"),
        ("rules/apply", {"rules": [{**RULE, "on": {"changed": "\x00"}}]}, "rules[0].on.changed"),
        ("pipelines/plan", {"pipelines": [{**PIPELINE, "retired": "x"}]}, "pipelines[0].retired"),
        ("pipelines/apply", {"pipelines": [{**PIPELINE, "key": "A b"}]}, "pipelines[0].key"),
        ("rules/x/try", {"since": "soon"}, "since"),
        ("rules/x/try", {"rule": {"key": "x"}}, None),
        ("rules/x/off", {"drop": 1}, "drop"),
        ("rules/x/off", {"state": "On"}, "state"),
        ("rules/x/Off", {}, None),
    ],
)
def test_a_bad_body_is_refused_by_name(as_, firm, path, body, field):
    """Whatever is wrong with it."""
    answer = as_(firm.owner).post(f"/v1/{path}", body)
    assert answer.status_code == (422 if field else 404), answer.text
    if field:
        assert field in answer.json["errors"]


def test_what_cannot_be_read_keeps_nobody_waiting(as_, crm, firm):
    """A text is judged before the transaction: here somebody else writes meanwhile."""
    hours = {"name": "c", "hours": "Mo 00:00-00:01", "zone": "Europe/London"}
    task = {"key": "call", "title": "Call", "due": "84h", "calendar": hours}
    stages = [{"key": "new", "tasks": [task]}, {"key": "done", "kind": "won"}]
    owner = as_(firm.owner)
    owner.get("/v1/pipelines")
    with crm.work(firm.owner):
        answer = owner.post("/v1/pipelines/plan", {"pipelines": [{**PIPELINE, "stages": stages}]})
    told = "task 'call': due: calendar 'c': takes longer than five years from 2026-01-05 in its hours"
    assert (answer.status_code, [*answer.json["errors"].values()]) == (422, [[told]])


def test_who_does_not_keep_the_rules_sees_none_of_it(as_, firm):
    """403 for lists, plans, tries and switches; 404 for runs of what they may not read."""
    seller = as_(firm.seller)
    assert seller.get("/v1/pipelines").status_code == seller.get("/v1/rules").status_code == 403
    assert seller.post("/v1/rules/apply", {"rules": [RULE]}).status_code == 403
    assert [seller.post("/v1/rules/x/try", it).status_code for it in ({}, {"rule": RULE})] == [403, 403]
    assert seller.get("/v1/rules/runs").status_code == 403
    assert seller.post(f"/v1/rules/runs/{NOBODY}/retry", {}).status_code == 403
    assert seller.get(f"/v1/deals/{NOBODY}/runs").status_code == 404
    assert as_(firm.owner).post(f"/v1/rules/runs/{NOBODY}/retry", {}).status_code == 404
