"""Who: selectors are part of a declaration, and find somebody when they are asked, not before."""

from __future__ import annotations

from typing import Literal, TypeAlias

import attrs

from opencrm.core.points import email_key
from opencrm.core.process.given import one_of

Strategy: TypeAlias = Literal["round_robin", "least_loaded", "free_slot"]
_STRATEGIES = ("round_robin", "least_loaded", "free_slot")


@attrs.frozen
class Owner:
    """Whoever is responsible for the record; see `owner`."""


@attrs.frozen
class Creator:
    """Whoever made the record; see `creator`."""


def _email(text: str) -> str:
    try:
        return email_key(text)
    except ValueError as error:
        raise ValueError(f"email: {error}") from None


@attrs.frozen
class Person:
    """One person; see `person`."""

    email: str = attrs.field(converter=_email)


@attrs.frozen
class HeadOf:
    """Somebody's head; see `head_of`."""

    of: Selector = attrs.field()

    @of.validator
    def _check_of(self, _: object, given: Selector) -> None:
        selector(given)


@attrs.frozen(kw_only=True)
class Pick:
    """One of the people who hold a role; see `pick`."""

    role: str
    within: str | None = None
    strategy: Strategy = attrs.field(default="round_robin", validator=one_of(_STRATEGIES))

    @property
    def turn(self) -> str:
        """Who shares one order of turns."""
        return f"{self.role} {self.within or ''}".strip()


Selector: TypeAlias = Owner | Creator | Person | HeadOf | Pick
SELECTORS = (Owner, Creator, Person, HeadOf, Pick)


def selector(given: Selector) -> Selector:
    """Return a selector after checking that it is one, and that it does not look for an appointment.

    Raises:
        ValueError: It is none, or picks who is free first.
    """
    if isinstance(given, Pick) and given.strategy == "free_slot":
        raise ValueError("pick(strategy='free_slot') is for the owner of a task with a slot")
    return owner_of(given)


def owner_of(given: Selector) -> Selector:
    """Return who is to have a task after checking that it is a selector.

    Raises:
        ValueError: It is none.
    """
    if not isinstance(given, SELECTORS):
        raise ValueError(f"{given!r} is no selector such as owner or head_of(owner)")
    return given


owner = Owner()
"""Whoever is responsible for the record; of a task, whoever has to do it."""

creator = Creator()
"""Whoever made the record; nobody where no person did."""


def person(email: str) -> Person:
    """Name one person by their e-mail address.

    Raises:
        ValueError: It is no e-mail address.
    """
    return Person(email)


def head_of(one: Selector) -> HeadOf:
    """Name the head of somebody: of the nearest unit, going up from theirs, whose head is somebody else."""
    return HeadOf(one)


def pick(role: str, *, within: str | None = None, strategy: Strategy = "round_robin") -> Pick:
    """Pick one of the people who hold a role: those nearest to the record's unit, going up.

    Somebody on leave, for whom a deputy stands in, is picked only where nobody else holds the role.

    Args:
        role: The role's key.
        within: `"record"` for the record's own unit and below, or a unit's name; by default the nearest unit, going
            up from the record's, below which somebody holds the role.
        strategy: `"round_robin"` takes turns, `"least_loaded"` takes who has the fewest open tasks, `"free_slot"` who
            is free first for a task with a `slot`.
    """
    return Pick(role=role, within=within, strategy=strategy)
