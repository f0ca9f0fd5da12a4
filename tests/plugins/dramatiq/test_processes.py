"""`opencrm dramatiq send` and `work` as real processes, over real brokers, killed in the middle."""

from __future__ import annotations

from collections import Counter

import pytest
from sqlalchemy import func, select
from tests.plugins.dramatiq.processes import PLUGINS, Process, until

from opencrm import CRM, Activity, Contact, Create, Query, records
from opencrm.plugins.dramatiq.engine import QUEUE, broker_at
from opencrm.storage import tables

CONTACTS = 200
NAMES = [f"C{at}" for at in range(CONTACTS)]


@pytest.fixture(params=["valkey", "rabbitmq"])
def broker_url(request):
    """The URL of a broker; the one is beside SQLite here, the other beside PostgreSQL."""
    return request.getfixturevalue(request.param)


@pytest.fixture
def crm(request, broker_url, tmp_path):
    """A workspace with the plugin `effects`, and its owner."""
    url = f"sqlite:///{tmp_path / 'crm.db'}" if broker_url.startswith("valkey") else request.getfixturevalue("pg_url")
    crm = CRM(url, plugin_dir=PLUGINS)
    crm.init(owner="Olive")
    yield crm
    crm.close()


@pytest.fixture
def told(tmp_path):
    """The file of whom the plugin was told."""
    return tmp_path / "told"


@pytest.fixture
def processes(crm, broker_url, told, tmp_path):
    """One that sends, and two that work; what was sent before is gone."""
    broker = broker_at(broker_url)
    broker.declare_queue(QUEUE)
    broker.flush(QUEUE)
    broker.close()
    url = crm.database.engine.url.render_as_string(hide_password=False)
    several = [("send", "--lost-after", "4s"), ("work", "--threads", "4"), ("work", "--threads", "4")]
    variables = {"OPENCRM_BROKER": broker_url, "TOLD": str(told)}
    found = [Process(each, variables, url, tmp_path / "log") for each in several]
    yield found
    for each in found:
        each.stop()


def left(crm) -> int:
    """Return how much is still to be done."""
    with crm.database.read() as tx:
        waiting = [select(func.count().label("n")).select_from(tables.delivery)]
        waiting.append(select(func.count().label("n")).where(tables.run.c.state != "done"))
        waiting.append(select(func.count().label("n")).where(tables.journal.c.pending))
        return sum(tx.query(("left", at), lambda one=one: one, {})[0]["n"] for at, one in enumerate(waiting))


def subjects(crm, owner) -> Counter[str]:
    with crm.read(owner) as reader:
        return Counter(it.subject for it in reader.stream(Query(Activity)))


def make(crm, owner, names) -> None:
    for at in range(0, len(names), 20):
        with crm.work(owner) as work:
            records.create(work, [Create(Contact, name=name) for name in names[at : at + 20]])


def test_killed_workers_lose_nothing_and_double_nothing(crm, told, processes, tmp_path):
    """Effects in a transaction with `once` are there once; what was outside of one was at least once."""
    owner, [sending, *working] = crm.sole_owner(), processes
    for each in processes:
        each.start()
    make(crm, owner, NAMES[: CONTACTS // 2])
    for at in range(6):
        begun = len(told.read_text().split()) if told.exists() else 0
        assert until(lambda: told.exists() and len(told.read_text().split()) > begun + 5, 60), log(tmp_path)  # noqa: B023
        killed = sending if at == 3 else working[at % 2]
        killed.kill()
        make(crm, owner, NAMES[CONTACTS // 2 :][at * 10 : at * 10 + 10])
        killed.start()
    make(crm, owner, NAMES[CONTACTS // 2 + 60 :])
    assert until(lambda: left(crm) == 0, 90, 0.3), (left(crm), log(tmp_path))
    expected = {f"{kind} {name}" for kind in ("told", "later") for name in NAMES}
    found = subjects(crm, owner)
    assert ({*found} ^ expected, {it for it, number in found.items() if number > 1}) == (set(), set())
    assert {*told.read_text().split()} == {*NAMES}
    assert [each.stop() for each in processes] == [0, 0, 0], log(tmp_path)
    assert sum(each.kills for each in processes) == 6


def log(folder) -> str:
    return (folder / "log").read_text()[-3000:]
