"""What the tests of documents share: a deal, templates, and real Word and typst bodies."""

from __future__ import annotations

import io
from collections.abc import Callable

import docx
import pytest

from opencrm import Create, Deal, DealLine, records
from opencrm.plugins import documents
from opencrm.plugins.documents import Template
from opencrm.testing import make_contact, make_record

DATA = {"client": "contact.name", "title": "title", "amount": "amount", "note": "description?", "positions": "lines[]"}
CONTRACT = """#let data = json(bytes(sys.inputs.data))
= Contract with #data.client
For #data.title, #data.amount EUR.
#for row in data.positions [ - #row.title: #row.price ]
"""


@pytest.fixture
def crm_plugins():
    """The plugin of the box, active without being asked for."""
    return [documents]


@pytest.fixture
def deal(crm, firm):
    """A deal with a client, an amount and two positions."""
    contact = make_contact(crm, by=firm.seller, name="Maria <Lopez> & Sons")
    deal = make_record(crm, Deal, by=firm.seller, title="Windows", amount="4800", contact_id=contact.id)
    for title, price in (("Frame", "400"), ("Glass {{ 7*7 }}", "90")):
        make_record(crm, DealLine, by=firm.seller, deal_id=deal.id, title=title, price=price)
    return deal


@pytest.fixture
def make_template(crm, firm) -> Callable[..., str]:
    """`make_template("pdf", CONTRACT)` makes a template with that body, and returns its id."""

    def make(kind="pdf", body=CONTRACT, *, key="contract", data=DATA, by=None, entity="deal"):
        with crm.work(by or firm.owner) as work:
            values = {"key": key, "name": "Contract", "kind": kind, "entity": entity, "data": data}
            [made] = records.create(work, [Create(Template, **values)])
        source = body if isinstance(body, bytes) else body.encode()
        name = "body.docx" if kind == "word" else "body.typ"
        crm.files.add(by or firm.owner, Template, made.record_id, source, name=name)
        return made.record_id

    return make


def word(*paragraphs: str, header: str = "", table: tuple[str, ...] = ()) -> bytes:
    """Return a Word document of these paragraphs."""
    document = docx.Document()
    for each in paragraphs:
        document.add_paragraph(each)
    if header:
        document.sections[0].header.paragraphs[0].text = header
    if table:
        rows = document.add_table(rows=len(table), cols=1).rows
        for row, text in zip(rows, table, strict=True):
            row.cells[0].text = text
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def text_of(body: bytes) -> str:
    """Return what a Word document says, its header and its tables included."""
    document = docx.Document(io.BytesIO(body))
    told = [*document.sections[0].header.paragraphs, *document.paragraphs]
    told += [each for table in document.tables for row in table.rows for cell in row.cells for each in cell.paragraphs]
    return "\n".join(each.text for each in told)
