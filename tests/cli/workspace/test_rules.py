"""`opencrm rules export | plan | apply | try | runs | retry | off | on`."""

from __future__ import annotations

import re
from contextlib import closing

import pytest

from opencrm import CRM, Contact, Create, records

RULES = """
[[rules]]
key = "greet"
on = {created = "contact"}
do = [{create = {entity = "activity", values = {subject = "Welcome {name}", contact_id = {value = "id"}}}}]
"""


@pytest.fixture
def workspace(call, folder):
    """Ann's workspace, with a text of rules; gives `call`."""
    assert call("init", "--owner", "Ann").exit_code == 0
    (folder / "rules.toml").write_text(RULES, encoding="utf-8")
    return call


def test_a_text_is_planned_applied_exported_and_undone(workspace, folder):
    """The plan writes nothing, and tells what the rule's automation may do."""
    before = workspace("rules", "export").stdout
    planned = workspace("rules", "plan", "rules.toml")
    assert planned.stdout.splitlines()[0] == "create greet"
    assert "  may: contact.read (all), activity.create (all)" in planned.stdout
    assert workspace("rules", "export").stdout == before
    applied = workspace("rules", "apply", "rules.toml")
    assert applied.stdout.startswith(planned.stdout)
    (folder / "all.toml").write_text(workspace("rules", "export").stdout, encoding="utf-8")
    assert workspace("rules", "apply", "all.toml", "--retire").stdout == "Nothing to do.\n"
    act = re.search(r"opencrm undo (\S+)", applied.stdout)[1]
    assert workspace("undo", act).exit_code == 0
    assert workspace("rules", "export").stdout == before


def test_faults_name_their_places(workspace, folder):
    """One line each, the same for plan and apply."""
    (folder / "bad.toml").write_text(RULES.replace("subject", "subjct") + '[[rules]]\nkey = "x"\n', encoding="utf-8")
    for verb in ("plan", "apply"):
        refused = workspace("rules", verb, "bad.toml")
        assert refused.exit_code == 3
        assert "rules[1]: is required: no plugin has a rule 'x'" in refused.stderr
        assert "rules[0].do[0].create.values.subjct: activity has no field 'subjct'" in refused.stderr
    (folder / "bad.toml").write_text("rules = 1", encoding="utf-8")
    assert "holds [[rules]] tables and nothing else" in workspace("rules", "plan", "bad.toml").stderr


def test_a_rule_is_tried_before_it_is_applied(workspace, folder):
    """From a file, and then by its key; nothing is written."""
    with closing(CRM(f"sqlite:///{folder / 'opencrm.db'}")) as crm, crm.work(crm.sole_owner()) as work:
        records.create(work, [Create(Contact, name=name) for name in ("Bea Baker", "Cal Cook")])
    (folder / "contacts.csv").write_text("name\nDan Dean\n", encoding="utf-8")
    assert workspace("import", "contact", "contacts.csv").exit_code == 0  # It sets off no rule.
    tried = workspace("rules", "try", "greet", "--file", "rules.toml", "--since", "1d")
    assert tried.stdout.splitlines()[0].startswith("greet would have done 2 things, 2 times, since")
    assert "create activity: subject = 'Welcome Cal Cook'" in tried.stdout
    assert workspace("rules", "try", "greet").exit_code == 5
    workspace("rules", "apply", "rules.toml")
    assert "2 things" in workspace("rules", "try", "greet").stdout
    assert workspace("rules", "try", "greet", "--since", "soon").exit_code == 3
    assert workspace("rules", "try", "other", "--file", "rules.toml").exit_code == 5


def test_a_rule_is_switched_and_its_runs_are_listed(workspace):
    """What it did stands in the list until it is off."""
    assert workspace("rules", "runs").stdout == "No runs.\n"
    workspace("rules", "apply", "rules.toml")
    assert workspace("rules", "off", "greet").stdout == "greet is off.\n"
    assert "active = false" in workspace("rules", "export").stdout
    assert workspace("rules", "on", "greet").stdout == "greet is on.\n"
    assert workspace("rules", "off", "nothing").exit_code == 5
    assert workspace("rules", "On", "greet").exit_code == 2
    assert workspace("rules", "retry", "nothing").exit_code == 5
    assert workspace("rules", "runs", "--failed").stdout == "No runs.\n"


def test_the_history_names_what_each_step_was_about(workspace, folder):
    """Which service, whom, which task, in the list of runs."""
    more = '{assign = "owner"}, {notify = {to = "owner", text = "Hello"}}, {wait = "1h"}, '
    text = RULES.replace("do = [", f"do = [{more}")
    (folder / "rules.toml").write_text(text, encoding="utf-8")
    assert workspace("rules", "apply", "rules.toml").exit_code == 0
    with closing(CRM(f"sqlite:///{folder / 'opencrm.db'}")) as crm, crm.work(crm.sole_owner()) as work:
        records.create(work, [Create(Contact, name="Bea")])
    shown = workspace("rules", "runs").stdout.splitlines()[-5:]
    assert shown[0].endswith(" greet:")
    assert shown[1:] == [
        "  assign to owner: done",
        "  notify to owner: done",
        "  wait 1h: done",
        "  create: to be done",
    ]
