"""Copies of a workspace that keep their files in one place: none removes what another one added."""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path

import pytest
from tests.services.files.conftest import PDF

from opencrm import CRM, Deal
from opencrm.core.clock import SystemClock
from opencrm.embed import FileStore
from opencrm.services.files.collecting import Collected, collect
from opencrm.storage.backup import backup as make_backup
from opencrm.testing import make_deal
from opencrm.testing.firm import WindowSales, firm_of


@pytest.fixture
def sharing(tmp_path):
    """Open a workspace anew so that it keeps its files in the place that all share, as OPENCRM_FILES says."""
    place = FileStore(place=str(tmp_path / "shared"))
    opened = []

    def sharing(crm: CRM) -> CRM:
        database = crm.database
        again = CRM(engine=database.engine, schema=database.schema, plugins=[WindowSales()], files=place)
        opened.append(again)
        return again

    yield sharing
    for crm in opened:
        crm.close()


@pytest.fixture
def original(make_crm, sharing):
    return sharing(make_crm())


@pytest.fixture
def copy(make_crm, sharing, original):
    """A workspace of the same secret in another file, or another schema."""
    found = sharing(make_crm())
    assert found.configuration.secret == original.configuration.secret
    return found


def add(crm: CRM, content: bytes = PDF) -> str:
    firm = firm_of(crm)
    return crm.files.add(firm.seller, Deal, make_deal(crm, by=firm.seller).id, content, name="Offer.pdf").record_id


def read(crm: CRM, file: str) -> bytes:
    return crm.files.open(firm_of(crm).seller, file).read()


def collected(crm: CRM) -> list[Collected]:
    """Collect as the worker does, on some days to come."""
    now = SystemClock().now()
    return [collect(crm.workspace, now=now + timedelta(days=days)) for days in (2, 4, 6)]


@pytest.mark.parametrize("first", ["original", "copy"])
def test_a_copy_never_removes_what_the_original_added(original, copy, first):
    """Nor the other way round, whoever was there first, and whether both added the same."""
    one, other = (original, copy) if first == "original" else (copy, original)
    files = {one: add(one), other: add(other, b"another")}
    same = {crm: add(crm, b"the same") for crm in (one, other)}
    other.files.put(PDF)
    assert collected(other) == [Collected(aside=1), Collected(removed=1), Collected()]
    assert collected(one) == [Collected()] * 3
    assert (read(one, files[one]), read(other, files[other])) == (PDF, b"another")
    assert {read(crm, same[crm]) for crm in same} == {b"the same"}


def test_a_sandbox_leaves_a_place_that_others_share_alone(original):
    """It may be the copy of a whole server, whose database is told from the original by nothing."""
    original.files.put(b"lost")
    original.sandbox.make(firm_of(original).owner)
    assert collected(original) == [Collected()] * 3
    assert len(list(original.workspace.contents.stored())) == 1


@pytest.mark.parametrize("crm_database", ["sqlite"], indirect=True)
def test_a_sandbox_collects_what_stands_beside_it(crm):
    """There is nobody else's."""
    crm.files.put(b"lost")
    crm.sandbox.make(firm_of(crm).owner)
    assert collected(crm)[:2] == [Collected(aside=1), Collected(removed=1)]


@pytest.mark.parametrize("crm_database", ["sqlite"], indirect=True)
def test_a_restored_backup_collects_its_own(original, sharing, tmp_path):
    """What came after the backup belongs to nothing; what came before it stays."""
    kept, file, backup = add(original), Path(original.database.engine.url.database), tmp_path / "backup.db"
    make_backup(file, backup)
    lost = original.files.put(b"added after the backup")
    original.close()
    original.database.engine.dispose()
    for left in file.parent.glob(f"{file.name}-*"):
        left.unlink()
    file.unlink()
    shutil.copyfile(backup, file)
    restored = sharing(original)
    assert collected(restored) == [Collected(aside=1), Collected(removed=1), Collected()]
    assert read(restored, kept) == PDF
    assert lost.sha256 not in {sha256 for sha256, _ in restored.workspace.contents.stored()}


@pytest.mark.parametrize("crm_database", ["sqlite"], indirect=True)
def test_a_workspace_that_moved_finds_its_files(original, tmp_path):
    """Its database is another one now; what it held stands where it stood."""
    file = add(original)
    moved, place = tmp_path / "elsewhere.db", str(tmp_path / "shared")
    make_backup(Path(original.database.engine.url.database), moved)
    crm = CRM(f"sqlite:///{moved}", plugins=[WindowSales()], files=FileStore(place=place))
    assert read(crm, file) == PDF
    assert collected(crm) == [Collected()] * 3
    crm.close()
