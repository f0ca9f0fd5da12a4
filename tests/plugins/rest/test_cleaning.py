"""Many records edited, doubles proposed and records merged over REST."""

from __future__ import annotations

import pytest
from sqlalchemy import update

from opencrm import Create, Tag, editing, records

NOBODY = "0190a000-0000-7000-8000-000000000000"
FAIR = {"field": "source", "op": "equal", "value": "fair"}


def test_a_mass_edit_is_shown_done_and_undone(api):
    """Nothing is written unless `dry_run` is false; the act takes it back."""
    for title in "AB":
        api.make("deals", title=title, source="fair")
    body = {"where": FAIR, "set": {"source": "Fair", "amount": "5"}}
    shown = api.post("/v1/deals/mass-edit", body)
    assert (shown.status_code, shown.json["act"], shown.json["changed"]) == (200, None, 2)
    assert "OpenCRM-Act" not in shown.headers
    assert {row["source"] for row in api.get("/v1/deals").json["items"]} == {"fair"}
    done = api.post("/v1/deals/mass-edit", {**body, "dry_run": False})
    assert done.headers["OpenCRM-Act"] == done.json["act"]
    assert done.json["samples"][0]["after"] == {"source": "Fair", "amount": "5.00", "currency": "EUR"}
    assert {row["source"] for row in api.get("/v1/deals").json["items"]} == {"Fair"}
    assert api.post("/v1/undo", {"act": done.json["act"]}).status_code == 200
    assert {row["source"] for row in api.get("/v1/deals").json["items"]} == {"fair"}


def test_refusals_are_told(api, as_, firm):
    """By record, with a code and a sentence; the others are done."""
    mine = as_(firm.seller).make("deals", title="A")
    theirs = as_(firm.stranger).make("deals", title="B")
    answer = as_(firm.seller).post(
        "/v1/deals/mass-edit", {"ids": [mine["id"], theirs["id"], NOBODY], "delete": True, "dry_run": False}
    )
    assert (answer.json["changed"], answer.json["refused"]) == (1, {"not_found": 2})
    assert {each["record"] for each in answer.json["refusals"]} == {theirs["id"], NOBODY}
    assert as_(firm.viewer).post("/v1/deals/mass-edit", {"where": {"all": []}, "delete": True}).status_code == 403


@pytest.mark.parametrize(
    "body, field",
    [
        ({}, "set"),
        ({"delete": True}, "where"),
        ({"where": {"all": []}, "delete": "yes"}, "delete"),
        ({"where": {"nonsense": 1}, "delete": True}, "where"),
        ({"where": {"field": "nonsense", "op": "equal", "value": 1}, "delete": True}, "nonsense"),
        ({"ids": [1], "delete": True}, "ids"),
        ({"ids": ["x"], "delete": True}, "ids"),
        (b'{"ids": ["\\ud800"], "delete": true}', "ids"),
        ({"ids": ["x"] * 10_001, "delete": True}, "ids"),
        ({"ids": [], "delete": True, "nonsense": 1}, "nonsense"),
        ({"ids": [], "set": {"stage": "won"}}, "stage"),
        ({"ids": [], "owner_id": "x"}, "owner_id"),
        ({"ids": [], "unit_id": "x"}, "unit_id"),
        ({"all": True, "delete": True}, "all"),
        ({"where": {"all": []}, "ids": [], "delete": True}, "where"),
        ({"ids": [], "delete": True, "restore": True}, "set"),
    ],
)
def test_a_wrong_wish_names_the_field(api, body, field):
    """422, with nothing done."""
    answer = api.post("/v1/deals/mass-edit", body if isinstance(body, bytes) else {**body, "dry_run": False})
    assert (answer.status_code, list(answer.json["errors"])) == (422, [field])


def test_the_words_of_a_refusal_are_those_of_the_request(api):
    """How all records are said, and by which names."""
    every = api.post("/v1/deals/mass-edit", {"all": True}).json["errors"]
    assert every == {"all": ['is no argument here: all records are "where": {"all": []}']}
    nothing = api.post("/v1/deals/mass-edit", {}).json["errors"]
    assert "owner_id and unit_id" in nothing["set"][0]
    move = api.post("/v1/companies/mass-edit", {"where": {"all": []}, "move": "won"})
    assert list(move.json["errors"]) == ["move"]


def test_a_segment_says_which_records(api):
    """As it does in a list."""
    for title in "AB":
        api.make("deals", title=title, source="fair" if title == "A" else "web")
    where = {"segment": api.make("segments", name="Fair", entity="deal", where=FAIR)["id"]}
    assert api.post("/v1/deals/mass-edit", {"where": where, "delete": True}).json["found"] == 1


def test_ids_are_known_in_any_notation(api):
    """As in addresses, and told in the usual one."""
    [one, two] = contacts(api)
    done = api.post("/v1/contacts/mass-edit", {"ids": [one.upper()], "set": {"source": "x"}, "dry_run": False})
    assert (done.json["changed"], done.json["samples"][0]["record"]) == (1, one)
    assert api.post(f"/v1/contacts/{one}/merge", {"others": [f"{{{two}}}"]}).json["gone"] == [two]


def contacts(api):
    points = [{"kind": "email", "value": "ann@example.com"}]
    return [api.make("contacts", name=name, points=points)["id"] for name in ("Ann Lee", "Lee, Ann")]


def test_duplicates_are_proposed_and_dismissed(api, as_, firm):
    """To whoever may see both; a dismissed pair no more, until that is taken back."""
    one, two = contacts(as_(firm.seller))
    [pair] = api.get("/v1/contacts/duplicates").json["items"]
    assert (pair["one"], pair["other"], [it["kind"] for it in pair["reasons"]]) == (one, two, ["email", "name"])
    assert as_(firm.stranger).get("/v1/contacts/duplicates").json["items"] == []
    assert as_(firm.viewer).call("PUT", f"/v1/contacts/{one}/not-duplicates/{two}").status_code == 403
    assert api.call("PUT", f"/v1/contacts/{one}/not-duplicates/{two}").status_code == 204
    assert api.get("/v1/contacts/duplicates?limit=5").json["items"] == []
    assert api.delete(f"/v1/contacts/{two}/not-duplicates/{one}").status_code == 204
    assert len(api.get("/v1/contacts/duplicates").json["items"]) == 1
    for query in ("limit=0", "limit=x", "limit=99999", "limit=-1", "sort=name"):
        assert api.get(f"/v1/contacts/duplicates?{query}").status_code == 422


def test_a_new_record_is_compared_before_it_is_made(api):
    """By what was typed so far."""
    one, two = contacts(api)
    found = api.post("/v1/contacts/duplicates", {"first_name": "Ann", "last_name": "Lee"}).json["items"]
    assert {each["id"] for each in found} == {one, two}


def test_a_merge_is_shown_done_and_leads_on(api, as_, firm):
    """A merged contact's address leads to the kept one, for those who may see that; an undo ends it."""
    one, two = contacts(as_(firm.seller))
    deal = api.make("deals", title="A", contact_id=two)
    shown = api.post(f"/v1/contacts/{one}/merge", {"others": [two], "values": {"source": "web"}})
    assert (shown.json["act"], shown.json["followed"]["deal"]) == (None, 1)
    assert api.get(f"/v1/contacts/{two}").status_code == 200
    done = api.post(f"/v1/contacts/{one}/merge", {"others": [two], "values": {"source": "web"}, "dry_run": False})
    assert (done.json["kept"], done.json["gone"], done.json["after"]) == (one, [two], {"source": "web"})
    assert api.get(f"/v1/deals/{deal['id']}").json["contact_id"] == one
    led = api.get(f"/v1/contacts/{two}")
    assert (led.status_code, led.headers["Location"].endswith(f"/api/v1/contacts/{one}")) == (307, True)
    stranger = as_(firm.stranger)
    assert stranger.get(f"/v1/contacts/{two}").data == stranger.get(f"/v1/contacts/{NOBODY}").data
    assert api.post("/v1/undo", {"act": done.headers["OpenCRM-Act"]}).status_code == 200
    assert api.get(f"/v1/contacts/{two}").status_code == 200


@pytest.mark.parametrize("body", [{}, {"others": "x"}, {"others": [5]}, {"others": [NOBODY], "values": []}, {"x": 1}])
def test_a_wrong_merge_is_refused(api, body):
    """422; an unknown record is 404."""
    one, _ = contacts(api)
    assert api.post(f"/v1/contacts/{one}/merge", body).status_code == 422
    assert api.post(f"/v1/contacts/{one}/merge", {"others": [one]}).status_code == 422
    assert api.post(f"/v1/contacts/{one}/merge", {"others": [NOBODY]}).status_code == 404
    assert api.post(f"/v1/contacts/{NOBODY}/merge", {"others": [one]}).status_code == 404


def test_a_restore_is_bounded_by_what_is_deleted(api, crm, firm):
    """However many records are living."""
    table, some = Tag.__table__, [Create(Tag, name=f"t{at}") for at in range(editing.MOST + 1)]
    with crm.work(firm.owner) as work:
        records.create(work, some)
        work.tx.run("all gone", lambda: update(table).values(deleted_at=table.c.created_at), [{}])
    answer = api.post("/v1/tags/mass-edit", {"where": {"all": []}, "restore": True})
    assert (answer.status_code, list(answer.json["errors"])) == (422, ["where"])
    with crm.read(firm.owner) as reader:
        assert (reader.count(Tag), reader.count(Tag, deleted=True).capped) == (0, True)
