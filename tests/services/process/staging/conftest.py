"""Friends: a pipeline of contacts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from tests.services.process.staging.friends import Friends

from opencrm import (
    CRM,
    Contact,
    Move,
    pipelines,
)
from opencrm.services.reading.rows import Record
from opencrm.testing import Firm


@pytest.fixture
def crm_plugins() -> Sequence[object]:
    return [Friends()]


@pytest.fixture
def go(crm: CRM, firm: Firm) -> Callable[..., None]:
    """`go(contact, "guest", last_name="Lopez")` moves a contact."""

    def gone(one: Record, to: str, **values: Any) -> None:
        with crm.work(firm.owner) as work:
            pipelines.move(work, [Move(Contact, one.id, to=to, values=values)])

    return gone


@pytest.fixture
def now(crm: CRM) -> Callable[[str], Record]:
    """`now(id)` gives a contact as the owner sees it."""

    def found(id: str) -> Record:
        with crm.read(crm.sole_owner()) as reader:
            return reader.get(Contact, id)

    return found
