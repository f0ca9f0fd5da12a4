"""The plugin in the box that keeps when each record was last touched."""

from __future__ import annotations

from datetime import timedelta

import attrs
import pytest

from opencrm.core.change import Kind
from opencrm.hooks import Found, Hooks, load


class FakeTable:
    """The plugin's own table, as rows by record."""

    def __init__(self):
        self.rows = {}
        self.calls = []

    def select(self, table, where):
        self.calls.append("select")
        return [self.rows[record] for record in where["record_id"] if record in self.rows]

    def upsert(self, table, rows, *, key):
        assert key == ["record_id"]
        self.calls.append("upsert")
        self.rows |= {row["record_id"]: row for row in rows}

    def at(self, noon):
        return {record: row["at"] - noon for record, row in self.rows.items()}


@attrs.frozen
class FakeDoor:
    own: FakeTable
    now: object


@pytest.fixture
def hooks():
    return Hooks([load(Found(name="last_touch", source="box", where="opencrm.plugins.last_touch"))])


@pytest.fixture
def touch(hooks, make_change, make_entry):
    """Create activities, each said as hours from noon with the records that it is about."""
    own, noon = FakeTable(), make_entry().at

    def create(*activities, kind=Kind.CREATED):
        nobody = {"contact_id": None, "company_id": None, "deal_id": None, "happened_at": None}
        changes = [
            make_change(str(at), entity="activity", kind=kind, **{**nobody, **_happened(noon, activity)})
            for at, activity in enumerate(activities)
        ]
        own.calls.clear()
        hooks.record_change(changes, lambda _plugin: FakeDoor(own, noon))
        return own.at(noon)

    create.own = own
    return create


def _happened(noon, activity):
    hours = activity.pop("hours", None)
    return activity | ({} if hours is None else {"happened_at": noon + timedelta(hours=hours)})


def test_an_activity_touches_all_that_it_is_about(touch):
    """Contact, company and deal, each with its entity, at the time at which it happened."""
    found = touch({"hours": -1, "contact_id": "c", "company_id": "f", "deal_id": "d"})
    assert {record: timedelta(hours=-1) for record in "cfd"} == found
    assert {key: row["entity"] for key, row in touch.own.rows.items()} == {
        "c": "contact",
        "f": "company",
        "d": "deal",
    }


def test_without_a_time_it_happened_now(touch):
    """A note that says no time is of the moment in which it was written."""
    assert {"d": timedelta()} == touch({"deal_id": "d"})


def test_the_latest_wins_in_whatever_order(touch):
    """Within a batch and between batches; an older one that is entered later changes nothing."""
    touch({"hours": -2, "deal_id": "d"}, {"hours": -1, "deal_id": "d"}, {"hours": -3, "deal_id": "d"})
    assert {"d": timedelta(hours=-1)} == touch({"hours": -5, "deal_id": "d"})
    assert touch.own.calls == ["select"]


def test_a_batch_costs_two_statements(touch):
    """However many records it touches."""
    touch(*({"deal_id": str(number)} for number in range(100)))
    assert touch.own.calls == ["select", "upsert"]


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind is not Kind.CREATED])
def test_only_new_activities_touch(touch, kind):
    """Correcting or deleting one is no touch, and costs nothing."""
    assert touch({"deal_id": "d"}, kind=kind) == {}
    assert touch.own.calls == []


def test_an_activity_about_nobody_touches_nothing(touch):
    """And costs nothing."""
    assert touch({"hours": 1}) == {}
    assert touch.own.calls == []


def test_its_table_has_its_name(hooks):
    """The prefix of the plugin, and one row a record."""
    [table] = hooks.tables("last_touch")
    assert (table.name, [column.name for column in table.primary_key]) == ("last_touch_touch", ["record_id"])
