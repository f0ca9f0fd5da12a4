"""Copies of roles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opencrm.core.change import JournalEntry
from opencrm.core.entities import Role
from opencrm.core.values import Id
from opencrm.services import records
from opencrm.services.commands import Create

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opencrm.services.writing.work import Work

_COPIED = ("rank", "grants", "delegable", "field_rules", "home_unit_id")


def copy(work: Work, role: Id, *, key: str, given: Mapping[str, Any] | None = None) -> JournalEntry:
    """Make a role like another one; whoever holds that keeps it.

    Args:
        work: Of somebody who may make such a role.
        role: The role to copy.
        key: The new role's key.
        given: What is to be otherwise: `name`, by default the other's with *(copy)*, `rank`, `home_unit_id` and so on.

    Raises:
        NotFound: There is no such role, or none that the principal may know of.
        InputError, PermissionDenied, Duplicate: See `records.create`.
    """
    one = work.get(Role, role)
    copied = {name: one[name] for name in _COPIED} | {"name": f"{one['name'][:190]} (copy)"}
    [made] = records.create(work, [Create(Role, values={**copied, **(given or {}), "key": key})])
    return made
