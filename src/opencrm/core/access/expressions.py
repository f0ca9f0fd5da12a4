"""Which records an act may touch, and why: one expression with two faces."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Literal

import attrs

from opencrm.core.access.grants import Grant
from opencrm.core.change import Values
from opencrm.core.conditions import FALSE, TRUE, Condition, Linked, all_of, any_of, predicate
from opencrm.core.entity import Spec
from opencrm.core.values import Id

Way = Literal["owner", "system", "grant", "personal", "part", "share", "participation", "carried", "deputy"]


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
class Arm:
    """One way in which records come within reach: a condition, and the reason to tell.

    Attributes:
        condition: What a record must meet.
        reason: Why that is enough.
        ways: Where several ways are asked about together, each by itself, to be told apart.
    """

    condition: Condition
    reason: Reason
    ways: tuple[Arm, ...] = ()


@attrs.frozen
class Restriction:
    """What must hold besides, and whose word that is."""

    condition: Condition
    reason: str


@attrs.define(slots=False, eq=False)
class Expression:
    """Which records of an entity an act may touch: the same answer for a list and for one record.

    Attributes:
        spec: The entity.
        action: The act.
        arms: The ways in which a record comes within reach; one suffices.
        restrictions: What must hold besides, each of them.
    """

    spec: Spec
    action: str
    arms: tuple[Arm, ...]
    restrictions: tuple[Restriction, ...] = ()

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
        return predicate(self.condition, self.spec, linked)

    def verdict(self, row: Values, linked: Linked) -> Verdict:
        """Judge one record, and say why."""
        barred = self.barred(row, linked)
        if barred is not None:
            return Verdict(False, barred)
        reasons = tuple(self._reasons(row, linked))
        if reasons:
            return Verdict(True, reasons[0].text, reasons)
        return Verdict(False, f"no grant of {self.spec.name}.{self.action} reaches the record")

    def barred(self, row: Values, linked: Linked) -> str | None:
        """Return the first restriction that does not hold for a record, as a person reads it; None where all do."""
        failed = (it for it in self.restrictions if not predicate(it.condition, self.spec, linked)(row))
        return next((f"restricted: {it.reason}" for it in failed), None)

    def _reasons(self, row: Values, linked: Linked) -> Iterator[Reason]:
        for arm in self.arms:
            for way in arm.ways or (arm,):
                if predicate(way.condition, self.spec, linked)(row):
                    yield way.reason
