"""Exports over REST: the files of `opencrm export`, for those who may take records out."""

from __future__ import annotations

import io
import re
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from typing import Any
from zipfile import ZipFile

import pytest
from sqlalchemy import select
from werkzeug.test import Client

from opencrm import CRM, Create, Deal, Exporter, Query, Role, Update, hookimpl, records
from opencrm.app.serving import wsgi
from opencrm.embed import exporters_by_ending, issue_token
from opencrm.storage import tables
from opencrm.testing import firm_of, make_deal

FORMATS = ("csv", "jsonl", "ndjson", "xlsx")
TYPES = {
    "csv": "text/csv; charset=utf-8",
    "jsonl": "application/x-ndjson",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


def exports_of(crm, by) -> list[dict[str, Any]]:
    with crm.read(by) as reader:
        table = tables.journal
        return list(reader.tx.query("exports", lambda: select(table).where(table.c.kind == "exported"), {}))


def written(crm: CRM, by, query: Query[Any], ending: str, parts: Sequence[str] = ()) -> bytes:
    """What `opencrm export` writes."""
    stream = io.BytesIO()
    with crm.export(by, query, parts=parts) as taken:
        exporters_by_ending(crm.catalogue.exporters.values())[ending].write(stream, taken.fields, taken.rows)
    return stream.getvalue()


@pytest.fixture
def deals(crm, firm):
    """Deals of several people, one with what a spreadsheet would run."""
    made = [
        make_deal(crm, by=by, title=title, amount=amount, lines=[{"title": "=2+2", "price": "3"}])
        for by, title, amount in [
            (firm.seller, "=1+1", "1200.5"),
            (firm.seller, "Windows", None),
            (firm.stranger, "hidden", "7"),
        ]
    ]
    return {deal.title: deal.id for deal in made}


@pytest.mark.parametrize("who", ["seller", "head", "owner"])
@pytest.mark.parametrize("format", FORMATS)
def test_the_bytes_are_those_of_the_command_line(crm, firm, as_, deals, who, format):
    """One service, one file; each exports what is theirs."""
    by = getattr(firm, who)
    answer = as_(by).post(f"/v1/deals/export?format={format}&parts=lines,taggings")
    same = written(crm, by, Query(Deal, sort="id"), f".{format}", ("lines", "taggings"))
    assert answer.status_code == 200
    assert undated(answer.data) == undated(same)


def undated(data: bytes) -> Any:
    """A workbook says when it was made."""
    if not data.startswith(b"PK"):
        return data
    with ZipFile(io.BytesIO(data)) as book:
        return {name: re.sub(rb"\d{4}-\d\d-\d\dT[\d:]+Z", b"", book.read(name)) for name in book.namelist()}


@pytest.mark.parametrize("format", TYPES)
def test_a_file_has_a_type_and_a_name(as_, firm, deals, format):
    """A browser saves it, and no cache keeps it."""
    answer = as_(firm.seller).post(f"/v1/deals/export?format={format.upper()}")
    assert answer.headers["Content-Type"] == TYPES[format]
    assert answer.headers["Content-Disposition"] == f'attachment; filename="deals.{format}"'
    assert int(answer.headers["Content-Length"]) == len(answer.data)
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    "accept, kind",
    [
        (None, "csv"),
        ("*/*", "csv"),
        ("text/*", "csv"),
        (TYPES["xlsx"], "xlsx"),
        ("application/x-ndjson, text/csv;q=0.5", "jsonl"),
        ("application/json, */*;q=0.1", "csv"),
    ],
)
def test_without_a_format_what_is_accepted_decides(as_, firm, deals, accept, kind):
    """CSV before others."""
    told = {"Accept": accept} if accept else {}
    assert as_(firm.seller).post("/v1/deals/export", **told).headers["Content-Type"] == TYPES[kind]


def test_what_nobody_accepts_is_refused(crm, as_, firm, deals):
    """Before anything is written down; a format that is named counts for more."""
    seller = as_(firm.seller)
    refused = seller.post("/v1/deals/export", Accept="application/pdf")
    assert (refused.status_code, refused.json["code"]) == (406, "not_acceptable")
    assert exports_of(crm, firm.owner) == []
    assert seller.post("/v1/deals/export?format=csv", Accept="application/pdf").status_code == 200


@pytest.mark.parametrize(
    "asked, field",
    [
        ("format=pdf", "format"),
        ("format=", "format"),
        ("format=csv&format=xlsx", "format"),
        ("fields=nonsense", "fields"),
        ("parts=shoes", "parts"),
        ("sort=nonsense", "sort"),
        ("nonsense=5", "nonsense"),
        ("where={", "where"),
        ("limit=5", "limit"),
        ("cursor=x", "cursor"),
        ("deleted=true", "deleted"),
        ("total=true", "total"),
        ("sum=amount", "sum"),
        ("q=windows", "q"),
    ],
)
def test_what_cannot_be_is_refused_by_name(crm, as_, firm, deals, asked, field):
    """Nothing leaves, and nothing is written down."""
    refused = as_(firm.seller).post(f"/v1/deals/export?{asked}")
    assert (refused.status_code, list(refused.json["errors"])) == (422, [field]), refused.text
    if field == "format" and asked.count("format") == 1:
        assert refused.json["errors"] == {"format": ["must be one of csv, jsonl, ndjson, xlsx"]}
    assert exports_of(crm, firm.owner) == []


def test_filters_fields_and_sort_are_those_of_the_list(as_, firm, deals):
    """So that what one looks at is what one takes along."""
    seller = as_(firm.seller)
    asked = "fields=title,amount,currency&sort=-title"
    assert seller.post(f"/v1/deals/export?{asked}").text == "title,amount,currency\nWindows,,\n'=1+1,1200.50,EUR\n"
    for more in ("amount[gte]=1000", 'where={"field": "amount", "op": "at_least", "value": "1000 EUR"}'):
        assert seller.post(f"/v1/deals/export?{asked}&{more}").text.splitlines()[1:] == ["'=1+1,1200.50,EUR"]


def test_a_hidden_field_is_that_of_nobody(crm, firm, as_, deals):
    """It is not in the file, and cannot be asked for, sorted or filtered by."""
    with crm.work(firm.owner) as work:
        rule = {"entity": "deal", "field": "source", "read": False, "write": False}
        records.update(work, [Update(Role, firm.roles["firm_seller"], field_rules=[rule])])
    seller = as_(firm.seller)
    assert "source" not in seller.post("/v1/deals/export").text.splitlines()[0].split(",")
    for asked in ("fields={}", "sort={}", "{}=5", "{}[empty]=true"):
        told, unknown = (
            seller.post(f"/v1/deals/export?{asked.format(name)}").text.replace(name, "") for name in ("source", "wings")
        )
        assert told == unknown


def test_who_may_read_may_not_therefore_export(crm, as_, firm, deals):
    """The action `export` is needed, and nothing is written down without it."""
    viewer = as_(firm.viewer)
    assert viewer.get("/v1/deals").status_code == 200
    refused = viewer.post("/v1/deals/export")
    assert (refused.status_code, refused.json["details"]["action"]) == (403, "deal.export")
    assert exports_of(crm, firm.owner) == []


def test_it_needs_a_token_and_an_entity(nobody, api):
    """As every act does; a body is refused."""
    assert nobody.post("/v1/deals/export").status_code == 401
    assert api.post("/v1/dragons/export").status_code == 404
    assert api.post("/v1/deals/export", {"format": "csv"}).status_code == 422
    assert api.get("/v1/deals/export").status_code == 404


def test_it_is_written_down_before_it_leaves(crm, as_, firm, deals):
    """Who, what and of which parts; the records come after."""
    asked = as_(firm.seller).post("/v1/deals/export?fields=title&parts=lines&sort=-title&amount[gte]=5")
    assert asked.status_code == 200
    [line] = exports_of(crm, firm.owner)
    assert (line["principal"], line["entity"]) == (f"user:{firm.seller.id}", "deal")
    assert {name: line["after"][name] for name in ("fields", "parts", "sort")} == {
        "fields": ["title"],
        "parts": ["lines"],
        "sort": "-title",
    }
    assert line["after"]["where"] is not None


class Breaking:
    """A plugin that breaks off."""

    @hookimpl
    def opencrm_register_exporters(self) -> Iterator[Exporter]:
        yield Exporter(name="breaking", suffixes=[".broken"], write=self.write, media_type="text/x-broken")

    def write(self, stream: io.BytesIO, header: Sequence[str], rows: Iterator[Sequence[Any]]) -> None:
        stream.write(b"half a file")
        assert list(rows) == []
        raise LookupError("secret")


def test_a_file_that_breaks_off_is_a_problem(make_crm: Callable[..., CRM]):
    """Half of it never leaves; the journal tells that it was begun."""
    crm = make_crm([Breaking()])
    firm = firm_of(crm)
    with crm.work(firm.owner) as work:
        token = issue_token(work, firm.owner.id, label="test")
    client = Client(wsgi(crm))
    answer = client.post("/api/v1/deals/export?format=broken", headers={"Authorization": f"Bearer {token}"})
    assert (answer.status_code, answer.mimetype) == (500, "application/problem+json")
    assert "half" not in answer.text
    assert "secret" not in answer.text
    assert len(exports_of(crm, firm.owner)) == 1


def test_a_large_export_is_not_held(crm, firm, api):
    """Neither the records nor the file: the memory that it takes does not grow with them."""
    with crm.work(firm.owner) as work:
        records.create(work, [Create(Deal, title=f"{at:06} {'x' * 190}") for at in range(20_000)])
    tracemalloc.start()
    with api.post("/v1/deals/export?fields=id,title") as answer:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert int(answer.headers["Content-Length"]) > 4_500_000
    assert peak < 3_500_000
