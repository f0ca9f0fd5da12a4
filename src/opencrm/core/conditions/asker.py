"""For whom, when and where a condition is bound."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import TypeAlias

import attrs

from opencrm.core.conditions.nodes import Condition
from opencrm.core.entity import Spec
from opencrm.core.values import Id

Entities: TypeAlias = Mapping[str, Spec]


@attrs.frozen(kw_only=True, eq=False)
class Asker:
    """What gives `me`, `today` and paths along links their meaning.

    Attributes:
        now: What relative days and instants are measured from; None where none may be used.
        zone: IANA name of the zone in which days begin.
        name: How the journal names whoever asks.
        user_id: The person who asks, if it is one.
        units: The units in which that person has a place, and all below them.
        entities: Every entity by name.
        readable: Gives the fields of an entity that may be looked at.
        scope: Gives the condition, bound, that a record must meet to be there at all for whoever asks.
        journal: Whether the journal may be asked.
    """

    now: datetime | None
    zone: str
    name: str
    user_id: Id | None
    units: tuple[Id, ...]
    entities: Entities
    readable: Callable[[Spec], Collection[str]]
    scope: Callable[[Spec], Condition]
    journal: bool = True
