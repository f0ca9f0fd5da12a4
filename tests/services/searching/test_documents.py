"""The documents of search stay in step with records, whatever happens to these, and can be made anew."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from opencrm import (
    AddedField,
    ConflictError,
    Contact,
    ContactPoint,
    Create,
    CustomField,
    Deal,
    Delete,
    Merge,
    PermissionDenied,
    Principal,
    Restore,
    Text,
    Undo,
    Update,
    hookimpl,
    merging,
    records,
    searching,
    undoing,
)
from opencrm.hooks import given_plugin
from opencrm.services.definitions import counting
from opencrm.storage.search import document
from opencrm.testing import make_contact, make_deal, make_record

EMAIL = {"kind": "email", "value": "anna@berg.com"}


@pytest.fixture
def found(crm, firm):
    """`found("ann")`: the ids of what the owner finds."""

    def ask(text):
        with crm.read(firm.owner) as reader:
            return [hit.id for hit in searching.search(reader, text)]

    return ask


@pytest.fixture
def system(crm):
    """Opens work blocks of the system."""
    return lambda: crm.work(Principal.system("test"))


@pytest.fixture
def wrong(crm, system):
    """`wrong()`: what is wrong with the documents."""

    def look():
        with system() as work:
            return list(searching.wrong(work))

    return look


def test_a_fresh_firm_is_right(wrong):
    """The set-up goes through the write path, too."""
    assert wrong() == []


def test_every_way_of_changing(crm, firm, wrong):
    """Create, update, move a part, delete, restore, undo."""
    one, other = make_contact(crm, name="Anna", points=[EMAIL]), make_contact(crm, name="Bert")
    [(point, _)] = _documents(crm, "contact_point.value")
    steps = [
        lambda work: records.update(work, [Update(Contact, one.id, name="Anna Berg", description="tall")]),
        lambda work: records.update(work, [Update(ContactPoint, point, contact_id=other.id)]),
        lambda work: records.delete(work, [Delete(Contact, one.id)]),
        lambda work: records.restore(work, [Restore(Contact, one.id)]),
        lambda work: records.delete(work, [Delete(ContactPoint, point)]),
        lambda work: records.restore(work, [Restore(ContactPoint, point)]),
        lambda work: records.update(work, [Update(Contact, one.id, description=None)]),
    ]
    for step in steps:
        with crm.work(firm.owner) as work:
            step(work)
            act = work.act
        assert wrong() == []
        with crm.work(firm.owner) as work:
            undoing.undo(work, [Undo(act=act)])
        assert wrong() == []
        with crm.work(firm.owner) as work:
            step(work)
    assert wrong() == []
    assert _documents(crm, "contact_point.value") == [(point, other.id)]


def test_merging(crm, firm, found, wrong):
    """What went into another record is found there."""
    one = make_contact(crm, name="Anna Berg", points=[EMAIL])
    other = make_contact(crm, name="Anna Berg")
    with crm.work(firm.owner) as work:
        merging.merge(work, Merge(Contact, other.id, [one.id]))
    assert found("anna@berg") == [other.id]
    assert wrong() == []


def test_documents_are_made_anew(crm, firm, system, found, wrong):
    """For a database from before search; it may be stopped and begun again."""
    deals = [make_deal(crm, title=f"Windows {at}", refs=[{"system": "erp", "key": f"K-{at}"}]) for at in range(3)]
    with system() as work:
        work.tx.run("test", document.delete, [{}])
        assert searching.due(work)
    assert found("windows") == []
    batches = searching.reindex(system)
    next(batches)
    batches.close()
    assert sum(batch.put_right for batch in searching.reindex(system)) > 6
    assert wrong() == []
    assert sum(batch.put_right for batch in searching.reindex(system)) == 0
    assert sorted(found("windows")) == sorted(deal.id for deal in deals)
    with system() as work:
        assert searching.due(work) == ()


def test_wrong_documents_are_told_and_put_right(crm, firm, system, found, wrong):
    """Missing ones, those of another text, and those of no record."""
    deal, gone = make_deal(crm, title="Windows"), make_deal(crm, title="Doors")
    with system() as work:
        other = {"text": "walls", "head": "walls"}
        work.tx.run("test 1", lambda: document.update().where(document.c.record_id == deal.id).values(other), [{}])
        table = Deal.__table__
        work.tx.run("test 2", lambda: table.update().where(table.c.id == gone.id).values(deleted_at=work.now), [{}])
    assert len(wrong()) == 3
    for _ in searching.reindex(system):
        pass
    assert wrong() == []
    assert found("windows") == [deal.id]
    assert found("walls") == found("doors") == []


def test_a_field_that_search_looks_into_since(crm, firm, found, wrong):
    """The worker makes its documents; a change before that is found at once; another name changes nothing."""
    define = {"entity": "deal", "key": "site", "label": "Site", "kind": "text"}
    field = make_record(crm, CustomField, **define)
    old, touched = make_deal(crm, title="A", site="Bergstrasse"), make_deal(crm, title="B", site="Talweg")
    assert found("bergstr") == []
    with crm.work(firm.owner) as work:
        records.update(work, [Update(CustomField, field.id, searchable=True)])
    with crm.work(firm.owner) as work:
        records.update(work, [Update(Deal, touched.id, site="Talgasse")])
    assert found("talgas") == [touched.id]
    assert found("bergstr") == []
    crm.worker().run_once()
    assert found("bergstr") == [old.id]
    assert wrong() == []
    with crm.work(firm.owner) as work:
        records.update(work, [Update(CustomField, field.id, key="place")])
    with crm.read(firm.owner) as reader:
        [hit] = searching.search(reader, "bergstr")
    assert (hit.field, hit.snippet) == ("place", "Bergstrasse")
    assert wrong() == []


def test_a_field_that_search_looked_into_before(crm, firm, found, wrong):
    """What was changed meanwhile is found as it is now, and not as it was."""
    define = {"entity": "deal", "key": "site", "label": "Site", "kind": "text", "searchable": True}
    field = make_record(crm, CustomField, **define)
    first, second = make_deal(crm, title="A", site="Bergstrasse"), make_deal(crm, title="B", site="Talweg")
    emptied = make_deal(crm, title="C", site="Waldrand")
    worker = crm.worker()
    for off, on in (({"searchable": False}, {"searchable": True}), ({"retired": True}, {"retired": False})):
        with crm.work(firm.owner) as work:
            records.update(work, [Update(CustomField, field.id, values=off)])
        worker.run_once()
        assert found("talweg") == []
        assert wrong() == []
        if "searchable" in off:
            with crm.work(firm.owner) as work:
                records.update(work, [Update(Deal, second.id, site="Seeufer"), Update(Deal, emptied.id, site=None)])
        with crm.work(firm.owner) as work:
            records.update(work, [Update(CustomField, field.id, values=on)])
        worker.run_once()
        assert wrong() == []
        assert (found("bergstr"), found("talweg"), found("seeuf")) == ([first.id], [], [second.id])
        assert found("waldrand") == []


def test_a_record_that_comes_back_while_a_field_is_retired(crm, firm, found, wrong):
    """Nobody made its document then."""
    define = {"entity": "deal", "key": "site", "label": "Site", "kind": "text", "searchable": True}
    field = make_record(crm, CustomField, **define)
    make_deal(crm, title="A", site="Talweg")
    deal = make_deal(crm, title="B", site="Bergstrasse")
    with crm.work(firm.owner) as work:
        records.delete(work, [Delete(Deal, deal.id)])
    for step in (
        lambda work: records.delete(work, [Delete(CustomField, field.id)]),
        lambda work: records.restore(work, [Restore(Deal, deal.id)]),
        lambda work: records.restore(work, [Restore(CustomField, field.id)]),
    ):
        with crm.work(firm.owner) as work:
            step(work)
    crm.worker().run_once()
    assert wrong() == []
    assert found("bergstr") == [deal.id]


def test_only_owners_make_documents_anew(crm, firm):
    """It looks at every record."""
    with crm.read(firm.head) as reader, pytest.raises(PermissionDenied):
        searching.judge(reader)


def test_many_at_once(crm, firm, wrong):
    """A batch goes the same way as one."""
    with crm.work(firm.owner) as work:
        points = [EMAIL, {"kind": "phone", "value": "020 7183 8750"}]
        made = records.create(work, [Create(Contact, name=f"C {at}", points=points) for at in range(120)])
    with crm.work(firm.owner) as work:
        records.update(work, [Update(Contact, it.record_id, name=f"D {at}") for at, it in enumerate(made[::3])])
    assert wrong() == []


def _documents(crm, field):
    from sqlalchemy import select

    with crm.database.read() as tx:
        columns = (document.c.source_id, document.c.record_id, document.c.field)
        rows = tx.select("test documents", lambda: select(*columns), {})
    return [(source, record) for source, record, name in rows if name == field]


def test_an_option_is_found_by_its_label(crm, firm, found, wrong):
    """Not by its key; and by its new label once the worker made what search holds anew."""
    define = {"entity": "deal", "key": "frame", "label": "Frame", "kind": "choice", "searchable": True}
    field = make_record(crm, CustomField, **define, choices={"wd": "Oak wood", "p": "PVC"})
    deal = make_deal(crm, frame="wd")
    assert (found("oak"), found("wd")) == ([deal.id], [])
    with crm.read(firm.owner) as reader:
        [hit] = searching.search(reader, "oak")
        assert (hit.field, hit.snippet) == ("frame", "Oak wood")
    with crm.work(firm.owner) as work:
        records.update(work, [Update(CustomField, field.id, choices={"wd": "Larch", "p": "PVC"})])
    assert found("oak") == []
    crm.worker().run_once()
    assert (found("larch"), wrong()) == ([deal.id], [])


def test_several_options_are_found_by_their_labels(crm, firm, found):
    """Each of them."""
    define = {"entity": "deal", "key": "wishes", "label": "Wishes", "kind": "choices", "searchable": True}
    make_record(crm, CustomField, **define, choices={"r": "Roof windows", "d": "Doors"})
    deal = make_deal(crm, wishes=["r", "d"])
    assert found("roof door") == [deal.id]


class Alpha:
    """A plugin with a field that search looks into."""

    name = "alpha"

    @hookimpl
    def opencrm_register_fields(self):
        yield AddedField(entity="deal", name="alpha_order", type=Text(50, folded=True), searchable=True)


def test_a_record_that_comes_back_while_a_plugin_is_off(crm, firm, found, wrong, monkeypatch):
    """Its field is found again when the plugin is on again, also where the first record was right."""
    plugin = given_plugin(Alpha())
    monkeypatch.setattr(crm._plugins, "_others", {**crm._plugins._loaded(), "alpha": plugin})
    crm.enable(firm.owner, "alpha")
    first, second = make_deal(crm, alpha_order="Nordwind"), make_deal(crm, alpha_order="Nordwind")
    with crm.work(firm.owner) as work:
        records.delete(work, [Delete(Deal, second.id)])
    crm.disable(firm.owner, "alpha")
    with crm.work(firm.owner) as work:
        records.restore(work, [Restore(Deal, second.id)])
    crm.enable(firm.owner, "alpha")
    crm.worker().run_once()
    assert sorted(found("nordwind")) == sorted([first.id, second.id])
    assert wrong() == []


def test_what_another_still_writes_is_waited_for(crm, firm, found, monkeypatch):
    """A transaction from before search looked into a field knows nothing of its documents."""
    if crm.database.sqlite:
        pytest.skip("there, a transaction that writes is alone")
    monkeypatch.setattr(counting, "PATIENCE", 0.2)
    field = make_record(crm, CustomField, entity="deal", key="site", label="Site", kind="text")
    deal, begun, go_on = make_deal(crm, site="Nordwind"), threading.Event(), threading.Event()
    crm.keep_up()

    def write():
        with crm.work(firm.owner) as work:
            begun.set()
            assert go_on.wait(60)
            records.update(work, [Update(Deal, deal.id, site="Westwind")])

    with ThreadPoolExecutor(1) as threads:
        late = threads.submit(write)
        assert begun.wait(60)
        with crm.work(firm.owner) as work:
            records.update(work, [Update(CustomField, field.id, searchable=True)])
        with pytest.raises(ConflictError, match="began before search looked into a field"):
            crm.keep_up()
        go_on.set()
        late.result()
    assert crm.keep_up() == ["1 documents of search made for deal"]
    assert found("westwind") == [deal.id]
