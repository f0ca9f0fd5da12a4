"""A plugin's share of a journal line, and the statements' parts about such."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import attrs
from sqlalchemy import ColumnElement, bindparam

from opencrm.core.columns import IdColumn
from opencrm.core.values import Id
from opencrm.storage import tables
from opencrm.storage.statements import padded

MOST_ATTEMPTS = 8
TABLE = tables.delivery


@attrs.frozen(kw_only=True)
class Delivery:
    """One plugin's share of one journal line, claimed.

    Attributes:
        id: Its own.
        entry_id: The journal line.
        plugin: Who is to be told: a plugin, or one of its channels, as `webhooks:0190...`.
        entity: What kind of record changed.
        record_id: Which one.
        attempts: How many times it was tried, with this time.
        lease: What tells this claim from every other.
    """

    id: Id
    entry_id: Id
    plugin: str
    entity: str
    record_id: Id
    attempts: int
    lease: Id

    @property
    def whose(self) -> str:
        """The plugin's name, without that of its channel."""
        return self.plugin.partition(":")[0]

    @property
    def channel(self) -> str | None:
        """For which of the plugin's channels it is; None for the plugin itself."""
        return self.plugin.partition(":")[2] or None

    @property
    def last(self) -> bool:
        """Whether it is not tried again after this."""
        return self.attempts >= MOST_ATTEMPTS

    @property
    def line(self) -> tuple[str, str, Id]:
        """What is delivered in order, one after the other: a plugin's events of one record."""
        return self.plugin, self.entity, self.record_id


_TOLD = tuple(attrs.fields_dict(Delivery))


def read(row: Mapping[str, Any]) -> Delivery:
    """Return a claimed row as a delivery."""
    return Delivery(**{name: row[name] for name in _TOLD})


def among(column: ColumnElement[Any], number: int, prefix: str = "i") -> ColumnElement[bool]:
    """Say in SQL that a column holds one of so many values."""
    return column.in_([bindparam(f"{prefix}{at}", type_=column.type) for at in range(number)])


def numbered(values: Sequence[Any], prefix: str = "i") -> tuple[int, dict[str, Any]]:
    """Return how many parameters some values take, and these parameters."""
    wanted = padded(values)
    return len(wanted), {f"{prefix}{at}": value for at, value in enumerate(wanted)}


def of_plugin(column: ColumnElement[Any]) -> ColumnElement[bool]:
    """Say in SQL that a column names the plugin that the parameters name, or one of its channels."""
    name, first, beyond = (bindparam(f"of_{each}", type_=column.type) for each in ("name", "first", "beyond"))
    return (column == name) | ((column >= first) & (column < beyond))


def plugin_values(plugin: str) -> dict[str, str]:
    """Return the parameters of `of_plugin`."""
    return {"of_name": plugin, "of_first": f"{plugin}:", "of_beyond": f"{plugin};"}


def of_channels(column: ColumnElement[Any]) -> ColumnElement[bool]:
    """Say in SQL that a column names a channel, of whatever plugin."""
    return column.like("%:%")


def same_line(one: Any, other: Any) -> tuple[ColumnElement[bool], ...]:
    """Say in SQL that two rows are of one plugin and one record."""
    return tuple(one.c[name] == other.c[name] for name in ("plugin", "entity", "record_id"))


def of_line() -> tuple[ColumnElement[bool], ...]:
    """Say in SQL that a row is of the plugin and the record that the parameters name."""
    return tuple(TABLE.c[name] == bindparam(f"of_{name}", type_=TABLE.c[name].type) for name in LINE)


LINE = ("plugin", "entity", "record_id")


def line_values(one: Delivery) -> dict[str, Any]:
    """Return the parameters of `of_line`."""
    return {f"of_{name}": value for name, value in zip(LINE, one.line, strict=True)}


def id_parameter(name: str) -> Any:
    """Return a parameter that is an id."""
    return bindparam(name, type_=IdColumn())


def given(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the SET of an UPDATE: a parameter `new_...` for each column."""
    return {name: bindparam(f"new_{name}", type_=TABLE.c[name].type) for name in values}


def new(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters of `given`."""
    return {f"new_{name}": value for name, value in values.items()}


WAITING: Mapping[str, Any] = {"state": "waiting", "lease": None, "lease_until": None}


def later(now: datetime) -> dict[str, Any]:
    """Return what a delivery becomes that waits from now on."""
    return {**WAITING, "run_at": now}
