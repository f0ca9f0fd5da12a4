"""When each client and deal was last touched: a table of the plugin's own, kept in the same transaction."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeAlias

from sqlalchemy import Column, MetaData, Table

from opencrm import Change, Door, Instant, Key, Kind, RecordId, hookimpl

TOUCHED: Mapping[str, str] = {"contact_id": "contact", "company_id": "company", "deal_id": "deal"}
"""The entity that each of an activity's fields points to."""

Touches: TypeAlias = dict[str, dict[str, Any]]
"""Rows of the table, by the record that was touched."""

touch = Table(
    "last_touch_touch",
    MetaData(),
    Column("entity", Key(100).column(), nullable=False),
    Column("record_id", RecordId().column(), primary_key=True),
    Column("at", Instant().column(), nullable=False),
)


@hookimpl
def opencrm_register_tables() -> Iterator[Table]:
    yield touch


@hookimpl(entity="activity")
def opencrm_record_change(changes: Sequence[Change], door: Door) -> None:
    touches = _touches(changes, door.now)
    if not touches:
        return
    known = {row["record_id"]: row["at"] for row in door.own.select(touch, {"record_id": list(touches)})}
    newer = [row for record, row in touches.items() if record not in known or known[record] < row["at"]]
    if newer:
        door.own.upsert(touch, newer, key=["record_id"])


def _touches(changes: Sequence[Change], now: datetime) -> Touches:
    """Return the latest touch of each record among the new activities."""
    latest: Touches = {}
    for change in changes:
        if change.kind is Kind.CREATED:
            at = change.after["happened_at"] or now
            for entity, record in _records(change):
                if record not in latest or latest[record]["at"] < at:
                    latest[record] = {"entity": entity, "record_id": record, "at": at}
    return latest


def _records(change: Change) -> Iterator[tuple[str, str]]:
    for field, entity in TOUCHED.items():
        if change.after[field] is not None:
            yield entity, change.after[field]
