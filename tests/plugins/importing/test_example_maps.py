"""The maps of the examples: on rows of the same shape, and on the published files where they are at hand."""

from __future__ import annotations

import csv
import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from opencrm import CRM, Company, Contact, ContactPoint, Deal, Equal, Principal, Query, imports
from opencrm.plugins.importing.running import Outcome, Wish, run_import

EXAMPLES = Path(__file__).parents[3] / "examples"
SHARED = Path(os.environ.get("OPENCRM_SHARED_DATA") or Path(__file__).parents[4] / "shared" / "data")
PUBLISHED = pytest.mark.skipif(
    not (SHARED / "olist-funnel").is_dir(), reason="OPENCRM_SHARED_DATA names no folder with the published files"
)

LEADS = {
    "Prospect ID": ["a1", "b2", "c3"],
    "Lead Number": ["660737", "660728", "660727"],
    "Lead Source": ["Google", "google", ""],
    "Converted": ["1", "0", "1"],
    "City": ["Select", "Mumbai", ""],
    "Do Not Email": ["No", "Yes", "No"],
    "Page Views Per Visit": ["2.5", "", "0"],
    "Asymmetrique Activity Index": ["02.Medium", "01.High", ""],
}
MQLS = "mql_id,first_contact_date,landing_page_id,origin\n"
MQLS += "m1,2018-02-01,p,social\nm2,2018-03-01,p,\nm3,2018-04-01,p,social\n"
DEALS = (
    "mql_id,seller_id,sdr_id,sr_id,won_date,business_segment,lead_type,lead_behaviour_profile,has_company,has_gtin,"
    "average_stock,business_type,declared_product_catalog_size,declared_monthly_revenue\n"
    'm1,s1,d1,r1,2018-02-26 19:58:54,pet,online_big,"cat, wolf",True,,5-20,reseller,100.0,0.0\n'
    "m2,s9,d1,r2,2018-02-27 10:00:00,pet,industry,,,,,other,,50000.0\n"
)
SELLERS = '"seller_id","seller_zip_code_prefix","seller_city","seller_state"\ns1,"04195",sao paulo,SP\n'


@contextmanager
def _no_bar(_label: str, _length: int) -> Iterator[Callable[[int], None]]:
    yield lambda _steps: None


@pytest.fixture
def opened(tmp_path: Path, crm_database: str, request: pytest.FixtureRequest) -> Iterator[Callable[[str], CRM]]:
    """`opened("x_education")` is a workspace with an example's pipelines."""
    url = f"sqlite:///{tmp_path}/crm.db" if crm_database == "sqlite" else request.getfixturevalue("pg_url")
    found: list[CRM] = []

    def run(example: str) -> CRM:
        crm = CRM(url, plugin_dir=EXAMPLES / example)
        crm.init(owner="Ann Owner")
        found.append(crm)
        return crm

    yield run
    for crm in found:
        crm.close()


def bring(crm: CRM, map: str, path: Path) -> list[Outcome]:
    """Import, and see that no row stays out; files are copied, since error files go beside them."""
    outcomes = run_import(crm, crm.sole_owner(), Wish(path=path, map=EXAMPLES / map), _no_bar)
    assert [outcome.errors and outcome.errors.read_text() for outcome in outcomes] == [None] * len(outcomes)
    return outcomes


def published(folder: str, to: Path) -> Path:
    return Path(shutil.copytree(SHARED / folder, to / folder))


def rows_of(path: Path, **how: Any) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream, **how))


def won_by_source(crm: CRM, principal: Principal, stage: str) -> Mapping[str | None, int]:
    with crm.read(principal) as reader:
        return Counter(row.source for row in reader.stream(Query(Deal, where=Equal("stage", stage), sort="id")))


def test_the_schools_leads(opened: Callable[[str], CRM], tmp_path: Path) -> None:
    """Each is a deal of the leads' pipeline, with its odd columns as fields; `Select` is no answer."""
    crm = opened("x_education")
    header = (EXAMPLES / "x_education" / "leads.toml").read_text()
    columns = [line.split(" = ", 1)[1].strip('"') for line in header.splitlines() if line.startswith("label = ")]
    names = list(dict.fromkeys([*LEADS, *columns]))
    with (tmp_path / "Leads.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow([*names, ""])
        writer.writerows([[LEADS[name][at] if name in LEADS else "" for name in names] + [""] for at in range(3)])
    bring(crm, "x_education/leads.toml", tmp_path / "Leads.csv")
    with crm.read(crm.sole_owner()) as reader:
        deals = {row.title: row for row in reader.stream(Query(Deal, sort="id"))}
    first, second = deals["Lead 660737"], deals["Lead 660728"]
    assert (first.stage, first.pipeline, first.source, first.city) == ("converted", "x_education", "Google", None)
    assert (second.stage, second.source, second.city, second.do_not_email) == ("lead", "Google", "Mumbai", True)
    assert (str(first.pages_per_visit), first.activity_index) == ("2.50", "02.Medium")


def test_the_marketplaces_leads_are_won_by_their_ids(opened: Callable[[str], CRM], tmp_path: Path) -> None:
    """A closed deal moves the lead of its id on, with the seller and the representative; twice changes nothing."""
    crm = opened("olist_funnel")
    folder = tmp_path / "olist"
    folder.mkdir()
    (folder / "olist_marketing_qualified_leads_dataset.csv").write_text(MQLS)
    (folder / "olist_closed_deals_dataset.csv").write_text(DEALS)
    (folder / "olist_sellers_dataset.csv").write_text(SELLERS)
    bring(crm, "olist_funnel/olist.toml", folder)
    with crm.read(crm.sole_owner()) as reader:
        deals = {row.title: row for row in reader.stream(Query(Deal, sort="id"))}
    one, two, three = (deals[f"Lead m{at}"] for at in (1, 2, 3))
    assert (one.pipeline, one.stage, one.source, one.behaviour) == ("olist_sales", "won", "social", ("cat", "wolf"))
    assert (one.monthly_revenue, str(two.monthly_revenue), two.monthly_revenue_currency) == (None, "50000.00", "BRL")
    assert (two.source, two.has_company, three.pipeline, three.stage) == (None, None, "olist_leads", "qualified")
    assert f"{one.closed_at:%Y-%m-%d %H:%M:%S}" == "2018-02-26 22:58:54"
    again = bring(crm, "olist_funnel/olist.toml", folder)
    assert [outcome.errors for outcome in again] == [None] * 3
    assert [dict(outcome.progress.tally) for outcome in again] == [
        {"company unchanged": 1},
        {"deal found": 3},
        {"role found": 1, "user found": 2, "membership found": 2, "company found": 2, "deal unchanged": 2},
    ]
    rep = crm.principal("Representative r1")
    with crm.read(rep) as reader:
        assert [row.title for row in reader.stream(Query(Deal, sort="id"))] == ["Lead m1"]


@PUBLISHED
def test_the_schools_totals_are_those_of_the_file(opened: Callable[[str], CRM], tmp_path: Path) -> None:
    """Converted leads by source, as Python counts them in the raw rows."""
    crm = opened("x_education")
    path = published("x-education-leads", tmp_path) / "Leads.csv"
    bring(crm, "x_education/leads.toml", path)
    raw = [row for row in rows_of(path) if row["Converted"] == "1"]
    expected = Counter({"google": "Google"}.get(row["Lead Source"], row["Lead Source"]) or None for row in raw)
    assert won_by_source(crm, crm.sole_owner(), "converted") == expected
    assert (sum(expected.values()), expected["Google"], expected["Reference"]) == (3561, 1147, 490)


@PUBLISHED
def test_the_marketplaces_totals_are_those_of_the_files(opened: Callable[[str], CRM], tmp_path: Path) -> None:
    """Won deals by origin, as Python joins the raw rows; the representatives' shares sum to the whole."""
    crm = opened("olist_funnel")
    folder = published("olist-funnel", tmp_path)
    bring(crm, "olist_funnel/olist.toml", folder)
    leads = rows_of(folder / "olist_marketing_qualified_leads_dataset.csv")
    origin = {row["mql_id"]: row["origin"] or None for row in leads}
    closed = rows_of(folder / "olist_closed_deals_dataset.csv")
    expected = Counter(origin[row["mql_id"]] for row in closed)
    assert won_by_source(crm, crm.sole_owner(), "won") == expected
    reps = {row["sr_id"] for row in closed}
    shares = [won_by_source(crm, crm.principal(f"Representative {rep}"), "won") for rep in reps]
    assert sum((Counter(share) for share in shares), Counter()) == expected
    assert (sum(expected.values()), expected["organic_search"], expected["unknown"]) == (842, 271, 179)


@PUBLISHED
def test_the_marketplaces_imports_are_taken_back_one_by_one(opened: Callable[[str], CRM], tmp_path: Path) -> None:
    """Newest first: that the closed deals were changed, and changed back, keeps no lead; a dry run says the same."""
    crm = opened("olist_funnel")
    ann = crm.sole_owner()
    bring(crm, "olist_funnel/olist.toml", published("olist-funnel", tmp_path))
    with crm.read(ann) as reader:
        several = imports.jobs(reader)
    for job, deals in zip(several, (842, 8000, 0), strict=True):
        told = imports.undo(lambda: crm.work(ann), job.id, rehearsed=True)
        done = imports.undo(lambda: crm.work(ann), job.id)
        assert (done.records["deal"], done.refusals, told.records) == (deals, [], done.records)
    with crm.read(ann) as reader:
        assert {job.state for job in imports.jobs(reader)} == {"undone"}
        assert (reader.count(Deal), reader.count(Company)) == (0, 0)


@PUBLISHED
def test_the_russian_export_goes_in_whole(opened: Callable[[str], CRM], tmp_path: Path) -> None:
    """Leads in their stages by status, people with their phones in international form, roubles as RUB."""
    crm = opened("bitrix24")
    path = published("bitrix24-leads", tmp_path) / "leads.csv"
    bring(crm, "bitrix24/leads.toml", path)
    raw = rows_of(path, delimiter=";")
    with crm.read(crm.sole_owner()) as reader:
        deals = list(reader.stream(Query(Deal, sort="id")))
        points = list(reader.stream(Query(ContactPoint, where=Equal("kind", "phone"), sort="id")))
        assert reader.count(Contact) == len(raw) == 41
    stages = {"Качественный лид": "quality", "Некачественный лид": "junk"}
    assert Counter(row.stage for row in deals) == Counter(stages[row["Статус"]] for row in raw)
    assert {row.currency for row in deals} == {"RUB"}
    assert sorted(point.key for point in points) == sorted("+" + row["Рабочий телефон"] for row in raw)
    assert {row.changed_in_bitrix_by for row in deals} == {row["Кем изменен"] for row in raw} - {"<Без имени>"} | {None}
    assert Counter(row.repeated for row in deals) == Counter(
        {"Y": True, "N": False}[row["Повторный лид"]] for row in raw
    )
    assert Counter(row.repeated for row in deals) == {True: 9, False: 32}
