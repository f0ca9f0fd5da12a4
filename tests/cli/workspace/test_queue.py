"""`opencrm queue list | retry | drop`, on both databases: what plugins, rules, timers and mail failed at too often."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import Result

from opencrm import CRM, Contact, Create, Deal, Principal, Query, Update, User, records
from opencrm.core.clock import ManualClock
from opencrm.embed import run_history
from opencrm.services.process.notifying import Told, tell

MOODY = """
from pathlib import Path

from opencrm import (
    Contact, Deal, Grant, Objection, Rule, Scope, Service, after, call, created, hookimpl, update,
)


def mended():
    return Path(__file__).with_name("mended").exists()


def run(door, values):
    if not mended():
        raise LookupError("the printer is away")


@hookimpl
def opencrm_register_grants():
    yield Grant("contact", "read", Scope.ALL)


@hookimpl
def opencrm_register_services():
    yield Service(name="moody_print", run=run)


@hookimpl
def opencrm_register_rules():
    yield Rule("moody_letter", on=created(Contact), do=[call("moody_print")])
    yield Rule("moody_late", on=after(Deal, "expected_close", "1d"), do=[update(source="late")])


@hookimpl(entity="deal")
def opencrm_check_change(changes):
    for change in changes:
        if change.after["source"] == "late" and not mended():
            yield Objection(record=change.id, code="moody", text="not in this mood")


@hookimpl(entity="contact")
def opencrm_on_change(entry):
    if not mended():
        raise LookupError("the telephone is away")
"""
FAILED, PRINTER = "plugin 'moody' failed in", "LookupError: the printer is away"
ID = r"[0-9a-f]{8}-[0-9a-f-]{27}"


class Workspace:
    """Ann's workspace, with a plugin that fails until it is mended; its worker's clock runs ahead of the terminal's."""

    def __init__(self, call: Callable[..., Result], url: str, folder: Path) -> None:
        self._call, self._folder = call, folder
        self._settings = {"OPENCRM_DB": url, "OPENCRM_PLUGIN_DIR": str(folder)}
        self.crm = CRM(url, plugin_dir=folder, clock=ManualClock(datetime.now(UTC)))
        self.ann: Principal = self.crm.init(owner="Ann")

    def __call__(self, *args: str) -> Result:
        return self._call("queue", *args, **self._settings)

    def fail(self) -> None:
        """Have a delivery, a run and a timer fail until nobody tries them any more."""
        close = (self.crm.clock.now()).date().isoformat()
        with self.crm.work(self.ann) as work:
            records.create(work, [Create(Contact, name="Bea"), Create(Deal, title="A", expected_close=close)])
        self.work_for("3d")

    def work_for(self, time: str) -> None:
        """Let time pass, with a worker."""
        for _ in range(12):
            self.crm.worker().run_once()
            self.crm.advance("1h")
        self.crm.advance(time)
        self.crm.worker().run_once()

    def mend(self) -> None:
        """Let nothing fail any more."""
        (self._folder / "mended").touch()

    @property
    def source(self) -> str | None:
        """What the rule of the timer writes on the deal."""
        with self.crm.read(self.ann) as reader:
            [deal] = reader.list(Query(Deal))
            return deal.source


@pytest.fixture
def workspace(
    call: Callable[..., Result], folder: Path, crm_database: str, request: pytest.FixtureRequest
) -> Iterator[Workspace]:
    url = f"sqlite:///{folder / 'opencrm.db'}" if crm_database == "sqlite" else request.getfixturevalue("pg_url")
    plugins = folder / "plugins"
    plugins.mkdir()
    (plugins / "moody.py").write_text(MOODY, encoding="utf-8")
    made = Workspace(call, url, plugins)
    with closing(made.crm):
        yield made


def found(shown: Result, what: str) -> str:
    """Return the id of the one line that tells of something."""
    assert shown.exit_code == 0, shown.stderr
    [line] = [line for line in shown.stdout.splitlines() if re.match(f"{ID}  .*{what}", line)]
    return line.split()[0]


def test_an_empty_queue_says_so(workspace: Workspace) -> None:
    """And there is nothing to try again."""
    assert workspace("list").stdout == "The queue is empty.\n"
    assert workspace("retry", "--all").stdout == "0 to be tried again\n"
    assert workspace("retry", "019cadc6-9a80-7c3a-9b1e-4f2a6d8c0e13").exit_code == 5
    assert workspace("retry", "nothing").exit_code == 5
    assert workspace("drop", "nothing", "--reason", "x").exit_code == 5


def test_what_failed_too_often_is_listed_with_why(workspace: Workspace) -> None:
    """A delivery, a run of a rule, and a timer: how many, since when, of which record, and the error."""
    workspace.fail()
    shown = workspace("list")
    counts = [line.partition(", the oldest of")[0] for line in shown.stdout.splitlines() if "the oldest of" in line]
    assert {"plugin moody: 1 dead", "rule moody_letter: 1 failed", "timer field: 1 dead"} <= {*counts}
    lines = [line for line in shown.stdout.splitlines() if re.match(ID, line)]
    assert [re.sub(ID, "ID", line) for line in lines] == [
        f"ID  dead  moody  contact ID, tried 8 times: {FAILED} opencrm_on_change: LookupError: the telephone is away",
        f"ID  failed  run of moody_letter  contact ID, tried 8 times: {FAILED} the service moody_print: {PRINTER}",
        "ID  dead  timer of moody_late  deal ID, tried 8 times: not in this mood",
    ]
    assert re.findall("run of|timer of|  moody  ", workspace("list", "--state", "failed").stdout) == ["run of"]
    assert re.findall("run of|timer of", workspace("list", "--state", "dead").stdout) == ["timer of"]
    assert re.findall("run of|timer of|  moody  ", workspace("list", "--plugin", "moody").stdout) == ["  moody  "]
    assert workspace("list", "--state", "odd").exit_code == 3


def test_letters_that_nothing_can_send_are_counted_with_what_to_set(workspace: Workspace) -> None:
    with workspace.crm.work(workspace.ann) as work:
        records.update(work, [Update(User, workspace.ann.id, email="ann@example.com")])
        tell(work, [Told(workspace.ann.id, "Look", "user", workspace.ann.id, how=("mail",))])
    workspace.crm.worker().run_once()
    [line] = [line for line in workspace("list").stdout.splitlines() if line.startswith("mail: ")]
    assert line.startswith("mail: 1 unsent, the oldest of ")
    assert "no mail server is set: set OPENCRM_SMTP_URL" in line


@pytest.mark.parametrize("what", ["moody  contact", "run of moody_letter", "timer of moody_late"])
def test_each_is_tried_again_by_its_id(workspace: Workspace, what: str) -> None:
    """And only that one; once it is done, it is in the queue no more."""
    workspace.fail()
    id = found(workspace("list"), what)
    workspace.mend()
    assert workspace("retry", id).stdout == "1 to be tried again\n"
    workspace.crm.worker().run_once()
    left = workspace("list").stdout
    assert id not in left
    assert len(re.findall(f"^{ID}  (?:dead|failed)", left, re.MULTILINE)) == 2
    assert (workspace.source == "late") is ("timer" in what)
    assert workspace("retry", id).exit_code == 5


def test_all_are_tried_again(workspace: Workspace) -> None:
    """What is not mended fails again, and what is, is done."""
    workspace.fail()
    assert workspace("retry", "--all").stdout == "3 to be tried again\n"
    workspace.work_for("1d")
    assert len(re.findall(f"^{ID}  (?:dead|failed)", workspace("list").stdout, re.MULTILINE)) == 3
    workspace.mend()
    assert workspace("retry", "--all", "--plugin", "moody").stdout == "1 to be tried again\n"
    assert workspace("retry", "--all").stdout == "2 to be tried again\n"
    workspace.crm.worker().run_once()
    assert not re.findall(ID, workspace("list").stdout)
    assert workspace.source == "late"


def test_a_delivery_is_dropped_with_a_reason(workspace: Workspace) -> None:
    """It is told as dropped, and not tried again; the options of `retry` say what they want."""
    workspace.fail()
    id = found(workspace("list"), "moody  contact")
    assert workspace("drop", id).exit_code == 2
    assert workspace("drop", id, "--reason", "the partner\nclosed").stdout == "dropped\n"
    [line] = [line for line in workspace("list", "--state", "dropped").stdout.splitlines() if line.startswith(id)]
    assert "the partner closed" in line
    assert workspace("retry", id).exit_code == 5
    for wrong in ([], [id, "--all"], ["--plugin", "moody"]):
        assert workspace("retry", *wrong).exit_code == 2


@pytest.mark.parametrize("what", ["run of moody_letter", "timer of moody_late"])
def test_what_rules_failed_at_is_dropped_with_a_reason(workspace: Workspace, what: str) -> None:
    """It is in the queue no more, never tried again, and the record's history of runs tells who dropped it and why."""
    workspace.fail()
    id = found(workspace("list"), what)
    assert workspace("drop", id, "--reason", "not needed").stdout == "dropped\n"
    workspace.mend()
    assert id not in workspace("list").stdout
    assert workspace("drop", id, "--reason", "again").exit_code == 5
    assert workspace("retry", id).exit_code == 5
    assert workspace("retry", "--all").stdout == "2 to be tried again\n"
    workspace.work_for("1d")
    assert (workspace.source == "late") is ("timer" not in what)
    with workspace.crm.read(workspace.ann) as reader:
        runs = run_history.of_rules(reader, rule=what.rpartition(" ")[2], state="given_up").items
    assert [(it.state, (it.error or "").rpartition(": ")[2]) for it in runs] == [("given_up", "not needed")]
    assert "dropped by" in (runs[0].error or "")
