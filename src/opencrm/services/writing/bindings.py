"""Services bound to entities: what the write path asks besides the general rules, on whatever way a change comes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Protocol

from opencrm.core.change import Change
from opencrm.services.definitions import defining
from opencrm.services.identity.binding import BINDING as LEAVING
from opencrm.services.viewing.binding import BINDING as VIEWING
from opencrm.services.writing import lines, organising, sharing
from opencrm.services.writing.block import Block

if TYPE_CHECKING:
    from opencrm.services.writing.work import Work


class Binding(Protocol):
    """A service that an entity's changes go through."""

    entities: frozenset[str]

    def judge(self, work: Block, changes: Sequence[Change]) -> None:
        """Refuse what must not be, before anything is stored."""

    def follow(self, work: Work, own: Sequence[Change], changes: Sequence[Change]) -> Sequence[Change]:
        """Return the changes of other records that follow, after these are stored.

        Args:
            work: The work block.
            own: The changes of the bound entities.
            changes: All that were stored together.
        """


_BINDINGS: tuple[Binding, ...] = (
    organising.BINDING,
    sharing.BINDING,
    defining.BINDING,
    lines.BINDING,
    VIEWING,
    LEAVING,
)


def bindings_of(changes: Iterable[Change]) -> list[tuple[Binding, list[Change]]]:
    """Return the bound services that the changes touch, each with its own of them."""
    several = list(changes)
    found = [(binding, [change for change in several if change.entity in binding.entities]) for binding in _BINDINGS]
    return [(binding, own) for binding, own in found if own]
