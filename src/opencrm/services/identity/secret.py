"""Secrets that are shown once and kept as digests."""

from __future__ import annotations

import hashlib
import secrets

SESSION = "opencrm-session_"
"""Begins the secrets of sessions; those of keys begin with `opencrm_`."""


def fresh(prefix: str = "") -> str:
    """Return a secret of 256 random bits."""
    return prefix + secrets.token_urlsafe(32)


def digest(secret: str) -> str:
    """Return what is kept of a secret: it has 256 random bits, so a plain SHA-256 suffices."""
    return hashlib.sha256(secret.encode(errors="replace")).hexdigest()
