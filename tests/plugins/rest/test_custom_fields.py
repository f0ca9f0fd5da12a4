"""Custom fields over REST."""

from __future__ import annotations

import pytest


@pytest.fixture
def town(api):
    return api.make("custom-fields", entity="deal", key="town", label="Town", kind="text", indexed=True)


def test_a_field_is_defined_used_and_told(api, town):
    """It enters and leaves with records, and lists are filtered and sorted by it."""
    deal = api.make("deals", title="Windows", town="Rīga")
    api.make("deals", title="Doors")
    assert deal["town"] == "Rīga"
    assert [it["id"] for it in api.get("/v1/deals?town=riga").json["items"]] == [deal["id"]]
    assert [it["town"] for it in api.get("/v1/deals?sort=town&fields=town").json["items"]] == ["Rīga", None]
    assert api.patch(f"/v1/deals/{deal['id']}", {"town": None}).json["town"] is None
    [told] = [it for it in api.get("/v1/").json["entities"] if it["name"] == "deal"]
    [field] = [it for it in told["fields"] if it["name"] == "town"]
    assert (field["label"], field["type"], field["custom"], field["sorts"]) == ("Town", "text", True, True)


def test_a_bad_value_names_the_field(api):
    """As with a declared field."""
    api.make("custom-fields", entity="deal", key="floors", label="Floors", kind="number")
    refused = api.post("/v1/deals", {"title": "Windows", "floors": "many"})
    assert refused.status_code == 422
    assert list(refused.json["errors"]) == ["floors"]


def test_renaming_changes_the_name_at_once(api, town):
    """The old name is no longer a field, the value is there under the new one."""
    deal = api.make("deals", title="Windows", town="Rīga")
    api.patch(f"/v1/custom-fields/{town['id']}", {"key": "city"})
    found = api.get(f"/v1/deals/{deal['id']}").json
    assert found["city"] == "Rīga"
    assert "town" not in found
    assert api.get("/v1/deals?town=riga").status_code == 422


def test_only_owners_define(as_, firm):
    """Others are refused."""
    made = as_(firm.seller).post("/v1/custom-fields", {"entity": "deal", "key": "a", "label": "A", "kind": "text"})
    assert made.status_code == 403
