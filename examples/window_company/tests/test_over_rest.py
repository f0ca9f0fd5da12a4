"""The whole process over REST alone, from the form to the report: `opencrm run` as a process, and a real mail server.

People do what people do, each by their own key; everything else the system does. Time passes by the sandbox's clock.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import attrs
import pytest
from opencrm_windows import company
from opencrm_windows.demo import LOCALE
from pypdf import PdfReader

from opencrm import CRM
from opencrm.embed import FileStore

LONDON = ZoneInfo("Europe/London")
MARIA = {"name": "Maria Lopez", "phone": "020 7183 8750", "email": "maria@example.com", "windows_heat": "hot"}
SIZES = [{"room": "Kitchen", "width": 1200, "height": 900}, {"room": "Hall", "width": 600, "height": 1400}]
ADDRESS = re.compile(r"http://127\.0\.0\.1:\d+")
PATIENCE = 30.0


@attrs.frozen
class Answer:
    """What the server answered."""

    status: int
    body: bytes

    @property
    def json(self) -> Any:
        """What it says, of JSON."""
        return json.loads(self.body)


@attrs.frozen
class Person:
    """Somebody at the door: with a key, or as a stranger."""

    address: str
    key: str | None = None

    def ask(self, method: str, path: str, body: Any = None) -> Answer:
        """Ask for something, and return what is answered."""
        headers = {"Accept": "application/json", "Content-Type": "application/json"}
        if self.key is not None:
            headers["Authorization"] = f"Bearer {self.key}"
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.address}{path}", data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as found:
                return Answer(found.status, found.read())
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, error.read())

    def get(self, path: str) -> Any:
        """Return what stands at a path of REST."""
        return self._given("GET", path).json

    def content(self, path: str) -> bytes:
        """Return the file at a path of REST."""
        return self._given("GET", path).body

    def post(self, path: str, body: Any) -> Any:
        """Do something over REST."""
        return self._given("POST", path, body).json

    def tasks(self) -> list[dict[str, Any]]:
        """Return one's open tasks."""
        found = self.get("tasks?state=open&owner_id=me")
        return list(found["items"])

    def finish(self, kind: str, **answers: Any) -> dict[str, Any]:
        """Finish one's only open task, which is of this kind; return it as it was."""
        [task] = self.tasks()
        assert task["kind"] == kind
        self.post(f"tasks/{task['id']}/done", {"answers": answers} if answers else {})
        return task

    def inbox(self) -> list[str]:
        """Return what one was told, the newest first."""
        return [it["text"] for it in self.get("inbox")["items"]]

    def _given(self, method: str, path: str, body: Any = None) -> Answer:
        answer = self.ask(method, f"/api/v1/{path}", body)
        assert answer.status < 300, (method, path, answer)
        return answer


@contextmanager
def running(folder: Path, **settings: str) -> Iterator[str]:
    """Run `opencrm run` in a folder until the block ends; give its address."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("OPENCRM_")}
    command = [sys.executable, "-m", "opencrm.cli", "run", "--port", "0"]
    with subprocess.Popen(command, cwd=folder, env=ours | settings, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            told = process.stderr.readline()
            address = ADDRESS.search(told)
            assert address, told
            threading.Thread(target=process.stderr.read, daemon=True).start()  # A full pipe would stop it.
            yield address[0]
            process.terminate()
            assert process.wait(PATIENCE) == 0
        finally:
            process.kill()


def until(found: Callable[[], Any]) -> Any:
    """Return what is found as soon as it is there: what the worker does comes a moment later."""
    end = time.monotonic() + PATIENCE
    while not (it := found()):
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.05)
    return it


@attrs.frozen
class Served:
    """The company at work: its people by their names, a visitor of its site, and what the mail server took."""

    people: dict[str, Person]
    visitor: Person
    mail: SimpleNamespace

    def __getitem__(self, name: str) -> Person:
        return self.people[name]

    def now(self) -> datetime:
        """Return what the clock shows."""
        return datetime.fromisoformat(self["Margaret"].get("clock")["now"])

    def advance(self, by: timedelta) -> None:
        """Let time pass."""
        self["Margaret"].post("clock/advance", {"by": f"{by // timedelta(seconds=1)}s"})

    def fitter(self) -> Person:
        """Return the fitter who has something to do."""
        [one] = [it for it in (self["Colm"], self["Freya"]) if it.tasks()]
        return one


@pytest.fixture
def served(
    request: pytest.FixtureRequest, crm_database: str, mail_server: SimpleNamespace, tmp_path: Path
) -> Iterator[Served]:
    """The company in a sandbox, served with its worker, on a Monday morning at nine."""
    url = f"sqlite:///{tmp_path}/crm.db" if crm_database == "sqlite" else request.getfixturevalue("pg_url")
    files = f"{tmp_path}/files"
    keys = made(url, files)
    own = {"OPENCRM_DB": url, "OPENCRM_FILES": files, "OPENCRM_BASE_URL": "https://crm.clearmere.example"}
    own |= {"OPENCRM_REGION": "GB", "OPENCRM_CURRENCY": "GBP"}
    with running(tmp_path, OPENCRM_SMTP_URL=mail_server.url, OPENCRM_SANDBOX_SENDS="yes", **own) as address:
        found = Served({name: Person(address, key) for name, key in keys.items()}, Person(address), mail_server)
        found.advance(next_monday(found.now()) - found.now())
        yield found


def made(url: str, files: str) -> dict[str, str]:
    """Make the company in a sandbox; return the people's keys."""
    with closing(CRM(url, locale=LOCALE, files=FileStore(place=files))) as crm:
        company.make(crm)
        crm.sandbox.make(crm.sole_owner())
        return dict(company.keys(crm, label="test", days=30))


def next_monday(now: datetime) -> datetime:
    """Return the next Monday, nine o'clock in London."""
    there = now.astimezone(LONDON)
    monday = (there + timedelta(days=7 - there.weekday())).replace(hour=9, minute=0, second=0, microsecond=0)
    return monday.astimezone(UTC)


def test_a_request_becomes_a_window_over_rest(served: Served) -> None:
    """From the visitor's request to the letter about the finished order."""
    rory, dylan, ines = served["Rory"], served["Dylan"], served["Ines"]
    form = served.visitor.ask("GET", "/forms/request").json
    served.advance(timedelta(minutes=1))  # The form was shown for long enough to be filled in.
    sent = {"answers": MARIA, "token": form["token"], "consent": True}
    assert served.visitor.ask("POST", "/forms/request", sent).status == 200

    [deal] = rory.get("deals")["items"]
    [call] = rory.tasks()
    assert (deal["stage"], call["title"]) == ("request", "Call Maria Lopez")
    served.advance(datetime.fromisoformat(call["due_at"]) - served.now() - timedelta(seconds=2))
    assert ines.inbox() == []
    assert until(ines.inbox) == ["Overdue: Call Maria Lopez"]  # Of the worker, when two more seconds have passed.
    rory.finish("call", windows_address="12 Mill Lane, Bath")

    fitter = served.fitter()
    [visit] = fitter.tasks()
    assert visit["title"] == "Take measurements at 12 Mill Lane, Bath"
    assert visit["starts_at"] is not None
    served.advance(timedelta(days=1))
    fitter.finish("measure", sizes=SIZES)
    dylan.finish("price", amount="4800")

    path = f"deals/{deal['id']}/files"
    [contract] = until(lambda: rory.get(path)["items"])
    text = PdfReader(BytesIO(rory.content(f"files/{contract['id']}/content"))).pages[0].extract_text()
    assert [
        it for it in ("Maria Lopez", "Kitchen", "1400", "4,800.00 GBP", "maria@example.com") if it not in text
    ] == []

    paid = {"record": deal["id"], "answers": {"amount": "4800"}, "once": "TX 1"}
    assert served["Margaret"].ask("POST", "/forms/payment", paid).status == 200
    until(lambda: rory.get(f"deals/{deal['id']}")["stage"] == "installation")
    assert "Paid, we install: Maria Lopez" in rory.inbox()

    served.advance(timedelta(days=2))
    served.fitter().finish("install")
    until(lambda: "Finished order: Maria Lopez, 4800 GBP" in ines.inbox())
    [letter] = until(lambda: [it for it in served.mail.letters if it["To"] == company.email("Ines")])
    assert "Finished order: Maria Lopez, 4800 GBP" in letter.get_content()
    assert ines.get(f"deals/{deal['id']}")["stage"] == "won"
