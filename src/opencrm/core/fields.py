"""Field types and fields: one declaration gives the column, the check of what enters, and what leaves.

A type's `parse` takes what a person, a file or JSON brings, or an already typed value, and returns the typed value;
it raises `ValueError` with a sentence for the user. `dump` gives back what JSON and files carry.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, ClassVar, Generic, Literal, TypeAlias, TypeVar
from urllib.parse import urlsplit
from uuid import UUID

import attrs
from sqlalchemy import BigInteger, Integer, String
from sqlalchemy import Text as LongText
from sqlalchemy.orm import MappedColumn, mapped_column
from sqlalchemy.types import TypeEngine

from opencrm.core import columns
from opencrm.core.values import currencies, normal

Author: TypeAlias = Literal["move", "assign", "system"]
"""Which act alone may change a field, where the generic update may not."""

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

_BIGGEST = 2**63 - 1
_YES = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


@attrs.frozen
class FieldType(Generic[T_co]):
    """What a field holds. Subclasses are the types; plugins may add their own.

    The type argument is checked against the annotation: `Mapped[int] = field(Text(50))` is an error for mypy.

    Attributes:
        name: Stable name of the type, in REST's schema and in definitions as text.
        ordered: Whether `less` and sorting make sense.
    """

    name: ClassVar[str] = "any"
    ordered: ClassVar[bool] = False

    @property
    def filterable(self) -> bool:
        """Whether conditions may use the field."""
        return True

    def column(self) -> TypeEngine[Any]:
        """Return the column's type."""
        raise NotImplementedError

    def parse(self, raw: Any) -> Any:
        """Return the typed value of `raw`, which is never None.

        Raises:
            ValueError: A sentence that says what is wrong.
        """
        raise NotImplementedError

    def dump(self, value: Any) -> Any:
        """Return what JSON carries for a value that is not None."""
        return value


@attrs.frozen
class Text(FieldType[str]):
    """Text of one line or, with `lines`, of many; `folded` keeps a key beside it, so that it can be compared."""

    name = "text"
    max: int = 200
    folded: bool = False
    lines: bool = False

    @property
    def ordered(self) -> bool:  # type: ignore[override]  # depends on the declaration
        return self.folded

    @property
    def filterable(self) -> bool:
        return self.folded

    def column(self) -> TypeEngine[Any]:
        return LongText() if self.lines else String(self.max)

    def parse(self, raw: Any) -> str | None:
        text = _text(raw)
        if len(text) > self.max:
            raise ValueError(f"must have at most {self.max} characters; it has {len(text)}")
        return text or None


@attrs.frozen
class Key(FieldType[str]):
    """A short technical name, compared exactly."""

    name = "key"
    ordered = True
    max: int = 64

    def column(self) -> TypeEngine[Any]:
        return columns.key_column(self.max)

    def parse(self, raw: Any) -> str | None:
        return Text(self.max).parse(raw)


@attrs.frozen
class Whole(FieldType[int]):
    """A whole number of at most 64 bits."""

    name = "integer"
    ordered = True
    least: int = -_BIGGEST
    most: int = _BIGGEST

    def column(self) -> TypeEngine[Any]:
        return BigInteger() if self.most > 2**31 - 1 else Integer()

    def parse(self, raw: Any) -> int:
        try:
            number = _decimal(raw)
        except ValueError:
            raise ValueError("must be a whole number") from None
        if number != number.to_integral_value():
            raise ValueError("must be a whole number")
        if not self.least <= number <= self.most:
            raise ValueError(f"must lie between {self.least} and {self.most}")
        return int(number)


@attrs.frozen
class Number(FieldType[Decimal]):
    """An exact decimal number of at most four places."""

    name = "number"
    ordered = True

    def column(self) -> TypeEngine[Any]:
        return columns.AmountColumn()

    def parse(self, raw: Any) -> Decimal:
        number = _decimal(raw)
        if abs(number) >= Decimal(10) ** 14:
            raise ValueError("is too large: at most 14 digits stand before the point")
        if number != round(number, columns.SCALE):
            raise ValueError(f"must have at most {columns.SCALE} decimal places")
        return round(number, columns.SCALE)

    def dump(self, value: Any) -> str:
        return _plain(value)


@attrs.frozen
class Amount(Number):
    """An amount of money; its currency stands in the field named by `currency`."""

    name = "money"
    currency: str = "currency"


@attrs.frozen
class Currency(FieldType[str]):
    """A code of ISO 4217."""

    name = "currency"

    def column(self) -> TypeEngine[Any]:
        return columns.key_column(3)

    def parse(self, raw: Any) -> str:
        code = _text(raw).strip().upper()
        if code not in currencies():
            raise ValueError("is not a currency code of ISO 4217, such as EUR")
        return code


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
            return date.fromisoformat(_text(raw).strip())
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
            at = raw if isinstance(raw, datetime) else datetime.fromisoformat(_text(raw).strip())
            if at.tzinfo is None:
                raise ValueError
            return at.astimezone(UTC)
        except (ValueError, OverflowError):
            raise ValueError("must be a time with its zone, such as 2026-03-02T09:00:00Z") from None

    def dump(self, value: Any) -> str:
        return str(value.isoformat()).replace("+00:00", "Z")


@attrs.frozen
class YesNo(FieldType[bool]):
    """Yes or no."""

    name = "boolean"

    def column(self) -> TypeEngine[Any]:
        return columns.BooleanColumn()

    def parse(self, raw: Any) -> bool:
        if isinstance(raw, bool):
            return raw
        answer = _YES.get(str(raw).strip().lower()) if isinstance(raw, str | int) else None
        if answer is None:
            raise ValueError("must be true or false")
        return answer


@attrs.frozen
class Choice(FieldType[str]):
    """One of some options: `{key: label}`."""

    name = "choice"
    options: Mapping[str, str] = attrs.field(hash=False)

    def column(self) -> TypeEngine[Any]:
        return columns.key_column(64)

    def parse(self, raw: Any) -> str:
        text = _text(raw).strip()
        if text not in self.options:
            raise ValueError(f"must be one of {', '.join(self.options)}")
        return text


@attrs.frozen
class Email(FieldType[str]):
    """An e-mail address, in its normal form; deliverability is not checked."""

    name = "email"
    ordered = True

    def column(self) -> TypeEngine[Any]:
        return columns.key_column(254)

    def parse(self, raw: Any) -> str:
        from opencrm.core.points import email_key

        return email_key(_text(raw))


@attrs.frozen
class Link(FieldType[str]):
    """A web address."""

    name = "link"

    @property
    def filterable(self) -> bool:
        return False

    def column(self) -> TypeEngine[Any]:
        return LongText()

    def parse(self, raw: Any) -> str | None:
        text = Text(2000).parse(raw)
        if text is None:
            return None
        try:
            parts = urlsplit(text if "://" in text else f"https://{text}")
            good = parts.scheme in ("http", "https") and bool(parts.hostname) and not any(map(str.isspace, text))
        except ValueError:
            good = False
        if not good:
            raise ValueError("must be a web address such as https://example.com")
        return text


def _entity_name(to: Any) -> str:
    return to if isinstance(to, str) else str(to.spec.name)


@attrs.frozen
class Reference(FieldType[str]):
    """Another record, by its id; `to` is the entity's class or, among the entities of one owner, its name."""

    name = "reference"
    to: str = attrs.field(converter=_entity_name)

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
        return self.check(raw)


@attrs.frozen(kw_only=True)
class Field:
    """One field of an entity.

    Args:
        name: The field's name in Python, REST, files and the journal.
        type: What it holds.
        label: What a person reads.
        required: Whether a record without it is refused.
        default: The value of a new record that names none.
        author: The act that alone may change it (None: any update); at creation most may be named.
        settable: Whether a creation may name it.
        sensitive: A label such as `"personal"`; a role then needs a field rule to read it.
        indexed: Whether lists sorted by it stay fast at any size.
    """

    name: str
    type: FieldType[Any]
    label: str
    required: bool = False
    default: Any = None
    author: Author | None = None
    settable: bool = True
    sensitive: str | None = None
    indexed: bool = False
    help: str = ""

    @property
    def key(self) -> str:
        """Name of the column that comparisons and sorting use."""
        return f"{self.name}_key" if isinstance(self.type, Text) and self.type.folded else self.name


def field(  # noqa: PLR0913  # the words of a declaration, all but one by name
    kind: FieldType[T],
    *,
    label: str | None = None,
    required: bool = False,
    default: Any = None,
    changed_by: Author | None = None,
    settable: bool = True,
    sensitive: str | None = None,
    indexed: bool = False,
    help: str = "",
) -> MappedColumn[T]:
    """Declare a field in an entity's class: `title: Mapped[str] = field(Text(200), required=True)`.

    Args:
        kind: The field's type.
        label: What a person reads; by default made of the field's name.
        required: Refuse records without it.
        default: The value of a new record that names none.
        changed_by: The act that alone may change it later: `"move"`, `"assign"` or `"system"`.
        settable: Whether a creation may name it.
        sensitive: A label that closes the field to roles without a field rule for it.
        indexed: Promise fast lists sorted by this field, and keep the indexes that this needs.
        help: A sentence for the person who fills it in.
    """
    asked = {
        "type": kind,
        "label": label,
        "required": required,
        "default": default,
        "author": changed_by,
        "settable": settable,
        "sensitive": sensitive,
        "indexed": indexed,
        "help": help,
    }
    return mapped_column(kind.column(), nullable=not required, info={"opencrm": asked})


def parse_id(raw: Any) -> str:
    """Return an id in its canonical form.

    Raises:
        ValueError: It is not a UUID.
    """
    try:
        return str(UUID(raw))
    except (ValueError, TypeError, AttributeError):
        raise ValueError("must be a record's id (a UUID)") from None


def _text(raw: Any) -> str:
    if not isinstance(raw, str):
        raise ValueError("must be text")
    if "\x00" in raw:
        raise ValueError("must not contain the NUL character")
    if not raw.isascii():
        try:
            raw.encode()
        except UnicodeEncodeError:
            raise ValueError("must not contain half of a surrogate pair") from None
    return normal(raw)


def _decimal(raw: Any) -> Decimal:
    if isinstance(raw, bool) or not isinstance(raw, str | int | float | Decimal):
        raise ValueError("must be a number")
    if isinstance(raw, str) and (len(raw) > 60 or "_" in raw):
        raise ValueError("must be a number such as 1234.50")
    try:
        number = Decimal(str(raw).strip())
    except InvalidOperation:
        raise ValueError("must be a number such as 1234.50") from None
    if not number.is_finite() or number.adjusted() > 40:
        raise ValueError("must be a number such as 1234.50")
    return number


def _plain(number: Decimal) -> str:
    short = number.normalize()
    exponent = short.as_tuple().exponent
    return f"{number:.2f}" if isinstance(exponent, int) and exponent >= -2 else f"{short:f}"
