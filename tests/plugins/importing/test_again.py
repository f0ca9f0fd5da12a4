"""The same file, or a newer one of the same system, updates and never doubles."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from opencrm import CRM, Company, Contact, ContactPoint, Create, Deal, DealLine, Delete, Query, Update, records
from opencrm.embed import Reader
from opencrm.plugins.importing.running import Wish, run_import
from opencrm.testing import Firm

Bring = Callable[..., object]

DEALS = """
system = "old crm"
[[target]]
entity = "deal"
key = "no"
fields.title = "title"
fields.amount = "sum"
fields.owner_id = { column = "who", by = "name" }
fields.pipeline = { value = "windows" }
fields.stage = "stage"
[[target.parts.lines]]
title = "what"
price = "sum"
"""
CONTACTS = """
[[target]]
entity = "contact"
fields.name = "name"
[[target.parts.points]]
kind = { value = "phone" }
value = "phone"
"""


def number_of_lines(reader: Reader, entity: type) -> int:
    return sum(len(reader.history(entity, row.id)) for row in reader.stream(Query(entity, sort="id")))


def test_unchanged_rows_write_nothing(bring: Bring, crm: CRM, firm: Firm) -> None:
    """A second run leaves no line in any history."""
    rows = "no,title,sum,who,stage,what\n1,Windows,100,seller,offer,Frame\n2,Doors,,lead,new,\n"
    bring(rows, DEALS)
    with crm.read(firm.owner) as reader:
        before = number_of_lines(reader, Deal)
    again = bring(rows, DEALS)
    assert again.counts == {"deal unchanged": 2}
    assert again.outcome.before is not None
    with crm.read(firm.owner) as reader:
        assert number_of_lines(reader, Deal) == before


def test_a_newer_export_updates_moves_and_assigns(bring: Bring, crm: CRM, firm: Firm) -> None:
    """Fields change, the stage moves by the pipeline's rules, the owner is assigned, lines follow."""
    bring("no,title,sum,who,stage,what\n1,Windows,100,seller,offer,Frame\n2,Doors,5,lead,new,Door\n", DEALS)
    brought = bring("no,title,sum,who,stage,what\n1,Windows!,120,fitter,won,Frame\n2,Doors,5,lead,new,Door\n", DEALS)
    assert brought.counts == {"deal updated": 1, "deal unchanged": 1}
    with crm.read(firm.owner) as reader:
        first = next(reader.stream(Query(Deal, sort="id")))
        assert (first.title, first.stage, first.owner_id) == ("Windows!", "won", firm.fitter.id)
        assert first.unit_id == firm.units["north_field"]
        assert sorted(str(line.price) for line in reader.stream(Query(DealLine))) == ["120.00", "5.00"]


def test_a_move_that_the_pipeline_does_not_have_rejects_the_whole_row(bring: Bring, crm: CRM, firm: Firm) -> None:
    """A newer export may not jump; nothing else of the row is taken either."""
    bring("no,title,sum,who,stage,what\n1,Windows,100,seller,new,\n", DEALS)
    brought = bring("no,title,sum,who,stage,what\n1,Better,100,seller,won,\n", DEALS)
    assert [(row["code"], row["column"]) for row in brought.errors] == [("invalid_move", "stage")]
    with crm.read(firm.owner) as reader:
        assert next(reader.stream(Query(Deal))).title == "Windows"


def test_rows_without_a_key_are_known_by_file_and_number(bring: Bring, crm: CRM, firm: Firm) -> None:
    """The same bytes add nothing again and leave what was edited since; other bytes are another file."""
    rows = "name,phone\nAnn,020 7183 8750\nAnn,020 7183 8750\n"
    bring(rows, CONTACTS)
    with crm.work(firm.owner) as work:
        first = next(work.stream(Query(Contact, sort="id")))
        records.update(work, [Update(Contact, first.id, name="Ann Lee")])
    assert bring(rows, CONTACTS, file="copy.csv").counts == {"contact found": 2}
    with crm.read(firm.owner) as reader:
        assert [row.name for row in reader.stream(Query(Contact, sort="id"))] == ["Ann Lee", "Ann"]
    bring(rows + "Bob,\n", CONTACTS)
    with crm.read(firm.owner) as reader:
        assert reader.count(Contact) == 5


def test_a_corrected_file_brings_in_what_stayed_out(bring: Bring, crm: CRM, firm: Firm) -> None:
    """The error file itself can be repaired and brought in: its first columns are no part of the map."""
    bring("no,title,sum,who,stage,what\n1,Windows,x,seller,new,\n2,Doors,1,seller,new,\n", DEALS)
    repaired = "row,column,reason,value,code,no,title,sum,who,stage,what\n2,sum,bad,x,c,1,Windows,100,seller,new,\n"
    assert bring(repaired, DEALS).counts == {"deal created": 1}


def test_a_key_that_comes_twice_is_one_record_with_the_last_values(bring: Bring, crm: CRM, firm: Firm) -> None:
    """Whether in one chunk or in two runs."""
    brought = bring("no,title,sum,who,stage,what\n1,A,1,seller,new,\n1,B,2,seller,new,\n", DEALS)
    assert brought.counts == {"deal created": 1}
    with crm.read(firm.owner) as reader:
        assert [row.title for row in reader.stream(Query(Deal))] == ["B"]


def test_what_was_deleted_here_stays_deleted(bring: Bring, crm: CRM, firm: Firm) -> None:
    """A nightly import does not bring back what somebody threw away."""
    rows = "no,title,sum,who,stage,what\n1,Windows,100,seller,new,\n"
    bring(rows, DEALS)
    with crm.work(firm.owner) as work:
        records.delete(work, [Delete(Deal, next(work.stream(Query(Deal))).id)])
    assert bring(rows, DEALS).counts == {"deal skipped: deleted here": 1}
    with crm.read(firm.owner) as reader:
        assert reader.count(Deal) == 0


def test_a_record_that_is_matched_by_a_field_is_given_the_key(bring: Bring, crm: CRM, firm: Firm) -> None:
    """From then on the outside system may rename it."""
    named = 'system = "erp"\n[[target]]\nentity = "company"\nkey = "no"\nmatch = ["name"]\nfields.name = "name"\n'
    with crm.work(firm.owner) as work:
        [made] = records.create(work, [Create(Company, name="Acme")])
    assert bring("no,name\n7,acme\n", named).counts == {"company updated": 1}
    bring("no,name\n7,Acme Ltd\n", named)
    with crm.read(firm.owner) as reader:
        assert [(row.id, row.name) for row in reader.stream(Query(Company))] == [(made.record_id, "Acme Ltd")]


def test_two_records_of_one_name_are_not_guessed_between(bring: Bring, crm: CRM, firm: Firm) -> None:
    """An ambiguous match rejects the row."""
    named = '[[target]]\nentity = "company"\nmatch = ["name"]\nfields.name = "name"\n'
    with crm.work(firm.owner) as work:
        records.create(work, [Create(Company, name="Acme"), Create(Company, name="ACME")])
    assert [row["code"] for row in bring("name\nacme\n", named).errors] == ["ambiguous_reference"]


def test_points_are_added_and_never_doubled(bring: Bring, crm: CRM, firm: Firm) -> None:
    """A phone in another notation is the same phone; a new one is added, and the old one stays."""
    named = 'system = "x"\n' + CONTACTS.replace('entity = "contact"', 'entity = "contact"\nkey = "no"')
    bring("no,name,phone\n1,Ann,020 7183 8750\n", named)
    assert bring("no,name,phone\n1,Ann,+44 20 71838750\n", named).counts == {"contact unchanged": 1}
    assert bring("no,name,phone\n1,Ann,020 7183 8751\n", named).counts == {"contact updated": 1}
    with crm.read(firm.owner) as reader:
        assert reader.count(ContactPoint) == 2


def test_an_exports_ids_bring_the_same_records_up_to_date(bring: Bring, crm: CRM, firm: Firm) -> None:
    """A file with a column `id` updates these records; an id of nobody is told."""
    with crm.work(firm.owner) as work:
        [made] = records.create(work, [Create(Company, name="Acme", city="Leeds")])
    nobody = "01900000-0000-7000-8000-000000000000"
    rows = f"id,name,city,created_at\n{made.record_id},Acme,York,2020-01-01\n{nobody},B,,\n"
    brought = bring(rows, entity="companies")
    assert brought.counts == {"company updated": 1}
    assert [(row["row"], row["code"]) for row in brought.errors] == [("3", "no_such_record")]


def test_a_blank_owner_changes_nothing(bring: Bring, crm: CRM, firm: Firm) -> None:
    """Nor is such a record told as updated: a record cannot be without an owner."""
    bring("no,title,sum,who,stage,what\n1,Windows,100,seller,new,\n", DEALS)
    assert bring("no,title,sum,who,stage,what\n1,Windows,100,,,\n", DEALS).counts == {"deal unchanged": 1}
    with crm.read(firm.owner) as reader:
        first = next(reader.stream(Query(Deal)))
    assert (first.owner_id, first.stage) == (firm.seller.id, "new")


def _no_bar(_label: str, _length: int) -> AbstractContextManager[Callable[[int], None]]:
    return nullcontext(lambda _steps: None)


def test_two_imports_at_once_make_one_record_of_one_name(crm: CRM, firm: Firm, tmp_path: Path) -> None:
    """Where records are known by their fields alone, no database constraint would keep the second one out."""
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text("name\n" + "".join(f"Company {number}\n" for number in range(300)))
    named = tmp_path / "map.toml"
    named.write_text('[[target]]\nentity = "company"\nmatch = ["name"]\nfields.name = "name"\n')
    wishes = [Wish(path=tmp_path / name, map=named) for name in ("a.csv", "b.csv")]
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda wish: run_import(crm, firm.owner, wish, _no_bar), wishes))
    with crm.read(firm.owner) as reader:
        assert reader.count(Company) == 300
