"""`opencrm pipelines export | plan | apply`."""

from __future__ import annotations

import pytest

REPAIRS = """
[[pipelines]]
key = "repairs"
moves = [["new", "done"]]
stages = [{key = "new"}, {key = "done", kind = "won"}]
"""


@pytest.fixture
def workspace(call, folder):
    """Ann's workspace, with a text of a pipeline; gives `call`."""
    assert call("init", "--owner", "Ann").exit_code == 0
    (folder / "repairs.toml").write_text(REPAIRS, encoding="utf-8")
    return call


def test_a_plan_says_whom_and_how_many_records_it_touches(workspace, folder):
    """By stage: how many records stand there, and by which roles they are moved there."""
    assert workspace("pipelines", "apply", "repairs.toml").exit_code == 0
    (folder / "deals.csv").write_text("title,pipeline,stage\nGate,repairs,new\nDoor,repairs,new\n", encoding="utf-8")
    assert workspace("import", "deal", "deals.csv").exit_code == 0
    changed = REPAIRS.replace('{key = "new"}', '{key = "inbox"}').replace('["new"', '["inbox"')
    (folder / "changed.toml").write_text(changed, encoding="utf-8")
    refused = workspace("pipelines", "plan", "changed.toml")
    assert refused.exit_code == 3
    assert "pipelines[0].replaced_by: new: records stand in this stage" in refused.stderr
    moving = changed.replace('key = "repairs"', 'key = "repairs"\nreplaced_by = {new = "inbox"}')
    (folder / "moving.toml").write_text(moving, encoding="utf-8")
    planned = workspace("pipelines", "plan", "moving.toml").stdout.splitlines()
    assert planned[0] == "change repairs"
    assert "  remove repairs.new: 2 records stand there" in planned
    assert "  create repairs.inbox: 0 records stand there; moved there by Owner (Ann)" in planned
    assert {"  - stages.new", "  + stages.inbox", "  records in new go to inbox"} <= {*planned}
    applied = workspace("pipelines", "apply", "moving.toml")
    assert applied.stdout.splitlines()[:-1] == planned
    assert "Inbox" in workspace("board", "repairs").stdout


def test_a_plan_shows_reasons_and_who_may_use_it(workspace, folder):
    """And a change of the roles says of each stage who may still move records there."""
    assert workspace("pipelines", "apply", "repairs.toml").exit_code == 0
    lost = '{key = "lost", kind = "lost", reasons = {price = "Too expensive"}}'
    changed = REPAIRS.replace('kind = "won"}', f'kind = "won"}}, {lost}').replace('"done"]]', '"done"], ["*", "lost"]]')
    changed = changed.replace("moves =", 'roles = ["manager_1"]\nmoves =')
    (folder / "changed.toml").write_text(changed, encoding="utf-8")
    planned = workspace("pipelines", "plan", "changed.toml")
    told = planned.stdout.splitlines()
    assert {"  + stages.lost.reasons.price: 'Too expensive'", "  + roles[0]: 'manager_1'"} <= {*told}, planned.output
    assert "  change repairs.new: 0 records stand there; moved there by Owner (Ann)" in told
    assert workspace("pipelines", "apply", "changed.toml").exit_code == 0
    assert 'price = "Too expensive"' in workspace("pipelines", "export").stdout
    (folder / "unknown.toml").write_text(changed.replace('["manager_1"]', '["nobody"]'), encoding="utf-8")
    refused = workspace("pipelines", "plan", "unknown.toml")
    assert refused.exit_code == 3
    assert "pipelines[0].roles: there is no role 'nobody'" in refused.stderr


def test_what_is_not_refused_is_told(workspace, folder):
    """On stderr: a stage that nothing leads to, and an open one with no way out."""
    (folder / "odd.toml").write_text(REPAIRS.replace('{key = "new"}', '{key = "new"}, {key = "odd"}'), encoding="utf-8")
    planned = workspace("pipelines", "plan", "odd.toml")
    assert "warning: repairs.stages[1]: no move leads to the stage repairs.odd" in planned.stderr
    assert "no move leads out of the open stage repairs.odd" in planned.stderr
    (folder / "all.toml").write_text(workspace("pipelines", "export").stdout, encoding="utf-8")
    assert workspace("pipelines", "plan", "all.toml").stdout == "Nothing to do.\n"
