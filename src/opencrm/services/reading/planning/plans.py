"""How a list is read: off an index for each arm of what may be seen and merged, or by walking the sort's own index.

Both shapes come from the one access expression and give the same rows.
"""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import attrs

from opencrm.core.conditions import TRUE, Condition, shape, values
from opencrm.core.entity import Spec
from opencrm.core.fields import Field
from opencrm.services.reading.planning.arms import Parts, named, taken_apart

MOST_ARMS = 100
"""A scope of more arms is walked."""

MANY_ARMS = 8
"""From so many arms on, merging them costs enough that a walk is tried first."""

MOST_COMPARED = 5_000
"""A filter is repeated in every arm: of more values than this in all, the scope is walked."""

LOOK = 8
"""A walk looks at so many rows for each that is wanted, and no further: one that finds too few costs little."""

USUAL = frozenset(each + 1 for each in (1, 10, 20, 25, 50, 100, 200, 500, 1000)) | {25, 500}
"""Limits that stand in the SQL itself: PostgreSQL keeps no plan for a limit that it does not know, and plans anew."""

Way: TypeAlias = Literal["scan", "merge", "walk"]


@attrs.frozen
class Sort:
    """The order of a list: by one field, then by id."""

    field: Field
    descending: bool

    @property
    def nullable(self) -> bool:
        """Whether the field may be empty; empty ones come last in either direction."""
        return not self.field.required and self.field.name != "id"

    @property
    def shape(self) -> tuple[str, bool]:
        """What of it makes SQL."""
        return (self.field.key, self.descending)


@attrs.frozen
class Plan:
    """Everything that a list's statement is made of.

    Args:
        spec: The entity.
        columns: Names of the columns to read.
        scope: What the reader may see, bound.
        where: What was asked for, bound.
        sort: The order; None for none.
        after: Sort key and id of the last row before the page.
        deleted: Whether deleted records are listed.
        limit: The most rows; None for all.
        look: Walk, and look at no more than so many rows; None for the way that is sure to find all.
        lead: A filter by the values of the texts that stand before the sort key in the index to walk.
    """

    spec: Spec
    columns: tuple[str, ...]
    scope: Condition
    where: Condition
    sort: Sort | None
    after: tuple[Any, Any] | None
    deleted: bool
    limit: int | None
    look: int | None = None
    lead: Condition = TRUE

    @property
    def flat(self) -> bool:
        """Whether an index has the rows in their order."""
        return self.limit is not None and self.sort is not None and self.sort.field.indexed and not self.deleted

    @property
    def arms(self) -> tuple[Condition, ...]:
        """The scope taken apart into conditions that each have their index; empty where it cannot be."""
        if not self.flat or not self.spec.owned:
            return ()
        found = self._parts.arms
        if len(found) < MANY_ARMS:
            return found
        compared = len(found) * sum(1 for _ in values(self.where))
        return found if len(found) <= MOST_ARMS and compared <= MOST_COMPARED else ()

    @property
    def way(self) -> Way:
        """How the rows are come by: through each arm's index, along the sort's index, or however the database likes."""
        if self.look is None and self.arms:
            return "merge"
        return "walk" if self.flat else "scan"

    @property
    def shape(self) -> tuple[Any, ...]:
        """What of the plan makes its SQL: all but the values."""
        return (
            "list",
            self.spec.name,
            self.spec.told_by,
            self.columns,
            self.way,
            self._parts.arm_shapes if self.way == "merge" else self._parts.shape,
            shape(self.lead),
            shape(self.where),
            None if self.sort is None else self.sort.shape,
            None if self.after is None else self.after[0] is None,
            self.deleted,
            *((self.limit, self.look) if self.limit in USUAL else (self.limit is None, self.look is None)),
        )

    @property
    def values(self) -> dict[str, Any]:
        """The statement's parameters."""
        return self.values_under("")

    def values_under(self, prefix: str) -> dict[str, Any]:
        """Return the parameters of the plan as one of several in a statement: its filters' names have a prefix."""
        found = dict(self._parts.arm_values if self.way == "merge" else self._parts.values)
        found |= named(values(self.lead), f"{prefix}l") | named(values(self.where), f"{prefix}w")
        if self.after is not None:
            found |= {"after_key": self.after[0], "after_id": self.after[1]}
        if self.look is not None:
            found["look"] = self.look
        return found | ({"most": self.limit} if self.limit is not None else {})

    @property
    def trial(self) -> Plan | None:
        """The walk to try first, where the scope has many arms: it costs less than they do if the scope is dense."""
        if self.limit is None or len(self.arms) < MANY_ARMS:
            return None
        return attrs.evolve(self, look=LOOK * self.limit)

    @property
    def _parts(self) -> Parts:
        return taken_apart(self.scope)
