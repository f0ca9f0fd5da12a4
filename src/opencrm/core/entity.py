"""What an author writes to declare an entity, and what opencrm reads from it.

    class Base(Entity, prefix="invoicing"):
        \"\"\"Every entity of this plugin.\"\"\"

    class Invoice(Owned, Base):
        \"\"\"A demand for payment.\"\"\"

        number: Mapped[str] = field(Text(50, folded=True), required=True)
        deal_id: Mapped[str | None] = field(Reference(Deal))

Each base has its own registry and MetaData, so that two plugins may both say `Invoice`, and a relationship that
cannot be resolved in one of them breaks nothing outside it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from datetime import datetime
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

import attrs
from sqlalchemy import Column, ColumnElement, ForeignKeyConstraint, Index, Integer, MetaData, Table, and_
from sqlalchemy.orm import Mapped, mapped_column, registry
from sqlalchemy.sql.expression import FromClause

from opencrm.core.change import Change, Objection
from opencrm.core.columns import IdColumn, JsonColumn, by_code_point, key_column
from opencrm.core.fields import Field, Instant, Key, Link, RecordId, Reference, field
from opencrm.core.held import Held, held
from opencrm.core.locale import Locale
from opencrm.core.stamps import STAMP, last_change
from opencrm.core.values import FOLDED

if TYPE_CHECKING:
    from opencrm.core.conditions.nodes import Condition

Derive: TypeAlias = Callable[[dict[str, Any], Locale], None]
"""Completes a record's values in place before they are judged; raises InputError."""

Rule: TypeAlias = Callable[[Change], "Iterator[Objection]"]
"""A pure rule of an entity: objects to a change, or does not."""

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
"""Every constraint has a name, so that a migration can drop it and an error can be traced to its fields."""

CORE = "crm"
"""The prefix of opencrm's own tables; its entities carry none in their names."""

_PREFIX = re.compile(r"[a-z][a-z0-9_]*")


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
    participation: Condition | None = None
    derive: Derive | None = None
    rules: tuple[Rule, ...] = ()


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

    @property
    def label(self) -> str:
        """What a person calls one of it."""
        return _words(self.cls.__name__)

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


class Entity:
    """The root of every base: `class Base(Entity, prefix="...")` opens an owner's own registry."""

    prefix: ClassVar[str]
    registry: ClassVar[registry]
    metadata: ClassVar[MetaData]
    spec: ClassVar[Spec]
    options: ClassVar[Options] = Options()
    __table__: ClassVar[Table]
    __tablename__: ClassVar[str]

    id: Mapped[str] = mapped_column(
        IdColumn(),
        primary_key=True,
        sort_order=-1,
        info={"opencrm": {"type": RecordId(), "label": "Id", "author": "system", "settable": False}},
    )
    created_at: Mapped[datetime] = field(Instant(), required=True, changed_by="system", settable=False, indexed=True)
    created_by: Mapped[str | None] = mapped_column(
        key_column(100),
        info={"opencrm": {"type": Key(100), "label": "Created by", "author": "system", "settable": False}},
    )
    updated_at: Mapped[datetime] = field(Instant(), required=True, changed_by="system", settable=False, indexed=True)
    deleted_at: Mapped[datetime | None] = field(Instant(), changed_by="system", settable=False)
    version: Mapped[int] = mapped_column(Integer, nullable=False)
    custom: Mapped[Any] = mapped_column(JsonColumn(), nullable=True)

    def __init_subclass__(cls, *, prefix: str | None = None) -> None:
        super().__init_subclass__()
        if prefix is not None:
            _open_registry(cls, prefix)
        else:
            _declare(cls)


def complete(base: type[Entity]) -> None:
    """Give the references among a base's entities their foreign keys, once all of them are declared."""
    for spec in specs(base):
        _refer(spec, _tables(base))


def specs(base: type[Entity]) -> tuple[Spec, ...]:
    """Return what a base's entities declare, in the order of declaration."""
    return tuple(mapper.class_.spec for mapper in sorted(base.registry.mappers, key=_order))


def leads(spec: Spec, table: Table) -> Iterator[tuple[list[str], ColumnElement[bool]]]:
    """Give what the indexes of a field to sort by begin with, and what they hold: one for each kind of reach.

    Args:
        spec: The entity.
        table: Its table, or a copy of it.
    """
    living = table.c.deleted_at.is_(None)
    yield [], living
    if spec.owned:
        yield ["unit_id"], living
        yield ["owner_id"], living
        yield ["created_by"], and_(living, table.c.owner_id.is_(None))


def _order(mapper: Any) -> int:
    return list(mapper.class_.metadata.tables).index(mapper.class_.__tablename__)


def _open_registry(base: type[Entity], prefix: str) -> None:
    if not _PREFIX.fullmatch(prefix):
        raise TypeError(f"{base.__qualname__}: a prefix is lower-case letters, digits and _, not {prefix!r}")
    base.prefix = prefix
    base.metadata = MetaData(naming_convention=NAMES)
    base.registry = registry(metadata=base.metadata)


def _declare(cls: type[Entity]) -> None:
    if not hasattr(cls, "registry"):
        raise TypeError(f"{cls.__qualname__}: inherit from a base, `class Base(Entity, prefix=...)`")
    if hasattr(cls, "__table__"):
        raise TypeError(f"{cls.__qualname__}: an entity is not inherited from; share fields with a mixin")
    name = _snake(cls.__name__)
    cls.__tablename__ = f"{cls.prefix}_{name}"
    cls.registry.mapped(cls)
    cls.spec = spec = _spec(cls, name if cls.prefix == CORE else cls.__tablename__)
    _check_personal(spec)
    _add_keys(spec)
    _add_indexes(spec)
    if cls.prefix != CORE:
        _refer(spec, _tables(_core()) | _tables(cls))


def _spec(cls: type[Entity], name: str) -> Spec:
    declared = {
        column.name: Field(name=column.name, **_labelled(column))
        for column in cls.__table__.columns
        if "opencrm" in column.info
    }
    first = ["id", *(each for each in cls.__annotations__ if each in declared)]
    fields = {each: declared[each] for each in dict.fromkeys([*first, *declared])}
    owned = {"owner_id", "unit_id"} <= set(fields)
    if not owned:  # What has no owner is listed with its whole, or is little: an index for each change is not worth it.
        fields["updated_at"] = attrs.evolve(fields["updated_at"], indexed=False)
    options = cls.options
    if options.display not in fields:
        options = attrs.evolve(options, display="id")
    return Spec(
        name=name,
        plural=options.plural or f"{name}s",
        cls=cls,
        table=cls.__table__,
        fields=MappingProxyType(fields),
        owned=owned,
        staged="stage" in fields,
        options=options,
    )


def _labelled(column: Column[Any]) -> dict[str, Any]:
    asked = dict(column.info["opencrm"])
    asked["label"] = asked.get("label") or _words(column.name.removesuffix("_id"))
    return asked


def _check_personal(spec: Spec) -> None:
    options, name = spec.options, spec.cls.__qualname__
    if options.personal and not spec.owned:
        raise TypeError(f"{name}: what is personal has an owner; inherit from Owned")
    if options.published_in is not None and not options.personal:
        raise TypeError(f"{name}: only what is personal is published")
    if options.published_in is not None and spec.references().get(options.published_in) != "unit":
        raise TypeError(f"{name}.{options.published_in}: is no reference to a unit")


def _add_keys(spec: Spec) -> None:
    """Add the folded key beside each text that is compared."""
    for one in spec.fields.values():
        if one.folded:
            spec.table.append_column(Column(one.key, key_column(FOLDED), nullable=not one.required))


def _add_indexes(spec: Spec) -> None:
    """Add what lists, references and uniqueness need; all over living records only."""
    table = spec.table
    living = table.c.deleted_at.is_(None)
    for group in spec.options.unique:
        _index(table, [spec.fields[name].key for name in group], living, unique=True)
    for name in spec.references():
        if name not in ("owner_id", "unit_id"):
            _index(table, [name], table.c[name].is_not(None))
            if spec.options.participation is not None:
                _index(table, ["owner_id", name], and_(living, table.c[name].is_not(None)))
    if spec.staged:
        _index(table, ["pipeline", "stage", "created_at", "id"], living)
    for one in spec.fields.values():
        if one.indexed:
            for lead, where in leads(spec, table):
                _index(table, [*lead, one.key, "id"], where)


def _index(table: Table, names: list[str], where: Any, *, unique: bool = False) -> None:
    kind = "uq" if unique else "ix"
    label = f"{kind}_{table.name}_{'_'.join(names)}"
    columns = [table.c[name] for name in names]
    Index(label, *columns, unique=unique, sqlite_where=where, postgresql_where=where)


def _tables(base: type[Entity]) -> dict[str, Table]:
    return {
        mapper.class_.spec.name: mapper.class_.spec.table
        for mapper in base.registry.mappers
        if hasattr(mapper.class_, "spec")
    }


def _core() -> type[Entity]:
    return next(base for base in Entity.__subclasses__() if base.prefix == CORE)


def _refer(spec: Spec, known: Mapping[str, Table]) -> None:
    """Add foreign keys to Column objects: names would be looked up in the wrong owner's MetaData."""
    for name, target in spec.references().items():
        if target not in known:
            raise TypeError(f"{spec.cls.__qualname__}.{name}: no entity is called {target!r}")
        constraint = ForeignKeyConstraint([name], [known[target].c.id], deferrable=True, initially="DEFERRED")
        spec.table.append_constraint(constraint)


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def _words(name: str) -> str:
    return _snake(name).replace("_", " ").capitalize()
