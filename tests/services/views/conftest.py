"""What the stories about views and segments share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from opencrm import CRM, Create, Principal, SavedView, Segment, records
from opencrm.testing import make_deal

BIG = {"field": "amount", "op": "greater", "value": "100 EUR"}


@pytest.fixture
def save(crm: CRM) -> Callable[..., str]:
    """`save(principal, entity=..., where=...)`: save a view over deals; return its id."""

    def make(by: Principal, /, **fields: Any) -> str:
        with crm.work(by) as work:
            [made] = records.create(work, [Create(SavedView, values={"name": "View", "entity": "deal", **fields})])
        return made.record_id

    return make


@pytest.fixture
def segment(crm: CRM) -> Callable[..., str]:
    """`segment(principal, where=...)`: make a segment of the big deals, unless told otherwise; return its id."""

    def make(by: Principal, /, **fields: Any) -> str:
        values = {"name": "Big", "entity": "deal", "where": BIG, **fields}
        with crm.work(by) as work:
            [made] = records.create(work, [Create(Segment, values=values)])
        return made.record_id

    return make


@pytest.fixture
def deals(crm: CRM, firm: Any) -> dict[str, str]:
    """A big deal and a small one of each of some people; the id by title."""
    made = {}
    for name in ("seller", "fitter", "stranger"):
        for size, amount in (("big", 500), ("small", 50)):
            title = f"{name} {size}"
            made[title] = make_deal(crm, by=getattr(firm, name), title=title, amount=amount).id
    return made
