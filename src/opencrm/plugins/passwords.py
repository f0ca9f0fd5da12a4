"""Signing in with an e-mail address and a password: what counts where no other plugin judges."""

from __future__ import annotations

from opencrm import IdentityDoor, hookimpl
from opencrm.embed import Attempt, Identity


@hookimpl
def opencrm_provide_identity(attempt: Attempt, door: IdentityDoor) -> Identity:
    return Identity(door.verified(attempt.email, attempt.password))
