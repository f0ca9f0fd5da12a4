"""Which plugins a workspace uses, and what their automations may do: decided by owners."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import attrs
from sqlalchemy import bindparam, delete, select

from opencrm.core.access.grants import Grant, grant_rows
from opencrm.core.change import Values
from opencrm.core.columns import key_column
from opencrm.core.custom import AddedField
from opencrm.core.search.documents import label_of
from opencrm.errors import PermissionDenied, PluginError
from opencrm.services import queue
from opencrm.services.definitions import counting
from opencrm.services.definitions.depending import OWN_FIRST, clashing
from opencrm.services.searching import indexing
from opencrm.services.workspaces.configuration import bump
from opencrm.storage import tables
from opencrm.storage.transactions import Transaction

if TYPE_CHECKING:
    from opencrm.services.reading.reader import Reader
    from opencrm.services.writing.work import Work

_TABLE = tables.plugin


@attrs.frozen(kw_only=True)
class PluginState:
    """A plugin as an owner sees it.

    Attributes:
        name: Its name.
        version: As its metadata says, or empty.
        source: Where it comes from: `box`, `package`, `file` or `given`.
        active: Whether this workspace uses it.
        switchable: Whether it can be enabled and disabled; what the host passes or the box needs cannot.
        problem: Why it cannot be used, or None.
    """

    name: str
    version: str
    source: str
    active: bool
    switchable: bool
    problem: str | None = None


def switched_on(tx: Transaction) -> dict[str, Values]:
    """Return the enabled plugins by name, with the grants that were approved."""
    rows = tx.query("plugins", lambda: select(_TABLE).where(_TABLE.c.enabled), {})
    return {row["name"]: row for row in rows}


def enable(work: Work, name: str, *, version: str, grants: Iterable[Grant], fields: Iterable[AddedField] = ()) -> None:
    """Switch a plugin on, and let its automation do what the grants say.

    Args:
        work: The work block.
        name: The plugin.
        version: As its metadata says.
        grants: What its automation may do.
        fields: What it adds to others' entities.

    Raises:
        PermissionDenied: The principal is not an owner.
        PluginError: The workspace has a field of its own of the name of one of its fields.
    """
    owners_only(work, "plugin.enable")
    several = list(fields)
    taken = clashing(work.configuration.catalogue.entities, several)
    if taken:
        raise PluginError(f"plugin {name!r} adds {taken[0]}: {OWN_FIRST}", plugin=name)
    _drop(work, name)
    work.tx.insert(_TABLE, [{"name": name, "enabled": True, "version": version, "grants": grant_rows(grants)}])
    counting.forget(work.tx)  # Roll-ups of its fields, and those that look at them, were not kept without it.
    indexing.forget(work.tx, {label_of(it.entity, each) for it in several for each in it.fields() if each.searchable})
    bump(work.tx, work.new_id())


def disable(work: Work, name: str) -> None:
    """Switch a plugin off; its data stays, what it was still to be told is dropped.

    Raises:
        PermissionDenied: The principal is not an owner.
    """
    owners_only(work, "plugin.disable")
    _drop(work, name)
    queue.forget(work.tx, name)
    bump(work.tx, work.new_id())


def _drop(work: Work, name: str) -> None:
    def build() -> Any:
        return delete(_TABLE).where(_TABLE.c.name == bindparam("name", type_=key_column(64)))

    work.tx.run("drop plugin", build, [{"name": name}])


def owners_only(reader: Reader, action: str) -> None:
    """Refuse whoever is not an owner.

    Raises:
        PermissionDenied: The principal is not one.
    """
    if not reader.rights.owner:
        raise PermissionDenied(
            "only an owner decides about plugins",
            principal=reader.rights.name,
            action=action,
            reason="not an owner",
        )
