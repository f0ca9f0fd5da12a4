"""Who a record's client is: the contact, or else the company, that it refers to or is."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from opencrm.core.entity import Spec

_LINKS: Mapping[str, str] = MappingProxyType({"contact": "contact_id", "company": "company_id"})
"""The field by which what belongs to a client refers to it, by the client's entity."""


def clients_of(spec: Spec) -> tuple[tuple[str, str], ...]:
    """Return the fields of a record that may lead to its client, each with the client's entity, the likeliest first."""
    if spec.name in _LINKS:
        return (("id", spec.name),)
    references = spec.references()
    found = [(name, to) for to in _LINKS for name, target in references.items() if target == to]
    return tuple(sorted(found, key=lambda it: ([*_LINKS].index(it[1]), it[0] != _LINKS[it[1]])))


def link_to(entity: str) -> str:
    """Return the field by which activities and contact points refer to a client: `"contact_id"`."""
    return _LINKS[entity]
