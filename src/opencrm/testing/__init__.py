"""The test kit for those who build on opencrm: a pytest plugin, found by pytest by itself, and factories.

from opencrm.testing import make_deal

def test_the_head_sees_the_teams_deals(crm, firm):
    deal = make_deal(crm, by=firm.seller)
    with crm.read(firm.head) as reader:
        assert reader.get(Deal, deal.id).title == deal.title
"""

from __future__ import annotations

from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from opencrm.testing.factories import (
        make_activity,
        make_company,
        make_contact,
        make_deal,
        make_product,
        make_record,
        make_task,
    )
    from opencrm.testing.firm import MONDAY, Firm, firm_of, set_up_firm
    from opencrm.testing.process import Sent, finish, inbox, submit
    from opencrm.testing.statements import Statements, recorded

_HOME = MappingProxyType(
    {
        "MONDAY": "firm",
        "Firm": "firm",
        "Sent": "process",
        "Statements": "statements",
        "finish": "process",
        "firm_of": "firm",
        "inbox": "process",
        "make_activity": "factories",
        "make_company": "factories",
        "make_contact": "factories",
        "make_deal": "factories",
        "make_product": "factories",
        "make_record": "factories",
        "make_task": "factories",
        "recorded": "statements",
        "set_up_firm": "firm",
        "submit": "process",
    }
)

__all__ = [
    "MONDAY",
    "Firm",
    "Sent",
    "Statements",
    "finish",
    "firm_of",
    "inbox",
    "make_activity",
    "make_company",
    "make_contact",
    "make_deal",
    "make_product",
    "make_record",
    "make_task",
    "recorded",
    "set_up_firm",
    "submit",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'opencrm.testing' has no attribute {name!r}")
    return getattr(import_module(f"opencrm.testing.{_HOME[name]}"), name)
