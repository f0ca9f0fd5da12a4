"""Showing what long-running commands log."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from opencrm.cli.border import debugging

_FORM = "%(asctime)s %(levelname)s %(name)s: %(message)s"


@contextmanager
def logs_on_stderr() -> Iterator[None]:
    """Write opencrm's warnings and errors on stderr while the block runs; with OPENCRM_DEBUG, everything."""
    logger, handler = logging.getLogger("opencrm"), logging.StreamHandler()
    handler.setFormatter(logging.Formatter(_FORM))
    before = logger.level
    logger.setLevel(logging.DEBUG if debugging() else logging.WARNING)
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(before)
