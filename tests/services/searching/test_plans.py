"""How search goes about it: off indexes, and a few statements."""

from __future__ import annotations

import pytest

from opencrm import Contact, Create, records, searching
from opencrm.core.search import question
from opencrm.services.searching.asking import Asked
from opencrm.services.searching.reach import reach_of
from opencrm.services.searching.statements import Statements

READERS = ("owner", "head", "seller")
TEXTS = ("an", "ann", "anna be", "0207183", "gmx 020 7183")


@pytest.fixture
def many(crm, firm):
    """Contacts enough for a plan to matter."""
    for who, size in (("seller", 20), ("stranger", 2000)):
        with crm.work(getattr(firm, who)) as work:
            phone = {"kind": "phone", "value": "020 7183 8750"}
            made = [{"name": f"Anna Berg {at}", "points": [phone]} for at in range(size)]
            records.create(work, [Create(Contact, values=values) for values in made])
    with crm.database.write() as tx:
        tx.connection.exec_driver_sql("ANALYZE")


@pytest.mark.usefixtures("many")
@pytest.mark.parametrize("who", READERS)
@pytest.mark.parametrize("text", TEXTS)
def test_no_table_is_scanned(crm, firm, who, text):
    """Neither documents nor contacts, whoever asks."""
    asked_of = []
    with crm.read(getattr(firm, who)) as reader:
        if not crm.database.sqlite:  # Tables as small as these are read whole where that is allowed.
            reader.tx.connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        for statement in _sent(reader, text):
            asked_of += [line for line in _plan(reader, statement) if _scans(line)]
    assert asked_of == []


@pytest.mark.usefixtures("many")
@pytest.mark.parametrize("who", READERS)
def test_a_few_statements(crm, firm, statements, who):
    """Counting, finding, and a statement for each entity that is among the hits, after who asks."""
    with crm.read(getattr(firm, who)) as reader:
        searching.search(reader, "anna")
    statements.clear()
    with crm.read(getattr(firm, who)) as reader:
        assert len(searching.search(reader, "anna", [Contact])) == 20
    print(statements)
    assert len(statements) <= 6


def _sent(reader, text):
    """Return the statements that search may send, with their values."""
    put = Asked(question(text, "GB"), reach_of(reader, [Contact]), reader.tx.sqlite)
    statements = Statements(put, reader.configuration.catalogue.entities)
    yield statements.streamed(), put.values
    if put.reach.places[0].may_be_small:
        yield statements.among_visible(), put.values
    yield statements.among_matching(), put.values | {"rare": put.term(put.question.lead)}


def _plan(reader, sent):
    statement, values = sent
    prepared = reader.tx.statements.prepare(("test", str(statement)), lambda: statement)
    word = "EXPLAIN QUERY PLAN" if reader.tx.sqlite else "EXPLAIN"
    given = prepared.parameters(values | {"most": 30})
    rows = reader.tx.connection.exec_driver_sql(f"{word} {prepared.sql}", given)
    return [str(row[-1]) for row in rows]


def _scans(line):
    """Whether a line of a plan goes through one of the tables row by row."""
    if "USING" in line or "VIRTUAL TABLE" in line or "Index" in line:
        return False
    return any(
        line.strip().removeprefix("->").strip().startswith(word)
        for word in ("SCAN crm_contact", "SCAN crm_search_document", "SCAN d", "Seq Scan on crm_")
    )
