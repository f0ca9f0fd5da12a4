"""Services bound to entities: what the write path asks besides the general rules, on whatever way a change comes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Protocol

from opencrm.core.change import Change
from opencrm.services.definitions import defining
from opencrm.services.definitions.process.defining import BINDING as PROCESSES
from opencrm.services.files.binding import BINDING as KEEPING
from opencrm.services.identity.binding import BINDING as LEAVING
from opencrm.services.process.entering.answering import BINDING as ANSWERING
from opencrm.services.viewing.binding import BINDING as VIEWING
from opencrm.services.writing import lines
from opencrm.services.writing.block import Block
from opencrm.services.writing.judging import organisation as organising
from opencrm.services.writing.judging import sharing

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
    PROCESSES,
    lines.BINDING,
    VIEWING,
    LEAVING,
    KEEPING,
    ANSWERING,
)


def bindings_of(changes: Iterable[Change]) -> list[tuple[Binding, list[Change]]]:
    """Return the bound services that the changes touch, each with its own of them."""
    several = list(changes)
    names = {change.entity for change in several}
    touched = [binding for binding in _BINDINGS if not names.isdisjoint(binding.entities)]
    return [(binding, [change for change in several if change.entity in binding.entities]) for binding in touched]
