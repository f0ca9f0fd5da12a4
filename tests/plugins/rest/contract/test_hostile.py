"""Values that are well-formed and mean harm: each is refused by name or kept as it is, on both databases."""

from __future__ import annotations

import pytest

from opencrm.testing.factories import make_contact, make_deal

NUL = "\0"


def grant(**values):
    return {"entity": "deal", "action": "read", "scope": "all"} | values


@pytest.mark.parametrize(
    "path, body, named",
    [
        ("roles", {"key": "k", "name": "n", "grants": [grant(entity=f"a{NUL}")]}, "grants"),
        ("roles", {"key": "k", "name": "n", "grants": [grant(action=f"move:{NUL}")]}, "grants"),
        ("roles", {"key": "k", "name": "n", "grants": [grant(when={"field": "title", "op": "like"})]}, "grants"),
        ("roles", {"key": "k", "name": "n", "grants": [[]] * 3}, "grants"),
        ("roles", {"key": "k", "name": "n", "rank": 1e30}, "rank"),
        ("roles", {"key": "k", "name": "n", "field_rules": [{"entity": NUL, "field": "x"}]}, "field_rules"),
        ("companies", {"name": "x", "website": "javascript:alert(1)"}, "website"),
        ("companies", {"name": "x", "website": "http://[::1"}, "website"),
        ("companies", {"name": "x", "founded": -1}, "founded"),
        ("deals", {"title": "x", "lines": [{"price": "99999999999999"}] * 20}, "lines"),
        ("deals", {"title": "x", "lines": [{"quantity": "99999999999999", "price": "99"}]}, "lines[0].quantity"),
        ("taggings", {"entity": "dragon", "record_id": "0190c2f0-0000-7000-8000-000000000000"}, "tag_id"),
        ("users", {"name": "x", "email": "a@b@c"}, "email"),
        ("deals", {"title": "x", "expected_close": "2026-02-30"}, "expected_close"),
        ("activities", {"happened_at": "2026-03-02T09:00:00"}, "happened_at"),
    ],
)
def test_it_is_refused_by_name(api, path, body, named):
    refused = api.post(f"/v1/{path}", body)
    assert (refused.status_code, refused.json["code"]) == (422, "invalid_input"), refused.text
    assert named in refused.json["errors"]


def test_a_text_that_grows_when_it_is_folded_is_kept(api):
    """A ligature of eighteen letters, two hundred times: stored and given back unchanged."""
    name = "\ufdfa" * 200
    made = api.make("contacts", name=name)
    assert made["name"] == api.get(f"/v1/contacts/{made['id']}").json["name"] == name


def test_a_reference_leads_to_the_right_kind_of_record(api, crm):
    """An id of another entity, the record's own among them, is no unit, owner or contact."""
    contact, deal = make_contact(crm), make_deal(crm)
    path = f"/v1/contacts/{contact.id}/assign"
    for wrong in (contact.id, deal.id):
        assert api.post(path, {"unit_id": wrong}).json["errors"].keys() == {"unit_id"}
        assert api.post(path, {"owner_id": wrong}).json["errors"].keys() == {"owner_id"}
    assert api.patch(f"/v1/deals/{deal.id}", {"contact_id": deal.id}).json["errors"].keys() == {"contact_id"}


def test_far_dates_and_numbers_find_nothing(api, crm):
    """The ends of what the types hold are values like others."""
    make_deal(crm, amount="3", expected_close="2026-03-02")
    for query in (
        "created_at[lt]=0001-01-01T00:00:00Z",
        "expected_close[gt]=9999-12-31",
        "amount[gt]=99999999999999",
        "id[lt]=00000000-0000-0000-0000-000000000000",
    ):
        answer = api.get(f"/v1/deals?{query}")
        assert (answer.status_code, answer.json["items"]) == (200, []), query
    for query in ("created_at[lt]=0001-01-01T00:00:00%2B23:59", "amount[gt]=1e400", "expected_close[lt]=10000-01-01"):
        assert api.get(f"/v1/deals?{query}").status_code == 422


@pytest.mark.parametrize(
    "body, named",
    [
        (b'{"title": "\\ud800"}', "title"),
        (b'{"title": "x", "amount": NaN}', "amount"),
        (b'{"title": "x", "amount": Infinity}', "amount"),
    ],
)
def test_json_that_says_too_much_names_the_field(api, body, named):
    """Half of a surrogate pair, and numbers that are none."""
    refused = api.post("/v1/deals", body)
    assert (refused.status_code, list(refused.json["errors"])) == (422, [named])
