"""Entities and their addresses: `contact_point` answers below `contact-points`."""

from __future__ import annotations

from opencrm import NotFound
from opencrm.embed import Reader, Spec


def entity_at(reader: Reader, plural: str) -> Spec:
    """Return the entity that an address names, such as `contact-points`.

    Raises:
        NotFound: This workspace has none there.
    """
    name = plural.replace("-", "_")
    for spec in reader.configuration.catalogue.entities.values():
        if spec.plural == name and "_" not in plural:
            return spec
    raise NotFound("there is nothing at this address")


def address(spec: Spec) -> str:
    """Return an entity's part of addresses."""
    return spec.plural.replace("_", "-")
