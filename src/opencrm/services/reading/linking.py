"""Judging a condition about another record by what stands in the database."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opencrm.core.conditions import Link, Referring, predicate, shape, values
from opencrm.core.entity import Spec
from opencrm.core.values import Id
from opencrm.services.reading.planning.arms import named
from opencrm.services.reading.planning.building import referring

if TYPE_CHECKING:
    from opencrm.services.reading.states import States


def meets(reader: States, link: Link | Referring, id: Id) -> bool:
    """Say whether the record that a link points to meets the link's condition, or one that refers to a record.

    Args:
        reader: Whoever asks.
        link: The link, or what refers.
        id: Of a link, the record that it points to; else the record that is referred to.
    """
    spec = reader.configuration.catalogue.entities[link.entity]
    if isinstance(link, Referring):
        return _refers(reader, link, spec, id)
    state = reader.whole(spec, [id]).get(id)
    return state is not None and predicate(link.item, spec, reader.linked, reader.told)(state)


def _refers(reader: States, link: Referring, spec: Spec, id: Id) -> bool:
    entities, given = reader.configuration.catalogue.entities, {"id": id} | named(values(link.item))
    return bool(reader.tx.query(("referred", shape(link)), lambda: referring(link, spec, entities), given))
