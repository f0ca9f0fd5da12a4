"""What the stories about custom fields share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from opencrm import CRM, Create, CustomField, records
from opencrm.testing import Firm

Define = Callable[..., str]


@pytest.fixture
def define(crm: CRM, firm: Firm) -> Define:
    """`define("deal", "city", "text", label="City")`: a custom field, made by the owner; gives its id."""

    def make(entity: str, key: str, kind: str = "text", **values: Any) -> str:
        given = {"entity": entity, "key": key, "kind": kind, "label": key.title(), **values}
        with crm.work(firm.owner) as work:
            [entry] = records.create(work, [Create(CustomField, values=given)])
        return entry.record_id

    return make


@pytest.fixture
def another(crm: CRM) -> CRM:
    """The same workspace, as another process has it."""
    return CRM(engine=crm.database.engine, schema=crm.database.schema, clock=crm.clock)
