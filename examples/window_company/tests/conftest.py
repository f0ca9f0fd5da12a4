"""The company with its people, on both databases; and a mail server."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import opencrm_windows
import pytest
from aiosmtpd.controller import Controller
from opencrm_windows import contract

from opencrm import CRM, Create, Role, Unit, User, organisation, records
from opencrm.embed import FileStore, ManualClock
from opencrm.plugins import documents
from opencrm.testing import MONDAY

PEOPLE = {"head": "head", "seller": "seller", "fitter": "fitter", "second_fitter": "fitter", "calculator": "calculator"}
"""Who works here, and in which role."""


@pytest.fixture
def crm(request: pytest.FixtureRequest, crm_database: str, tmp_path: Path) -> Iterator[CRM]:
    """A fresh workspace with the plugin, on SQLite and on PostgreSQL; its clock stands still until it is advanced."""
    url = f"sqlite:///{tmp_path}/crm.db" if crm_database == "sqlite" else request.getfixturevalue("pg_url")
    store = FileStore(place=str(tmp_path / "files"))
    crm = CRM(url, plugins=[documents, opencrm_windows], clock=ManualClock(MONDAY), files=store)
    owner = crm.init(owner="Olga Owner", email="owner@windows.example", unit="Windows Ltd")
    contract.add(crm, owner)
    with crm.work(owner) as work:
        records.create(work, [Create(Unit, name="Sales", parent_id=organisation.find(work, Unit, "Windows Ltd"))])
        sales = organisation.find(work, Unit, "Sales")
        for name, role in PEOPLE.items():
            place = {"unit_id": sales, "role_id": organisation.find(work, Role, role), "is_head": role == "head"}
            records.create(work, [Create(User, name=name, email=f"{name}@windows.example", memberships=[place])])
    yield crm
    crm.close()


@pytest.fixture
def firm(crm: CRM) -> SimpleNamespace:
    """The company's people: `firm.seller`, `firm.head` ..."""
    people = {name: crm.principal(f"{name}@windows.example") for name in ("owner", *PEOPLE)}
    return SimpleNamespace(**people)


@pytest.fixture
def mail_server() -> Iterator[SimpleNamespace]:
    """A mail server that is there: its `url`, and the `letters` that it took."""
    letters: list[EmailMessage] = []

    class Letterbox:
        async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802  # aiosmtpd's name
            letters.append(message_from_bytes(envelope.content, policy=policy.default))
            return "250 OK"

    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    controller = Controller(Letterbox(), hostname="127.0.0.1", port=port)
    controller.start()
    yield SimpleNamespace(url=f"smtp://127.0.0.1:{port}", letters=letters)
    controller.stop()
