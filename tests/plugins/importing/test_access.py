"""An import goes through the same gate as everything else."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from opencrm import CRM, Company, Create, CustomField, Deal, Delete, OpenCRMError, Query, records
from opencrm.plugins.importing.running import Wish, propose_map
from opencrm.testing import Firm

Bring = Callable[..., object]

COMPANIES = """
system = "x"
[[target]]
entity = "company"
key = "no"
fields.name = "name"
fields.owner_id = { column = "who", by = "name" }
"""


def test_a_seller_brings_in_what_is_theirs(bring: Bring, crm: CRM, firm: Firm) -> None:
    """Rows for somebody out of reach are rejected, the others are the seller's own."""
    brought = bring("no,name,who\n1,A,seller\n2,B,stranger\n3,C,seller\n", COMPANIES, by=firm.seller)
    assert [(row["row"], row["code"]) for row in brought.errors] == [("3", "permission_denied")]
    with crm.read(firm.owner) as reader:
        assert {row.owner_id for row in reader.stream(Query(Company))} == {firm.seller.id}


def test_whoever_may_only_read_brings_in_nothing(bring: Bring, crm: CRM, firm: Firm) -> None:
    """Each row is told with the reason."""
    brought = bring("no,name,who\n1,A,viewer\n2,B,viewer\n", COMPANIES, by=firm.viewer)
    assert [row["code"] for row in brought.errors] == ["permission_denied"] * 2
    with crm.read(firm.owner) as reader:
        assert reader.count(Company) == 0


def test_the_organisation_is_the_owners(bring: Bring, crm: CRM, firm: Firm) -> None:
    """A head's file makes no users."""
    named = 'system = "x"\n[[target]]\nentity = "user"\nkey = "n"\nfields.name = "n"\n'
    assert [row["code"] for row in bring("n\nEve\n", named, by=firm.head).errors] == ["permission_denied"]
    assert bring("n\nEve\n", named).counts == {"user created": 1}


def test_what_one_may_not_see_cannot_be_found_out(bring: Bring, crm: CRM, firm: Firm) -> None:
    """A hidden company's name says the same as one that does not exist."""
    with crm.work(firm.stranger) as work:
        records.create(work, [Create(Company, name="Secret Ltd")])
    named = '[[target]]\nentity = "deal"\nfields.title = "t"\nfields.company_id = "firm"\n'
    brought = bring("t,firm\na,Secret Ltd\nb,No such Ltd\n", named, by=firm.seller)
    hidden, missing = brought.errors
    assert hidden["reason"].replace("Secret", "No such") == missing["reason"]
    with crm.read(firm.owner) as reader:
        assert reader.count(Deal) == 0


def test_a_closed_field_is_no_field_at_all(bring: Bring, crm: CRM, firm: Firm, tmp_path: Path) -> None:
    """Neither a header, nor a map, nor a guess tells a seller of it, and the owner is told as ever."""
    values = {"entity": "deal", "key": "margin", "label": "Margin", "kind": "choice", "choices": ["High"]}
    with crm.work(firm.owner) as work:
        records.create(work, [Create(CustomField, values={**values, "sensitive": "finance"})])
    named = '[[target]]\nentity = "deal"\nfields.title = "t"\nfields.{} = "m"\n'
    told = []
    for name in ("margin", "nothing"):
        with pytest.raises(OpenCRMError) as refused:
            bring("t,m\na,High\n", named.format(name), by=firm.seller)
        told.append(str(refused.value).replace(name, "x"))
    assert told[0] == told[1]
    assert bring("t,m\na,High\n", named.format("margin")).counts == {"deal created": 1}
    path = tmp_path / "deals.csv"
    path.write_text("title,margin\na,High\n")
    guesses = [propose_map(crm, by, Wish(path=path, entity="deal")) for by in (firm.seller, firm.owner)]
    assert ["[[fields]]" in guess for guess in guesses] == [
        True,
        False,
    ]  # As for a column that no field is called like.


def test_the_history_says_who_and_from_where(bring: Bring, crm: CRM, firm: Firm) -> None:
    """The journal names the importer and the outside system."""
    bring("no,name,who\n1,A,seller\n", COMPANIES, by=firm.seller)
    with crm.read(firm.owner) as reader:
        row = next(reader.stream(Query(Company)))
        [line] = reader.history(Company, row.id)
    assert (line.principal, line.origin) == (f"user:{firm.seller.id}", "import:x")


@pytest.mark.parametrize("whose", ["deleted", "hidden"])
def test_a_key_that_is_taken_says_so_and_not_by_what(bring: Bring, crm: CRM, firm: Firm, whose: str) -> None:
    """A record that was deleted and one that belongs to somebody else out of sight are told alike."""
    rows = "no,name,who\n1,A,seller\n"
    if whose == "deleted":
        bring(rows, COMPANIES, by=firm.seller)
        with crm.work(firm.owner) as work:
            records.delete(work, [Delete(Company, next(work.stream(Query(Company))).id)])
    else:
        bring("no,name,who\n1,Secret,stranger\n", COMPANIES, by=firm.owner)
    [error] = bring(rows, COMPANIES, by=firm.seller).errors
    assert (error["code"], error["column"], error["value"]) == ("key_taken", "no", "1")
    assert error["reason"].startswith("belongs to a record that you may not see, or that was deleted")
