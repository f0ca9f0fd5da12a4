"""What a process is told from outside: environment variables with the prefix `OPENCRM_`.

Nothing but the command line reads them: a program that embeds opencrm passes what it wants to `CRM(...)`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import environ

DEFAULT_DB = "sqlite:///opencrm.db"
_YES = frozenset({"1", "true", "yes", "on"})
_NO = frozenset({"", "0", "false", "no", "off"})


def database_url(named: str) -> str:
    """Return the database URL that `named` is, or the one of the SQLite file whose path it is."""
    return named if "://" in named else f"sqlite:///{named}"


def _database(raw: str) -> str:
    return database_url(raw or DEFAULT_DB)


def _optional(raw: str | None) -> str | None:
    return raw or None


def _switch(raw: object) -> bool:
    word = str(raw).strip().lower()
    if word not in _YES | _NO:
        raise ValueError(f"{raw!r} is neither yes (1, true, yes, on) nor no (0, false, no, off)")
    return word in _YES


def _port(raw: str | int) -> int:
    if not re.fullmatch(r"\d{1,5}", str(raw), re.ASCII) or int(raw) > 65_535:
        raise ValueError(f"{raw!r} is not a port between 0 and 65535")
    return int(raw)


def _region(raw: str) -> str:
    return _code(raw, 2, "GB")


def _currency(raw: str) -> str:
    return _code(raw, 3, "EUR")


def _code(raw: str, length: int, example: str) -> str:
    if not re.fullmatch(f"[A-Z]{{{length}}}", raw):
        raise ValueError(f"{raw!r} is not a code such as {example}")
    return raw


def _zone(raw: str) -> str:
    try:
        return ZoneInfo(raw).key
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"{raw!r} is not a time zone such as Europe/London") from None


def _var(name: str, default: str | None, check: Callable[[Any], Any], help: str) -> Any:
    """Declare one variable; what `check` raises gets its name."""

    def named(raw: Any) -> Any:
        try:
            return check(raw)
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from None

    return environ.var(default=default, converter=named, name=name, help=help)


@environ.config(prefix="OPENCRM", frozen=True)
class Settings:
    """The settings of one process.

    Attributes:
        db: URL of the workspace's database.
        user: As whom data commands act: an e-mail address, an id or a unique name.
        plugin_dir: Folder whose Python files are plugins.
        safe_mode: Whether to start without plugins.
        trace_hooks: Whether to print each call of a hook on stderr.
        region: ISO 3166 code of the country whose national phone numbers are understood.
        currency: ISO 4217 code that an amount without a currency has.
        zone: IANA name of the time zone in which dates without a zone are read.
        host: Address on which REST is served.
        port: Port on which REST is served; 0 takes a free one.
    """

    db: str = _var("OPENCRM_DB", DEFAULT_DB, _database, "The workspace's database: a URL, or an SQLite file.")
    user: str | None = _var("OPENCRM_AS", None, _optional, "As whom data commands act.")
    plugin_dir: str | None = _var("OPENCRM_PLUGIN_DIR", None, _optional, "Folder whose Python files are plugins.")
    safe_mode: bool = _var("OPENCRM_SAFE_MODE", "no", _switch, "Start without plugins.")
    trace_hooks: bool = _var("OPENCRM_TRACE_HOOKS", "no", _switch, "Print each call of a hook on stderr.")
    region: str = _var("OPENCRM_REGION", "GB", _region, "Country of national phone numbers.")
    currency: str = _var("OPENCRM_CURRENCY", "EUR", _currency, "Currency of amounts without one.")
    zone: str = _var("OPENCRM_ZONE", "Europe/London", _zone, "Time zone of dates without one.")
    host: str = _var("OPENCRM_HOST", "127.0.0.1", str, "Address on which REST is served.")
    port: int = _var("OPENCRM_PORT", "8000", _port, "Port on which REST is served; 0 takes a free one.")


def read_settings(variables: Mapping[str, str]) -> Settings:
    """Return the settings that a process's environment holds.

    Args:
        variables: Such as `os.environ`; variables without the prefix are ignored.

    Raises:
        ValueError: A variable has no usable value; the sentence names it and says why.
    """
    return environ.to_config(Settings, dict(variables))


def settings_help() -> str:
    """Return the variables, their defaults and their meanings, a line each."""
    return str(environ.generate_help(Settings, display_defaults=True))
