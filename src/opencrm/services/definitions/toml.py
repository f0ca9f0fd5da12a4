"""Reading the TOML in which definitions are kept as text."""

from __future__ import annotations

import re
import tomllib
from typing import Any

from opencrm.errors import InputError

_NO_UTF_8 = re.compile("[\ud800-\udfff]")
"""What stands for a byte that could not be read, and what no text of UTF-8 holds."""


def read(text: str) -> dict[str, Any]:
    """Return what a text holds.

    Raises:
        InputError: It is not TOML.
    """
    if _NO_UTF_8.search(text):
        raise InputError({"text": ["is not TOML: it must be in UTF-8"]})
    try:
        return tomllib.loads(text.removeprefix("\ufeff"))
    except (ValueError, RecursionError) as error:  # A number of thousands of digits is no TOMLDecodeError.
        raise InputError({"text": [f"is not TOML: {error}"]}) from None
