"""A plugin that notes what it is told, and fails where it is asked to."""

from __future__ import annotations

import pytest

from opencrm import Grant, Scope, hookimpl


class Listener:
    """Notes names in the order in which it is told; fails for names, or always."""

    name = "listener"

    def __init__(self) -> None:
        self.told: list[str] = []
        self.fails: set[str] = set()
        self.broken = False
        self.doing = lambda door, entry: None

    @hookimpl
    def opencrm_register_grants(self):
        yield Grant("contact", "read", Scope.ALL)
        yield Grant("contact", "update", Scope.ALL)

    @hookimpl(entity="contact")
    def opencrm_on_change(self, entry, door):
        name = entry.after.get("name") or entry.after.get("source")
        if self.broken or name in self.fails:
            raise ValueError(f"cannot take {name}")
        self.doing(door, entry)
        self.told.append(name)


@pytest.fixture
def listener():
    return Listener()


@pytest.fixture
def crm_plugins(listener):
    return [listener]
