"""The example's map, on a handful of made-up rows of the same shape, and on the data itself where it is at hand."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from opencrm import CRM, Company, Deal, DealLine, Equal, Membership, Principal, Product, Query, Role, Unit, User
from opencrm.plugins.importing.running import Outcome, Wish, run_import

EXAMPLE = Path(__file__).parents[3] / "examples" / "maven_crm"
SHARED = Path(os.environ.get("OPENCRM_SHARED_DATA") or Path(__file__).parents[4] / "shared" / "data")
DATA = SHARED / "maven-crm"
"""Folder of the four files, as published."""

FILES = {
    "accounts.csv": """account,sector,year_established,revenue,employees,office_location,subsidiary_of
Little Ltd,technolgy,1993,1242.32,3027,Philipines,Big Inc
Big Inc,retail,1990,2.5,20,United States,
""",
    "products.csv": "product,series,sales_price\nGTX Pro,GTX,4821\nMG Special,MG,55\n",
    "sales_teams.csv": """sales_agent,manager,regional_office
Ann Lee,Max Head,East
Bob Poe,Max Head,East
Cy Fox,Mia Boss,West
""",
    "sales_pipeline.csv": """opportunity_id,sales_agent,product,account,deal_stage,engage_date,close_date,close_value
A1,Ann Lee,GTXPro,Little Ltd,Won,2016-10-20,2017-03-01,1054
A2,Ann Lee,GTXPro,Big Inc,Lost,2016-10-20,2017-03-02,0
A3,Bob Poe,MG Special,,Engaging,2016-11-03,,
A4,Cy Fox,MG Special,,Prospecting,,,
A5,Cy Fox,MG Special,Big Inc,Won,2017-01-01,2017-03-03,60
""",
}


@pytest.fixture
def crm(tmp_path: Path, crm_database: str, request: pytest.FixtureRequest) -> Iterator[CRM]:
    url = f"sqlite:///{tmp_path}/crm.db" if crm_database == "sqlite" else request.getfixturevalue("pg_url")
    opened = CRM(url, plugin_dir=EXAMPLE)
    opened.init(owner="Ann Owner")
    yield opened
    opened.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "maven"
    place.mkdir()
    for name, text in FILES.items():
        (place / name).write_text(text)
    return place


@contextmanager
def _no_bar(_label: str, _length: int) -> Iterator[Callable[[int], None]]:
    yield lambda _steps: None


def bring(crm: CRM, folder: Path) -> list[Outcome]:
    return run_import(crm, crm.sole_owner(), Wish(path=folder, map=EXAMPLE / "maven.toml"), _no_bar)


def counts(crm: CRM, *entities: type) -> list[int]:
    with crm.read(crm.sole_owner()) as reader:
        return [reader.count(entity) for entity in entities]


def won(crm: CRM, principal: Principal) -> dict[str, Decimal]:
    """Return the amounts of the won deals that somebody may export, by id."""
    with crm.read(principal) as reader:
        rows = reader.stream(Query(Deal, fields=("stage", "amount")), action="export")
        return {row.id: row.amount for row in rows if row.stage == "won"}


def test_one_import_gives_the_whole_company(crm: CRM, folder: Path) -> None:
    """Companies, products, people in their tree, and deals in their stages with dates, values and owners."""
    assert not any(outcome.errors for outcome in bring(crm, folder))
    assert counts(crm, Company, Product, Deal, DealLine, User, Unit, Membership) == [2, 2, 5, 5, 6, 5, 6]
    with crm.read(crm.sole_owner()) as reader:
        companies = {row.name: row for row in reader.stream(Query(Company))}
        deals = {row.title: row for row in reader.stream(Query(Deal))}
        assert {"manager", "agent"} <= {row.key for row in reader.stream(Query(Role))}
    little = companies["Little Ltd"]
    assert (little.industry, little.country, little.parent_id) == ("technology", "Philippines", companies["Big Inc"].id)
    assert little.revenue == Decimal(1_242_320_000)
    first = deals["GTX Pro for Little Ltd"]
    assert (first.stage, first.amount, first.currency) == ("won", Decimal(1054), "USD")
    assert (f"{first.created_at:%Y-%m-%d}", f"{first.closed_at:%Y-%m-%d}") == ("2016-10-20", "2017-03-01")
    assert (deals["GTX Pro for Big Inc"].stage, deals["GTX Pro for Big Inc"].amount) == ("lost", Decimal(0))
    assert {deals[title].stage for title in deals if " for " not in title} <= {"engaging", "prospecting"}


def test_managers_see_their_teams_and_agents_their_own(crm: CRM, folder: Path) -> None:
    """The managers' exports are disjoint and sum to the whole."""
    bring(crm, folder)
    whole, east, west = (
        won(crm, who) for who in (crm.sole_owner(), crm.principal("Max Head"), crm.principal("Mia Boss"))
    )
    assert east.keys() | west.keys() == whole.keys()
    assert not east.keys() & west.keys()
    assert sum(east.values()) + sum(west.values()) == Decimal(1114)
    agent = crm.principal("Ann Lee")
    with crm.read(agent) as reader:
        assert [row.owner_id for row in reader.stream(Query(Deal))] == [agent.id] * 2


def test_a_second_run_writes_nothing_and_a_newer_export_moves_a_deal(crm: CRM, folder: Path) -> None:
    """A deal that was engaging is won now."""
    bring(crm, folder)
    again = bring(crm, folder)
    assert [outcome.errors for outcome in again] == [None] * 4
    assert [dict(outcome.progress.tally) for outcome in again] == [
        {"role found": 2, "unit unchanged": 4, "user unchanged": 5, "membership unchanged": 5},
        {"product unchanged": 2},
        {"company unchanged": 2},
        {"deal unchanged": 5},
    ]
    path = folder / "sales_pipeline.csv"
    path.write_text(path.read_text().replace("Engaging,2016-11-03,,", "Won,2016-11-03,2017-05-01,70"))
    *_, last = bring(crm, folder)
    assert last.progress.tally == {"deal updated": 1, "deal unchanged": 4}
    assert sum(won(crm, crm.sole_owner()).values()) == Decimal(1184)
    with crm.read(crm.sole_owner()) as reader:
        closed = [row.closed_at for row in reader.list(Query(Deal, where=Equal("amount", "70 USD")))]
    assert [at.astimezone(ZoneInfo("America/New_York")).date() for at in closed] == [date(2017, 5, 1)]


@pytest.mark.skipif(not DATA.is_dir(), reason="OPENCRM_SHARED_DATA names no folder with the published files")
def test_the_published_files_go_in_whole(crm: CRM) -> None:
    """All of them, with the total that the publisher's own sum gives."""
    assert not any(outcome.errors for outcome in bring(crm, DATA))
    assert counts(crm, Company, Product, Deal, User) == [85, 7, 8800, 42]
    managers = ("Dustin Brinkmann", "Melvin Marxen", "Cara Losch", "Rocco Neubert", "Celia Rouche", "Summer Sewald")
    teams = [won(crm, crm.principal(name)) for name in managers]
    assert sum(sum(team.values()) for team in teams) == Decimal(10_005_534)
    assert len({id for team in teams for id in team}) == sum(map(len, teams)) == 4238
