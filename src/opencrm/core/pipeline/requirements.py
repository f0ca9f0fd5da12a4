"""What must be true of a record before it enters a stage or leaves it; and how what is missing is asked for."""

from __future__ import annotations

from collections.abc import Iterable

import attrs

from opencrm.core.conditions import AnyOf, Condition, Empty, Not
from opencrm.core.process.asking.forms import Form


@attrs.frozen
class Requirement:
    """A condition, what a person reads where it does not hold, and the form that asks for what is missing.

    Args:
        condition: What the record must meet.
        missing: What is missing then: `"the price"`.
        form: What asks for it; by default nothing is asked for, and the move is refused.

    Raises:
        ValueError: `missing` is empty.
    """

    condition: Condition
    missing: str = attrs.field(kw_only=True)
    form: Form | None = attrs.field(kw_only=True, default=None)

    def __attrs_post_init__(self) -> None:
        if not self.missing.strip():
            raise ValueError("missing: say what is missing")


def required(*fields: str) -> Requirement:
    """Require that fields are filled in, and ask for those that are not.

    Args:
        fields: Their names.

    Raises:
        ValueError: None is named.
    """
    if not fields:
        raise ValueError("name the fields that are required")
    form = Form("_".join(fields), fields)
    return Requirement(Not(AnyOf(tuple(map(Empty, fields)))), missing=unlabelled(fields), form=form)


def unlabelled(fields: Iterable[str]) -> str:
    """Return what is said of missing fields where nobody says it otherwise: their labels are told instead."""
    return ", ".join(name.replace("_", " ") for name in fields)
