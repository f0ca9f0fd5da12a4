"""Good rows are kept, bad ones are told by line, column and reason; nothing is half-written."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from opencrm import (
    CRM,
    Company,
    Contact,
    ContactPoint,
    Create,
    CustomField,
    Deal,
    DealLine,
    Employment,
    Query,
    records,
)
from opencrm.plugins.importing.problems import BadHeader, UnknownField
from opencrm.testing import Firm

Bring = Callable[..., object]

COMPANIES = """
system = "old crm"
[[target]]
entity = "company"
key = "no"
fields.name = "name"
fields.employees = "staff"
fields.website = "web"
"""
PEOPLE = """
system = "old crm"

[[target]]
entity = "company"
match = ["name"]
existing = "keep"
optional = true
fields.name = "firm"

[[target]]
entity = "contact"
key = "no"
fields.name = { columns = ["first", "last"] }
[[target.parts.points]]
kind = { value = "phone" }
value = "phone"
[[target.parts.points]]
kind = { value = "email" }
value = "mail"

[[target]]
name = "job"
entity = "employment"
key = "no"
optional = true
fields.contact_id = { target = "contact" }
fields.company_id = { target = "company" }
"""


def all_of(crm: CRM, firm: Firm, entity: type) -> list:  # type: ignore[type-arg]
    with crm.read(firm.owner) as reader:
        return list(reader.stream(Query(entity, sort="id")))


def test_each_bad_row_is_told_and_the_good_ones_are_kept(bring: Bring, crm: CRM, firm: Firm) -> None:
    """Line, column, reason, value, code and the original cells stand in the error file."""
    rows = "no,name,staff,web\n1,Acme,10,\n2,,5,\n3,Beta,many,\n4,Ceta,1,nowhere at all\n,Delta,1,\n5,E,1\n6,Eta,2,\n"
    brought = bring(rows, COMPANIES)
    assert [row.name for row in all_of(crm, firm, Company)] == ["Acme", "Eta"]
    assert [(row["row"], row["column"], row["code"], row["value"]) for row in brought.errors] == [
        ("3", "name", "invalid_input", ""),
        ("4", "staff", "invalid_input", "many"),
        ("5", "web", "invalid_input", "nowhere at all"),
        ("6", "no", "missing_key", ""),
        ("7", "", "ragged_row", ""),
    ]
    assert brought.errors[1]["reason"] == "company.employees must be a whole number"
    assert (brought.errors[1]["name"], brought.errors[1]["no"]) == ("Beta", "3")
    assert (brought.outcome.progress.rows, brought.outcome.progress.rejected) == (7, 5)


@pytest.mark.parametrize(
    "cell, reason",
    [("a\x00b", "NUL"), ("x" * 201, "at most 200"), ("\x00", "NUL")],
)
def test_text_that_cannot_be_stored_rejects_its_row(bring: Bring, crm: CRM, firm: Firm, cell: str, reason: str) -> None:
    """NUL and over-long text are told with the column, and can be read in the error file."""
    brought = bring(f"no,name,staff,web\n1,{cell},,\n2,Beta,,\n", COMPANIES)
    assert [row.name for row in all_of(crm, firm, Company)] == ["Beta"]
    assert (brought.errors[0]["column"], reason in brought.errors[0]["reason"]) == ("name", True)
    assert "\x00" not in brought.errors[0]["value"]


def test_text_is_stored_as_it_is(bring: Bring, crm: CRM, firm: Firm) -> None:
    """Quotes, blanks at the ends, emoji, right-to-left text and formulas come through unchanged."""
    names = ['"quoted"', "  blanks ", "👩‍👩‍👧", "שלום", "=1+1", "<script>", "'; DROP TABLE", "a\nb"]
    rows = "".join(f'{at},"{name.replace(chr(34), chr(34) * 2)}",,\n' for at, name in enumerate(names))
    assert not bring(f"no,name,staff,web\n{rows}", COMPANIES).errors
    assert [row.name for row in all_of(crm, firm, Company)] == names


def test_several_records_a_row_are_got_or_created(bring: Bring, crm: CRM, firm: Firm) -> None:
    """Two rows of one firm make one company; a row without firm makes a contact alone."""
    rows = (
        "no,first,last,firm,phone,mail\n1,Ann,Lee,Acme,020 7183 8750,ann@example.com\n"
        "2,Bob,,ACME,,\n3,Cy,Poe,,+49 30 901820,\n"
    )
    brought = bring(rows, PEOPLE)
    assert brought.counts == {"company created": 1, "contact created": 3, "employment created": 2}
    assert [row.name for row in all_of(crm, firm, Contact)] == ["Ann Lee", "Bob", "Cy Poe"]
    keys = {row.key for row in all_of(crm, firm, ContactPoint)}
    assert keys == {"+442071838750", "ann@example.com", "+4930901820"}
    assert len(all_of(crm, firm, Employment)) == 2


def test_a_row_with_a_bad_part_leaves_nothing_of_itself(bring: Bring, crm: CRM, firm: Firm) -> None:
    """A wrong e-mail keeps the contact, the company and the employment of its row out."""
    brought = bring("no,first,last,firm,phone,mail\n1,Ann,Lee,Acme,,not-an-address\n", PEOPLE)
    assert (brought.errors[0]["column"], brought.errors[0]["value"]) == ("mail", "not-an-address")
    assert not all_of(crm, firm, Company)
    assert not all_of(crm, firm, Contact)


def test_only_the_culprits_of_a_chunk_are_rejected(bring: Bring, crm: CRM, firm: Firm) -> None:
    """What only the database can refuse rejects its own rows, wherever they stand among good ones."""
    named = 'system = "x"\n[[target]]\nentity = "product"\nkey = "no"\nfields.name = "no"\nfields.sku = "sku"\n'
    rows = "".join(f"{at},{'same' if at in (3, 40, 77) else at}\n" for at in range(100))
    brought = bring(f"no,sku\n{rows}", named)
    assert [(row["row"], row["code"], row["column"]) for row in brought.errors] == [
        ("42", "duplicate", "sku"),
        ("79", "duplicate", "sku"),
    ]
    assert brought.counts == {"product created": 98}


def test_an_unknown_stage_is_told_with_its_column(bring: Bring, crm: CRM, firm: Firm) -> None:
    """The row stays out; the pipeline is named."""
    named = """
[[target]]
entity = "deal"
fields.title = "t"
fields.pipeline = { value = "windows" }
fields.stage = "s"
"""
    brought = bring("t,s\na,offer\nb,sold\n", named)
    assert [(row["row"], row["column"], row["code"]) for row in brought.errors] == [("3", "s", "unknown_stage")]
    assert [row.stage for row in all_of(crm, firm, Deal)] == ["offer"]


def test_an_unknown_pipeline_of_a_column_is_told(bring: Bring, crm: CRM, firm: Firm) -> None:
    """A pipeline that is named by the rows is judged row by row."""
    named = '[[target]]\nentity = "deal"\nfields.title = "t"\nfields.pipeline = "p"\n'
    brought = bring("t,p\na,windows\nb,doors\n", named)
    assert [(row["row"], row["column"]) for row in brought.errors] == [("3", "p")]


def test_values_are_translated_scaled_dated_and_given_defaults(bring: Bring, crm: CRM, firm: Firm) -> None:
    """A map says how a system writes things."""
    named = """
translate.product = { GTXPro = "GTX Pro" }
[[target]]
entity = "deal"
fields.title = { template = "{product} ({who})" }
fields.amount = { column = "sum", decimal = ",", times = 1000 }
fields.currency = { column = "money", translate = { "Рубль" = "RUB" } }
fields.expected_close = { column = "when", format = "%d.%m.%Y %H:%M:%S" }
fields.source = { column = "from", default = "unknown" }
[[target.parts.lines]]
title = "product"
quantity = { value = 2 }
"""
    rows = "product;who;sum;money;when;from\nGTXPro;Ann;1 234,5;Рубль;17.08.2019 12:00:01;\n;Bob;1.000,25;EUR;;Web\n"
    assert not bring(rows, named).errors
    first, second = all_of(crm, firm, Deal)
    assert (first.title, str(first.amount), first.currency) == ("GTX Pro (Ann)", "1234500.00", "RUB")
    assert (str(first.expected_close), first.source) == ("2019-08-17", "unknown")
    assert (second.title, str(second.amount), second.source) == ("(Bob)".rjust(6), "1000250.00", "Web")
    assert [line.title for line in all_of(crm, firm, DealLine)] == ["GTX Pro"]


def test_a_translation_into_nothing_is_a_value(bring: Bring, crm: CRM, firm: Firm) -> None:
    """No and zero are answers; an empty text is none."""
    with crm.work(firm.owner) as work:
        texts = ({"key": "again", "kind": "yes_no"}, {"key": "visits", "kind": "number"})
        records.create(work, [Create(CustomField, entity="deal", label=each["key"], **each) for each in texts])
    named = """
[[target]]
entity = "deal"
fields.title = "title"
fields.again = { column = "a", translate = { Y = true, N = false, "?" = "" }, default = true }
fields.visits = { column = "v", translate = { none = 0, unknown = "" } }
"""
    assert not bring("title,a,v\nA,Y,3\nB,N,none\nC,?,unknown\n", named).errors
    found = [(row.again, row.visits) for row in all_of(crm, firm, Deal)]
    assert found == [(True, 3), (False, 0), (True, None)]


def test_a_missing_column_is_refused_before_anything_is_written(bring: Bring) -> None:
    """The map's columns are looked for in the header first."""
    with pytest.raises(BadHeader, match="'staff'"):
        bring("no,name\n1,Acme\n", COMPANIES)


def test_columns_called_like_fields_need_no_map(bring: Bring, crm: CRM, firm: Firm) -> None:
    """Names and labels both serve; e-mail and phone become contact points."""
    brought = bring("Full name,source,E-mail\nAnn Lee,Fair,ann@example.com\n", entity="contact")
    assert brought.counts == {"contact created": 1}
    assert [row.source for row in all_of(crm, firm, Contact)] == ["Fair"]
    assert [row.key for row in all_of(crm, firm, ContactPoint)] == ["ann@example.com"]


def test_an_unknown_column_without_a_map_is_refused(bring: Bring) -> None:
    """Nothing is dropped in silence."""
    with pytest.raises(UnknownField, match="'shoe size'"):
        bring("name,shoe size\nAnn,38\n", entity="contact")


def test_a_dry_run_keeps_nothing_and_tells_everything(bring: Bring, crm: CRM, firm: Firm) -> None:
    """Errors and counts are those of the real run."""
    rows = "no,name,staff,web\n1,Acme,10,\n2,,5,\n"
    tried = bring(rows, COMPANIES, dry_run=True)
    assert (tried.counts, len(tried.errors)) == ({"company created": 1}, 1)
    assert not all_of(crm, firm, Company)
    assert bring(rows, COMPANIES).counts == tried.counts


def test_a_formula_in_the_error_file_is_told_as_text(bring: Bring) -> None:
    """The value that is shown cannot run; the original cells stay as they are, to be brought in again."""
    brought = bring("no,name,staff,web\n1,Acme,=1+1,\n", COMPANIES)
    assert (brought.errors[0]["value"], brought.errors[0]["staff"]) == ("'=1+1", "=1+1")


def test_the_error_file_of_an_earlier_run_goes_away(bring: Bring) -> None:
    """After a clean run there is none."""
    first = bring("no,name,staff,web\n1,,,\n", COMPANIES)
    path = first.outcome.errors
    assert path is not None
    assert path.exists()
    bring("no,name,staff,web\n1,Acme,,\n", COMPANIES)
    assert not path.exists()
