"""Reading the class that declares an entity: its base's registry, its fields, its table."""

from __future__ import annotations

import re
from datetime import datetime
from types import MappingProxyType
from typing import Any, ClassVar

import attrs
from sqlalchemy import Column, Integer, MetaData, Table
from sqlalchemy.orm import Mapped, mapped_column, registry

from opencrm.core.columns import IdColumn, JsonColumn, key_column
from opencrm.core.entity.indexes import add_indexes, add_keys, add_references
from opencrm.core.entity.naming import snake, words
from opencrm.core.entity.options import Options
from opencrm.core.entity.spec import Spec
from opencrm.core.fields import Field, Instant, Key, RecordId, field

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
        add_references(spec, _tables(base))


def specs(base: type[Entity]) -> tuple[Spec, ...]:
    """Return what a base's entities declare, in the order of declaration."""
    return tuple(mapper.class_.spec for mapper in sorted(base.registry.mappers, key=_order))


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
    name = snake(cls.__name__)
    cls.__tablename__ = f"{cls.prefix}_{name}"
    cls.registry.mapped(cls)
    cls.spec = spec = _spec(cls, name if cls.prefix == CORE else cls.__tablename__)
    _check_personal(spec)
    add_keys(spec)
    add_indexes(spec)
    if cls.prefix != CORE:
        add_references(spec, _tables(_core()) | _tables(cls))


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
    asked["label"] = asked.get("label") or words(column.name.removesuffix("_id"))
    return asked


def _check_personal(spec: Spec) -> None:
    options, name = spec.options, spec.cls.__qualname__
    if options.personal and not spec.owned:
        raise TypeError(f"{name}: what is personal has an owner; inherit from Owned")
    if options.published_in is not None and not options.personal:
        raise TypeError(f"{name}: only what is personal is published")
    if options.published_in is not None and spec.references().get(options.published_in) != "unit":
        raise TypeError(f"{name}.{options.published_in}: is no reference to a unit")


def _tables(base: type[Entity]) -> dict[str, Table]:
    return {
        mapper.class_.spec.name: mapper.class_.spec.table
        for mapper in base.registry.mappers
        if hasattr(mapper.class_, "spec")
    }


def _core() -> type[Entity]:
    return next(base for base in Entity.__subclasses__() if base.prefix == CORE)
