"""Schemathesis: whatever is sent, no answer is a 5xx, and answers are as the document says."""

from __future__ import annotations

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

from opencrm.app.serving import wsgi
from opencrm.testing.factories import make_contact, make_deal, make_product, make_task

CHECKS = [
    not_a_server_error,
    content_type_conformance,
    ignored_auth,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
]
EXAMPLES = 4
"""For each operation, of what fits its schema and of what does not."""


def test_nothing_that_is_sent_breaks_it(crm, firm, as_):
    """Every operation of the document, with what fits its schema and with what does not.

    Each has a key of its own: some of them end keys.
    """
    records = {
        "contact": make_contact(crm),
        "deal": make_deal(crm, amount="5"),
        "product": make_product(crm),
        "task": make_task(crm),
    }
    schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", wsgi(crm))
    for result in schema.get_all_operations():
        exercise(result.ok(), {name: record.id for name, record in records.items()}, as_(firm.owner).token)


def exercise(operation, ids, token):
    known = ids.get(operation.definition.raw.get("operationId", "").rpartition("_")[0])
    modes = [schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE]
    strategies = [operation.as_strategy(generation_mode=mode) for mode in modes]

    @seed(1)
    @settings(max_examples=EXAMPLES, phases=[Phase.generate], suppress_health_check=list(HealthCheck), deadline=None)
    @given(case=st.one_of(strategies), real=st.booleans())
    def one(case, real):
        if known and real and "id" in case.path_parameters:
            case.path_parameters["id"] = known
        case.call_and_validate(headers={"Authorization": f"Bearer {token}"}, checks=CHECKS)

    one()
