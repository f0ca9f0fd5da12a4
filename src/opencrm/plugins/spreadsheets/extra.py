"""What the extra `xlsx` installs."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from opencrm import ConfigurationError


def module_of_extra(name: str) -> ModuleType:
    """Return a module of the extra.

    Raises:
        ConfigurationError: The extra is not installed.
    """
    try:
        return import_module(name)
    except ImportError:
        raise ConfigurationError("workbooks need the extra xlsx: pip install opencrm[xlsx]") from None
