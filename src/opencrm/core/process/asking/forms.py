"""Forms: which fields are asked for, by a task, by a requirement or on a web site."""

from __future__ import annotations

from collections.abc import Iterable

import attrs

from opencrm.core.process.given import stable_key


def names(given: Iterable[str]) -> tuple[str, ...]:
    """Return names as a tuple.

    Raises:
        ValueError: It is one text, and no list of names.
    """
    if isinstance(given, str):
        raise ValueError(f"{given!r} must be a list of names")
    return tuple(given)


@attrs.frozen
class Form:
    """Fields that somebody fills in; what they say goes into the record that it is about.

    Args:
        key: Stable name; where `of` is given, what the answers stand under.
        fields: Names of fields of the record, or of `of`.
        of: Name of another entity: each answer makes a record of it that refers to the record.
        many: Whether there may be several of them.
        optional: Which of the fields may be left empty.
        label: What a person reads; by default made of the key.

    Raises:
        ValueError: It asks for nothing, or something that it does not ask for is optional.
    """

    key: str = attrs.field(validator=stable_key)
    fields: tuple[str, ...] = attrs.field(converter=names)
    of: str | None = attrs.field(default=None, kw_only=True)
    many: bool = attrs.field(default=False, kw_only=True)
    optional: tuple[str, ...] = attrs.field(default=(), converter=names, kw_only=True)
    label: str = attrs.field(
        kw_only=True,
        default=attrs.Factory(lambda self: self.key.replace("_", " ").capitalize(), takes_self=True),
    )

    def __attrs_post_init__(self) -> None:
        if not self.fields:
            raise ValueError(f"form {self.key!r}: fields: it asks for nothing")
        for name in self.optional:
            if name not in self.fields:
                raise ValueError(f"form {self.key!r}: optional: it does not ask for {name!r}")
        if self.many and self.of is None:
            raise ValueError(f"form {self.key!r}: many: only records of another entity can be several")

    @property
    def required(self) -> tuple[str, ...]:
        """The fields that must be filled in."""
        return tuple(name for name in self.fields if name not in self.optional)
