"""References: by name, by key, to earlier targets, and to rows that come later."""

from __future__ import annotations

from collections.abc import Callable

from opencrm import CRM, Company, Create, Employment, Query, records
from opencrm.testing import Firm

Bring = Callable[..., object]

TREE = """
system = "old crm"
[[target]]
entity = "company"
key = "no"
fields.name = "name"
fields.parent_id = { column = "above", by = "key" }
"""


def parents(crm: CRM, firm: Firm) -> dict[str, str | None]:
    with crm.read(firm.owner) as reader:
        rows = list(reader.stream(Query(Company, sort="id")))
    names = {row.id: row.name for row in rows}
    return {row.name: names.get(row.parent_id) for row in rows}


def test_a_reference_may_point_down_the_file_up_and_in_a_circle(bring: Bring, crm: CRM, firm: Firm) -> None:
    """Order does not matter."""
    brought = bring("no,name,above\n1,A,2\n2,B,3\n3,C,\n4,D,1\n5,E,6\n6,F,5\n", TREE)
    assert not brought.errors
    assert parents(crm, firm) == {"A": "B", "B": "C", "C": None, "D": "A", "E": "F", "F": "E"}


def test_a_reference_to_a_row_chunks_away_is_found(bring: Bring, crm: CRM, firm: Firm) -> None:
    """Thousands of rows may lie between."""
    rows = "".join(f"{at},N{at},{700 - at if at < 350 else ''}\n" for at in range(1, 700))
    assert not bring(f"no,name,above\n{rows}", TREE).errors
    assert parents(crm, firm)["N1"] == "N699"


def test_by_name_works_as_well(bring: Bring, crm: CRM, firm: Firm) -> None:
    """Names are compared folded."""
    brought = bring("no,name,above\n1,A,ÉTOILE\n2,Étoile,\n", TREE.replace('by = "key"', 'by = "name"'))
    assert not brought.errors
    assert parents(crm, firm)["A"] == "Étoile"


def test_a_reference_to_nothing_rejects_the_row_at_once(bring: Bring, crm: CRM, firm: Firm) -> None:
    """A row is not written first and regretted later."""
    brought = bring("no,name,above\n1,A,9\n2,B,\n", TREE)
    assert [(row["row"], row["column"], row["code"], row["value"]) for row in brought.errors] == [
        ("2", "above", "no_such_record", "9")
    ]
    assert parents(crm, firm) == {"B": None}


def test_a_reference_to_a_row_that_stays_out_is_told(bring: Bring, crm: CRM, firm: Firm) -> None:
    """The row below is bad, so the row above comes in without it, and says so."""
    brought = bring("no,name,above\n1,A,2\n2,,\n", TREE)
    assert {row["row"]: row["code"] for row in brought.errors} == {"2": "no_such_record", "3": "invalid_input"}
    assert "brought in without it" in next(row["reason"] for row in brought.errors if row["row"] == "2")
    assert parents(crm, firm) == {"A": None}


def test_a_second_run_of_a_tree_changes_nothing(bring: Bring, crm: CRM, firm: Firm) -> None:
    """What the second pass wrote is not taken back by the first one."""
    rows = "no,name,above\n1,A,2\n2,B,\n"
    bring(rows, TREE)
    assert bring(rows, TREE).counts == {"company unchanged": 2}


def test_a_required_reference_waits_for_its_row(bring: Bring, crm: CRM, firm: Firm) -> None:
    """A record that cannot be without the other is written in the second pass."""
    named = """
system = "x"
[[target]]
entity = "company"
key = "firm"
optional = true
fields.name = "firm"
[[target]]
entity = "contact"
key = "no"
fields.name = "no"
[[target]]
name = "job"
entity = "employment"
key = "no"
fields.contact_id = { target = "contact" }
fields.company_id = { column = "works for", by = "key" }
"""
    brought = bring("no,firm,works for\n1,,Acme\n2,Acme,Acme\n", named)
    assert not brought.errors
    with crm.read(firm.owner) as reader:
        assert reader.count(Employment) == 2


def test_a_name_that_two_records_have_is_ambiguous(bring: Bring, crm: CRM, firm: Firm) -> None:
    """Nothing is guessed."""
    with crm.work(firm.owner) as work:
        records.create(work, [Create(Company, name="Acme"), Create(Company, name="acme")])
    named = '[[target]]\nentity = "deal"\nfields.title = "t"\nfields.company_id = "firm"\n'
    assert [row["code"] for row in bring("t,firm\nx,Acme\n", named).errors] == ["ambiguous_reference"]


def test_people_are_found_by_address_name_or_id(bring: Bring, crm: CRM, firm: Firm) -> None:
    """Without `by`, the entity's own look-up fields are tried in turn."""
    named = '[[target]]\nentity = "company"\nfields.name = "n"\nfields.owner_id = "who"\n'
    brought = bring(f"n,who\nA,seller@example.com\nB,Seller\nC,{firm.seller.id}\nD,nobody\nE,\n", named)
    assert [row["row"] for row in brought.errors] == ["5"]
    with crm.read(firm.owner) as reader:
        owners = {row.name: row.owner_id for row in reader.stream(Query(Company))}
    assert owners == {"A": firm.seller.id, "B": firm.seller.id, "C": firm.seller.id, "E": None}
