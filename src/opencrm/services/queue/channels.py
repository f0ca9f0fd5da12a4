"""How a plugin's own channel fares: what waits, what is dead, and since when it fails."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import attrs
from sqlalchemy import bindparam, func, select

from opencrm.core.columns import key_column
from opencrm.services.queue import circuits
from opencrm.services.queue.deliveries import TABLE
from opencrm.services.queue.filling import channel_of
from opencrm.storage.transactions import Transaction


@attrs.frozen(kw_only=True)
class ChannelState:
    """How a channel fares.

    Attributes:
        waiting: How many deliveries are still to be made.
        dead: How many are not tried again until somebody says so.
        failures: How many failed in a row.
        until: Before when nothing is tried, where it failed again and again.
        error: Why the last one failed.
    """

    waiting: int
    dead: int
    failures: int = 0
    until: datetime | None = None
    error: str | None = None


def state_of(tx: Transaction, plugin: str, channel: str) -> ChannelState:
    """Return how a channel of a plugin fares."""
    name = channel_of(plugin, channel)

    def build() -> Any:
        mine = TABLE.c.plugin == bindparam("plugin", type_=key_column(64))
        return select(TABLE.c.state, func.count().label("number")).where(mine).group_by(TABLE.c.state)

    found = {row["state"]: row["number"] for row in tx.query("channel", build, {"plugin": name})}
    waiting = sum(number for state, number in found.items() if state in ("waiting", "running", "held"))
    circuit = next((it for it in circuits.known(tx) if it.plugin == name), None)
    told = {} if circuit is None else {key: getattr(circuit, key) for key in ("failures", "until", "error")}
    return ChannelState(waiting=waiting, dead=found.get("dead", 0), **told)
