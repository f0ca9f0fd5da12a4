"""Bound to saved views and segments: a definition is judged when it is saved, and so is where it is published."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from opencrm.core.change import Change, Kind
from opencrm.errors import InputError
from opencrm.services.reading import saved
from opencrm.services.viewing.definitions import PARTS, UNTOLD, query_of
from opencrm.services.writing.block import Block


class _Views:
    """Bound to saved views and segments."""

    entities = frozenset({"saved_view", "segment"})

    def judge(self, work: Block, changes: Sequence[Change]) -> None:
        """Refuse a definition that its author could not run, and publishing beyond the author's reach."""
        for at, change in enumerate(changes):
            if change.kind in (Kind.CREATED, Kind.CHANGED) and PARTS & set(change.fields):
                _check_definition(work, at, change)
            if change.kind in (Kind.CREATED, Kind.CHANGED, Kind.RESTORED):
                _check_publishing(work, change)

    def follow(self, work: Block, own: Sequence[Change], changes: Sequence[Change]) -> Sequence[Change]:
        """Nothing follows."""
        return ()


def check_taken_back(work: Block, changes: Iterable[Change]) -> None:
    """Refuse to bring back a part of a definition of which the principal may not read all: they did not write it.

    Raises:
        InputError: Names the part, and nothing that stands in it.
    """
    for change in changes:
        if change.entity in saved.DEFINED and change.kind is Kind.CHANGED:
            shown = saved.values(work.rights, work.entity(change.entity), change.after)
            parts = sorted(PARTS.intersection(change.fields))
            hidden = {name: [UNTOLD] for name in parts if shown[name] != change.after[name]}
            if hidden:
                raise InputError(hidden)


def _check_definition(work: Block, at: int, change: Change) -> None:
    try:
        query_of(work, change.after, within=(change.id,), written=frozenset(change.fields))
    except InputError as error:
        raise InputError(error.fields, rows={at: error.fields}) from None


def _check_publishing(work: Block, change: Change) -> None:
    """Check that the unit lies within reach; one that is gone publishes nothing, and is nobody's to judge."""
    unit = change.after["published_to_id"]
    if unit is None or unit not in work.rights.organisation.parents:
        return
    about = work.configuration.catalogue.entities.get(change.after["entity"])
    reached = work.rights.publishing(about) if about is not None else frozenset()
    if reached is not None and unit not in reached:
        raise work.rights.denied(f"{change.entity}.publish", "the unit is out of reach")


BINDING = _Views()
