"""`opencrm fields export | plan | apply`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

TEXT = """
[[fields]]
entity = "deal"
key = "town"
kind = "text"

[[fields]]
entity = "deal"
key = "floors"
kind = "number"
indexed = true
"""


@pytest.fixture
def workspace(call: Callable[..., Result], folder: Path) -> Callable[..., Result]:
    """Ann's workspace, and a text with two fields; gives `call`."""
    assert call("init", "--owner", "Ann").exit_code == 0
    (folder / "fields.toml").write_text(TEXT, encoding="utf-8")
    return call


def test_a_text_is_planned_applied_and_exported(workspace, folder):
    """The plan writes nothing; what was applied is exported, and planning it again finds nothing to do."""
    planned = workspace("fields", "plan", "fields.toml")
    assert planned.stdout == "create deal.town\ncreate deal.floors\n"
    assert workspace("fields", "export").stdout == ""
    applied = workspace("fields", "apply", "fields.toml")
    assert applied.exit_code == 0
    assert applied.stdout.startswith(planned.stdout)
    assert applied.stdout.count(" built\n") == 5
    exported = workspace("fields", "export").stdout
    (folder / "again.toml").write_text(exported, encoding="utf-8")
    assert workspace("fields", "plan", "again.toml").stdout == "Nothing to do.\n"


def test_fields_are_imported_and_exported(workspace, folder):
    """A column is matched by a custom field's label or name, and leaves under its name."""
    workspace("fields", "apply", "fields.toml")
    (folder / "deals.csv").write_text("Title,Town,floors\nWindows,Rīga,3\nDoors,,x\n", encoding="utf-8")
    done = workspace("import", "deal", "deals.csv")
    assert "1 of 2 rows stay out" in done.output
    assert ",floors," in (folder / "deals.csv.errors.csv").read_text(encoding="utf-8")
    out = workspace("export", "deal", "--fields", "title,town,floors")
    assert out.stdout.splitlines()[0].endswith("title,town,floors")
    assert out.stdout.splitlines()[1].endswith("Windows,Rīga,3.00")


def test_a_bad_text_is_refused_in_one_line(workspace, folder):
    """Naming the table and the key; nothing is made."""
    (folder / "fields.toml").write_text(TEXT + '[[fields]]\nentity = "deel"\nkey = "a"\nkind = "text"\n')
    done = workspace("fields", "apply", "fields.toml")
    assert done.exit_code == 3
    assert "deel" in done.stderr
    assert workspace("fields", "export").stdout == ""


def test_the_plan_refuses_what_apply_refuses(workspace, folder):
    """With the same words and the same code; apply tells no step of what it does not do."""
    (folder / "fields.toml").write_text(TEXT + '[[fields]]\nentity = "deal"\nkey = "sort"\nkind = "text"\n')
    planned, applied = workspace("fields", "plan", "fields.toml"), workspace("fields", "apply", "fields.toml")
    assert (planned.exit_code, planned.stdout, planned.stderr) == (applied.exit_code, applied.stdout, applied.stderr)
    assert planned.exit_code == 3
    assert "fields[3].key: deal.sort: cannot be 'sort'" in planned.stderr
    assert planned.stdout == ""


def test_a_roll_up_is_counted_at_once(workspace, folder):
    """Where no worker runs, too."""
    (folder / "contacts.csv").write_text("Name\nBob\n", encoding="utf-8")
    workspace("import", "contact", "contacts.csv")
    calls = 'kind = "number"\nrollup = {over = "activity", by = "contact_id", measure = "count"}\n'
    (folder / "fields.toml").write_text(f'[[fields]]\nentity = "contact"\nkey = "calls"\n{calls}')
    done = workspace("fields", "apply", "fields.toml")
    assert "contact.calls counted\n" in done.stdout
    assert workspace("export", "contact", "--fields", "calls").stdout.splitlines()[1].endswith("0.00")
    (folder / "fields.toml").write_text('[[fields]]\nentity = "contact"\nkey = "calls"\nretired = true\n')
    assert workspace("fields", "plan", "fields.toml").stdout == "retire contact.calls: 1 record holds a value\n"


def test_it_is_for_owners(workspace, folder):
    """Somebody else is told that they may not."""
    assert workspace("user", "add", "Bob", "--role", "manager_2", "--unit", "Company").exit_code == 0
    assert workspace("fields", "apply", "fields.toml", "--as", "Bob").exit_code == 4
