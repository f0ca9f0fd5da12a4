"""What a plugin's automation reads and writes: what roles deny to people is not denied to it."""

from __future__ import annotations

import pytest

from opencrm import Contact, Deal, InputError, Role, Rule, Update, created, hookimpl, records, update
from opencrm.testing import make_contact, make_deal


class Marking:
    """Writes two fields of what is created: an open one, and a sensitive one."""

    @hookimpl
    def opencrm_register_rules(self):
        yield Rule("marking_deal", on=created(Deal), do=[update(source="web")])
        yield Rule("marking_contact", on=created(Contact), do=[update(birthday="2000-01-01")])


@pytest.fixture
def crm_plugins():
    return [Marking()]


def test_what_one_role_denies_is_not_denied_to_automations(crm, firm):
    """Somebody else's role says nothing of what an owner approved."""
    with crm.work(firm.owner) as work:
        denied = [{"entity": "deal", "field": "source", "read": False, "write": False}]
        records.update(work, [Update(Role, firm.roles["firm_seller"], field_rules=denied)])
    deal = make_deal(crm, by=firm.seller)
    with crm.read(firm.owner) as reader:
        assert reader.get(Deal, deal.id).source == "web"
    with crm.read(firm.seller) as reader:
        assert "source" not in reader.get(Deal, deal.id).values()


def test_what_is_sensitive_is_closed_to_them(crm, firm):
    """The rule cannot write it, and says so on the record."""
    with pytest.raises(InputError, match="birthday"):
        make_contact(crm, by=firm.owner)
