"""`opencrm demo`: a believable window company, made in seconds."""

from __future__ import annotations

import re
import shutil
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from opencrm import (
    CRM,
    Activity,
    Company,
    Contact,
    ContactPoint,
    Create,
    CustomField,
    Deal,
    Empty,
    Not,
    Principal,
    Query,
    Task,
    Unit,
    User,
    at_least,
    records,
)
from opencrm.cli.root import root
from opencrm.embed import principal_of
from opencrm.plugins.demo.selling import tell
from opencrm.plugins.demo.story import Story
from opencrm.plugins.sample_pipelines import LEADS, SALES

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
PIPELINES = {"leads": LEADS, "sales": SALES}
ROLES = ("owner", "senior_manager", "manager_1", "manager_2", "support")

GRUMPY = """
from opencrm import hookimpl


@hookimpl(entity="tag")
def opencrm_check_change(changes):
    raise RuntimeError("not today")
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Result]:
    """A demo's file, and what making it printed."""
    file = tmp_path_factory.mktemp("demo") / "windows.db"
    return file, CliRunner().invoke(root, ["demo", "--no-serve", "--db", str(file)], prog_name="opencrm")


@pytest.fixture
def crm(made: tuple[Path, Result]) -> Iterator[CRM]:
    """The demo, opened."""
    opened = CRM(f"sqlite:///{made[0]}")
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def story() -> Story:
    """A year of the company."""
    return tell(7, NOW, PIPELINES)


def keys(output: str) -> dict[str, str]:
    """Return the printed keys by role."""
    return dict(re.findall(r"^  (\w+) .* (opencrm_\S+)$", output, re.MULTILINE))


def test_the_same_arguments_tell_the_same_story(story: Story) -> None:
    """Chance comes from the seed alone; another seed tells another one."""
    assert tell(7, NOW, PIPELINES) == story
    assert tell(8, NOW, PIPELINES) != story


def test_nothing_in_the_story_comes_after_now_or_before_the_year(story: Story) -> None:
    """History spreads over 12 months; only what is due lies ahead."""
    past = [sale.created_at for sale in story.sales] + [touch.at for touch in story.touches]
    past += [at for sale in story.sales for _, at in sale.moves]
    assert max(past) <= NOW
    assert min(past) >= NOW - timedelta(days=368)
    assert len({(at.year, at.month) for at in past}) >= 12


def test_every_deal_walks_along_allowed_moves(story: Story) -> None:
    """Each step is one that a seller could have made."""
    for sale in story.sales:
        stages = [stage for stage, _ in sale.moves]
        assert stages[0] == PIPELINES[sale.pipeline].initial
        assert all(PIPELINES[sale.pipeline].allows(*step) for step in pairwise(stages))
        assert [at for _, at in sale.moves] == sorted(at for _, at in sale.moves)


def test_nobody_real_can_be_reached(story: Story) -> None:
    """Addresses are of reserved domains, numbers of ranges kept for fiction; all are told apart."""
    emails = [each.email for each in (*story.people, *story.firms)]
    phones = [each.phone for each in (*story.people, *story.firms)]
    assert all(email.endswith((".example", "@example.com")) for email in emails)
    fiction = r"07700 900\d{3}|(0113|0161|0117) 496 0\d{3}"
    assert all(re.fullmatch(fiction, phone) for phone in phones)
    assert len(set(emails)) == len(emails)
    assert len(set(phones)) == len(phones)


def test_it_has_the_promised_size(made: tuple[Path, Result], crm: CRM) -> None:
    """300 contacts, 120 companies, 250 deals in two pipelines, three branches, eight users of five roles."""
    assert made[1].exit_code == 0, made[1].output
    with crm.read(crm.sole_owner()) as reader:
        counts = [reader.count(entity) for entity in (Contact, Company, Deal, Unit, User)]
        deals = list(reader.stream(Query(Deal)))
        assert reader.count(Activity) > 400
        assert reader.count(Task) > 100
        assert reader.count(ContactPoint) == 840
    assert counts == [300, 120, 250, 4, 8]
    assert set(Counter(deal.pipeline for deal in deals)) == {"leads", "sales"}
    assert {"won", "lost", "offer", "rejected"} <= {deal.stage for deal in deals}
    assert len({f"{deal.created_at:%Y-%m}" for deal in deals}) >= 12


def test_it_prints_a_key_for_each_role(made: tuple[Path, Result], crm: CRM) -> None:
    """Each works, and shows what that role may see: a seller his own, the owner all."""
    found = keys(made[1].stdout)
    assert set(found) == set(ROLES)
    seen = {}
    for role, secret in found.items():
        with crm.read(principal_of(secret)) as reader:
            seen[role] = reader.count(Deal)
    assert seen["owner"] == seen["senior_manager"] == 250
    assert 0 < seen["manager_2"] < seen["manager_1"] < seen["support"] == 250
    for role, number in seen.items():
        assert re.search(rf"^  {role} .* {number} of 250 deals", made[1].stdout, re.MULTILINE)


def test_amounts_without_a_currency_are_in_pounds(crm: CRM) -> None:
    """The demo's workspace has the currency of its deals."""
    with crm.read(crm.sole_owner()) as reader:
        assert 0 < reader.count(Deal, at_least("amount", 1000)) < 250


def test_a_second_time_the_demo_is_kept(made: tuple[Path, Result]) -> None:
    """What was tried out in it stays; the keys are new."""
    file, first = made
    again = CliRunner().invoke(root, ["demo", "--no-serve", "--db", str(file)], prog_name="opencrm")
    assert again.exit_code == 0
    assert set(keys(again.stdout).values()).isdisjoint(keys(first.stdout).values())


def test_fresh_makes_it_anew(call: Callable[..., Result], folder: Path) -> None:
    """The file in the current folder is replaced as a whole; nothing else is left there but what writers lock."""
    first = keys(call("demo", "--no-serve").stdout)["owner"]
    assert call("demo", "--no-serve", "--fresh").exit_code == 0
    crm = CRM("sqlite:///opencrm-demo.db")
    with pytest.raises(Exception, match="cannot sign in"), crm.read(principal_of(first)):
        pass
    crm.close()
    assert sorted(path.name for path in folder.iterdir()) == ["opencrm-demo.db", "opencrm-demo.db-turn"]


def test_fresh_leaves_a_demo_alone_that_is_served(made: tuple[Path, Result], crm: CRM) -> None:
    """What is written there would be lost."""
    file, _ = made
    with crm.read(crm.sole_owner()) as reader:
        known = reader.count(Deal)
    done = CliRunner().invoke(root, ["demo", "--no-serve", "--fresh", "--db", str(file)], prog_name="opencrm")
    assert (done.exit_code, "in use" in done.stderr) == (8, True)
    with crm.read(crm.sole_owner()) as reader:
        assert reader.count(Deal) == known


@pytest.mark.parametrize("more", [(), ("--fresh",)])
def test_somebodys_data_is_never_overwritten(call: Callable[..., Result], more: tuple[str, ...]) -> None:
    """A workspace that is no demo is refused and left as it is."""
    call("init", "--owner", "Ann", "--db", "real.db")
    done = call("demo", "--no-serve", "--db", "real.db", *more)
    assert done.exit_code == 8
    assert "real.db" in done.stderr
    assert call("user", "token", "Ann", "--db", "real.db").exit_code == 0


@pytest.mark.parametrize("content", [b"", b"my notes", b"SQLite format 3\x00" + bytes(100)])
def test_a_file_that_is_no_demo_is_left_alone(call: Callable[..., Result], folder: Path, content: bytes) -> None:
    """Whatever it is."""
    (folder / "notes").write_bytes(content)
    assert call("demo", "--no-serve", "--db", "notes").exit_code == 8
    assert (folder / "notes").read_bytes() == content


def test_what_breaks_half_way_leaves_no_file(
    call: Callable[..., Result], folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The demo stands whole or not at all."""
    plugins = tmp_path_factory.mktemp("plugins")
    (plugins / "grumpy.py").write_text(GRUMPY)
    done = call("demo", "--no-serve", "--plugin-dir", str(plugins))
    assert done.exit_code == 8
    assert "grumpy" in done.stderr
    assert not list(folder.iterdir())


def test_a_terminal_shows_how_far_it_is(terminal: Callable[..., tuple[int, str]]) -> None:
    """A bar on a terminal, and none elsewhere."""
    code, shown = terminal("demo", "--no-serve")
    assert code == 0
    assert "100%" in shown


def test_no_bar_elsewhere(made: tuple[Path, Result]) -> None:
    """A log stays clean."""
    assert "%" not in made[1].output


@pytest.mark.parametrize("database", ["postgresql://localhost/x", ":memory:", "no/such/folder/x.db"])
def test_where_it_cannot_live(call: Callable[..., Result], database: str) -> None:
    """An SQLite file in a folder that exists, and nothing else."""
    assert call("demo", "--no-serve", "--db", database).exit_code == 8


def test_the_file_is_marked(made: tuple[Path, Result]) -> None:
    """By SQLite's own application id, which no table of ours can hold by accident."""
    with closing(sqlite3.connect(made[0])) as database:
        assert database.execute("PRAGMA application_id").fetchone()[0] != 0


def test_it_serves_rest_with_documentation(folder: Path) -> None:
    """The address is printed; a printed key opens the deals."""
    command = [sys.executable, "-m", "opencrm.cli", "demo", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            lines = [process.stdout.readline() for _ in range(8)]
            address = re.search(r"http://\S+:\d+", lines[-1])
            assert address, lines
            secret = keys("".join(lines))["owner"]
            request = urllib.request.Request(
                f"{address[0]}/api/v1/deals", headers={"Authorization": f"Bearer {secret}"}
            )
            with urllib.request.urlopen(request, timeout=60) as answer:
                assert answer.status == 200
            with urllib.request.urlopen(f"{address[0]}/", timeout=60) as answer:
                assert answer.url.rstrip("/").endswith("/api/docs")
        finally:
            process.terminate()
    assert process.returncode == 0


def test_its_queue_is_worked_while_it_is_served(made: tuple[Path, Result], folder: Path) -> None:
    """As `opencrm run` does: a roll-up that is defined meanwhile is counted."""
    shutil.copy(made[0], folder / "opencrm-demo.db")
    calls = {"over": "activity", "by": "contact_id", "measure": "count"}
    command = [sys.executable, "-m", "opencrm.cli", "demo", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process, closing(_demo()) as crm:
        try:
            assert process.stdout is not None
            assert any("It answers at" in process.stdout.readline() for _ in range(8))
            owner = crm.sole_owner()
            with crm.work(owner) as work:
                field = Create(CustomField, entity="contact", key="calls", label="Calls", kind="number", rollup=calls)
                records.create(work, [field])
            assert _within_a_minute(lambda: _counted(crm, owner) == 300)
        finally:
            process.terminate()


def _demo() -> CRM:
    return CRM("sqlite:///opencrm-demo.db")


def _counted(crm: CRM, owner: Principal) -> int:
    with crm.read(owner) as reader:
        return reader.count(Contact, Not(Empty("calls")))


def _within_a_minute(test: Callable[[], bool]) -> bool:
    end = time.monotonic() + 60
    while not test() and time.monotonic() < end:
        time.sleep(0.2)
    return test()
