"""What scripts do, and what is left when they fail."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Column, Index, Integer, MetaData, String, Table, select

from opencrm.errors import ConfigurationError
from opencrm.storage.migrations import Applied, Failed, Owner

Core = Callable[..., Owner]


def script(folder: Path, body: str, *, revision: str = "0001", after: str | None = None) -> Path:
    """Write a script whose `upgrade` is one line."""
    head = f"from alembic import op\nrevision = {revision!r}\ndown_revision = {after!r}\n"
    folder.mkdir(exist_ok=True)
    (folder / f"{revision}.py").write_text(f"{head}def upgrade():\n    {body}\n")
    return folder


def renamed(core: Core, scripts: Path | None, *more: Any) -> Owner:
    """Declare deals whose title became a name."""
    return core(Column("name", String(100), nullable=False), *more, scripts=scripts, without=["title"])


def test_a_script_does_what_no_declaration_can_and_keeps_the_data(place: Any, core: Core, renaming: Path) -> None:
    """A column is renamed; what the script left to the declaration is added after it."""
    place.up(core())
    place.fill()
    later = renamed(core, renaming, Index("ix_name", "name"))
    assert place.waiting(later)[0] == "core: run script 0001 (Rename title to name.)"

    [done] = place.up(later)

    assert done.operations == ("run script 0001 (Rename title to name.)", "create index crm_deal.ix_name")
    names = place.rows("SELECT name FROM crm_deal ORDER BY name")
    assert names == [("Deal 0",), ("Deal 1",), ("Deal 2",)]
    assert place.waiting(later) == []
    assert place.observe(later) == later.snapshot
    assert place.up(later) == (Applied("core"),)


def test_a_script_may_change_rows_and_their_table(place: Any, core: Core, tmp_path: Path) -> None:
    """PostgreSQL could not alter a table while checks of its changed rows wait for the commit."""
    place.up(core())
    place.fill()
    update, alter = "UPDATE crm_deal SET owner_id = owner_id", "ALTER TABLE crm_deal ADD x INTEGER"
    folder = script(tmp_path / "s", f"op.execute({update!r}); op.execute({alter!r})")
    [done] = place.up(core(Column("x", Integer), scripts=folder))
    assert done.operations == ("run script 0001",)


def test_a_script_that_does_not_do_enough_is_refused(place: Any, core: Core, tmp_path: Path) -> None:
    """The database, not the script's word, says whether the declaration is met."""
    place.up(core())
    place.fill()
    before = place.shape()
    with pytest.raises(ConfigurationError, match=r"crm_deal\.title is declared no longer"):
        place.up(renamed(core, script(tmp_path / "s", "pass")))
    assert place.shape() == before


@pytest.mark.parametrize("failing", ["raise RuntimeError('half way')", "op.execute('SELECT * FROM nowhere')"])
def test_a_failure_in_the_middle_leaves_nothing_behind(
    place: Any, core: Core, renaming: Path, tmp_path: Path, failing: str
) -> None:
    """Tables, data, revision and record are as before, on both databases; the next try may work."""
    place.up(core())
    place.fill()
    before, titles = place.shape(), place.rows("SELECT id, title FROM crm_deal")
    script(renaming, failing, revision="0002", after="0001")

    with pytest.raises(ConfigurationError, match="core: the upgrade failed, and nothing was changed"):
        place.up(renamed(core, renaming))

    assert place.shape() == before
    assert place.rows("SELECT id, title FROM crm_deal") == titles
    assert list(tmp_path.glob("*.bak*")) == []
    (renaming / "0002.py").unlink()
    assert isinstance(place.up(renamed(core, renaming))[0], Applied)


def test_rows_that_would_refer_to_nothing_stop_a_script(place: Any, core: Core, tmp_path: Path) -> None:
    """Foreign keys are not enforced while SQLite's tables are replaced, but nothing broken is committed."""
    place.up(core())
    place.fill()
    folder = script(tmp_path / "s", "op.execute('DELETE FROM crm_user')")
    with pytest.raises(ConfigurationError, match=r"crm_deal refers to missing rows|violates foreign key"):
        place.up(core(scripts=folder))
    assert place.rows("SELECT count(*) FROM crm_user") == [(1,)]
    if place.sqlite:
        with place.engine.connect() as connection:
            assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1


def test_a_plugin_fails_alone(place: Any, core: Core, tmp_path: Path) -> None:
    """Core and the other plugins are upgraded; the failed one is reported and left as it was."""

    def table(name: str, *more: Any) -> Table:
        return Table(name, MetaData(), Column("id", Integer, primary_key=True), *more)

    place.up(core(), Owner("a", [table("a_one")]), Owner("b", [table("b_one")]))
    folder = script(tmp_path / "s", "op.drop_table('a_one'); 1 / 0")
    broken = Owner("a", [table("a_one", Column("x", Integer, nullable=False))], folder)
    more = Owner("b", [table("b_one", Column("x", Integer))])

    [first, second, third] = place.up(core(Column("source", String(9))), broken, more)

    assert first.operations == ("add column crm_deal.source",)
    assert isinstance(second, Failed)
    assert "a: the upgrade failed, and nothing was changed: division by zero" in str(second.error)
    assert third.operations == ("add column b_one.x",)
    assert place.rows("SELECT id FROM a_one") == []


def test_a_database_of_a_newer_package_is_not_touched(place: Any, core: Core, renaming: Path, tmp_path: Path) -> None:
    """A revision that the package does not know is named as such."""
    place.up(core(scripts=renaming))
    with pytest.raises(ConfigurationError, match="newer version of the package"):
        place.up(core(scripts=script(tmp_path / "older", "pass", revision="0000")))


def test_alembic_is_given_back_after_a_failure(place: Any, core: Core, tmp_path: Path) -> None:
    """`alembic.op` speaks to no connection once a script has failed."""
    from alembic import op

    place.up(core())
    with pytest.raises(ConfigurationError, match="division by zero"):
        place.up(core(scripts=script(tmp_path / "s", "1 / 0")))
    with pytest.raises((NameError, AttributeError)):
        op.execute(select(1))


def test_upgraders_at_once_do_the_work_once(place: Any, core: Core, renaming: Path) -> None:
    """All others wait, see what the first did, and do nothing: when the database is fresh, and later."""
    for owner in (core(), renamed(core, renaming)):
        done = _together(lambda owner=owner: place.up(owner)[0], 4)  # type: ignore[misc]
        assert sorted(bool(each.operations) for each in done) == [False, False, False, True]


def _together(act: Callable[[], Any], number: int) -> list[Any]:
    barrier, found = threading.Barrier(number), []

    def one() -> None:
        barrier.wait()
        found.append(act())

    threads = [threading.Thread(target=one) for _ in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found
