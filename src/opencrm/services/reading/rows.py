"""What a read gives: frozen rows that hold only what the reader may know."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from operator import itemgetter
from typing import Any, ClassVar, Generic, TypeVar

import attrs
import orjson

from opencrm.core.conditions import Condition
from opencrm.core.entity import Entity, Spec
from opencrm.schemas import Dumper
from opencrm.services.reading.counting import Count

E = TypeVar("E", bound=Entity)
_UNSTABLE = frozenset({"updated_at", "deleted_at"})


class Record(tuple[Any, ...]):
    """One record as its reader may see it: `row.title`, `row["title"]`, `row.values()`.

    A field that may not be read does not exist.

    Attributes:
        entity: The entity's name, unless the entity has a field of this name.
        fields: Names of the fields, in order.
    """

    __slots__ = ()
    _of: ClassVar[str]
    entity: ClassVar[str]
    fields: ClassVar[tuple[str, ...]]

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, str):
            try:
                return tuple.__getitem__(self, self.fields.index(key))
            except ValueError:
                raise KeyError(key) from None
        return tuple.__getitem__(self, key)

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"{self._of} has no field {name!r} that may be read here")

    def __repr__(self) -> str:
        held = [f" {name}={value!r}" for name, value in self.values().items() if value is not None]
        return f"<{self._of}{''.join(held)}>"

    def values(self) -> dict[str, Any]:
        """Return the fields with their typed values."""
        return dict(zip(self.fields, self, strict=True))

    def get(self, name: str, default: Any = None) -> Any:
        """Return a field's value, or the default where there is none."""
        return self[name] if name in self.fields else default


@lru_cache(maxsize=1000)
def record_class(entity: str, fields: tuple[str, ...]) -> type[Record]:
    """Return the class of rows with these fields."""
    space = {name: property(itemgetter(at)) for at, name in enumerate(fields)}
    fixed = {"__slots__": (), "_of": entity, "fields": fields}
    return type("Record", (Record,), {"entity": entity, **space, **fixed})


@attrs.frozen
class Query(Generic[E]):
    """What a list should hold.

    Args:
        entity: The entity, by class or declaration.
        where: A condition over its fields, raw or typed.
        sort: A field's name, with `-` before it for descending order.
        limit: How many rows a page has at most; 1 to 1000.
        cursor: Where the page before ended, as `Page.next` gave it.
        fields: The fields wanted; by default all that may be read.
        deleted: Whether to list the deleted records instead.
        total: Whether to count the records of all pages too.
    """

    entity: type[E] | Spec
    where: Condition | None = None
    sort: str = "-created_at"
    limit: int = 50
    cursor: str | None = None
    fields: Sequence[str] | None = None
    deleted: bool = False
    total: bool = False


@attrs.frozen
class Page(Generic[E]):
    """One page of a list.

    Attributes:
        rows: The records, in order.
        next: The cursor of the next page; None on the last.
        total: How many records all pages have together, where the query asked for it.
    """

    rows: tuple[Record, ...]
    next: str | None = None
    total: Count | None = None

    def __iter__(self) -> Iterator[Record]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)


def etag(spec: Spec, dumper: Dumper, values: Mapping[str, Any], names: Sequence[str]) -> str:
    """Return a tag of what a reader sees of a record: it changes when one of these fields does, and only then."""
    seen = dumper.dump(values, [name for name in names if name not in _UNSTABLE])
    return hashlib.sha256(orjson.dumps([spec.name, seen], option=orjson.OPT_SORT_KEYS)).hexdigest()[:32]
