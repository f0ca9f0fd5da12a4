"""Contents that belong to no file are collected; none that does ever is, at whatever moment a process dies."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from tests.services.files.conftest import PDF

from opencrm import Deal, Delete, File, files, records
from opencrm.core.clock import SystemClock
from opencrm.services.files.collecting import GRACE, Collected, collect
from opencrm.testing import make_deal

DAY = timedelta(days=1)


@pytest.fixture
def later():
    """`later(2)`: the system's time in two days and an hour."""
    now = SystemClock().now()
    return lambda days: now + days * DAY + timedelta(hours=1)


def test_what_belongs_to_nothing_goes_after_a_day_aside(crm, firm, put, later):
    """Not before, and what belongs to a file stays."""
    file, lost = put(), crm.files.put(b"lost")
    assert collect(crm.workspace, now=later(0)) == Collected()
    assert collect(crm.workspace, now=later(1)) == Collected(aside=1)
    assert crm.workspace.contents.read(lost.sha256) == b"lost"
    assert collect(crm.workspace, now=later(1.5)) == Collected()
    assert collect(crm.workspace, now=later(3)) == Collected(removed=1)
    assert crm.files.open(firm.seller, file).read() == PDF
    assert len(list(crm.workspace.contents.stored())) == 1


def test_what_is_added_while_it_is_set_aside_is_found_and_comes_back(crm, firm, deal, later):
    """The transaction that adds it may end at any moment of the collection."""
    content = crm.files.check(firm.seller, crm.files.put(PDF), Deal, deal.id, name="a.pdf")
    collect(crm.workspace, now=later(1))
    with crm.work(firm.seller) as work:
        [line] = files.add(work, [files.AddFile(Deal, deal.id, name="a.pdf", content=content)])
    assert crm.files.open(firm.seller, line.record_id).read() == PDF
    assert collect(crm.workspace, now=later(3)) == Collected(back=1)
    assert crm.files.open(firm.seller, line.record_id).read() == PDF


def test_what_a_deleted_file_held_stays(crm, firm, put, later):
    """It may be restored."""
    file = put()
    with crm.work(firm.seller) as work:
        records.delete(work, [Delete(File, file)])
    assert collect(crm.workspace, now=later(5)) == Collected()


def test_the_worker_collects_once_a_day(crm, firm, later):
    """By the workspace's clock; how old a content is says the system's."""
    crm.files.put(b"lost")
    worker = crm.worker()
    worker.run_once()
    assert len(list(crm.workspace.contents.stored())) == 1
    for path in _places(crm):
        os.utime(path, (0, 0))
    worker.run_once()
    assert len(list(crm.workspace.contents.stored())) == 1
    crm.clock.advance(GRACE)
    worker.run_once()
    assert len(list(crm.workspace.contents.stored())) == 0


def _places(crm) -> list[Path]:
    root = crm.workspace.contents._place._root
    return [path for path in root.rglob("*") if path.is_file()]


PROGRAM = """
import sys, time
from opencrm import CRM, Deal, Principal, files
url, principal, deal, step = sys.argv[1:]
crm = CRM(url)
content = crm.files.put(b"half-way" * 1000)
if step == "stored":
    print("here", flush=True)
    time.sleep(60)
content = crm.files.check(Principal.user(principal), content, Deal, deal, name="a.txt")
with crm.work(Principal.user(principal)) as work:
    files.add(work, [files.AddFile(Deal, deal, name="a.txt", content=content)])
    print("here", flush=True)
    time.sleep(60)
"""
BREAKING_OFF = """
import sys, time
from opencrm import CRM
def blocks():
    yield b"half-way" * 1000
    print("here", flush=True)
    time.sleep(60)
CRM(sys.argv[1]).files.put(blocks())
"""


@pytest.mark.parametrize("crm_database", ["sqlite"], indirect=True)
@pytest.mark.parametrize("program, step", [(PROGRAM, "stored"), (PROGRAM, "added"), (BREAKING_OFF, "arriving")])
def test_a_process_killed_on_the_way_leaves_no_file_without_a_content(crm, firm, later, program, step):
    """Between the content and the commit, and in the middle of the content."""
    deal = make_deal(crm, by=firm.seller)
    url = str(crm.database.engine.url)
    command = [sys.executable, "-c", program, url, firm.seller.id, deal.id, step]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=_environment()) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"here\n"
        process.send_signal(signal.SIGKILL)
    with crm.read(firm.owner) as reader:
        assert reader.count(File) == 0
    again = crm.files.add(firm.seller, Deal, deal.id, b"half-way" * 1000, name="a.txt")
    assert crm.files.open(firm.seller, again.record_id).read() == b"half-way" * 1000
    done = collect(crm.workspace, now=later(2))
    assert (done.aside, done.unfinished) == (0, 1 if step == "arriving" else 0)
    assert crm.files.open(firm.seller, again.record_id).read() == b"half-way" * 1000


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
