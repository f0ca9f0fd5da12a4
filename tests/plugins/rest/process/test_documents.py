"""A person makes a document of a record by hand, over REST."""

from __future__ import annotations

import pytest
from openapi_spec_validator import validate

from opencrm import Grant, Role, Scope, Update, records
from opencrm.embed import grant_rows
from opencrm.plugins import documents
from opencrm.testing import make_contact, make_deal

DATA = {"client": "contact.name", "amount": "amount", "note": "description?"}
BODY = b"#let data = json(bytes(sys.inputs.data))\n= Contract with #data.client\n#data.amount EUR"


@pytest.fixture
def crm_plugins():
    return [documents]


@pytest.fixture
def template(api):
    """A template of deals, with its body; its id."""
    given = {"key": "contract", "name": "Contract", "kind": "pdf", "entity": "deal", "data": DATA}
    made = api.make("documents-templates", **given)
    body = api.post(f"/v1/documents-templates/{made['id']}/files?name=contract.typ", BODY, Content_Type="text/plain")
    assert body.status_code == 201, body.text
    return made["id"]


@pytest.fixture
def deal(crm, firm):
    """A deal of the seller's, with a client and an amount."""
    client = make_contact(crm, by=firm.seller, name="Maria")
    return make_deal(crm, by=firm.seller, title="Windows", amount="4800", contact_id=client.id)


def let_sellers(crm, firm, *, read_templates=True, hidden=()) -> None:
    with crm.work(firm.owner) as work:
        role = work.get(Role, firm.roles["firm_seller"])
        more = grant_rows([Grant("documents_template", "read", Scope.ALL)]) if read_templates else []
        rules = [{"entity": "deal", "field": name, "read": False, "write": False} for name in hidden]
        records.update(work, [Update(Role, role.id, grants=[*role.grants, *more], field_rules=rules)])


def make(api, id, template="contract", plural="deals"):
    return api.post(f"/v1/{plural}/{id}/documents", {"template": template})


@pytest.mark.usefixtures("template")
def test_a_document_is_made(crm, firm, as_, deal):
    """It is a file of the record, and the next one a version of it."""
    let_sellers(crm, firm)
    seller = as_(firm.seller)
    made = make(seller, deal.id)
    assert made.status_code == 201, made.text
    assert (made.json["name"], made.json["media_type"], made.json["number"]) == ("Contract.pdf", "application/pdf", 1)
    assert made.headers["Location"].endswith(f"/api/v1/files/{made.json['id']}")
    assert made.headers["OpenCRM-Act"]
    assert seller.get(f"/v1/files/{made.json['id']}/content").data.startswith(b"%PDF-")
    assert seller.patch(f"/v1/deals/{deal.id}", {"amount": "5000"}).status_code == 200
    again = make(seller, deal.id)
    assert (again.status_code, again.json["id"], again.json["number"]) == (201, made.json["id"], 2)
    [told] = seller.get(f"/v1/deals/{deal.id}/files").json["items"]
    assert told["id"] == made.json["id"]


@pytest.mark.usefixtures("template")
def test_what_is_missing_is_said(crm, firm, api):
    """All of it, and nothing is made."""
    bare = make_deal(crm, by=firm.seller, title="Doors")
    refused = make(api, bare.id)
    assert (refused.status_code, refused.json["code"]) == (422, "requirement_missing")
    assert [it["text"] for it in refused.json["missing"]] == ["amount", "client"]
    assert refused.json["details"] == {"template": "contract"}
    assert api.get(f"/v1/deals/{bare.id}/files").json["items"] == []


@pytest.mark.usefixtures("template")
def test_what_somebody_may_not_read_is_missing(crm, firm, as_, deal):
    """It is made of what they see, whoever wrote the template."""
    let_sellers(crm, firm, hidden=["amount"])
    refused = make(as_(firm.seller), deal.id)
    assert (refused.status_code, [it["text"] for it in refused.json["missing"]]) == (422, ["amount"])


@pytest.mark.usefixtures("template")
def test_whoever_may_not_change_the_record_makes_none(crm, firm, as_, deal, monkeypatch):
    """A record out of sight is not there; and nothing is rendered for nothing."""
    from opencrm.plugins.documents import generating

    let_sellers(crm, firm)
    monkeypatch.setattr(generating, "rendered", lambda *_: pytest.fail("rendered"))
    assert make(as_(firm.viewer), deal.id).status_code == 403
    assert make(as_(firm.stranger), deal.id).status_code == 404


@pytest.mark.usefixtures("template")
def test_a_template_out_of_sight_is_not_there(crm, firm, as_, deal):
    let_sellers(crm, firm, read_templates=False)
    seller = as_(firm.seller)
    hidden, unknown = make(seller, deal.id), make(seller, deal.id, "unknown")
    assert (hidden.status_code, unknown.status_code) == (404, 404)
    assert hidden.data.replace(b"contract", b"unknown") == unknown.data


@pytest.mark.usefixtures("template")
@pytest.mark.parametrize("body", [{}, {"template": None}, {"template": 5}, {"template": "contract", "more": 1}, []])
def test_a_wish_that_says_nothing_is_refused(api, deal, body):
    assert api.post(f"/v1/deals/{deal.id}/documents", body).status_code == 422


@pytest.mark.usefixtures("template")
@pytest.mark.parametrize("key", ["", "x" * 10_000, "a\x00b", "\ud800", "Contract?"])
def test_a_key_of_none_is_refused(api, deal, key):
    answer = api.post(f"/v1/deals/{deal.id}/documents", _json(key), Content_Type="application/json")
    assert answer.status_code in (400, 404, 422), answer.text


def test_a_template_of_others_or_without_a_body_is_refused(api, deal, template):
    contact = api.make("contacts", name="Ann")
    wrong = make(api, contact["id"], plural="contacts")
    assert (wrong.status_code, list(wrong.json["errors"])) == (422, ["template"])
    given = {"key": "bare", "name": "Bare", "kind": "pdf", "entity": "deal", "data": {}}
    api.make("documents-templates", **given)
    assert make(api, deal.id, "bare").status_code == 422


@pytest.mark.usefixtures("template")
def test_the_document_tells_of_it(api):
    told = api.get("/v1/openapi.json").json
    validate(told)
    assert told["paths"]["/deals/{id}/documents"]["post"]["operationId"] == "deal_make_document"


class TestWithoutThePlugin:
    @pytest.fixture
    def crm_plugins(self):
        return []

    def test_there_are_none(self, api, deal):
        assert make(api, deal.id).status_code == 404
        assert "/deals/{id}/documents" not in api.get("/v1/openapi.json").json["paths"]


def _json(key: str) -> bytes:
    import json

    return json.dumps({"template": key}).encode()
