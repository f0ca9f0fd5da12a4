"""Running the scripts of an owner's package, by alembic, which is imported only when there are any."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection

from opencrm.errors import ConfigurationError
from opencrm.storage.migrations.owner import Owner
from opencrm.storage.migrations.record import schema_of

if TYPE_CHECKING:
    from alembic.runtime.migration import MigrationContext, RevisionStep
    from alembic.script import Script, ScriptDirectory

_ALEMBIC = threading.Lock()  # `alembic.op`, which scripts import, is one for the process.


def pending(connection: Connection, owner: Owner) -> tuple[str, ...]:
    """Return the scripts that were not run yet, in their order: revision and title.

    Raises:
        ConfigurationError: The database is at a revision that the package does not know.
    """
    directory = _directory(owner)
    if directory is None:
        return ()
    with _explained(owner):
        heads = _context(connection, owner).get_current_heads()
        return tuple(_title(directory, step) for step in _steps(directory, heads))


def revision(connection: Connection, owner: Owner) -> str | None:
    """Return the revision that an owner's tables are at, if scripts were ever run or counted as run."""
    if owner.scripts is None:
        return None
    heads = _context(connection, owner).get_current_heads()
    return ", ".join(sorted(heads)) or None


def run(connection: Connection, owner: Owner) -> None:
    """Run the pending scripts in the transaction under way."""
    directory = _directory(owner)
    if directory is None:
        return
    context = _context(connection, owner, fn=lambda heads, _: _steps(directory, heads))
    with _explained(owner), _ALEMBIC, _operations(context):
        context.run_migrations()


def stamp(connection: Connection, owner: Owner) -> None:
    """Count all scripts as run: the tables were made from their present declarations."""
    directory = _directory(owner)
    if directory is not None:
        with _explained(owner):
            _context(connection, owner).stamp(directory, "heads")


def _directory(owner: Owner) -> ScriptDirectory | None:
    if owner.scripts is None:
        return None
    from alembic.script import ScriptDirectory

    with _explained(owner):
        return ScriptDirectory(owner.scripts, version_locations=[owner.scripts])


def _context(connection: Connection, owner: Owner, **functions: Any) -> MigrationContext:
    from alembic.runtime.migration import MigrationContext

    options = {
        "version_table": f"alembic_version_{owner.name}",
        "version_table_schema": schema_of(connection),
        "render_as_batch": True,
        **functions,
    }
    return MigrationContext.configure(connection=connection, opts=options)


def _steps(directory: ScriptDirectory, heads: Any) -> list[RevisionStep]:
    return directory._upgrade_revs("heads", heads)


def _title(directory: ScriptDirectory, step: RevisionStep) -> str:
    found = [directory.get_revision(each) for each in step.to_revisions]
    return ", ".join(_label(each) for each in found)


def _label(script: Script) -> str:
    return f"{script.revision} ({script.doc})" if script.doc else script.revision


@contextmanager
def _operations(context: MigrationContext) -> Iterator[None]:
    """Make `alembic.op` speak to this connection; alembic's own manager leaves it there after an error."""
    from alembic.operations import Operations

    operations = Operations(context)
    operations._install_proxy()
    try:
        yield
    finally:
        operations._remove_proxy()


@contextmanager
def _explained(owner: Owner) -> Iterator[None]:
    from alembic.util import CommandError

    try:
        yield
    except CommandError as error:
        raise ConfigurationError(
            f"{owner.name}: the scripts in {owner.scripts} do not fit the database ({error}); "
            "it may have been upgraded by a newer version of the package"
        ) from error
