"""A transfer that is killed at any moment is one act, complete and nothing doubled, after it went on."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

from sqlalchemy import select

from opencrm import CRM, Contact, Create, Deal, Query, Unit, organisation, records, taking_back
from opencrm.storage import tables

CLIENTS = 300
DEALS = 2
KILLS = 4


def test_kill_9_loses_and_doubles_nothing(tmp_path: Path) -> None:
    """Killed at random moments, gone on with, each client's deals with the client, and undone as a whole."""
    url = f"sqlite:///{tmp_path}/crm.db"
    crm = CRM(url)
    owner = crm.init(owner="Ann")
    people = _people(crm, owner)
    _fill(crm, owner, people["bob"])
    moments = random.Random(7)
    act = _kill(url, None, after=moments.random() * 0.1)
    for _ in range(KILLS):
        assert _kill(url, act, after=moments.random() * 0.1) in (act, "")
    with _start(url, act) as process:
        process.communicate()
        assert process.returncode == 0
    assert _owners(crm, owner) == dict.fromkeys([people["cleo"], people["dan"]], CLIENTS * (DEALS + 1) // 2)
    table = tables.journal
    with crm.read(owner) as reader:
        whose = {row.id: row.owner_id for row in reader.stream(Query(Contact))}
        assert all(deal.owner_id == whose[deal.contact_id] for deal in reader.stream(Query(Deal)))
        lines = reader.tx.query("lines", lambda: select(table.c.act).where(table.c.kind == "assigned"), {})
    assert Counter(line["act"] for line in lines) == {act: CLIENTS * (DEALS + 1)}
    assert taking_back.run(lambda: crm.work(owner), act).lines == CLIENTS * (DEALS + 1)
    assert _owners(crm, owner) == {people["bob"]: CLIENTS * (DEALS + 1)}
    crm.close()


def _people(crm, owner):
    with crm.work(owner) as work:
        unit = organisation.find(work, Unit, "Company")
        return {
            name: organisation.add_user(work, name, email=f"{name}@example.com", role="manager_2", unit=unit)
            for name in ("bob", "cleo", "dan")
        }


def _fill(crm, owner, user):
    with crm.work(owner) as work:
        contacts = records.create(work, [Create(Contact, name=f"C{at}", owner_id=user) for at in range(CLIENTS)])
        deals = [
            Create(Deal, title="D", contact_id=contact.record_id, owner_id=user)
            for contact in contacts
            for _ in range(DEALS)
        ]
        records.create(work, deals)


def _owners(crm, owner):
    with crm.read(owner) as reader:
        rows = (row for entity in (Contact, Deal) for row in reader.stream(Query(entity, fields=["owner_id"])))
        return dict(Counter(row["owner_id"] for row in rows))


def _start(url: str, act: str | None) -> subprocess.Popen[bytes]:
    program = Path(__file__).with_name("killed_transfer.py")
    return subprocess.Popen([sys.executable, program, url, *([act] if act else [])], stdout=subprocess.PIPE)


def _kill(url: str, act: str | None, *, after: float) -> str:
    """Kill a transfer some time after its first transaction; return its act."""
    with _start(url, act) as process:
        assert process.stdout is not None
        line = process.stdout.readline().decode().strip()
        time.sleep(after)
        process.send_signal(signal.SIGKILL)
    return line
