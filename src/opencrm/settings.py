"""What a process is told from outside: environment variables with the prefix `OPENCRM_`.

Nothing but the command line reads them: a program that embeds opencrm passes what it wants to `CRM(...)`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit
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


def _base_url(raw: str | None) -> str | None:
    return _url(raw.rstrip("/"), ("http", "https"), "https://crm.example.com") if raw else None


def _mail_url(raw: str | None) -> str | None:
    return _url(raw, ("smtp", "smtps"), "smtps://name:password@mail.example.com") if raw else None


def _url(raw: str, schemes: tuple[str, ...], example: str) -> str:
    try:
        url = urlsplit(raw)
        fit = url.scheme in schemes and bool(url.hostname) and (url.port is None or url.port > 0)
    except ValueError:
        fit, url = False, urlsplit("")
    secret = url.username is not None and url.scheme.startswith("http")
    if not fit or secret or url.query or url.fragment or not raw.isascii() or not raw.isprintable() or " " in raw:
        raise ValueError(f"is no address such as {example}")
    return raw


def _hosts(raw: str | tuple[str, ...]) -> tuple[str, ...]:
    found = raw if isinstance(raw, tuple) else tuple(filter(None, re.split(r"[\s,]+", raw)))
    for host in found:
        if not re.fullmatch(r"[A-Za-z0-9._:-]{1,253}", host, re.ASCII):
            raise ValueError(f"{host!r} is no host such as erp.example.internal")
    return found


def _hours(raw: str | int) -> int:
    return _number(raw, 24 * 365)


def _days(raw: str | int) -> int:
    return _number(raw, 3650)


def _megabytes(raw: str | int) -> int:
    return _number(raw, 99_999)


def _number(raw: str | int, most: int) -> int:
    if not re.fullmatch(r"\d{1,5}", str(raw), re.ASCII) or not 1 <= int(raw) <= most:
        raise ValueError(f"{raw!r} is not a number between 1 and {most}")
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
        base_url: Where people reach the workspace; links are made of it.
        smtp_url: The server that takes mail.
        mail_from: Whom mail comes from.
        session_hours: After how many hours without use a session ends.
        session_days: After how many days a session ends in any case.
        intranet: Hosts that webhooks may call though they are no public ones, with commas between.
        sandbox_sends: Whether letters and webhooks leave a sandbox.
        files: Where files are kept: a folder, or a URL that fsspec understands.
        file_mb: How many megabytes a file may have.
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
    base_url: str | None = _var("OPENCRM_BASE_URL", None, _base_url, "Where people reach the workspace, for links.")
    smtp_url: str | None = _var("OPENCRM_SMTP_URL", None, _mail_url, "The server that takes mail.")
    mail_from: str | None = _var("OPENCRM_MAIL_FROM", None, _optional, "Whom mail comes from.")
    session_hours: int = _var("OPENCRM_SESSION_HOURS", "12", _hours, "Hours without use after which a session ends.")
    session_days: int = _var("OPENCRM_SESSION_DAYS", "30", _days, "Days after which a session ends in any case.")
    intranet: tuple[str, ...] = _var(
        "OPENCRM_INTRANET", "", _hosts, "Hosts that webhooks may call though they are no public ones."
    )
    sandbox_sends: bool = _var("OPENCRM_SANDBOX_SENDS", "no", _switch, "Send letters and webhooks from a sandbox, too.")
    files: str | None = _var("OPENCRM_FILES", None, _optional, "Where files are kept: a folder or an fsspec URL.")
    file_mb: int = _var("OPENCRM_FILE_MB", "100", _megabytes, "Megabytes that a file may have.")


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
