"""What tables and people call what a class or a field is called."""

from __future__ import annotations

import re


def snake(name: str) -> str:
    """Return the name of a table for that of a class: `"deal_line"` for `"DealLine"`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def words(name: str) -> str:
    """Return what a person reads for a name: `"Deal line"` for `"deal_line"` and for `"DealLine"`."""
    return snake(name).replace("_", " ").capitalize()
