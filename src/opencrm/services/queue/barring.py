"""What is not to be claimed now, because whoever would do it is at it already."""

from __future__ import annotations

from typing import Any

import attrs
from sqlalchemy import func, select

from opencrm.services.queue.deliveries import TABLE, of_channels
from opencrm.storage.transactions import Transaction


@attrs.frozen
class Barred:
    """Plugins and channels of which nothing is to be claimed.

    Attributes:
        names: As the queue calls them.
        channels: Whether no channel is, whatever its name.
    """

    names: frozenset[str] = frozenset()
    channels: bool = False

    def bars(self, plugin: str) -> bool:
        """Say whether nothing of a plugin or channel is to be claimed."""
        return plugin in self.names or (self.channels and ":" in plugin)


NOTHING = Barred()


def channels_under_way(tx: Transaction) -> dict[str, int]:
    """Return of which channels something is claimed at present, and how much."""

    def build() -> Any:
        mine = (TABLE.c.state == "running", of_channels(TABLE.c.plugin))
        return select(TABLE.c.plugin, func.count().label("number")).where(*mine).group_by(TABLE.c.plugin)

    return {row["plugin"]: int(row["number"]) for row in tx.query("channels under way", build, {})}
