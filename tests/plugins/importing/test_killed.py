"""An import that is killed at any moment is complete and nothing doubled after it ran again."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.sizes import LONG

from opencrm import CRM, Company, Contact, ContactPoint, Query

ROWS = 3_000
MAP = """
system = "x"
[[target]]
entity = "company"
key = "firm"
existing = "keep"
fields.name = "firm"
[[target]]
entity = "contact"
{key}
fields.name = "name"
[[target.parts.points]]
kind = { value = "email" }
value = "mail"
"""


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database of each kind."""
    return f"sqlite:///{tmp_path}/crm.db" if request.param == "sqlite" else request.getfixturevalue("pg_url")


@pytest.mark.parametrize(
    "key, kills", [('key = "no"', 20 if LONG else 6), ("", 5 if LONG else 3)], ids=["keyed", "by row number"]
)
def test_kill_9_loses_and_doubles_nothing(tmp_path: Path, url: str, key: str, kills: int) -> None:
    """Killed at random moments again and again, then left alone."""
    crm = CRM(url)
    owner = crm.init(owner="Ann")
    crm.close()
    file, named = tmp_path / "rows.csv", tmp_path / "map.toml"
    rows = (f"{at},Name {at},p{at}@example.com,Firm {at % 50}\n" for at in range(ROWS))
    file.write_text("no,name,mail,firm\n" + "".join(rows))
    named.write_text(MAP.replace("{key}", key))
    moments = random.Random(7)
    for _ in range(kills):
        _kill(url, file, named, after=moments.random() * 0.3)
    with _start(url, file, named) as process:
        process.communicate()
        assert process.returncode == 0
    with crm.read(owner) as reader:
        assert reader.count(Contact) == ROWS
        assert reader.count(ContactPoint) == ROWS
        assert reader.count(Company) == 50
        assert len({row.name for row in reader.stream(Query(Contact, fields=["name"]))}) == ROWS
    crm.close()


def _start(url: str, file: Path, named: Path) -> subprocess.Popen[bytes]:
    program = Path(__file__).with_name("killed_import.py")
    return subprocess.Popen([sys.executable, program, url, file, named], stdout=subprocess.PIPE)


def _kill(url: str, file: Path, named: Path, *, after: float) -> None:
    """Kill an import some seconds after its first rows are in."""
    with _start(url, file, named) as process:
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(after)
        process.send_signal(signal.SIGKILL)
