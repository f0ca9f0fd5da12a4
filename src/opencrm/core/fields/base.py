"""What every field type has in common.

A type's `parse` takes what a person, a file or JSON brings, or an already typed value, and returns the typed value;
it raises `ValueError` with a sentence for the user. `dump` gives back what JSON and files carry.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar, Generic, TypeVar

import attrs
from sqlalchemy.types import TypeEngine

from opencrm.core.values import normal

T_co = TypeVar("T_co", covariant=True)


@attrs.frozen
class FieldType(ABC, Generic[T_co]):
    """What a field holds. Subclasses are the types; plugins may add their own.

    The type argument is checked against the annotation: `Mapped[int] = field(Text(50))` is an error for mypy.

    Attributes:
        name: Stable name of the type, in REST's schema and in definitions as text.
        ordered: Whether lists can be sorted by it.
    """

    name: ClassVar[str] = "any"
    ordered: ClassVar[bool] = False

    @property
    def filterable(self) -> bool:
        """Whether conditions may use the field."""
        return True

    @property
    def ranged(self) -> bool:
        """Whether `less`, `between` and the like make sense."""
        return self.ordered

    @property
    def indexable(self) -> bool:
        """Whether an index may hold the values."""
        return self.filterable

    @abstractmethod
    def column(self) -> TypeEngine[Any]:
        """Return the column's type."""

    @abstractmethod
    def parse(self, raw: Any) -> Any:
        """Return the typed value of `raw`, which is never None.

        Raises:
            ValueError: A sentence that says what is wrong.
        """

    def dump(self, value: Any) -> Any:
        """Return what JSON carries for a value that is not None."""
        return value


def plain_text(raw: Any) -> str:
    """Return text in its normal form.

    Raises:
        ValueError: It is no text, or holds what no database can keep.
    """
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
