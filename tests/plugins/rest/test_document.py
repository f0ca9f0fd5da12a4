"""The OpenAPI document and its page."""

from __future__ import annotations

import re

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from opencrm import CRM
from opencrm.plugins.rest.application import application
from opencrm.plugins.rest.document.page import Documentation
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


def test_a_schema_says_what_a_field_takes(document):
    """Lengths, options, parts; what another act changes is not in an update."""
    shapes = document["components"]["schemas"]
    create, update = shapes["deal.create"], shapes["deal.update"]
    assert create["properties"]["title"] == {"type": "string", "maxLength": 200, "title": "Title"}
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


def test_the_page_needs_no_other_host(crm, tmp_path):
    """Its parts are its own, it has no inline script, and its policy allows none."""
    for name in ("swagger-ui.css", "swagger-ui-bundle.js", "swagger-init.js"):
        (tmp_path / name).write_text("x", encoding="utf-8")
    (tmp_path / "secret.key").write_text("x", encoding="utf-8")
    client = client_of(crm, tmp_path)
    page = client.get("/docs")
    assert (page.status_code, page.mimetype) == (200, "text/html")
    assert "script-src 'self';" in page.headers["Content-Security-Policy"]
    assert not re.search(r"<script>|https?://| on\w+=", page.text)
    for part in re.findall(r'(?:src|href)="([^"]+)"', page.text):
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
