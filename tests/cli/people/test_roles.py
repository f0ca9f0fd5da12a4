"""`opencrm roles export | plan | apply | copy`."""

from __future__ import annotations

import re

import pytest

FITTER = """
[[roles]]
key = "fitter"
name = "Fitter\u001b[2J"
rank = 250
grants = [{ entities = ["deal", "task"], actions = ["read", "update"], scope = "team" }]
"""
WIDE = 'grants = [{ entities = ["deal"], actions = ["read"], scope = "all" }]'


@pytest.fixture
def workspace(call, folder):
    """Ann's workspace, with a branch that Sam manages; gives `call`."""
    assert call("init", "--owner", "Ann").exit_code == 0
    assert call("user", "add", "Sam", "--role", "senior_manager", "--unit", "Company").exit_code == 0
    (folder / "fitter.toml").write_text(FITTER.replace("\u001b", "\\u001b"), encoding="utf-8")
    return call


def test_a_text_is_planned_applied_exported_and_undone(workspace, folder):
    """The plan writes nothing; what was applied is exported, and `undo` takes the act back."""
    before = workspace("roles", "export").stdout
    planned = workspace("roles", "plan", "fitter.toml")
    assert planned.stdout.splitlines()[0] == "create fitter"
    assert "  grants + deal.read (team)" in planned.stdout
    assert "\u001b" not in planned.stdout
    assert workspace("roles", "export").stdout == before
    applied = workspace("roles", "apply", "fitter.toml")
    assert applied.exit_code == 0
    assert applied.stdout.startswith(planned.stdout)
    (folder / "all.toml").write_text(workspace("roles", "export").stdout, encoding="utf-8")
    assert workspace("roles", "plan", "all.toml").stdout == "Nothing to do.\n"
    assert workspace("roles", "apply", "all.toml", "--delete").stdout == "Nothing to do.\n"
    act = re.search(r"opencrm undo (\S+)", applied.stdout)[1]
    assert workspace("undo", act).exit_code == 0
    assert workspace("roles", "export").stdout == before


def test_a_plan_says_who_holds_the_role(workspace, folder):
    """By name, five of them, and how many more there are."""
    for at in range(7):
        workspace("user", "add", f"M{at}", "--role", "manager_2", "--unit", "Company")
    (folder / "more.toml").write_text('[[roles]]\nkey = "manager_2"\nrank = 310\n', encoding="utf-8")
    planned = workspace("roles", "plan", "more.toml")
    assert planned.stdout.splitlines()[:2] == ["change manager_2", "  rank: 300 > 310"]
    assert "  held by M0, M1, M2, M3, M4 and 2 more" in planned.stdout


def test_the_plan_refuses_what_apply_refuses(workspace, folder):
    """With the same words and the same code, one line each; nothing is made."""
    bad = FITTER.replace("\u001b", "") + '[[roles]]\nkey = "x"\ngrants = [{ entities = ["deel"] }]\n'
    (folder / "bad.toml").write_text(bad, encoding="utf-8")
    before = workspace("roles", "export").stdout
    planned, applied = workspace("roles", "plan", "bad.toml"), workspace("roles", "apply", "bad.toml")
    assert (planned.exit_code, planned.stdout, planned.stderr) == (applied.exit_code, applied.stdout, applied.stderr)
    assert (planned.exit_code, planned.stdout) == (3, "")
    assert "roles[2].grants: x: line 1: actions is missing" in planned.stderr
    assert workspace("roles", "export").stdout == before


@pytest.mark.parametrize("verb", ["plan", "apply"])
@pytest.mark.parametrize(
    "text, rule",
    [
        ('key = "manager_2"\nrank = 301\n', "home"),
        ('key = "boss"\nrank = 600\nhome_unit = "North"\n', "rank"),
        (f'key = "wide"\nrank = 1\nhome_unit = "North"\n{WIDE}\n', "delegable"),
    ],
)
def test_a_manager_is_refused_by_the_rule_that_is_broken(workspace, folder, verb, text, rule):
    """A branch's manager changes no role of the whole company, makes no equal, and hands on no more than they may."""
    _north(folder)
    workspace("user", "add", "Nora", "--role", "senior_manager", "--unit", "North")
    (folder / "r.toml").write_text(f"[[roles]]\n{text}", encoding="utf-8")
    done = workspace("roles", verb, "r.toml", "--as", "Nora")
    assert done.exit_code == 4
    assert f'rule "{rule}"' in done.stderr
    assert done.stdout == ""


def test_a_manager_copies_a_role_into_their_branch(workspace, folder):
    """And edits it there, and nowhere else."""
    _north(folder)
    workspace("user", "add", "Nora", "--role", "senior_manager", "--unit", "North")
    assert workspace("roles", "copy", "manager_2", "north_manager", "--as", "Nora").exit_code == 4
    copied = workspace("roles", "copy", "manager_2", "north_manager", "--home", "North", "--as", "Nora")
    assert copied.exit_code == 0, copied.output
    text = '[[roles]]\nkey = "north_manager"\nname = "Seller, North"\nrank = 290\n'
    (folder / "r.toml").write_text(text, encoding="utf-8")
    assert workspace("roles", "apply", "r.toml", "--as", "Nora").exit_code == 0
    assert 'name = "Seller, North"\nrank = 290\nhome_unit = "Company / North"' in workspace("roles", "export").stdout


def test_copies_are_told_and_refused(workspace):
    """An id on one line; a key that is taken, or not there, in one line."""
    done = workspace("roles", "copy", "manager_2", "junior", "--name", "Junior", "--rank", "9")
    assert re.fullmatch(r"[0-9a-f-]{36}\n", done.stdout)
    assert 'key = "junior"\nname = "Junior"\nrank = 9\n' in workspace("roles", "export").stdout
    assert workspace("roles", "copy", "manager_2", "junior").exit_code == 6
    assert workspace("roles", "copy", "nothing", "junior_2").exit_code == 5


def _north(folder):
    from opencrm import CRM, Create, Unit, organisation, records

    crm = CRM("sqlite:///opencrm.db")
    with crm.work(crm.sole_owner()) as work:
        company = organisation.find(work, Unit, "Company")
        records.create(work, [Create(Unit, name="North", parent_id=company)])
    crm.close()


def test_a_plan_says_what_people_gain_and_lose(workspace, folder):
    """On how many records, by act and entity; nothing of it is kept."""
    workspace("user", "add", "Mia", "--role", "manager_2", "--unit", "Company")
    (folder / "deals.csv").write_text("Title\nWindows\nDoors\n", encoding="utf-8")
    assert workspace("import", "deal", "deals.csv", "--as", "Ann").exit_code == 0
    text = '[[roles]]\nkey = "manager_2"\ngrants = [{ entities = ["deal"], actions = ["read"], scope = "team" }]\n'
    (folder / "r.toml").write_text(text, encoding="utf-8")
    planned = workspace("roles", "plan", "r.toml")
    assert planned.exit_code == 0, planned.output
    assert "1 user gains read on 2 deals" in planned.stdout.splitlines()
    assert any(line.startswith("1 user loses read on ") for line in planned.stdout.splitlines())
    assert workspace("export", "deal", "--as", "Mia").exit_code == 4
