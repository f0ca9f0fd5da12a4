"""Contacts in a pipeline over REST: their fields, their moves, their board; and nothing of it without one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from openapi_spec_validator import validate

from opencrm import Pipeline, Stage, TaskSpec, hookimpl
from opencrm.testing import Firm

FIELDS = {"pipeline", "stage", "stage_since", "closed_at"}


class Friends:
    """Brings the pipeline."""

    @hookimpl
    def opencrm_register_pipelines(self) -> Iterator[Pipeline]:
        greet = TaskSpec("greet", title="Greet {name}", due="1d")
        stages = [Stage("stranger", tasks=[greet]), Stage("guest"), Stage("friend", kind="won")]
        yield Pipeline("friendship", stages, moves={("stranger", "guest"), ("guest", "friend")}, entity="contact")


@pytest.fixture
def crm_plugins() -> Sequence[object]:
    return [Friends()]


def test_a_contact_is_made_moved_and_stands_on_the_board(as_: Callable[..., Any], firm: Firm) -> None:
    seller = as_(firm.seller)
    one = seller.make("contacts", name="Maria")
    assert (one["pipeline"], one["stage"]) == ("friendship", "stranger")
    assert [it["title"] for it in seller.get("/v1/tasks").json["items"]] == ["Greet Maria"]
    assert [it["to"] for it in seller.get(f"/v1/contacts/{one['id']}/moves").json["items"]] == ["guest"]
    assert seller.post(f"/v1/contacts/{one['id']}/move", {"to": "friend"}).status_code == 409
    moved = seller.post(f"/v1/contacts/{one['id']}/move", {"to": "guest"})
    assert moved.status_code == 200, moved.text
    board = seller.get("/v1/boards/friendship").json
    assert {it["key"]: it["count"] for it in board["stages"]} == {"stranger": 0, "guest": 1, "friend": 0}
    assert seller.patch(f"/v1/contacts/{one['id']}", {"stage": "friend"}).status_code == 422
    listed = seller.get("/v1/contacts?stage=guest").json["items"]
    assert [it["id"] for it in listed] == [one["id"]]


def test_the_document_tells_of_stages_where_there_are_some(api: Any) -> None:
    document = api.get("/v1/openapi.json").json
    validate(document)
    assert "/contacts/{id}/move" in document["paths"]
    assert "/companies/{id}/move" not in document["paths"]
    names = {name: set(it.get("properties", ())) for name, it in document["components"]["schemas"].items()}
    assert names["contact"] >= FIELDS
    assert FIELDS.isdisjoint(names["company"])


def test_without_a_pipeline_nothing_tells_of_stages(api: Any) -> None:
    company = api.make("companies", name="Fenster")
    assert FIELDS.isdisjoint(company)
    assert api.post(f"/v1/companies/{company['id']}/move", {"to": "guest"}).status_code == 422
