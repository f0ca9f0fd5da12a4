"""Fields that point to records, or hold what only their owner takes apart."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import attrs
from sqlalchemy.types import TypeEngine

from opencrm.core import columns
from opencrm.core.fields.base import FieldType, plain_text


def _entity_name(to: Any) -> str:
    return to if isinstance(to, str) else str(to.spec.name)


@attrs.frozen
class Reference(FieldType[str]):
    """Another record, by its id; `to` is the entity's class or, among the entities of one owner, its name.

    With `carries=("read", fields)`, whoever reaches the record that holds the reference through a task or a share may
    read the one that it leads to, one step far and without any role; `("*",)` stands for all open fields.
    """

    name = "reference"
    to: str = attrs.field(converter=_entity_name)
    carries: tuple[str, tuple[str, ...]] | None = attrs.field(default=None, kw_only=True)

    def column(self) -> TypeEngine[Any]:
        return columns.IdColumn()

    def parse(self, raw: Any) -> str:
        return parse_id(raw)


@attrs.frozen
class RecordId(FieldType[str]):
    """A record's own id, or that of a record of whatever entity another field names."""

    name = "id"
    ordered = True

    def column(self) -> TypeEngine[Any]:
        return columns.IdColumn()

    def parse(self, raw: Any) -> str:
        return parse_id(raw)


@attrs.frozen
class Structured(FieldType[Any]):
    """A JSON array or object that `check` takes apart; `check` raises ValueError with a sentence."""

    name = "json"
    check: Callable[[Any], Any] = attrs.field(eq=False, hash=False)

    @property
    def filterable(self) -> bool:
        return False

    def column(self) -> TypeEngine[Any]:
        return columns.JsonColumn()

    def parse(self, raw: Any) -> Any:
        found = self.check(raw)
        _check_texts(found)
        return found


def parse_id(raw: Any) -> str:
    """Return an id in its canonical form.

    Raises:
        ValueError: It is not a UUID.
    """
    try:
        return str(UUID(raw))
    except (ValueError, TypeError, AttributeError):
        raise ValueError("must be a record's id (a UUID)") from None


def _check_texts(value: Any) -> None:
    """Refuse texts, however deep, that no database can hold."""
    if isinstance(value, str):
        plain_text(value)
    elif isinstance(value, dict):
        for each in (*value, *value.values()):
            _check_texts(each)
    elif isinstance(value, list):
        for each in value:
            _check_texts(each)
