"""What one asks a service for: generic over the entity."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Generic, TypeVar

import attrs

from opencrm.core.entity import Entity, Spec
from opencrm.core.values import Id

E = TypeVar("E", bound=Entity)


@attrs.frozen
class History:
    """The past of a record that comes from another system.

    Args:
        created_at: When it came to be.
        moves: The stages that it entered, each with the instant, in order; the last is where it stands now.
    """

    created_at: datetime | None = None
    moves: tuple[tuple[str, datetime], ...] = ()


@attrs.frozen(init=False)
class Create(Generic[E]):
    """Make a record: `Create(Deal, title="Windows")`, or `Create(Deal, values={...})` for raw data."""

    entity: type[E] | Spec
    values: Mapping[str, Any]
    history: History | None

    def __init__(
        self,
        entity: type[E] | Spec,
        /,
        *,
        values: Mapping[str, Any] | None = None,
        history: History | None = None,
        **fields: Any,
    ) -> None:
        self.__attrs_init__(entity, fields if values is None else values, history)


@attrs.frozen(init=False)
class Update(Generic[E]):
    """Change fields of a record: `Update(Deal, id, title="Doors")`; with `if_match`, only if it is as it was read."""

    entity: type[E] | Spec
    id: Id
    values: Mapping[str, Any]
    if_match: str | None

    def __init__(
        self,
        entity: type[E] | Spec,
        id: Id,
        /,
        *,
        values: Mapping[str, Any] | None = None,
        if_match: str | None = None,
        **fields: Any,
    ) -> None:
        self.__attrs_init__(entity, id, fields if values is None else values, if_match)


@attrs.frozen
class Delete(Generic[E]):
    """Take a record away; it can be restored."""

    entity: type[E] | Spec
    id: Id
    if_match: str | None = attrs.field(default=None, kw_only=True)


@attrs.frozen
class Restore(Generic[E]):
    """Bring a deleted record back."""

    entity: type[E] | Spec
    id: Id


@attrs.frozen
class Move(Generic[E]):
    """Move a record to a stage: `"won"`, or `"sales.new"` of another pipeline.

    An import may say when that was, with `at`; `values` are fields that are filled in with the move.
    """

    entity: type[E] | Spec
    id: Id
    to: str = attrs.field(kw_only=True)
    at: datetime | None = attrs.field(default=None, kw_only=True)
    values: Mapping[str, Any] | None = attrs.field(default=None, kw_only=True, hash=False)
    if_match: str | None = attrs.field(default=None, kw_only=True)


@attrs.frozen
class Assign(Generic[E]):
    """Give a record an owner, a unit, or both; without a unit it goes to the new owner's."""

    entity: type[E] | Spec
    id: Id
    owner: Id | None = attrs.field(default=None, kw_only=True)
    unit: Id | None = attrs.field(default=None, kw_only=True)
    if_match: str | None = attrs.field(default=None, kw_only=True)


@attrs.frozen(kw_only=True)
class Undo:
    """Take back one journal entry, or everything that was done in one act."""

    entry: Id | None = None
    act: Id | None = None
