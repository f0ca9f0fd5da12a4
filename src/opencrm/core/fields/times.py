"""Fields that hold days and instants."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import attrs
from sqlalchemy.types import TypeEngine

from opencrm.core import columns
from opencrm.core.fields.base import FieldType, plain_text


@attrs.frozen
class Day(FieldType[date]):
    """A calendar date."""

    name = "date"
    ordered = True

    def column(self) -> TypeEngine[Any]:
        return columns.DateColumn()

    def parse(self, raw: Any) -> date:
        if isinstance(raw, date) and not isinstance(raw, datetime):
            return raw
        try:
            return date.fromisoformat(plain_text(raw).strip())
        except ValueError:
            raise ValueError("must be a date such as 2026-03-02") from None

    def dump(self, value: Any) -> str:
        return str(value.isoformat())


@attrs.frozen
class Instant(FieldType[datetime]):
    """A point in time, aware, in UTC."""

    name = "datetime"
    ordered = True

    def column(self) -> TypeEngine[Any]:
        return columns.InstantColumn()

    def parse(self, raw: Any) -> datetime:
        try:
            at = raw if isinstance(raw, datetime) else datetime.fromisoformat(plain_text(raw).strip())
            if at.tzinfo is None:
                raise ValueError
            return at.astimezone(UTC)
        except (ValueError, OverflowError):
            raise ValueError("must be a time with its zone, such as 2026-03-02T09:00:00Z") from None

    def dump(self, value: Any) -> str:
        return str(value.isoformat()).replace("+00:00", "Z")
