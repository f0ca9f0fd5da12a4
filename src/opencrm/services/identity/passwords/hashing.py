"""Passwords: which may be chosen, and how they are kept (argon2id)."""

from __future__ import annotations

import secrets
import unicodedata
from functools import cached_property
from typing import TYPE_CHECKING, Any

import attrs

from opencrm.core.values import fold
from opencrm.errors import InputError

if TYPE_CHECKING:
    from argon2 import PasswordHasher

SHORTEST, LONGEST = 12, 1000
"""How many characters a password has. There are no rules about what it is made of."""


@attrs.frozen
class Cost:
    """What one hash costs.

    Args:
        rounds: How often the memory is gone through.
        kibibytes: The memory.
        lanes: In how many lanes.
    """

    rounds: int
    kibibytes: int
    lanes: int


COST = Cost(rounds=3, kibibytes=65_536, lanes=4)
"""The second recommendation of RFC 9106: 64 MiB, about a twentieth of a second."""


class Passwords:
    """Hashes passwords and compares them.

    Args:
        cost: What a new hash costs; older ones stay good, and are made anew when their owner signs in.
    """

    def __init__(self, cost: Cost = COST) -> None:
        self._cost = cost

    def hash(self, password: str) -> str:
        """Return what is kept of a password that may be chosen."""
        return self._hasher.hash(_normal(password) or "")

    def verify(self, kept: str | None, password: Any) -> bool:
        """Say whether this is the password; where none is kept the answer is no, after the same time.

        Args:
            kept: What is kept of somebody's password.
            password: What was typed, whatever it is.
        """
        from argon2.exceptions import InvalidHashError, VerificationError

        decoy, typed = self._decoy, _normal(password)
        try:
            self._hasher.verify(kept or decoy, typed or "")
        except (VerificationError, InvalidHashError):
            return False
        return kept is not None and typed is not None

    def outdated(self, kept: str) -> bool:
        """Say whether a hash was made at another cost than is asked for now."""
        return self._hasher.check_needs_rehash(kept)

    @cached_property
    def _hasher(self) -> PasswordHasher:
        from argon2 import PasswordHasher, Type

        cost = self._cost
        return PasswordHasher(time_cost=cost.rounds, memory_cost=cost.kibibytes, parallelism=cost.lanes, type=Type.ID)

    @cached_property
    def _decoy(self) -> str:
        return self._hasher.hash(secrets.token_urlsafe(32))


def check_new(password: Any, email: str | None) -> str:
    """Return a password that may be chosen.

    Args:
        password: What was typed.
        email: The address of whose it will be.

    Raises:
        InputError: It is too short or too long, cannot be stored, or is the address.
    """
    normal = _normal(password)
    if normal is None:
        raise _refused("must be a text, without control characters")
    if not SHORTEST <= len(normal) <= LONGEST:
        raise _refused(f"must have {SHORTEST} to {LONGEST} characters")
    if email and fold(normal) == fold(email):
        raise _refused("must not be the e-mail address")
    return str(password)


def _refused(sentence: str) -> InputError:
    return InputError({"password": [sentence]})


def _normal(password: Any) -> str | None:
    """Return what is hashed: the same for all ways to type the same letters; None for what is no password."""
    if not isinstance(password, str) or len(password) > 2 * LONGEST:
        return None
    normal = unicodedata.normalize("NFKC", password)
    fit = all(unicodedata.category(letter) not in ("Cc", "Cs") for letter in normal)
    return normal if fit and len(normal) <= LONGEST else None
