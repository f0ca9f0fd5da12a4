"""How an entity declares a field, and what is known of it then."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias, TypeVar

import attrs
from sqlalchemy.orm import MappedColumn, mapped_column

from opencrm.core.fields.base import FieldType
from opencrm.core.fields.rollups import Rollup
from opencrm.core.fields.texts import Link, Text

Author: TypeAlias = Literal["move", "assign", "system"]
"""Which act alone may change a field, where the generic update may not."""


T = TypeVar("T")


def check_sensitive(_owner: object, _attribute: object, given: Any) -> None:
    """Refuse what is no label of a sensitive field; None is a field that is open.

    Raises:
        ValueError: It is empty, or no text.
    """
    if given is not None and not (isinstance(given, str) and given.strip()):
        raise ValueError(f"sensitive: {given!r} is no label such as 'personal'; None leaves the field open")


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
        help: A sentence for the person who fills it in.
        slot: Of a custom field, the name under which its record's JSON column holds it; it never changes.
        former: Names that a custom field had before, under which the journal still tells of it.
        searchable: Whether search looks into it.
        rollup: What opencrm computes it of, from the records that refer to this one.
        told: Whether the journal tells of its changes: not of what is computed.
    """

    name: str
    type: FieldType[Any]
    label: str
    required: bool = False
    default: Any = None
    author: Author | None = None
    settable: bool = True
    sensitive: str | None = attrs.field(default=None, validator=check_sensitive)
    indexed: bool = False
    help: str = ""
    slot: str | None = None
    former: tuple[str, ...] = ()
    searchable: bool = False
    rollup: Rollup | None = None
    told: bool = True

    @property
    def custom(self) -> bool:
        """Whether a workspace or a plugin added it to somebody else's entity."""
        return self.slot is not None

    @property
    def defined(self) -> bool:
        """Whether a workspace defined it for itself."""
        plugged = (self.name, f"{self.name.removesuffix('_currency')}_c")
        return self.slot is not None and self.slot not in plugged

    @property
    def folded(self) -> bool:
        """Whether a folded key is kept beside it."""
        return isinstance(self.type, Text) and self.type.folded

    @property
    def unkeyed(self) -> bool:
        """Whether it is a text without a key: compared as it stands, with A to Z in either case."""
        return isinstance(self.type, Link) or (isinstance(self.type, Text) and not self.type.folded)

    @property
    def key(self) -> str:
        """Name of the column that comparisons and sorting use."""
        return (f"{self.name}~" if self.custom else f"{self.name}_key") if self.folded else self.name


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
    searchable: bool = False,
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
        searchable: Let search look into it.
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
        "searchable": searchable,
    }
    return mapped_column(kind.column(), nullable=not required, info={"opencrm": asked})
