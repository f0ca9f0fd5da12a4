"""Segments, boards and reports over the published files, over REST, as three people with different reach see them."""

from __future__ import annotations

import csv
import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs
import pytest
from werkzeug.test import Client

from opencrm import CRM, Create, Deal, Equal, MassEdit, Principal, Query, Segment, Unit, editing, organisation, records
from opencrm.app.serving import wsgi
from opencrm.embed import issue_token
from opencrm.plugins.importing.running import Wish, run_import

EXAMPLES = Path(__file__).parents[3] / "examples"
SHARED = Path(os.environ.get("OPENCRM_SHARED_DATA") or Path(__file__).parents[4] / "shared" / "data")
pytestmark = pytest.mark.skipif(
    not (SHARED / "olist-funnel").is_dir(), reason="OPENCRM_SHARED_DATA names no folder with the published files"
)

Raw = Sequence[tuple[str | None, str]]
"""The source and the stage of each row that stands in the pipeline, as the files tell them."""


def rows_of(path: Path, **how: Any) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream, **how))


def school(folder: Path) -> Raw:
    sources = {"google": "Google"}
    return [
        (
            sources.get(row["Lead Source"], row["Lead Source"]) or None,
            "converted" if row["Converted"] == "1" else "lead",
        )
        for row in rows_of(folder / "Leads.csv")
    ]


def market(folder: Path) -> Raw:
    leads = rows_of(folder / "olist_marketing_qualified_leads_dataset.csv")
    origin = {row["mql_id"]: row["origin"] or None for row in leads}
    return [(origin[row["mql_id"]], "won") for row in rows_of(folder / "olist_closed_deals_dataset.csv")]


def calls(folder: Path) -> Raw:
    stages = {"Качественный лид": "quality", "Некачественный лид": "junk"}
    rows = rows_of(folder / "leads.csv", delimiter=";")
    return [(row["Источник"] or None, stages[row["Статус"]]) for row in rows]


@attrs.frozen
class Published:
    """One data set: where it is, how it comes in, and how Python reads it."""

    folder: str
    map: str
    path: str
    pipeline: str
    segment: str
    raw: Callable[[Path], Raw]
    shares: tuple[tuple[str, str], tuple[str, str]]


SETS = [
    Published(
        "x-education-leads",
        "x_education/leads.toml",
        "Leads.csv",
        "x_education",
        "converted",
        school,
        (("source", "Google"), ("source", "Reference")),
    ),
    Published(
        "olist-funnel",
        "olist_funnel/olist.toml",
        "",
        "olist_sales",
        "won",
        market,
        (("source", "organic_search"), ("source", "paid_search")),
    ),
    Published(
        "bitrix24-leads",
        "bitrix24/leads.toml",
        "leads.csv",
        "bitrix24_leads",
        "quality",
        calls,
        (("stage", "quality"), ("stage", "junk")),
    ),
]


@contextmanager
def _no_bar(_label: str, _length: int) -> Iterator[Callable[[int], None]]:
    yield lambda _steps: None


@pytest.fixture(params=SETS, ids=[each.folder for each in SETS])
def published(request: pytest.FixtureRequest) -> Published:
    return request.param


@pytest.fixture
def crm(published: Published, tmp_path: Path, crm_database: str, request: pytest.FixtureRequest) -> Iterator[CRM]:
    """A workspace with the data set in it."""
    url = f"sqlite:///{tmp_path}/crm.db" if crm_database == "sqlite" else request.getfixturevalue("pg_url")
    opened = CRM(url, plugin_dir=(EXAMPLES / published.map).parent)
    owner = opened.init(owner="Ann Owner")
    folder = Path(shutil.copytree(SHARED / published.folder, tmp_path / published.folder))
    run_import(opened, owner, Wish(path=folder / published.path, map=EXAMPLES / published.map), _no_bar)
    yield opened
    opened.close()


def sellers(crm: CRM, published: Published) -> list[Principal]:
    """Make two people who see what is their own, and give each a share of the deals."""
    found = []
    with crm.work(crm.sole_owner()) as work:
        [company] = work.list(Query(Unit, limit=1)).rows
        for at, (field, value) in enumerate(published.shares):
            id = organisation.add_user(work, f"Seller {at}", email=None, role="manager_2", unit=company.id)
            editing.edit(work, MassEdit(Deal, where=Equal(field, value), owner=id))
            found.append(Principal.user(id))
    return found


def published_segment(crm: CRM, stage: str) -> str:
    with crm.work(crm.sole_owner()) as work:
        [company] = work.list(Query(Unit, limit=1)).rows
        where = {"field": "stage", "op": "equal", "value": stage}
        made = Create(Segment, name="Won", entity="deal", where=where, published_to_id=company.id)
        [entry] = records.create(work, [made])
    return entry.record_id


def test_three_people_get_their_own_answers(crm: CRM, published: Published) -> None:
    """Members, counts and groups are those of the raw rows in each one's reach."""
    raw = published.raw(SHARED / published.folder)
    people = sellers(crm, published)
    segment = published_segment(crm, published.segment)
    at = [{"source": 0, "stage": 1}[field] for field, _ in published.shares]
    shares = [
        [row for row in raw if row[place] == value] for place, (_, value) in zip(at, published.shares, strict=True)
    ]
    client = Client(wsgi(crm))
    for principal, expected in zip((crm.sole_owner(), *people), (raw, *shares), strict=True):
        get = getter(client, crm, principal)
        assert members(get, segment) == sum(stage == published.segment for _, stage in expected)
        board = get(f"/boards/{published.pipeline}?cards=2")
        counted = {stage["key"]: stage["count"] for stage in board["stages"] if stage["count"]}
        assert counted == Counter(stage for _, stage in expected)
        report = get(f"/reports?entity=deal&by=source&measure=count&pipeline={published.pipeline}")
        assert {row["source"]: row["count"] for row in report["rows"]} == Counter(source for source, _ in expected)


def getter(client: Client, crm: CRM, principal: Principal) -> Callable[[str], Any]:
    with crm.work(crm.sole_owner()) as work:
        token = issue_token(work, principal.id, label="test")

    def get(path: str) -> Any:
        answer = client.get(f"/api/v1{path}", headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == 200, answer.text
        return answer.json

    return get


def members(get: Callable[[str], Any], segment: str) -> int:
    """Count a segment's members, page by page."""
    page = get(f"/segments/{segment}/members?limit=1000&fields=title")
    number = len(page["items"])
    while page["next"]:
        page = get(f"/segments/{segment}/members?limit=1000&fields=title&cursor={page['next']}")
        number += len(page["items"])
    return number
