"""The records that commands name, as they stand."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

from opencrm.core.change import Values
from opencrm.core.entity import Spec
from opencrm.core.values import Id
from opencrm.errors import ConflictError, InputError

if TYPE_CHECKING:
    from opencrm.services.writing.work import Work


def states_of(work: Work, commands: Sequence[Any], *, deleted: bool = False) -> dict[Id, Values]:
    """Return the states of the records that commands name.

    Raises:
        NotFound: One is not there, or the principal may not know of it.
        InputError: One is named twice.
    """
    wanted: dict[str, list[Id]] = {}
    for command in commands:
        wanted.setdefault(work.entity(command.entity).name, []).append(command.id)
    found: dict[Id, Values] = {}
    for name, ids in wanted.items():
        if len(set(ids)) < len(ids):
            raise InputError({"id": ["a record is named twice in one batch"]})
        found |= work.existing(work.entity(name), ids, deleted=deleted)
    return found


def match(work: Work, spec: Spec, before: Values, wanted: str | None) -> None:
    """Refuse to go on if a field that the principal may read changed since it was read.

    Raises:
        ConflictError: It did.
    """
    if wanted is not None and wanted.strip('"') != work.etag(spec, before):
        raise ConflictError(
            f"somebody else changed this {spec.name} since you read it", entity=spec.name, id=before["id"]
        )


def hidden(work: Work, spec: Spec) -> Collection[str]:
    """Return the fields that do not exist for the principal: not even their types are told."""
    return spec.fields.keys() - work.rights.readable(spec)
