"""A mass edit that is killed at any moment is one act, complete and nothing doubled, after it went on."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

from sqlalchemy import select

from opencrm import CRM, Create, Deal, Query, records, taking_back
from opencrm.storage import tables

DEALS = 1_000
KILLS = 4


def test_kill_9_loses_and_doubles_nothing(tmp_path: Path) -> None:
    """Killed at random moments, gone on with, and undone as a whole."""
    url = f"sqlite:///{tmp_path}/crm.db"
    crm = CRM(url)
    owner = crm.init(owner="Ann")
    with crm.work(owner) as work:
        records.create(work, [Create(Deal, title=f"D{at}", source="fair") for at in range(DEALS)])
    moments = random.Random(7)
    act = _kill(url, None, after=moments.random() * 0.1)
    for _ in range(KILLS):
        assert _kill(url, act, after=moments.random() * 0.1) in (act, "")
    with _start(url, act) as process:
        process.communicate()
        assert process.returncode == 0
    table = tables.journal
    with crm.read(owner) as reader:
        assert Counter(row.source for row in reader.stream(Query(Deal, fields=["source"]))) == {"web": DEALS}
        lines = reader.tx.query("lines", lambda: select(table.c.act).where(table.c.kind == "changed"), {})
    assert Counter(line["act"] for line in lines) == {act: DEALS}
    assert taking_back.run(lambda: crm.work(owner), act).lines == DEALS
    with crm.read(owner) as reader:
        assert Counter(row.source for row in reader.stream(Query(Deal, fields=["source"]))) == {"fair": DEALS}
    crm.close()


def _start(url: str, act: str | None) -> subprocess.Popen[bytes]:
    program = Path(__file__).with_name("killed_edit.py")
    return subprocess.Popen([sys.executable, program, url, "web", *([act] if act else [])], stdout=subprocess.PIPE)


def _kill(url: str, act: str | None, *, after: float) -> str:
    """Kill an edit some time after its first transaction; return its act."""
    with _start(url, act) as process:
        assert process.stdout is not None
        line = process.stdout.readline().decode().strip()
        time.sleep(after)
        process.send_signal(signal.SIGKILL)
    return line
