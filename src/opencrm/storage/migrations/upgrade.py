"""Upgrading owner by owner, and telling what an upgrade would do."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TypeAlias

import attrs
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from opencrm.errors import ConfigurationError, OpenCRMError, Unavailable
from opencrm.storage.migrations import scripts
from opencrm.storage.migrations.difference import Difference, difference
from opencrm.storage.migrations.observed import observed
from opencrm.storage.migrations.operations import apply, create_tables
from opencrm.storage.migrations.owner import CORE_OWNER, Owner
from opencrm.storage.migrations.record import Recorded, record, recorded
from opencrm.storage.migrations.safeguard import Safeguard
from opencrm.storage.migrations.transaction import migration, reading
from opencrm.storage.translation import translated


@attrs.frozen
class Applied:
    """An owner's tables are as declared.

    Attributes:
        owner: Its name.
        operations: A line for each thing that was done; nothing if there was nothing to do.
        backup: The copy of an SQLite database from before the upgrade, if existing tables changed.
    """

    owner: str
    operations: tuple[str, ...] = ()
    backup: Path | None = None


@attrs.frozen
class Failed:
    """A plugin's tables are as they were, and do not suit its declarations: it cannot be active.

    Attributes:
        owner: The plugin's name.
        error: Why; its text is meant for people.
    """

    owner: str
    error: OpenCRMError


Outcome: TypeAlias = Applied | Failed


@attrs.frozen
class Current:
    """Where an owner's tables stand.

    Attributes:
        owner: Its name.
        applied_at: When they were last created or changed (aware, UTC); None before the first time.
        revision: The last of its scripts that was run, or counted as run.
        up_to_date: Whether they are as declared.
    """

    owner: str
    applied_at: datetime | None
    revision: str | None
    up_to_date: bool


@attrs.frozen
class _Act:
    """One call of `upgrade`."""

    engine: Engine
    schema: str | None
    now: datetime
    safeguard: Safeguard


def upgrade(
    engine: Engine, owners: Sequence[Owner], *, now: datetime, schema: str | None = None
) -> tuple[Outcome, ...]:
    """Bring the tables of owners to their declarations, each owner's wholly or not at all.

    Args:
        engine: On SQLite one that leaves transactions to opencrm.
        owners: The core first; each after those whose tables it refers to.
        now: The instant to record (aware).
        schema: PostgreSQL's schema that holds the workspace; created if it is missing.

    Returns:
        One outcome an owner, in their order.

    Raises:
        ConfigurationError: The core cannot be upgraded.
        Unavailable: The database is not there, or no longer.
    """
    with translated(), reading(engine, schema) as connection:
        known = recorded(connection)
    act = _Act(engine, schema, now, Safeguard(now))
    return tuple(
        Applied(owner.name) if _is_current(owner, known.get(owner.name)) else _upgrade_owner(act, owner)
        for owner in owners
    )


def check(connection: Connection, owners: Sequence[Owner]) -> list[str]:
    """Return a line for each thing that `upgrade` would do, or refuse to do; none if all is up to date.

    Costs one statement, or two, if nothing has changed. Names are looked for where the connection's
    `search_path` or `schema_translate_map` points.

    Raises:
        ConfigurationError: The database is newer than an owner's scripts.
    """
    with translated():
        known = recorded(connection)
        plans = {owner.name: _plan(connection, owner, known.get(owner.name)) for owner in owners}
    return [f"{name}: {line}" for name, plan in plans.items() for line in plan]


def current(connection: Connection, owners: Sequence[Owner]) -> tuple[Current, ...]:
    """Return where each owner's tables stand."""
    with translated():
        known = recorded(connection)
        return tuple(_current(connection, owner, known.get(owner.name)) for owner in owners)


def _current(connection: Connection, owner: Owner, known: Recorded | None) -> Current:
    if known is None:
        return Current(owner.name, None, None, up_to_date=False)
    revision = scripts.revision(connection, owner)
    return Current(owner.name, known.applied_at, revision, up_to_date=_is_current(owner, known))


def _plan(connection: Connection, owner: Owner, known: Recorded | None) -> list[str]:
    if known is None:
        return [f"create table {name}" for name in owner.snapshot] or ["record that there are no tables"]
    if _is_current(owner, known):
        return []
    pending = [f"run script {each}" for each in scripts.pending(connection, owner)]
    found = difference(known.snapshot, owner.snapshot)
    refused = [] if pending else [f"cannot go on without a script: {each}" for each in found.refused]
    return [*pending, *map(str, found.operations), *refused] or ["record the present declarations"]


def _is_current(owner: Owner, known: Recorded | None) -> bool:
    return known is not None and known.fingerprint == owner.fingerprint


def _upgrade_owner(act: _Act, owner: Owner) -> Outcome:
    try:
        with migration(act.engine, act.schema) as connection:
            done = _upgrade_tables(connection, owner, act)
    except Exception as error:  # noqa: BLE001  # Scripts are anybody's code; the border to it is here.
        act.safeguard.discard()
        return _failed(owner, error)
    act.safeguard.keep()
    return Applied(owner.name, done, act.safeguard.path)


def _failed(owner: Owner, error: Exception) -> Failed:
    reason = error if isinstance(error, OpenCRMError) else _told(owner, error)
    if owner.name == CORE_OWNER or isinstance(reason, Unavailable):
        raise reason
    return Failed(owner.name, reason)


def _told(owner: Owner, error: Exception) -> OpenCRMError:
    lost = isinstance(error, DBAPIError) and error.connection_invalidated
    text = f"{owner.name}: the upgrade failed, and nothing was changed: {_cause(error)}"
    reason = (Unavailable if lost else ConfigurationError)(text, owner=owner.name)
    reason.__cause__ = error
    return reason


def _cause(error: Exception) -> str:
    """Return an error's first line and, of a statement's error, the statement without its data."""
    origin = error.orig if isinstance(error, DBAPIError) else error
    line = next(iter(str(origin).splitlines()), type(origin).__name__)
    statement = error.statement if isinstance(error, DBAPIError) else None
    return f"{line} (in {' '.join(statement.split())})" if statement else line


def _upgrade_tables(connection: Connection, owner: Owner, act: _Act) -> tuple[str, ...]:
    known = recorded(connection).get(owner.name)
    if known is None:
        done = _create(connection, owner)
    elif _is_current(owner, known):
        return ()  # Another process did it while this one waited.
    else:
        done = _evolve(connection, owner, known, act.safeguard)
    record(connection, owner, act.now)
    return done


def _create(connection: Connection, owner: Owner) -> tuple[str, ...]:
    create_tables(connection, owner.tables)
    scripts.stamp(connection, owner)
    return tuple(f"create table {name}" for name in owner.snapshot)


def _evolve(connection: Connection, owner: Owner, known: Recorded, safeguard: Safeguard) -> tuple[str, ...]:
    pending = scripts.pending(connection, owner)
    before = known.snapshot
    if pending:
        safeguard.take(connection)
        scripts.run(connection, owner)
        before = observed(connection, owner.tables, owner.snapshot, before)
    found = difference(before, owner.snapshot)
    _refuse(owner, found)
    if found.operations:
        safeguard.take(connection)
        apply(connection, owner.tables, found.operations)
    return (*(f"run script {each}" for each in pending), *map(str, found.operations))


def _refuse(owner: Owner, found: Difference) -> None:
    if found.refused:
        raise ConfigurationError(
            f"{owner.name}: {'; '.join(found.refused)}. "
            "Only additions (a table, an optional column, an index) are made from a declaration: "
            "this needs a script in the package, or a newer version of the package if that is what "
            "upgraded the database before.",
            owner=owner.name,
            refused=list(found.refused),
        )
