"""Promises about time as they stand for a record."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import attrs

from opencrm.core.entity import Entity, Spec
from opencrm.core.process.timing.sla_clocks import Clock
from opencrm.core.values import Id
from opencrm.errors import NotFound
from opencrm.services.process.timing import clock_table

if TYPE_CHECKING:
    from opencrm.services.reading.reader import Reader


@attrs.frozen(kw_only=True)
class Promised:
    """How a promise stands for a record.

    Attributes:
        sla: The promise's key.
        label: What a person reads.
        state: `running`, `paused`, `met` (ended in time) or `breached` (ran out, whether ended since or not).
        started_at: When its clock started.
        due_at: When it runs out, or ran out; None while it stands still in time.
        paused_at: Since when it stands still.
        breached_at: When it ran out.
        ended_at: When it ended.
        spent: How many seconds of working time it has run.
        target: How many it may take.
    """

    sla: str
    label: str
    state: str
    started_at: datetime
    due_at: datetime | None
    paused_at: datetime | None
    breached_at: datetime | None
    ended_at: datetime | None
    spent: int
    target: int


def of(reader: Reader, entity: type[Entity] | Spec | str, id: Id) -> list[Promised]:
    """Return the promises about a record, the newest clock of each first; whoever may read the record may see them.

    Args:
        reader: As whom.
        entity: The record's entity.
        id: The record.

    Raises:
        NotFound: There is no such record, or none that the reader may know of.
    """
    spec = reader.entity(entity)
    if not reader.states(spec, [id]):
        raise NotFound(f"there is no such {spec.name}", entity=spec.name)
    return [_promised(reader, clock) for clock in reversed(clock_table.of_record(reader.tx, spec.name, id))]


def _promised(reader: Reader, clock: Clock) -> Promised:
    process = reader.configuration.catalogue.process
    owned = process.slas.get(clock.sla)
    spent = clock.elapsed if owned is None else clock.spent(reader.now, process.in_zone(owned.sla.calendar))
    same = ("sla", "state", "started_at", "due_at", "paused_at", "breached_at", "ended_at", "target")
    return Promised(
        **{name: getattr(clock, name) for name in same},
        label=clock.sla if owned is None else owned.sla.label,
        spent=spent,
    )
