"""Plugins that an owner switches on and off."""

from __future__ import annotations

import pytest
from sqlalchemy import CheckConstraint, Column, Integer, MetaData, Table, inspect

from opencrm import ConfigurationError, Grant, OpenCRMError, PermissionDenied, Scope, hookimpl
from opencrm.hooks.plugin import read_plugin
from opencrm.storage import tables
from opencrm.testing import make_contact, make_deal


@pytest.fixture
def offer(crm):
    """`offer("guest", object)`: as if a package with that plugin were installed."""

    def put(name, module):
        crm._plugins._loaded()[name] = read_plugin(name, module, source="package", version="1")

    return put


def active(crm, name="guest"):
    return [state.active for state in crm.plugins() if state.name == name]


class Listener:
    """Notes whom it is told of, or fails."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.broken = False

    @hookimpl
    def opencrm_register_grants(self):
        yield Grant("contact", "read", Scope.ALL)

    @hookimpl(entity="contact")
    def opencrm_on_change(self, entry):
        if self.broken:
            raise LookupError("not now")
        self.told.append(entry.after.get("name"))


@pytest.fixture
def listener(crm, firm, offer):
    """An enabled listener, which failed to take one delivery: that one waits."""
    found = Listener()
    offer("guest", found)
    crm.enable(firm.owner, "guest")
    found.broken = True
    make_contact(crm, name="before")
    assert crm.worker().run_once() == 1
    found.broken = False
    return found


def test_disabling_drops_what_was_still_to_be_told(crm, firm, listener, rows):
    """Nothing waits for a plugin that is off, and nothing comes from before when it is on again."""
    assert len(rows(tables.delivery)) == 1
    crm.disable(firm.owner, "guest")
    assert rows(tables.delivery) == []
    crm.advance("1h")
    crm.enable(firm.owner, "guest")
    crm.worker().run_once()
    assert listener.told == []


def test_enabled_again_a_plugin_is_told_of_what_comes(crm, firm, listener, rows):
    """What it missed, and what had failed, does not stand in the way: not even for the same record."""
    crm.disable(firm.owner, "guest")
    make_contact(crm, name="while off")
    crm.worker().run_once()
    crm.enable(firm.owner, "guest")
    make_contact(crm, name="after")
    crm.worker().run_once()
    assert (listener.told, rows(tables.delivery)) == (["after"], [])


def test_only_the_plugins_own_deliveries_are_dropped(crm, firm, listener, offer, rows):
    """Another one's wait on."""
    other = Listener()
    offer("second", other)
    crm.enable(firm.owner, "second")
    other.broken = True
    make_contact(crm, name="Ann")
    crm.worker().run_once()
    crm.disable(firm.owner, "guest")
    assert [row["plugin"] for row in rows(tables.delivery)] == ["second"]


class Tables:
    """Brings a table, which a database may or may not be able to make."""

    def __init__(self, *constraints) -> None:
        self._constraints = constraints

    @hookimpl
    def opencrm_register_tables(self):
        yield Table("guest_seen", MetaData(), Column("id", Integer, primary_key=True), *self._constraints)


def made(crm):
    return inspect(crm.database.engine).has_table("guest_seen", schema=crm.database.schema)


def test_a_plugin_whose_tables_cannot_be_made_stays_off(crm, firm, offer, rows):
    """The owner is told why, the workspace goes on, and with a mended version it can be enabled."""
    offer("guest", Tables(CheckConstraint("no such (thing")))
    with pytest.raises(ConfigurationError):
        crm.enable(firm.owner, "guest")
    assert rows_of_plugins(crm) == []
    assert active(crm) in ([False], [])
    assert make_deal(crm).title == "Windows"
    offer("guest", Tables())
    crm.enable(firm.owner, "guest")
    assert active(crm) == [True]
    assert made(crm)


def test_who_is_no_owner_makes_no_tables(crm, firm, offer):
    """The refusal comes before anything is made."""
    offer("guest", Tables())
    for who in (firm.head, firm.viewer):
        with pytest.raises(PermissionDenied):
            crm.enable(who, "guest")
    assert not made(crm)
    assert rows_of_plugins(crm) == []


def test_a_plugin_that_clashes_stays_off(crm, firm, offer):
    """What another one registers already cannot be registered again."""

    class Twin:
        @hookimpl
        def opencrm_register_pipelines(self):
            from opencrm.testing.firm import WINDOWS

            yield WINDOWS

    offer("guest", Twin())
    with pytest.raises(OpenCRMError, match="windows"):
        crm.enable(firm.owner, "guest")
    assert rows_of_plugins(crm) == []


def rows_of_plugins(crm):
    from sqlalchemy import select

    with crm.database.read() as tx:
        return tx.query(("test", "plugins"), lambda: select(tables.plugin), {})
