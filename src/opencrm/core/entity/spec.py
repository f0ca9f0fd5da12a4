"""What opencrm knows of an entity."""

from __future__ import annotations

from collections.abc import Callable, Container, Hashable, Iterable, Mapping
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar, cast

import attrs
from sqlalchemy import ColumnElement, Table
from sqlalchemy.sql.expression import FromClause

from opencrm.core.columns import by_code_point, key_column
from opencrm.core.entity.naming import words
from opencrm.core.entity.options import Options
from opencrm.core.fields import Field, Link, RecordId, Reference
from opencrm.core.held import Held, held
from opencrm.core.stamps import STAMP, last_change
from opencrm.core.values import FOLDED

if TYPE_CHECKING:
    from opencrm.core.entity.declaring import Entity

T = TypeVar("T")


@attrs.frozen(kw_only=True, eq=False)
class Spec:
    """Everything that opencrm knows of an entity, read once from its class.

    Attributes:
        name: Such as `"deal"` or `"invoicing_invoice"`: in permissions, conditions, the journal and files.
        plural: The same for many, in addresses.
        cls: The mapped class.
        table: Its table.
        fields: The declared fields by name, in order.
        owned: Whether records have an owner and a unit.
        staged: Whether records stand in a pipeline.
        options: What the class said about itself.
        told_by: The fields by whose changes a reader tells when a record was last changed; None for all.
    """

    name: str
    plural: str
    cls: type[Entity]
    table: Table
    fields: Mapping[str, Field]
    owned: bool
    staged: bool
    options: Options
    told_by: frozenset[str] | None = None
    _worked_out: dict[Hashable, Any] = attrs.field(factory=dict, init=False, repr=False)

    @property
    def label(self) -> str:
        """What a person calls one of it."""
        return words(self.cls.__name__)

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns that make up a record's state."""
        return (*self.fields, "version")

    @cached_property
    def folded(self) -> Mapping[str, str]:
        """The texts that are compared, each with the column of its folded key."""
        return MappingProxyType({name: it.key for name, it in self.fields.items() if it.folded})

    @cached_property
    def held(self) -> Mapping[str, Held]:
        """Where the JSON column holds the custom fields, and the folded keys of those that are compared."""
        custom = [it for it in self.fields.values() if it.slot is not None]
        places = {it.name: held(it.slot or "", it.type.column()) for it in custom}
        keys = {it.key: held(f"{it.slot}~", key_column(FOLDED)) for it in custom if it.folded}
        return MappingProxyType(places | keys)

    def column(self, name: str, table: FromClause | None = None) -> ColumnElement[Any]:
        """Return what a field, or the key by which it is compared, is read from: a column, or a place in JSON.

        Args:
            name: The field's name, or its `key`.
            table: An alias of the entity's table, where one is used.
        """
        source = self.table if table is None else table
        if name == STAMP and self.told_by is not None:
            return last_change(self.name, self.told_by, source).label(name)
        place, field = self.held.get(name), self.fields.get(name)
        if place is None and field is not None and isinstance(field.type, Link):
            return by_code_point(source.c[name]).label(name)
        return source.c[name] if place is None else place.read_from(source.c.custom).label(name)

    @cached_property
    def former(self) -> Mapping[str, str]:
        """The names that custom fields had before, each with the present one."""
        return MappingProxyType({old: it.name for it in self.fields.values() for old in it.former})

    @cached_property
    def of_any(self) -> bool:
        """Whether its records name a record of any entity: that entity as `entity`, and its id as `record_id`."""
        one = self.fields.get("record_id")
        return one is not None and isinstance(one.type, RecordId) and "entity" in self.fields

    def once(self, work_out: Callable[[Spec], T]) -> T:
        """Return what a function works out of this declaration, worked out at its first use.

        It is kept as long as the declaration is, so that workspaces with fields of their own do not push each other's
        out of a cache that they share.
        """
        if work_out not in self._worked_out:
            self._worked_out[work_out] = work_out(self)
        return cast("T", self._worked_out[work_out])

    def extended(self, fields: Iterable[Field]) -> Spec:
        """Return the declaration with custom fields added."""
        added = {it.name: it for it in fields}
        return attrs.evolve(self, fields=MappingProxyType({**self.fields, **added})) if added else self

    def narrowed(self, names: Container[str]) -> Spec:
        """Return the declaration with these of its fields only: what somebody who may read them may know of it."""
        kept = {name: field for name, field in self.fields.items() if name in names}
        return attrs.evolve(self, fields=MappingProxyType(kept))

    def seen_by(self, readable: frozenset[str]) -> Spec:
        """Return the declaration for whoever may read these fields: a record was last changed when one of them was."""
        if readable.issuperset(self.fields):
            return self
        stamp = attrs.evolve(self.fields[STAMP], indexed=False)
        names = {*readable, *(old for old, name in self.former.items() if name in readable)}
        return attrs.evolve(self, fields=MappingProxyType({**self.fields, STAMP: stamp}), told_by=frozenset(names))

    def references(self) -> Mapping[str, str]:
        """Return the reference fields with the entity that each points to."""
        return self._references

    @cached_property
    def _references(self) -> Mapping[str, str]:
        return {name: it.type.to for name, it in self.fields.items() if isinstance(it.type, Reference)}
