"""opencrm_register_services: what rules have done after a commit."""

from __future__ import annotations

import pytest

from opencrm import (
    Deal,
    Equal,
    Grant,
    NotFound,
    PermissionDenied,
    PluginError,
    Rule,
    Scope,
    Service,
    call,
    created,
    hookimpl,
)
from opencrm.testing import make_deal


class Bells:
    """Rings for new deals."""

    def __init__(self) -> None:
        self.rung: list[tuple[str, str, object]] = []

    @hookimpl
    def opencrm_register_services(self):
        yield Service(name="bells_ring", run=self._ring)
        yield Service(name="bells_ring_now", run=self._ring_now, by_hand=True)

    @hookimpl
    def opencrm_register_rules(self):
        yield Rule("bells_new", on=created(Deal), do=[call("bells_ring", text="New: {title}", times=2)])

    def _ring(self, door, values):
        self.rung.append((door.entity, door.record_id, values))

    def _ring_now(self, door, values):
        with door.work() as work:
            self._ring(door, values)
            return work.rights.name, door.once(work, "ring")


class Foreign:
    """Has a service that is not called after it."""

    @hookimpl
    def opencrm_register_services(self):
        yield Service(name="ring", run=print)


@pytest.fixture
def bells():
    return Bells()


@pytest.fixture
def crm_plugins(bells):
    return [bells]


def test_a_service_is_called_by_the_worker_with_the_values(crm, firm, bells):
    """Not in the transaction of the event."""
    deal = make_deal(crm, by=firm.seller)
    assert bells.rung == []
    crm.worker().run_once()
    assert bells.rung == [("deal", deal.id, {"text": "New: Windows", "times": 2})]


def test_a_person_asks_for_a_service_that_is_for_people(crm, firm, bells):
    """As themselves, about a record that they may change; what it gives is theirs."""
    deal = make_deal(crm, by=firm.seller)
    asked = crm.services.ask(firm.seller, "bells_ring_now", Deal, deal.id, {"times": 1})
    assert asked == (firm.seller.name, True)
    assert bells.rung == [("deal", deal.id, {"times": 1})]
    with pytest.raises(PermissionDenied):
        crm.services.ask(firm.viewer, "bells_ring_now", Deal, deal.id, {})
    with pytest.raises(NotFound):
        crm.services.ask(firm.stranger, "bells_ring_now", Deal, deal.id, {})
    for other in ("bells_ring", "unknown"):
        with pytest.raises(NotFound, match="no service"):
            crm.services.ask(firm.owner, other, Deal, deal.id, {})
    assert len(bells.rung) == 1


def test_a_service_is_named_after_its_plugin(make_crm):
    """Names of two plugins never meet."""
    with pytest.raises(PluginError, match="'ring' must begin with the plugin's name and _"):
        make_crm([Foreign()])


@pytest.mark.parametrize(
    "need, why",
    [
        (Grant("*", "read", Scope.ALL), "each entity and each act"),
        (Grant("record", "*", Scope.ALL), "each entity and each act"),
        (Grant("record", "update", Scope.TEAM), "over all records"),
        (Grant("deal", "update", Scope.ALL, Equal("stage", "won")), "without a condition"),
        (Grant("deal", "updaet", Scope.ALL), "'updaet' is no act"),
    ],
)
def test_what_a_service_needs_is_named(need, why):
    """Whoever calls it is granted that, so that whoever approves it sees what it is."""
    with pytest.raises(ValueError, match=f"needs: .*{why}"):
        Service(name="bells_ring", run=print, needs=[need])
