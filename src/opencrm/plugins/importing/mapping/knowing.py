"""What somebody may know of a workspace's entities: for the others of its fields, a file's header is a guess."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import attrs

from opencrm.embed import Catalogue, Configuration, Reader, Schemas, Spec


def known_to(reader: Reader, configuration: Configuration) -> tuple[Catalogue, Schemas]:
    """Return the catalogue and the schemas without the fields that a reader may not read.

    Args:
        reader: Whoever asks.
        configuration: What is in force.
    """
    catalogue = configuration.catalogue
    hidden = {name: set(spec.fields) - reader.rights.readable(spec) for name, spec in _own(reader).items()}
    if not any(hidden.values()):
        return catalogue, configuration.schemas
    entities = {
        name: spec.narrowed(set(spec.fields) - hidden.get(name, set())) for name, spec in catalogue.entities.items()
    }
    catalogue = attrs.evolve(catalogue, entities=MappingProxyType(entities))
    return catalogue, Schemas(catalogue.entities, configuration.locale)


def _own(reader: Reader) -> Mapping[str, Spec]:
    return reader.configuration.catalogue.entities
