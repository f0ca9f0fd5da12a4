"""Documents are made of what whoever makes them may read, and become files of the record."""

from __future__ import annotations

import io

import pypdf
import pytest
from tests.plugins.documents.conftest import CONTRACT, DATA, text_of, word

from opencrm import (
    ContactPoint,
    Create,
    Deal,
    File,
    FileVersion,
    InputError,
    NotFound,
    Objected,
    PermissionDenied,
    Query,
    RequirementMissing,
    Role,
    Update,
    files,
    records,
)
from opencrm.core.access.grants import Grant, Scope, grant_rows
from opencrm.plugins.documents import Template, generate
from opencrm.testing import make_contact, make_deal, make_record


def pdf_text(body: bytes) -> str:
    return "\n".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(body)).pages)


def test_a_pdf_is_made(crm, firm, deal, make_template):
    """With the buyer's data, the amount and a line for each position; it is a file on the record."""
    make_template()
    line = generate(crm, firm.owner, "deal", deal.id, "contract")
    text = pdf_text(crm.files.open(firm.seller, line.record_id).read())
    assert "Contract with Maria <Lopez> & Sons" in text
    assert "For Windows, 4800 EUR." in text
    assert "Frame: 400" in text
    with crm.read(firm.seller) as reader:
        file = reader.get(File, line.record_id)
    assert (file.name, file.media_type, file.made_by) == ("Contract.pdf", "application/pdf", "documents:contract")
    assert (file.entity, file.record_id) == ("deal", deal.id)


def test_what_belongs_to_the_client_is_in_it(crm, firm, deal, make_template):
    """`contact.points[]`: how somebody is reached; nothing of it where there is no client, or none that may be read."""
    with crm.read(firm.owner) as reader:
        client = reader.get(Deal, deal.id).contact_id
    for kind, value in (("phone", "020 7183 8750"), ("email", "maria@example.com")):
        make_record(crm, ContactPoint, by=firm.seller, contact_id=client, kind=kind, value=value)
    make_record(crm, ContactPoint, by=firm.owner, contact_id=make_contact(crm).id, kind="phone", value="020 7183 8751")
    body = CONTRACT + "#for it in data.reach [ - #it.kind #it.value ]"
    make_template(body=body, data={**DATA, "client": "contact.name?", "reach": "contact.points[]?"})
    line = generate(crm, firm.owner, "deal", deal.id, "contract")
    text = pdf_text(crm.files.open(firm.seller, line.record_id).read())
    assert [it in text for it in ("Phone 020 7183 8750", "E-mail maria@example.com", "8751")] == [True, True, False]

    lines = [{"title": "Frame", "price": "400"}]
    with crm.work(firm.owner) as work:
        [bare] = records.create(work, [Create(Deal, title="Door", amount="1", description="x", lines=lines)])
    line = generate(crm, firm.owner, "deal", bare.record_id, "contract")
    assert "020" not in pdf_text(crm.files.open(firm.owner, line.record_id).read())


@pytest.mark.parametrize("path", ["contact.lines[]", "contract.points[]", "title.points[]", "contact.unit[]?"])
def test_a_list_that_belongs_to_nothing_is_refused(make_template, path):
    with pytest.raises(Objected, match="reach: deal has no"):
        make_template(data={**DATA, "reach": path})


def test_a_word_document_is_made(crm, firm, deal, make_template):
    """Data is data: what looks like markup, or like a field, stays what it is."""
    body = word(
        "Contract with {{ client }}: {{ amount }} EUR{% if note %} ({{ note }}){% endif %}",
        "{%p for row in positions %}",
        "{{ loop.index }}. {{ row.title | upper }} {{ row.price }}",
        "{%p endfor %}",
        header="{{ title }}",
        table=("{%tr for row in positions %}", "{{ row.title }}", "{%tr endfor %}"),
    )
    make_template("word", body)
    line = generate(crm, firm.owner, "deal", deal.id, "contract")
    text = text_of(crm.files.open(firm.seller, line.record_id).read())
    assert text.splitlines() == [
        "Windows",
        "Contract with Maria <Lopez> & Sons: 4800 EUR",
        "1. FRAME 400",
        "2. GLASS {{ 7*7 }} 90",
        "Frame",
        "Glass {{ 7*7 }}",
    ]


def test_the_next_one_is_a_version(crm, firm, deal, make_template):
    """Of the file that was made from the same template."""
    make_template("word", word("{{ client }} {{ title }}"))
    first = generate(crm, firm.owner, "deal", deal.id, "contract")
    with crm.work(firm.seller) as work:
        records.update(work, [Update(Deal, deal.id, title="Doors")])
    second = generate(crm, firm.owner, "deal", deal.id, "contract")
    assert (second.record_id, second.after["number"]) == (first.record_id, 2)
    assert text_of(crm.files.open(firm.seller, first.record_id).read()).endswith("Doors")
    assert text_of(crm.files.open(firm.seller, first.record_id, 1).read()).endswith("Windows")


def test_what_is_missing_is_told_all_at_once(crm, firm, make_template):
    """And nothing is made; what may be empty is not asked for."""
    make_template("word", word("{{ client }} {{ note }}"))
    bare = make_deal(crm, by=firm.seller)
    with pytest.raises(RequirementMissing, match="missing: amount, client, positions") as refused:
        generate(crm, firm.owner, "deal", bare.id, "contract")
    assert [it["text"] for it in refused.value.details["missing"]] == ["amount", "client", "positions"]
    with crm.read(firm.owner) as reader:
        assert [it for it in reader.list(Query(File)) if it.entity == "deal"] == []


def test_what_somebody_may_not_read_is_not_in_their_document(crm, firm, deal, make_template):
    """A field that they may not read is as good as empty, be it theirs, another record's or a part's."""
    make_template("word", word("{% for row in positions %}[{{ row.title }}{{ row.price }}]{% endfor %}"))
    _let_read_templates(crm, firm, ("deal_line", "price"))
    line = generate(crm, firm.seller, "deal", deal.id, "contract")
    assert text_of(crm.files.open(firm.seller, line.record_id).read()) == "\n[Frame][Glass {{ 7*7 }}]"
    _let_read_templates(crm, firm, ("deal", "amount"))
    with pytest.raises(RequirementMissing, match=r"missing: amount$"):
        generate(crm, firm.seller, "deal", deal.id, "contract")


def test_the_gates_are_those_of_records_and_files(crm, firm, deal, make_template):
    """Who may not read the template or the record makes none; neither does who may not change the record."""
    make_template("word", word("{{ client }}"))
    with pytest.raises(NotFound, match="no template 'contract'"):
        generate(crm, firm.seller, "deal", deal.id, "contract")
    _let_read_templates(crm, firm, role="firm_viewer")
    with pytest.raises(PermissionDenied):
        generate(crm, firm.viewer, "deal", deal.id, "contract")
    _let_read_templates(crm, firm)
    with pytest.raises(NotFound, match="no such deal"):
        generate(crm, firm.stranger, "deal", deal.id, "contract")


@pytest.mark.parametrize(
    "values, wrong",
    [
        ({"entity": "nothing"}, "entity: there is no entity 'nothing'"),
        ({"data": {"x": "nowhere"}}, "data: x: deal has no 'nowhere'"),
        ({"data": {"x": "contact.nowhere"}}, "deal has no 'contact.nowhere'"),
        ({"data": {"x": "contact.company.name"}}, "x: must be a path"),
        ({"data": {"x": "contact[]"}}, "deal has no 'contact'"),
        ({"data": {"__class__": "title"}}, "must be a name"),
        ({"data": {"x": "__class__"}}, "must be a path"),
        ({"data": ["title"]}, "must be an object"),
        ({"data": {f"n{at}": "title" for at in range(201)}}, "at most 200 names"),
        ({"kind": "exe"}, "kind"),
    ],
)
def test_a_template_that_leads_nowhere_is_refused(crm, firm, values, wrong):
    """When it is saved."""
    good = {"key": "a", "name": "A", "kind": "pdf", "entity": "deal", "data": {"title": "title"}}
    with pytest.raises((InputError, Objected), match=wrong.replace("[]", r"\[\]")), crm.work(firm.owner) as work:
        records.create(work, [Create(Template, **good | values)])


def test_data_grows_and_its_paths_change(crm, firm, make_template):
    """What a body may name does not go away; its kind and entity are what it is."""
    id = make_template("word", word("{{ client }}"))
    with crm.work(firm.owner) as work:
        records.update(work, [Update(Template, id, data={**DATA, "client": "title", "more": "stage"})])
    less, other = {"data": {"client": "title"}}, {"kind": "pdf"}
    for values, wrong in ((less, "its body may name it"), (other, "cannot be changed")):
        with pytest.raises(Objected, match=wrong), crm.work(firm.owner) as work:
            records.update(work, [Update(Template, id, values=values)])


def test_what_is_wanting_is_said(crm, firm, deal):
    """A template without a body, of another entity, or that is not there."""
    with crm.work(firm.owner) as work:
        for key, entity in (("bare", "deal"), ("theirs", "contact")):
            given = {"key": key, "name": "A", "kind": "pdf", "entity": entity, "data": {}}
            records.create(work, [Create(Template, **given)])
    for key, error, wrong in (
        ("bare", InputError, "has no body"),
        ("theirs", InputError, "a template of contact, not of deal"),
        ("none", NotFound, "no template 'none'"),
    ):
        with pytest.raises(error, match=wrong):
            generate(crm, firm.owner, "deal", deal.id, key)


def test_a_bodys_new_version_is_looked_at_too(crm, firm, deal, make_template):
    """One that is refused leaves what was there."""
    id = make_template()
    with crm.read(firm.owner) as reader:
        [body] = [it for it in reader.list(Query(File)) if it.record_id == id]
    with pytest.raises(Objected, match="unknown"):
        crm.files.add_version(firm.owner, body.id, CONTRACT.replace("data.title", "unknown_thing").encode())
    crm.files.add_version(firm.owner, body.id, CONTRACT.replace("Contract with", "Agreement with").encode())
    line = generate(crm, firm.owner, "deal", deal.id, "contract")
    assert "Agreement with" in pdf_text(crm.files.open(firm.owner, line.record_id).read())
    with crm.read(firm.owner) as reader:
        assert len(files.versions(reader, body.id)) == 2
        assert reader.count(FileVersion) == 3


def _let_read_templates(crm, firm, *closed, role="firm_seller"):
    """Let a role read templates, and close fields to it."""
    with crm.work(firm.owner) as work:
        found = work.get(Role, firm.roles[role])
        grants = [*found.grants, *grant_rows([Grant("documents_template", "read", Scope.ALL)])]
        rules = [{"entity": entity, "field": name, "read": False, "write": False} for entity, name in closed]
        records.update(work, [Update(Role, firm.roles[role], grants=grants, field_rules=rules)])
