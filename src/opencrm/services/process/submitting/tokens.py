"""What is signed: that a form was shown at an instant, and that a record may be told of."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import attrs

from opencrm.core.values import Id
from opencrm.errors import InputError
from opencrm.services.reading import cursors

_LONGEST = 500
KEPT = timedelta(hours=24)
"""How long a page may stay open before it is sent."""


@attrs.frozen
class Shown:
    """That a form was shown.

    Attributes:
        at: When.
        nonce: Tells this showing from others.
    """

    at: datetime
    nonce: str


def shown(secret: bytes, form: str, at: datetime, nonce: str) -> str:
    """Return a token that tells when a form was shown."""
    return cursors.write(secret, f"form shown {form}", [at.isoformat(), nonce])


def read_shown(secret: bytes, form: str, token: Any) -> Shown | None:
    """Return what a token tells; None where it is none of this form."""
    found = _read(secret, f"form shown {form}", token)
    return None if found is None else Shown(datetime.fromisoformat(found[0]), found[1])


def link(secret: bytes, form: str, record: Id, until: datetime) -> str:
    """Return what lets somebody send a form about a record until an instant."""
    return cursors.write(secret, f"form link {form}", [record, until.isoformat()])


def read_link(secret: bytes, form: str, token: Any, now: datetime) -> Id | None:
    """Return the record that may be told of; None where it may not, or no longer."""
    found = _read(secret, f"form link {form}", token)
    if found is None or datetime.fromisoformat(found[1]) < now:
        return None
    return str(found[0])


def _read(secret: bytes, binding: str, token: Any) -> list[Any] | None:
    if not isinstance(token, str) or len(token) > _LONGEST:
        return None
    try:
        return cursors.read(secret, binding, token)
    except InputError:
        return None
