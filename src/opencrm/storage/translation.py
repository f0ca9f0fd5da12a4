"""The one border at which a driver's errors become opencrm's."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError, PendingRollbackError, SQLAlchemyError

from opencrm.errors import ConfigurationError, ConflictError, Duplicate, InputError, OpenCRMError, Unavailable

_RETRY = {"40001", "40P01", "55P03"}
_NO_TABLE = "42P01"
_GONE = {_NO_TABLE, "42703"}
_FIRST = "crm_workspace"
"""The table that is read before any other."""


@contextmanager
def translated() -> Iterator[None]:
    """Raise opencrm's errors for a driver's."""
    try:
        yield
    except SQLAlchemyError as error:
        raise _of(error) from error


def driver_errors(engine: Engine) -> type[Exception]:
    """Return the class of all errors of an engine's driver."""
    found: type[Exception] = engine.dialect.loaded_dbapi.Error
    return found


def from_driver(error: Exception) -> OpenCRMError:
    """Return opencrm's error for one that came from a driver without SQLAlchemy between."""
    return _explain(error, error)


def _of(error: SQLAlchemyError) -> OpenCRMError:
    if isinstance(error, DBAPIError) and error.orig is not None:
        return _explain(error, error.orig)
    if isinstance(error, PendingRollbackError):  # Its connection was lost before.
        return Unavailable("the database cannot be used: the connection was lost")
    return ConfigurationError(f"the database refuses: {error}")


def _explain(error: Exception, origin: BaseException) -> OpenCRMError:
    state = getattr(origin, "sqlstate", None)
    text = str(origin).strip().splitlines()[0] if str(origin).strip() else type(origin).__name__
    if state == "23505" or "UNIQUE constraint failed" in text:
        fields = _unique_fields(origin, text)
        return Duplicate(f"another record has the same {' and '.join(fields) or 'key'}", fields=fields)
    if state == "23503" or "FOREIGN KEY constraint failed" in text:
        return InputError({"id": ["refers to a record that does not exist"]})
    if state in _RETRY or "database is locked" in text:
        return ConflictError("somebody else was changing the same records; try again")
    if _FIRST in text and (state == _NO_TABLE or "no such table" in text):
        how = "make one with `opencrm init`, or with crm.init(owner=...)"
        return ConfigurationError(f"there is no workspace in the database: {how} ({text})")
    if state in _GONE or "no such table" in text or "no such column" in text:
        return ConfigurationError(f"the database is not up to date: run `opencrm db upgrade` ({text})")
    if isinstance(error, IntegrityError) or (state or "").startswith("23") or "constraint failed" in text:
        return InputError({"record": [text]})
    if isinstance(error, OperationalError) or state is None or state.startswith(("08", "53", "57")):
        return Unavailable(f"the database cannot be used: {text}")
    return ConfigurationError(f"the database refuses: {text}")


def _unique_fields(origin: Any, text: str) -> list[str]:
    """Name the fields of a violated unique index: `uq_TABLE_...` on PostgreSQL, TABLE.COLUMN on SQLite."""
    columns = re.findall(r"\w+\.(\w+)", text) if "UNIQUE constraint failed" in text else _detail_columns(origin)
    return [re.sub(r"_key$", "", column) for column in columns if column != "id"]


def _detail_columns(origin: Any) -> list[str]:
    detail = getattr(getattr(origin, "diag", None), "message_detail", None) or ""
    found = re.match(r"Key \(([^)]*)\)=", detail)
    return [each.strip() for each in found[1].split(",")] if found else []
