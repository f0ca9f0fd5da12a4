"""Exports: what one may export, of the fields that one may read, harmless in a spreadsheet."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import select

from opencrm import (
    CRM,
    Company,
    Create,
    Deal,
    Exporter,
    History,
    InputError,
    PermissionDenied,
    Principal,
    Query,
    Role,
    hookimpl,
    records,
)
from opencrm.plugins.exporting.command import condition_of, exporter_for
from opencrm.plugins.exporting.csv_files import cell_text, defused, write_csv
from opencrm.plugins.importing.running import Wish, run_import
from opencrm.storage import tables
from opencrm.testing import Firm, make_company, make_deal


def exported(crm: CRM, by: Principal, query: Query) -> list[dict[str, str]]:  # type: ignore[type-arg]
    stream = io.BytesIO()
    with crm.export(by, query) as found:
        exporter_for(crm, None).write(stream, found.fields, found.rows)
    return list(csv.DictReader(io.StringIO(stream.getvalue().decode(), newline="")))


def test_each_exports_what_is_theirs(crm: CRM, firm: Firm) -> None:
    """Own, team and subtree give their records, and no others."""
    for by in (firm.seller, firm.lead, firm.fitter, firm.stranger):
        make_deal(crm, by=by, title=by.id)
    titles = {
        who: {row["title"] for row in exported(crm, getattr(firm, who), Query(Deal))}
        for who in ("seller", "lead", "head", "owner")
    }
    assert titles == {
        "seller": {firm.seller.id},
        "lead": {firm.seller.id, firm.lead.id},
        "head": {firm.seller.id, firm.lead.id, firm.fitter.id},
        "owner": {firm.seller.id, firm.lead.id, firm.fitter.id, firm.stranger.id},
    }


def test_who_may_read_may_not_therefore_export(crm: CRM, firm: Firm) -> None:
    """Exporting is an act of its own."""
    make_deal(crm, by=firm.seller)
    with pytest.raises(PermissionDenied, match=r"deal\.export"):
        exported(crm, firm.viewer, Query(Deal))


def test_fields_come_in_the_order_asked_for(crm: CRM, firm: Firm) -> None:
    """Only these; a name that is no field is refused."""
    make_deal(crm, by=firm.seller, title="Windows", amount="1200.5", currency="EUR")
    query = Query(Deal, fields=("amount", "title", "currency"))
    assert exported(crm, firm.seller, query) == [{"amount": "1200.50", "title": "Windows", "currency": "EUR"}]
    with pytest.raises(InputError, match="'shoe'"):
        exported(crm, firm.seller, Query(Deal, fields=("shoe",)))


def test_without_fields_all_that_may_be_read_are_there(crm: CRM, firm: Firm) -> None:
    """Hidden ones are not even named."""
    make_deal(crm, by=firm.seller)
    [row] = exported(crm, firm.seller, Query(Deal))
    assert {"id", "title", "stage", "created_at"} <= set(row)
    assert "version" not in row


def test_filters_of_one_field_are_alternatives_and_of_several_conditions(crm: CRM, firm: Firm) -> None:
    """`stage=new stage=lost amount=` is new or lost, and without an amount."""
    with crm.work(firm.owner, origin="test") as work:
        at = datetime(2026, 1, 1, tzinfo=UTC)
        for title, stage, amount in [("a", "new", None), ("b", "lost", None), ("c", "offer", None), ("d", "new", "5")]:
            values = {"title": title, "amount": amount}
            records.create(work, [Create(Deal, values=values, history=History(moves=((stage, at),)))])
    where = condition_of(["stage=new", "stage=lost", "amount="])
    assert {row["title"] for row in exported(crm, firm.owner, Query(Deal, where=where))} == {"a", "b"}


@pytest.mark.parametrize("text", ["stage", "=new"])
def test_a_filter_of_another_form_is_refused(text: str) -> None:
    """It says what it must be."""
    with pytest.raises(InputError, match="FIELD=VALUE"):
        condition_of([text])


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\uff1d1", "'=1", "''@x"])
def test_text_that_a_spreadsheet_would_run_gets_an_apostrophe(text: str) -> None:
    """Taking one away gives the text back, whatever it was."""
    assert defused(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "a=1", "'", "'a", "O'Neil", " =1", "1-2"])
def test_other_text_stays(text: str) -> None:
    """An apostrophe that protects nothing is not added."""
    assert defused(text) == text


def test_values_are_written_as_rest_gives_them() -> None:
    """A negative number is no formula; a time is in UTC."""
    row = [
        None,
        True,
        7,
        Decimal("-1.5000"),
        Decimal("0.1234"),
        date(2026, 3, 2),
        datetime(2026, 3, 2, 9, tzinfo=UTC),
        [1],
    ]
    assert [cell_text(cell) for cell in row] == [
        "", "true", "7", "-1.50", "0.1234", "2026-03-02", "2026-03-02T09:00:00Z", "[1]"
    ]  # fmt: skip


def test_the_stream_stays_open_and_is_utf8() -> None:
    """Quotes, line breaks and letters of any script survive."""
    stream = io.BytesIO()
    write_csv(stream, ["a", "b"], [['say "hi"', "x\ny"], ["Ж", "👩‍👩‍👧"]])
    assert not stream.closed
    assert list(csv.reader(io.StringIO(stream.getvalue().decode(), newline=""))) == [
        ["a", "b"], ['say "hi"', "x\ny"], ["Ж", "👩‍👩‍👧"]
    ]  # fmt: skip


@contextmanager
def _no_bar(_label: str, _length: int) -> Iterator[Callable[[int], None]]:
    yield lambda _steps: None


def test_an_export_that_is_brought_in_again_changes_nothing(crm: CRM, firm: Firm, tmp_path: Path) -> None:
    """Formulas made harmless become what they were."""
    for name in ("=1+1", "'=x", "O'Neil", "@home", "Ångström"):
        make_company(crm, by=firm.owner, name=name)
    path = tmp_path / "companies.csv"
    with crm.export(firm.owner, Query(Company)) as found, path.open("wb") as stream:
        exporter_for(crm, None).write(stream, found.fields, found.rows)
    [outcome] = run_import(crm, firm.owner, Wish(path=path, entity="company"), _no_bar)
    assert dict(outcome.progress.tally) == {"company unchanged": 5}


class Listing:
    """A plugin that writes lists."""

    @hookimpl
    def opencrm_register_exporters(self) -> Iterator[Exporter]:
        yield Exporter(name="list", suffixes=[".list"], write=_list)


def _list(stream: io.BytesIO, header: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    for row in rows:
        stream.write(f"{dict(zip(header, row, strict=True))}\n".encode())


def test_a_plugin_writes_other_kinds_of_files(make_crm: Callable[..., CRM]) -> None:
    """It is chosen by the output's ending."""
    crm = make_crm([Listing()])
    assert exporter_for(crm, Path("x.LIST")).name == "list"


def test_the_journal_tells_who_took_out_what(crm: CRM, firm: Firm) -> None:
    """One line an export, written before the first record is read; a refused one leaves none."""
    with crm.export(firm.lead, Query(Company, fields=["name"])):
        pass
    with pytest.raises(PermissionDenied), crm.export(firm.stranger, Query(Role)):
        pass
    table = tables.journal
    with crm.read(firm.owner) as reader:
        lines = reader.tx.query("exports", lambda: select(table).where(table.c.kind == "exported"), {})
    assert [(line["principal"], line["entity"], line["after"]["fields"]) for line in lines] == [
        (f"user:{firm.lead.id}", "company", ["name"])
    ]


def test_parts_go_with_their_records(crm: CRM, firm: Firm) -> None:
    """In JSON lines as lists of objects, in CSV as JSON; only of records that may be exported."""
    mine = make_deal(crm, by=firm.seller, title="A", lines=[{"title": "x", "price": "2"}, {"title": "y"}])
    make_deal(crm, by=firm.stranger, title="B", lines=[{"title": "hidden"}])
    query = Query(Deal, fields=("title",))
    with crm.export(firm.seller, query, parts=("lines", "taggings")) as found:
        assert found.fields == ("title", "lines", "taggings")
        [row] = found.rows
    assert row[0] == mine.title
    assert [(line["title"], line["price"]) for line in row[1]] == [("x", Decimal(2)), ("y", Decimal(0))]
    assert row[1][0].keys() <= {"title", "product_id", "quantity", "price", "currency", "discount", "position"}
    assert row[2] == []
    assert '"price": "2.00"' in cell_text(row[1])
    with (
        pytest.raises(InputError, match=r"has no parts 'shoes'; it has .*lines"),
        crm.export(firm.seller, query, parts=("shoes",)),
    ):
        pass


def test_the_parts_taken_out_are_written_down(crm: CRM, firm: Firm) -> None:
    """The journal's line names them."""
    with crm.export(firm.owner, Query(Deal), parts=("lines",)) as found:
        list(found.rows)
    table = tables.journal
    with crm.read(firm.owner) as reader:
        lines = reader.tx.query("exports", lambda: select(table).where(table.c.kind == "exported"), {})
    assert [line["after"]["parts"] for line in lines] == [["lines"]]


def test_several_options_stand_in_one_cell() -> None:
    """As an import takes them."""
    assert (cell_text(("cat", "wolf")), cell_text(("=x", "y"))) == ("cat,wolf", "'=x,y")
