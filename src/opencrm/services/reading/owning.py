"""What owners alone may do."""

from __future__ import annotations

from opencrm.errors import PermissionDenied
from opencrm.services.reading.reader import Reader


def owners_only(reader: Reader, action: str, about: str) -> None:
    """Refuse whoever is not an owner.

    Args:
        reader: Who asks.
        action: What they want, such as `"plugin.enable"`.
        about: What only an owner decides about, as the refusal calls it.

    Raises:
        PermissionDenied: The principal is not one.
    """
    if not reader.rights.owner:
        raise PermissionDenied(
            f"only an owner decides about {about}",
            principal=reader.rights.name,
            action=action,
            reason="not an owner",
        )
