"""What came by web forms, over REST."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from tests.services.process.forms.test_keeping import ANN, Trouble

from opencrm import CRM, Principal
from opencrm.embed import FormGiven
from opencrm.testing import Firm


@pytest.fixture
def crm_plugins() -> Sequence[object]:
    return [Trouble()]


def test_owners_see_what_could_not_be_taken(crm: CRM, firm: Firm, as_: Callable[..., Any]) -> None:
    """With why, and with all answers; nobody else does."""
    for email in ("bob@example.com", "ann@example.com"):
        crm.forms.submit(Principal.anonymous(), "lead", FormGiven(answers={**ANN, "email": email}))
    [refused] = as_(firm.owner).get("/v1/submissions").json["items"]
    assert (refused["form"], refused["entity"], refused["values"]["email"]) == ("lead", "contact", "ann@example.com")
    assert "is full" in refused["error"]
    assert as_(firm.seller).get("/v1/submissions").status_code == 403
    assert as_(firm.owner).get("/v1/submissions?x=1").status_code == 422
    [mine] = as_(firm.owner).get(f"/v1/contacts/{refused['record_id']}/submissions").json["items"]
    assert mine == refused
