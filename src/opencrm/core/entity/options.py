"""What an entity's class says about itself beside its fields."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, TypeAlias

import attrs

from opencrm.core.change import Change, Objection
from opencrm.core.locale import Locale

if TYPE_CHECKING:
    from opencrm.core.conditions.nodes import Condition

Derive: TypeAlias = Callable[[dict[str, Any], Locale], None]
"""Completes a record's values in place before they are judged; raises InputError."""

Rule: TypeAlias = Callable[[Change], "Iterator[Objection]"]
"""A pure rule of an entity: objects to a change, or does not."""


@attrs.frozen(kw_only=True)
class Options:
    """What an entity's class says about itself beside its fields: `options = Options(plural="companies")`.

    Args:
        plural: Name of many, used in addresses; by default the name with an s.
        display: The field that names a record to a person.
        part_of: Reference fields to the record that this one is a part of: whoever may read that record may read
            this one, and whoever may update it may create, change and delete this one. `"record_id"` beside a field
            `entity` is a reference to a record of any entity.
        part_action: What one must be allowed to do to the record that this one is a part of, to create, change or
            delete this one.
        nested: Name under which parts may be given together with the record that they are parts of: `"lines"`.
        nested_in: The reference fields to the record that they may be given with, where they are parts of none.
        unique: Groups of fields that no two living records may share.
        lookup: Fields by which a file may name a record of this entity, tried in turn.
        organisation: Whether the entity is a part of the organisation, which decides who may do what.
        personal: Whether its records are their owner's alone, whatever roles grant: everybody makes their own.
        published_in: The reference to a unit whose people, and those of all units below it, may read a personal record.
        speaks_of_fields: Fields that name fields of other entities, such as a saved condition: of a change of these,
            `updated_at` tells nobody from whom any field is hidden.
        participation: Of what somebody has to do, when it is still to be done: until then its owner may read the
            records that it refers to, whatever roles grant.
        derive: Completes the values that enter.
        rules: Judge each change; pure.
    """

    plural: str | None = None
    display: str = "name"
    part_of: tuple[str, ...] = ()
    part_action: str = "update"
    nested: str | None = None
    nested_in: tuple[str, ...] = ()
    unique: tuple[tuple[str, ...], ...] = ()
    lookup: tuple[str, ...] = ()
    organisation: bool = False
    personal: bool = False
    published_in: str | None = None
    speaks_of_fields: tuple[str, ...] = ()
    participation: Condition | None = None
    derive: Derive | None = None
    rules: tuple[Rule, ...] = ()
