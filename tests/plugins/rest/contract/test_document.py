"""The OpenAPI document and its page."""

from __future__ import annotations

import re
from uuid import UUID

import attrs
import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from opencrm import CRM, Create, CustomField, records
from opencrm.embed import QUERY_OPERATORS
from opencrm.plugins.rest.application import application
from opencrm.plugins.rest.document.page import Documentation
from opencrm.plugins.rest.document.tags import tags
from opencrm.testing.factories import make_deal


@pytest.fixture
def crm_database():
    """What the document says does not depend on the database."""
    return "sqlite"


@pytest.fixture
def document(nobody):
    """The document, which anybody may read: it holds declarations and no data."""
    answer = nobody.get("/v1/openapi.json")
    assert answer.status_code == 200
    return answer.json


def test_it_is_valid(document):
    validate(document)
    assert document["openapi"].startswith("3.1")
    assert document["servers"] == [{"url": "/api/v1"}]


def test_every_entity_is_in_it(document, crm):
    """With its own schemas, and the acts that it has."""
    paths = set(document["paths"])
    for spec in crm.catalogue.entities.values():
        plural = spec.plural.replace("_", "-")
        assert {f"/{plural}", f"/{plural}/{{id}}", f"/{plural}/{{id}}/history", f"/{plural}/{{id}}/restore"} <= paths
        assert (f"/{plural}/{{id}}/move" in paths) == spec.staged
        assert (f"/{plural}/{{id}}/assign" in paths) == spec.owned


def test_what_people_use_comes_first(document, crm):
    """Then what plugins bring, definitions, the organisation, accounts and imports; the workspace comes last."""
    names = [tag["name"] for tag in document["tags"]]
    assert names[:5] == ["contacts", "companies", "deals", "tasks", "activities"]
    assert names[-3:] == ["accounts", "imports", "workspace"]
    order = [names.index(name) for name in ("products", "tags", "saved-views", "custom-fields", "users", "roles")]
    assert order == sorted(order)
    told = {tag for operations in document["paths"].values() for it in operations.values() for tag in it["tags"]}
    assert told <= set(names)
    assert names[-6:-3] == ["inbox", "process", "queue"]
    assert len(names) == len(crm.catalogue.entities) + 6


def test_what_a_plugin_brings_stands_behind_the_nouns(crm):
    """Before what belongs to other records, definitions and people."""
    plugins = attrs.evolve(crm.catalogue.entities["product"], name="visit", plural="visits")
    names = [tag["name"] for tag in tags([*crm.catalogue.entities.values(), plugins])]
    assert names.index("products") + 1 == names.index("visits") == names.index("contact-points") - 1


def test_a_schema_says_what_a_field_takes(document):
    """Lengths, options, parts; what another act changes is not in an update."""
    shapes = document["components"]["schemas"]
    create, update = shapes["deal.create"], shapes["deal.update"]
    title = {key: value for key, value in create["properties"]["title"].items() if key != "examples"}
    assert title == {"type": "string", "maxLength": 200, "title": "Title"}
    assert create["properties"]["amount"]["type"] == ["string", "number", "null"]
    assert set(create["required"]) == {"title"}
    assert set(create["properties"]) - set(update["properties"]) >= {"stage", "owner_id", "lines"}
    assert "deal_id" not in str(create["properties"]["lines"])
    assert not set(shapes["deal"]["properties"]) & {"deleted_at", "version"}


def test_answers_are_as_it_says(document, api, crm):
    """Records, pages, lines of the history, problems, the index and oneself."""
    deal = make_deal(crm, amount="1.5")
    api.patch(f"/v1/deals/{deal.id}", {"amount": None})
    told = {
        f"/v1/deals/{deal.id}": "deal",
        "/v1/deals": "deal.page",
        "/v1/roles": "role.page",
        f"/v1/deals/{deal.id}/history": "History",
        "/v1/": "Index",
        "/v1/me": "Me",
        "/v1/dragons": "Problem",
        "/v1/deals?x=1": "Problem",
    }
    for path, name in told.items():
        schema = {**document, "$ref": f"#/components/schemas/{name}"}
        Draft202012Validator(schema).validate(api.get(path).json)


def examples_of(document):
    """Give the example of each creation, with the path and the schema."""
    for path, operations in document["paths"].items():
        operation = operations.get("post", {})
        if operation.get("operationId", "").endswith("_create"):
            yield path, operation["requestBody"]["content"]["application/json"]


def test_an_example_of_a_creation_works_as_it_stands(document, api):
    """But for the ids of other records: in their place stands whose they are."""
    for path, content in examples_of(document):
        body = content["example"]
        Draft202012Validator({**document, **content["schema"]}).validate(body)
        missing = {name for name, value in body.items() if str(value).startswith("id of one ")}
        answer = api.post(f"/v1{path}", body)
        assert answer.status_code == (422 if missing else 201), answer.text
        assert answer.json.get("errors", {}).keys() == missing


def test_an_example_names_what_one_fills_in_first(document):
    """What is required, and little more."""
    examples = {path: content["example"] for path, content in examples_of(document)}
    assert set(examples["/deals"]) == {"title", "amount"}
    assert examples["/contacts"].keys() == {"name", "points"}
    assert examples["/contacts"]["points"] == [{"kind": "email", "value": "ann@example.com"}]


def test_a_field_has_an_example_that_it_may_hold(document, crm):
    """Each type its own; a currency is the workspace's."""
    shapes = document["components"]["schemas"]
    deal = {name: shape["examples"][0] for name, shape in shapes["deal"]["properties"].items()}
    assert (deal["amount"], deal["currency"], deal["expected_close"]) == ("1200.50", "EUR", "2026-03-02")
    assert (deal["created_at"], deal["stage"], deal["amount_from"]) == ("2026-03-02T09:00:00Z", "new", "hand")
    assert UUID(deal["id"]).version == 7
    for spec in crm.catalogue.entities.values():
        for name, shape in shapes[spec.name]["properties"].items():
            if name == "usable":  # No field, but what the reader may do with it.
                continue
            assert spec.fields[name].type.parse(shape["examples"][0]) is not None, (spec.name, name)
            Draft202012Validator(shape).validate(shape["examples"][0])


def test_an_example_of_a_problem_bears_its_status(document):
    """Wherever an operation says what can go wrong."""
    found = document["components"]["responses"]
    for operations in document["paths"].values():
        for operation in operations.values():
            for status, response in operation["responses"].items():
                if "$ref" in response and status != "default":
                    content = found[response["$ref"].rpartition("/")[2]]["content"]["application/problem+json"]
                    assert {str(each["value"]["status"]) for each in content["examples"].values()} == {status}


def test_operations_say_what_there_is_to_know(document, crm):
    """A sentence for each; the operators of filters, and the moves in force."""
    for operations in document["paths"].values():
        assert all(operation["description"] for operation in operations.values())
    told = document["paths"]["/deals"]["get"]["description"]
    assert all(f"`{operator}`" in told for operator in QUERY_OPERATORS)
    assert "`amount[gte]=1000`" in told
    move = document["paths"]["/deals/{id}/move"]["post"]
    [pipeline] = crm.catalogue.pipelines_of("deal")
    assert f"- `{pipeline.key}` ({pipeline.label}): `new` to" in move["description"]
    example = move["requestBody"]["content"]["application/json"]["example"]
    assert pipeline.allows(pipeline.initial, example["to"])


def test_a_filter_has_an_input_of_its_own(document):
    """One parameter for each field that can be filtered by, a plain text or a choice."""
    parameters = {each["name"]: each for each in document["paths"]["/deals"]["get"]["parameters"]}
    assert {each["schema"]["type"] for each in parameters.values()} == {"string", "integer"}
    assert parameters["amount_from"]["schema"]["enum"] == ["hand", "lines"]
    assert "description" not in parameters


def test_the_page_needs_no_other_host(crm, tmp_path):
    """Its parts are its own, it has no inline script, and its policy allows none."""
    for name in ("swagger-ui.css", "swagger-ui-bundle.js", "swagger-init.js"):
        (tmp_path / name).write_text("x", encoding="utf-8")
    (tmp_path / "secret.key").write_text("x", encoding="utf-8")
    client = client_of(crm, tmp_path)
    page = client.get("/docs")
    assert (page.status_code, page.mimetype) == (200, "text/html")
    assert "script-src 'self';" in page.headers["Content-Security-Policy"]
    assert '<link rel="icon" href="data:,">' in page.text
    assert not re.search(r"<script>|https?://| on\w+=", page.text)
    for part in re.findall(r'(?:src|href)="(/[^"]+)"', page.text):
        with client.get(part) as answer:
            assert answer.status_code == 200
            assert answer.mimetype in ("text/css", "text/javascript", "application/json")
    for name in ("secret.key", "..%2Fapplication.py", "nothing.js"):
        assert client.get(f"/docs/{name}").status_code == 404


def test_a_page_that_is_not_built_says_so(crm, tmp_path):
    """And leads to the document all the same."""
    page = client_of(crm, tmp_path / "nowhere").get("/docs")
    assert page.status_code == 503
    assert "not built" in page.text
    assert "/v1/openapi.json" in page.text


def client_of(crm: CRM, static):
    app = application(crm)
    for rule in list(app.url_map.iter_rules()):
        if rule.endpoint.startswith("documentation."):
            name = rule.endpoint.partition(".")[2]
            app.view_functions[rule.endpoint] = getattr(Documentation(crm, static), name)
    return app.test_client()


def test_a_workspaces_own_fields_are_told_to_those_who_may_read_them(crm, firm, nobody, as_):
    """Without a token nobody learns of them; with one, of the fields that its holder may read."""
    with crm.work(firm.owner) as work:
        for key, more in (("town", {}), ("margin", {"sensitive": "finance"})):
            values = {"entity": "deal", "key": key, "kind": "choices", "label": key, "choices": ["a", "b"], **more}
            records.create(work, [Create(CustomField, values=values)])
    told = {
        name: client.get("/v1/openapi.json").json["components"]["schemas"]["deal"]["properties"]
        for name, client in (("nobody", nobody), ("seller", as_(firm.seller)), ("owner", as_(firm.owner)))
    }
    assert {name: {"town", "margin"} & set(fields) for name, fields in told.items()} == {
        "nobody": set(),
        "seller": {"town"},
        "owner": {"town", "margin"},
    }
    assert told["owner"]["town"]["items"]["enum"] == ["a", "b"]
