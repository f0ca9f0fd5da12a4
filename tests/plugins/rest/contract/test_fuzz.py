"""Schemathesis: whatever is sent, no answer is a 5xx, and answers are as the document says; and the same of forms."""

from __future__ import annotations

import orjson
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    ignored_auth,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)
from tests.sizes import LONG
from werkzeug.test import Client

from opencrm import (
    Create,
    Deal,
    Form,
    Pipeline,
    Principal,
    Query,
    Rule,
    Stage,
    TaskSpec,
    Update,
    WebForm,
    changed,
    hookimpl,
    inbox,
    notify,
    owner,
    records,
    required,
    wait,
)
from opencrm.app.serving import wsgi
from opencrm.embed import FormGiven
from opencrm.hooks.plugin import read_plugin
from opencrm.plugins import documents, webhooks
from opencrm.testing.factories import make_contact, make_deal, make_product

CHECKS = [
    not_a_server_error,
    content_type_conformance,
    ignored_auth,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
]
EXAMPLES = 40 if LONG else 3
"""For each operation, of what fits its schema and of what does not."""
TEMPLATE = {"key": "contract", "name": "Contract", "kind": "pdf", "entity": "deal", "data": {"amount": "amount"}}


class Process:
    """A pipeline with a task and a form, a rule, and a web form."""

    name = "process"

    @hookimpl
    def opencrm_register_pipelines(self):
        price = TaskSpec("price", title="Price {title}", form=Form("price", ["amount", "expected_close"]))
        stages = [Stage("asked", tasks=[price]), Stage("agreed", enter=[required("amount")]), Stage("won", kind="won")]
        yield Pipeline("asking", stages, moves={("asked", "agreed"), ("agreed", "won")})

    @hookimpl
    def opencrm_register_rules(self):
        yield Rule("renamed", on=changed(Deal, "title"), do=[notify(owner, "{title}"), wait("1d"), notify(owner, "x")])

    @hookimpl
    def opencrm_register_forms(self):
        yield WebForm(
            "request", ["name", "email", "amount"], pipeline="asking", optional=["amount"], consent="Yes.", most=1000
        )


@pytest.fixture
def crm_plugins():
    return [Process(), documents, read_plugin("webhooks", webhooks, source="given")]


@pytest.fixture
def ids(crm, firm):
    """What really is there: an id, or a key, by the first part of an address."""
    deal = make_deal(crm, by=firm.owner, amount="5", pipeline="asking")
    with crm.work(firm.owner) as work:
        records.update(work, [Update(Deal, deal.id, title="Doors")])
        [template] = records.create(work, [Create("documents_template", values=TEMPLATE)])
        given = {"name": "x", "url": "https://93.184.216.34/"}
        [webhook] = records.create(work, [Create("webhooks_subscription", values=given)])
    crm.files.add(firm.owner, "documents_template", template.record_id, b"= Contract", name="x.typ")
    file = crm.files.add(firm.owner, "deal", deal.id, b"x", name="x.txt")
    crm.forms.submit(
        Principal.anonymous(), "request", FormGiven(answers={"name": "Ann", "email": "a@b.example"}, consent=True)
    )
    crm.worker().run_once()
    return {
        "contacts": make_contact(crm).id,
        "deals": deal.id,
        "products": make_product(crm).id,
        "tasks": _first(crm, firm, "task"),
        "files": file.record_id,
        "webhooks": webhook.record_id,
        "documents-templates": template.record_id,
        "inbox": _told(crm, firm),
        "rules": "renamed",
    }


def _first(crm, firm, entity):
    with crm.read(firm.owner) as reader:
        return next(iter(reader.list(Query(reader.entity(entity))))).id


def _told(crm, firm):
    with crm.read(firm.owner) as reader:
        return inbox.page(reader).items[0].id


def test_nothing_that_is_sent_breaks_it(crm, firm, as_, ids):
    """Every operation of the document, with what fits its schema and with what does not.

    Each has a key of its own: some of them end keys.
    """
    schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", wsgi(crm))
    for result in schema.get_all_operations():
        exercise(result.ok(), ids, as_(firm.owner).token)


def exercise(operation, ids, token):
    known = ids.get(operation.path.removeprefix("/api/v1").split("/")[1])
    modes = [schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE]
    strategies = [operation.as_strategy(generation_mode=mode) for mode in modes]

    @seed(1)
    @settings(max_examples=EXAMPLES, phases=[Phase.generate], suppress_health_check=list(HealthCheck), deadline=None)
    @given(case=st.one_of(strategies), real=st.booleans())
    def one(case, real):
        for name in ("id", "key"):
            if known and real and name in case.path_parameters:
                case.path_parameters[name] = known
        case.call_and_validate(headers={"Authorization": f"Bearer {token}"}, checks=CHECKS)

    one()


ANY = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False) | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)
ANSWERS = st.dictionaries(st.sampled_from(["name", "email", "amount", "company", "x"]), ANY, max_size=5) | ANY
NAMES = ["answers", "token", "consent", "record", "attribution", "once", "x"]
KINDS = ["application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/plain"]


def test_no_form_that_is_sent_breaks_it(crm):
    """As JSON of any shape, and as bytes that are nothing."""
    client = Client(wsgi(crm))
    token = crm.forms.describe("request").token
    crm.advance("5s")

    @seed(1)
    @settings(max_examples=150, suppress_health_check=list(HealthCheck), deadline=None)
    @given(
        body=st.dictionaries(st.sampled_from(NAMES), ANY, max_size=5) | ANY | st.binary(max_size=60),
        answers=st.none() | ANSWERS,
        kind=st.sampled_from(KINDS),
    )
    def one(body, answers, kind):
        if isinstance(body, dict) and answers is not None:
            body = {**body, "answers": answers, "token": token, "consent": True}
        data = body if isinstance(body, bytes) else orjson.dumps(body, option=orjson.OPT_NON_STR_KEYS)
        answer = client.post("/forms/request", data=data, content_type=kind)
        assert answer.status_code < 500, (answer.status_code, body, answer.text)

    one()
