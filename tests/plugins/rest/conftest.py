"""What the tests of REST share: a client for each person of the firm."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import attrs
import orjson
import pytest
from werkzeug.test import Client, TestResponse

from opencrm import CRM, Principal
from opencrm.app.serving import wsgi
from opencrm.embed import issue_token
from opencrm.testing.firm import Firm


@attrs.frozen
class Api:
    """Calls the REST of a workspace as one person, as a program would.

    Attributes:
        client: The WSGI client.
        token: The person's key; None for nobody.
    """

    client: Client
    token: str | None = None

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> TestResponse:
        """Send a request, with a JSON body unless it is None; `If_Match=...` is the header `If-Match`."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.token:
            sent = {"Authorization": f"Bearer {self.token}", **sent}
        if body is not None and not isinstance(body, bytes):
            body = orjson.dumps(body)
        kind = None if body is None else sent.pop("Content-Type", "application/json")
        return self.client.open(f"/api{path}", method=method, headers=sent, data=body, content_type=kind)

    def get(self, path: str, **headers: str) -> TestResponse:
        return self.call("GET", path, **headers)

    def post(self, path: str, body: Any = None, **headers: str) -> TestResponse:
        return self.call("POST", path, body, **headers)

    def patch(self, path: str, body: Any, **headers: str) -> TestResponse:
        return self.call("PATCH", path, body, **headers)

    def delete(self, path: str, **headers: str) -> TestResponse:
        return self.call("DELETE", path, **headers)

    def make(self, entity: str, /, **values: Any) -> Mapping[str, Any]:
        """Make a record; return it."""
        made = self.post(f"/v1/{entity}", values)
        assert made.status_code == 201, made.text
        return made.json


@pytest.fixture
def as_(crm: CRM, firm: Firm) -> Callable[[Principal], Api]:
    """`as_(firm.seller)` is that person's client."""
    client = Client(wsgi(crm))

    def open_for(principal: Principal) -> Api:
        return Api(client, token_of(crm, firm, principal))

    return open_for


def token_of(crm: CRM, firm: Firm, principal: Principal) -> str:
    with crm.work(firm.owner) as work:
        return issue_token(work, principal.id, label="test")


@pytest.fixture
def api(as_: Callable[[Principal], Api], firm: Firm) -> Api:
    """The owner's client."""
    return as_(firm.owner)


@pytest.fixture
def nobody(api: Api) -> Api:
    """A client without a token."""
    return Api(api.client)
