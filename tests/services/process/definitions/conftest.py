"""Pipelines and rules as text, applied by an owner."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from tests.services.process.definitions.texts import Apply

from opencrm import CRM, Principal, Undo, undoing
from opencrm.services.definitions.process import planning, text
from opencrm.services.definitions.process.steps import Plan
from opencrm.services.definitions.process.text import Kind
from opencrm.testing import Firm


@pytest.fixture
def crm_plugins() -> Sequence[object]:
    return []


@pytest.fixture
def apply(crm: CRM, firm: Firm) -> Apply:
    """`apply("rules", TEXT)` applies a text as the owner, `by=` as somebody else; gives what was done."""

    def applied(kind: Kind, toml: str, *, by: Principal | None = None, **options: Any) -> Plan:
        with crm.work(by or firm.owner) as work:
            return planning.carry_out(work, kind, text.parse(toml, kind), **options)

    return applied


@pytest.fixture
def plan(crm: CRM, firm: Firm) -> Apply:
    """The same, and nothing is kept."""

    def planned(kind: Kind, toml: str, *, by: Principal | None = None, **options: Any) -> Plan:
        with crm.work(by or firm.owner) as work:
            return planning.rehearse(work, kind, text.parse(toml, kind), **options)

    return planned


@pytest.fixture
def undo(crm: CRM, firm: Firm) -> Callable[[str], None]:
    """`undo(act)` takes an act back, as the owner."""

    def undone(act: str) -> None:
        with crm.work(firm.owner) as work:
            undoing.undo(work, [Undo(act=act)])

    return undone
