"""Subscriptions of webhooks over REST: records, with a secret that is shown once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from openapi_spec_validator import validate

from opencrm import CRM, Principal
from opencrm.testing import Firm

URL = "https://93.184.216.34/hook"


@pytest.fixture
def enabled(crm: CRM, firm: Firm) -> None:
    crm.enable(firm.owner, "webhooks")


def test_without_the_plugin_there_are_none(api: Any) -> None:
    assert api.get("/v1/webhooks").status_code == 404
    assert api.post("/v1/webhooks/019cadc6-9a80-7c3a-9b1e-4f2a6d8c0e13/secret").status_code == 404


@pytest.mark.usefixtures("enabled")
def test_a_secret_is_shown_once(api: Any) -> None:
    made = api.make("webhooks", name="ERP", url=URL, entity="deal", events=["created"])
    where = f"/v1/webhooks/{made['id']}"
    assert api.get(f"{where}/state").json == {
        "secret": False,
        "waiting": 0,
        "dead": 0,
        "failures": 0,
        "until": None,
        "error": None,
    }
    taken = api.post(f"{where}/secret")
    assert taken.status_code == 201
    secret = taken.json["secret"]
    assert secret.startswith("whsec_")
    assert api.get(f"{where}/state").json["secret"] is True
    for path in ("", "/history", "/state"):
        assert secret not in api.get(where + path).text
    assert api.post(f"{where}/secret").json["secret"] != secret


@pytest.mark.usefixtures("enabled")
@pytest.mark.parametrize(
    "url", ["http://93.184.216.34/", "https://127.0.0.1/", "https://169.254.169.254/latest/meta-data", "https://[::1]/"]
)
def test_an_address_that_may_not_be_called_is_refused(api: Any, url: str) -> None:
    refused = api.post("/v1/webhooks", {"name": "x", "url": url})
    assert (refused.status_code, refused.json["code"]) == (409, "objected")
    made = api.make("webhooks", name="x", url=URL)
    assert api.patch(f"/v1/webhooks/{made['id']}", {"url": url}).status_code == 409


@pytest.mark.usefixtures("enabled")
def test_somebody_without_a_grant_sees_none(as_: Callable[[Principal], Any], firm: Firm, api: Any) -> None:
    made = api.make("webhooks", name="x", url=URL)
    seller = as_(firm.seller)
    for answer in (
        seller.post(f"/v1/webhooks/{made['id']}/secret"),
        seller.get(f"/v1/webhooks/{made['id']}/state"),
        seller.get(f"/v1/webhooks/{made['id']}"),
    ):
        assert answer.status_code == 404
    assert seller.post("/v1/webhooks", {"name": "x", "url": URL}).status_code == 403


@pytest.mark.usefixtures("enabled")
def test_the_document_tells_of_them(api: Any) -> None:
    document = api.get("/v1/openapi.json").json
    validate(document)
    assert {"/webhooks", "/webhooks/{id}/secret", "/webhooks/{id}/state"} <= document["paths"].keys()
