"""opencrm_register_slas: promises about time."""

from __future__ import annotations

import pytest

from opencrm import Deal, Empty, Escalation, Not, PluginError, Sla, created, head_of, hookimpl, owner, promises
from opencrm.testing import make_deal


class Prices:
    """Promises a price."""

    @hookimpl
    def opencrm_register_slas(self):
        late = Escalation(to=head_of(owner), text="No price: {title}", reassign=True)
        yield Sla(
            "prices_first",
            on=Deal,
            start=created(Deal),
            stop=Not(Empty("amount")),
            targets="4h",
            escalations=[late],
        )


class Copy(Prices):
    """Has a promise of the same key."""

    name = "copy"


class TestSlas:
    """What they entail is done as the plugin's automation."""

    @pytest.fixture
    def crm_plugins(self):
        return [Prices()]

    def test_a_promise_that_is_not_kept_goes_to_the_head(self, crm, firm):
        """Grants are derived from it."""
        deal = make_deal(crm, by=firm.seller)
        crm.advance("5h")
        with crm.read(firm.head) as reader:
            [one] = promises.of(reader, Deal, deal.id)
            line = reader.history(Deal, deal.id)[-1]
        assert (one.state, line.acting_as, line.rule) == ("breached", "automation:prices", "prices_first")
        assert line.after["owner_id"] == firm.head.id


def test_two_plugins_cannot_have_one_promise(make_crm):
    """Both are named."""
    with pytest.raises(PluginError, match="sla 'prices_first' is registered by"):
        make_crm([Prices(), Copy()])
