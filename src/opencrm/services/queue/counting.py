"""How much of the queue waits, runs, or is dead; for owners."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import attrs
from sqlalchemy import Select, bindparam, func, or_, select

from opencrm.core.columns import key_column
from opencrm.services.notifying import undelivered
from opencrm.services.queue.deliveries import TABLE
from opencrm.services.reading.owning import owners_only
from opencrm.storage import tables

if TYPE_CHECKING:
    from opencrm.services.reading.reader import Reader

ABOUT = "the queue"
_RUN, _J, _TIMER = tables.run, tables.journal, tables.timer


@attrs.frozen
class Count:
    """How much of one kind there is.

    Attributes:
        kind: `"plugin"` of what plugins are told, `"rule"` of what rules still do, `"timer"` of what failed too often
            when its time came, `"mail"` of letters that failed too often, or that nothing could send.
        name: The plugin's, or the rule's; of timers what they are: `rotten`, `field`, `every`, `again`, `task` or
            `sla`; of letters `mail`.
        state: Its state; of letters of the last week for which no mail server was set, or that a sandbox held back,
            `unsent`.
        number: How many.
        oldest: Since when the oldest of them is there; of timers when the first was to be tried next.
        why: Of letters that are unsent, why, and what to set.
    """

    kind: str
    name: str
    state: str
    number: int
    oldest: datetime | None
    why: str | None = None


def counts(reader: Reader) -> list[Count]:
    """Return how much waits, runs, or is dead, by plugin, rule and kind of timer; how many letters are dead or unsent.

    Raises:
        PermissionDenied: The principal is not an owner.
    """
    owners_only(reader, "queue.read", ABOUT)
    found = reader.tx.query("queue counts", _of_plugins, {})
    found += reader.tx.query("run counts", _of_rules, {})
    found += reader.tx.query("timer counts", _of_timers, {})
    found += reader.tx.query("dead letter counts", undelivered.counted, {})
    found += undelivered.unsent(reader.tx, reader.now)
    return [Count(**row) for row in found]


def _of_plugins() -> Select[Any]:
    columns = (_kind("plugin"), TABLE.c.plugin.label("name"), TABLE.c.state, func.count().label("number"))
    joined = TABLE.outerjoin(_J, _J.c.id == TABLE.c.entry_id)
    found = select(*columns, func.min(_J.c.at).label("oldest")).select_from(joined)
    return found.group_by(TABLE.c.plugin, TABLE.c.state).order_by(TABLE.c.plugin, TABLE.c.state)


def _of_rules() -> Select[Any]:
    columns = (_kind("rule"), _RUN.c.rule.label("name"), _RUN.c.state, func.count().label("number"))
    found = select(*columns, func.min(_RUN.c.at).label("oldest"))
    open_ones = [_RUN.c.state == state for state in ("waiting", "running", "failed")]
    return found.where(or_(*open_ones)).group_by(_RUN.c.rule, _RUN.c.state).order_by(_RUN.c.rule)


def _of_timers() -> Select[Any]:
    columns = (_kind("timer"), _TIMER.c.kind.label("name"), _TIMER.c.state, func.count().label("number"))
    found = select(*columns, func.min(_TIMER.c.due_at).label("oldest")).where(_TIMER.c.state == "dead")
    return found.group_by(_TIMER.c.kind, _TIMER.c.state).order_by(_TIMER.c.kind)


def _kind(name: str) -> Any:
    return bindparam("kind", name, type_=key_column(16)).label("kind")
