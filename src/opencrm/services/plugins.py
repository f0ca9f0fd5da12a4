"""Which plugins a workspace uses, and what their automations may do: decided by owners."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import attrs
from sqlalchemy import bindparam, delete, select

from opencrm.core.access.grants import Grant, grant_rows
from opencrm.core.change import Values
from opencrm.core.columns import key_column
from opencrm.core.custom import AddedField
from opencrm.core.pipeline import Pipeline
from opencrm.core.pipeline.staging import unfit
from opencrm.core.process.checks import alone
from opencrm.core.process.rules import Rule
from opencrm.core.search.documents import label_of
from opencrm.errors import PluginError
from opencrm.services import queue
from opencrm.services.definitions import counting
from opencrm.services.definitions.depending import OWN_FIRST, clashing
from opencrm.services.definitions.process.loading import claims_of
from opencrm.services.definitions.process.loading import load as load_processes
from opencrm.services.reading.owning import owners_only
from opencrm.services.searching import indexing
from opencrm.services.workspaces.configuration import bump
from opencrm.services.writing.locking import lock
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


def enable(
    work: Work,
    name: str,
    *,
    version: str,
    grants: Iterable[Grant],
    fields: Iterable[AddedField] = (),
    processes: Sequence[Pipeline | Rule] = (),
) -> None:
    """Switch a plugin on, and let its automation do what the grants say.

    Args:
        work: The work block.
        name: The plugin.
        version: As its metadata says.
        grants: What its automation may do.
        fields: What it adds to others' entities.
        processes: Its pipelines and rules.

    Raises:
        PermissionDenied: The principal is not an owner.
        PluginError: The workspace has a field of its own of the name of one of its fields, or see `check_processes`.
        ConflictError: Somebody else changed the organisation or a definition since this work block began.
    """
    owners_only(work, "plugin.enable", "plugins")
    lock(work)
    check_processes(work, name, processes)
    several = list(fields)
    taken = clashing(work.configuration.catalogue.entities, several)
    if taken:
        raise PluginError(f"plugin {name!r} adds {taken[0]}: {OWN_FIRST}", plugin=name)
    _drop(work, name)
    work.tx.insert(_TABLE, [{"name": name, "enabled": True, "version": version, "grants": grant_rows(grants)}])
    counting.forget(work.tx)  # Roll-ups of its fields, and those that look at them, were not kept without it.
    indexing.forget(work.tx, {label_of(it.entity, each) for it in several for each in it.fields() if each.searchable})
    bump(work.tx, work.new_id())


def check_processes(reader: Reader, name: str, processes: Sequence[Pipeline | Rule]) -> None:
    """Refuse a plugin whose pipelines and rules cannot be in force beside what stands.

    Args:
        reader: Whoever enables it.
        name: The plugin.
        processes: Its pipelines and rules.

    Raises:
        PluginError: The workspace defines one of that key itself, or rules would go round, or wait for what never
            comes; says which.
    """
    for wrong in (*_defined(reader.tx, processes), *_unfit(reader, processes)):
        raise PluginError(f"plugin {name!r}: {wrong}", plugin=name)


def _defined(tx: Transaction, several: Sequence[Pipeline | Rule]) -> Iterator[str]:
    """Say which of the plugin's pipelines, rules and kinds of tasks the workspace defines itself."""
    defined = load_processes(tx)
    standing: list[tuple[str, Pipeline | Rule]] = [*defined.pipelines, *defined.rules]
    held = {claim: owner for owner, it in standing for claim in claims_of(it)}
    for kind, key in dict.fromkeys(claim for it in several for claim in claims_of(it)):
        if (kind, key) in held:
            owner = held[kind, key].replace(".", " ", 1)
            taken = f"{kind} {key!r} is defined in this workspace already"
            yield f"{taken}, by its own {owner}, which is to be retired first"


def _unfit(reader: Reader, processes: Sequence[Pipeline | Rule]) -> Iterator[str]:
    """Say what is wrong with pipelines and rules together that is not with those that stand by themselves."""
    catalogue = reader.configuration.catalogue
    for it in processes:
        spec = catalogue.entities.get(it.entity) if isinstance(it, Pipeline) else None
        if spec is not None and unfit(spec):
            yield f"pipeline {it.key!r}: {unfit(spec)}"
    standing = dict(catalogue.pipelines), {key: it.rule for key, it in catalogue.process.rules.items()}
    pipelines = standing[0] | {it.key: it for it in processes if isinstance(it, Pipeline)}
    rules = standing[1] | {it.key: it for it in processes if isinstance(it, Rule)}
    known = {*alone([*standing[0].values()], [*standing[1].values()])}
    yield from (it for it in alone([*pipelines.values()], [*rules.values()]) if it not in known)


def disable(work: Work, name: str) -> None:
    """Switch a plugin off; its data stays, what it was still to be told is dropped.

    Raises:
        PermissionDenied: The principal is not an owner.
    """
    owners_only(work, "plugin.disable", "plugins")
    _drop(work, name)
    queue.forget(work.tx, name)
    bump(work.tx, work.new_id())


def _drop(work: Work, name: str) -> None:
    def build() -> Any:
        return delete(_TABLE).where(_TABLE.c.name == bindparam("name", type_=key_column(64)))

    work.tx.run("drop plugin", build, [{"name": name}])
