"""A plugin's own tables: what the door does where there is nothing to do."""

from __future__ import annotations

import pytest
from sqlalchemy import Column, MetaData, Table

from opencrm import Key, PluginError, RecordId, hookimpl
from opencrm.testing import make_deal

seen = Table(
    "watching_seen",
    MetaData(),
    Column("record_id", RecordId().column(), primary_key=True),
    Column("kind", Key(20).column(), nullable=False),
)


class Watching:
    """Notes each record, and then asks for none, deletes none and writes none."""

    def __init__(self) -> None:
        self.answers: list[object] = []
        self.eager = False

    @hookimpl
    def opencrm_check_change(self, changes, door):
        if self.eager:
            door.own.upsert(seen, [{"record_id": changes[0].id, "kind": "checked"}], key=["record_id"])
        return ()

    @hookimpl
    def opencrm_register_tables(self):
        yield seen

    @hookimpl
    def opencrm_record_change(self, changes, door):
        rows = [{"record_id": change.id, "kind": change.kind.value} for change in changes]
        door.own.upsert(seen, rows, key=["record_id"])
        door.own.upsert(seen, [], key=["record_id"])
        door.own.delete(seen, {"record_id": []})
        door.own.delete(seen, {"record_id": [row["record_id"] for row in rows], "kind": ()})
        self.answers.append(list(door.own.select(seen, {"record_id": []})))
        self.answers.append([row["kind"] for row in door.own.select(seen, {"kind": ["created"]})])


@pytest.fixture
def watching() -> Watching:
    return Watching()


@pytest.fixture
def crm_plugins(watching):
    return [watching]


def test_no_values_meet_no_rows(crm, watching):
    """A hook need not ask first whether it has anything to ask for."""
    make_deal(crm)
    assert watching.answers == [[], ["created"]]


def test_a_check_writes_nothing(crm, watching):
    """It reads its tables and objects; writing them is for what is recorded."""
    watching.eager = True
    with pytest.raises(PluginError, match="record_ hook only"):
        make_deal(crm)
