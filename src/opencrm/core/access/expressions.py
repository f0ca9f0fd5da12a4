"""Which records an act may touch, and why: one expression with two faces."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from typing import Literal

import attrs

from opencrm.core.access.grants import Grant
from opencrm.core.change import Values
from opencrm.core.conditions import (
    FALSE,
    TRUE,
    Condition,
    Link,
    Linked,
    Referring,
    all_of,
    any_of,
    by_itself,
    predicate,
)
from opencrm.core.conditions.python import Test
from opencrm.core.entity import Spec
from opencrm.core.values import Id

Way = Literal["owner", "system", "grant", "personal", "part", "share", "participation", "carried", "deputy"]

READING = frozenset({"read", "export"})
"""The acts that change nothing: they reach a part through one of its wholes."""


@attrs.frozen(kw_only=True)
class Reason:
    """Why a record comes within reach.

    Attributes:
        way: The kind of reason.
        text: The same for a person.
        membership: The membership that carries the grant.
        unit: That membership's unit, from which the scope is measured.
        role: Its role's key.
        grant: The grant.
        entity: What leads to the record: the whole that it is a part of, the task, the record that carries it.
        person: Who shares the record, or whom the principal stands in for.
        because: Why that leads there.
    """

    way: Way
    text: str
    membership: Id | None = None
    unit: Id | None = None
    role: str | None = None
    grant: Grant | None = None
    entity: str | None = None
    person: Id | None = None
    because: Reason | None = None

    def __str__(self) -> str:
        return self.text


@attrs.frozen
class Verdict:
    """An answer about one record, and why: every reason for which it is allowed, or the one why it is not."""

    allowed: bool
    reason: str
    reasons: tuple[Reason, ...] = ()


@attrs.frozen
class Restriction:
    """What must hold besides, and whose word that is."""

    condition: Condition
    reason: str


@attrs.frozen(eq=False)
class Arm:
    """One way in which records come within reach: a condition, and the reason to tell.

    Attributes:
        condition: What a record must meet.
        reason: Why that is enough.
        ways: Where several ways are asked about together, gives each by itself, to be told apart.
        restrictions: What the condition asks besides of the records that lead there, each with whose word it is.
    """

    condition: Condition
    reason: Reason
    ways: Callable[[], Iterable[Arm]] | None = None
    restrictions: tuple[Restriction, ...] = ()

    def apart(self) -> Iterable[Arm]:
        """Return the ways that are asked about together; of one that is alone, that one."""
        return (self,) if self.ways is None else self.ways()

    def told(self, tell: Callable[[Reason], Reason]) -> Arm:
        """Return the same way, with its reasons told differently."""
        ways = None if self.ways is None else lambda: (way.told(tell) for way in self.apart())
        return Arm(self.condition, tell(self.reason), ways, self.restrictions)


@attrs.define(slots=False, eq=False)
class Expression:
    """Which records of an entity an act may touch: the same answer for a list and for one record.

    Attributes:
        spec: The entity.
        action: The act.
        arms: The ways in which a record comes within reach; one suffices.
        restrictions: What must hold besides, each of them.
        acts: Names what must be granted for a record, such as `deal.read`; for a part that is about its wholes.
    """

    spec: Spec
    action: str
    arms: tuple[Arm, ...]
    restrictions: tuple[Restriction, ...]
    acts: Callable[[Values], Iterable[str]]

    @cached_property
    def condition(self) -> Condition:
        """The whole expression as one condition."""
        return all_of((any_of(arm.condition for arm in self.arms), *(it.condition for it in self.restrictions)))

    @property
    def everything(self) -> bool:
        """Whether it holds for every record."""
        return self.condition == TRUE

    @property
    def nothing(self) -> bool:
        """Whether it holds for no record."""
        return self.condition == FALSE

    def test(self, linked: Linked) -> Callable[[Values], bool]:
        """Return the expression as a function of a record's state."""
        return self._alone or predicate(self.condition, self.spec, linked)

    @cached_property
    def _alone(self) -> Test | None:
        """The function where it asks for no other record, and is the same whoever judges those."""
        return predicate(self.condition, self.spec, _no_other) if by_itself(self.condition) else None

    def verdict(self, row: Values, linked: Linked) -> Verdict:
        """Judge one record, and say why."""
        barred = self.barred(row, linked)
        if barred is not None:
            return Verdict(False, barred)
        reasons = tuple(self._reasons(row, linked))
        if reasons:
            return Verdict(True, reasons[0].text, reasons)
        return Verdict(
            False, self._barred_before(row, linked) or f"no grant of {self._missing(row)} reaches the record"
        )

    def _missing(self, row: Values) -> str:
        """Name what would have to be granted: a part is read through one of its wholes, and changed through all."""
        return (" or " if self.action in READING else " and ").join(dict.fromkeys(self.acts(row)))

    def barred(self, row: Values, linked: Linked) -> str | None:
        """Return the first restriction that does not hold for a record, as a person reads it; None where all do."""
        return self._failed(self.restrictions, row, linked)

    def _reasons(self, row: Values, linked: Linked) -> Iterator[Reason]:
        for arm in self.arms:
            if self._holds(arm.condition, row, linked):
                yield from (way.reason for way in arm.apart() if self._holds(way.condition, row, linked))

    def _barred_before(self, row: Values, linked: Linked) -> str | None:
        """Return the first restriction of what leads to a record, on a way that would reach it but for that."""
        open_but_for_it = (
            arm
            for arm in self.arms
            if arm.restrictions and any(self._holds(way.condition, row, linked) for way in arm.apart())
        )
        return next((self._failed(arm.restrictions, row, linked) for arm in open_but_for_it), None)

    def _failed(self, restrictions: Iterable[Restriction], row: Values, linked: Linked) -> str | None:
        failed = (it for it in restrictions if not self._holds(it.condition, row, linked))
        return next((f"restricted: {it.reason}" for it in failed), None)

    def _holds(self, condition: Condition, row: Values, linked: Linked) -> bool:
        return predicate(condition, self.spec, linked)(row)


def _no_other(link: Link | Referring, id: Id) -> bool:
    """Judge a linked record, of a condition that has no link."""
    raise TypeError(f"{type(link).__name__}: a condition by itself asks for no other record ({id})")
