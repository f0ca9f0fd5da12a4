"""Paths to fields: `amount` of a record, or `contact.name` of the record that its `contact_id` refers to."""

from __future__ import annotations

from opencrm.core.entity.spec import Spec


def parted(path: str) -> tuple[str, str]:
    """Return the reference that a path follows, empty for a field of the record itself, and the field."""
    first, dot, rest = path.partition(".")
    return (first, rest) if dot else ("", first)


def head(path: str) -> str:
    """Return what a path begins with: the reference that it follows, or the field of the record itself."""
    return path.partition(".")[0]


def link_of(spec: Spec, reference: str) -> str:
    """Return the field that a path means by a reference: `contact_id`, for `contact` too."""
    return reference if reference in spec.references() else f"{reference}_id"


def target_of(spec: Spec, reference: str) -> str | None:
    """Return the entity that a path leads to by a reference; None where it leads nowhere."""
    return spec.references().get(link_of(spec, reference))
