"""The life of a record over REST."""

from __future__ import annotations

import pytest

from opencrm import Create, Grant, Membership, Principal, Role, Scope, Unit, User, records
from opencrm.embed import grant_rows

UNKNOWN = "0190c2f0-0000-7000-8000-000000000000"


def test_a_new_record_is_answered_whole(api):
    """201, where it stands, its tag, the act, and every field that may be read, derived ones too."""
    made = api.post("/v1/deals", {"title": "Windows", "lines": [{"title": "Frame", "price": "400"}]})
    assert made.status_code == 201
    assert made.headers["Location"] == f"/api/v1/deals/{made.json['id']}"
    assert (made.json["amount"], made.json["currency"], made.json["stage"]) == ("400.00", "EUR", "new")
    assert made.json["created_at"] == "2026-03-02T09:00:00Z"
    assert made.headers["ETag"] == api.get(f"/v1/deals/{made.json['id']}").headers["ETag"]
    assert "OpenCRM-Act" in made.headers


def test_a_record_is_read(api):
    """What was written is what is read."""
    deal = api.make("deals", title="Windows", amount=1200.5)
    assert api.get(f"/v1/deals/{deal['id']}").json == deal


def test_an_address_takes_hyphens(api):
    """An entity of two words has a hyphen in its address, and answers at no other spelling."""
    contact = api.make("contacts", name="Carla Client")
    point = api.make("contact-points", contact_id=contact["id"], kind="email", value="Carla@Example.com")
    assert point["key"] == "carla@example.com"
    assert api.get("/v1/contact_points").status_code == 404
    assert api.get("/v1/contact_point").status_code == 404
    assert api.get("/v1/deal").status_code == 404


def test_a_record_that_has_not_changed_is_not_sent_again(api):
    """If-None-Match answers 304, without a body and without what would describe one."""
    deal = api.get(f"/v1/deals/{api.make('deals', title='Windows')['id']}")
    again = api.get(f"/v1/deals/{deal.json['id']}", If_None_Match=deal.headers["ETag"])
    assert (again.status_code, again.data) == (304, b"")
    assert not {"Content-Type", "Content-Length"} & set(again.headers.keys())


def test_an_update_with_the_present_tag_goes_through(api):
    """The tag of a read, and then the tag of each answer, allows the next write."""
    deal = api.get(f"/v1/deals/{api.make('deals', title='Windows')['id']}")
    path = f"/v1/deals/{deal.json['id']}"
    first = api.patch(path, {"title": "Doors"}, If_Match=deal.headers["ETag"])
    assert (first.status_code, first.json["title"]) == (200, "Doors")
    second = api.patch(path, {"title": "Gates"}, If_Match=f'"other", {first.headers["ETag"]}')
    assert second.status_code == 200


def test_a_stale_update_is_refused(api):
    """412, nothing is written, and the same without a tag goes through."""
    deal = api.get(f"/v1/deals/{api.make('deals', title='Windows')['id']}")
    path, tag = f"/v1/deals/{deal.json['id']}", deal.headers["ETag"]
    api.patch(path, {"title": "Doors"})
    for stale in (tag, f"W/{tag}", '"a", "b"', "nonsense", '""', '"", "a"', ""):
        refused = api.patch(path, {"title": "Gates"}, If_Match=stale)
        assert (refused.status_code, refused.json["code"]) == (412, "conflict")
    for stale in (tag, '""', ""):
        assert api.delete(path, If_Match=stale).status_code == 412
        assert api.post(f"{path}/move", {"to": "measuring"}, If_Match=stale).status_code == 412
    assert api.get(path).json["title"] == "Doors"
    assert api.patch(path, {"title": "Gates"}, If_Match="*").status_code == 200


def test_the_same_update_twice_is_one(api):
    """An update that changes nothing answers the same, and leaves no line in the history."""
    deal = api.make("deals", title="Windows")
    path = f"/v1/deals/{deal['id']}"
    first, second = api.patch(path, {"title": "Doors"}), api.patch(path, {"title": "Doors"})
    assert (first.json, first.headers["ETag"]) == (second.json, second.headers["ETag"])
    assert [line["kind"] for line in api.get(f"{path}/history").json["items"]] == ["created", "changed"]


def test_a_record_is_deleted_and_restored(api):
    """It is gone for readers, listed among the deleted, and back with what it held."""
    deal = api.make("deals", title="Windows")
    path = f"/v1/deals/{deal['id']}"
    assert (api.delete(path).status_code, api.get(path).status_code, api.delete(path).status_code) == (204, 404, 404)
    assert [row["id"] for row in api.get("/v1/deals?deleted=true").json["items"]] == [deal["id"]]
    assert api.post(f"{path}/restore").json["title"] == "Windows"
    assert api.post(f"{path}/restore").status_code == 404


def test_a_deal_moves_through_its_pipeline(api):
    """A move that the pipeline has changes the stage; one that it has not is refused with its code."""
    deal = api.make("deals", title="Windows")
    moved = api.post(f"/v1/deals/{deal['id']}/move", {"to": "measuring"})
    assert (moved.status_code, moved.json["stage"]) == (200, "measuring")
    refused = api.post(f"/v1/deals/{deal['id']}/move", {"to": "won"})
    assert (refused.status_code, refused.json["code"]) == (409, "invalid_move")
    assert api.post(f"/v1/deals/{deal['id']}/move", {}).json["errors"] == {"to": ["is required"]}


def test_no_generic_route_writes_a_stage_or_an_owner(api, firm):
    """What another act changes is refused by name."""
    deal = api.make("deals", title="Windows")
    refused = api.patch(f"/v1/deals/{deal['id']}", {"stage": "won", "owner_id": firm.seller.id, "id": UNKNOWN})
    assert refused.status_code == 422
    assert set(refused.json["errors"]) == {"stage", "owner_id", "id"}


def test_a_deal_is_assigned(api, firm):
    """It goes to the new owner and their unit."""
    deal = api.make("deals", title="Windows")
    given = api.post(f"/v1/deals/{deal['id']}/assign", {"owner_id": firm.seller.id})
    assert (given.json["owner_id"], given.json["unit_id"]) == (firm.seller.id, firm.units["north_shop"])
    assert api.post(f"/v1/deals/{deal['id']}/assign", {}).status_code == 422


@pytest.fixture
def dispatcher(crm, firm, as_):
    """Somebody who makes deals and hands them out, and sees only their own."""
    grants = [Grant("deal", "read", Scope.OWN), Grant("deal", "create", Scope.ALL), Grant("deal", "assign", Scope.ALL)]
    with crm.work(firm.owner) as work:
        role = Create(Role, key="dispatcher", name="Dispatcher", rank=1, grants=grant_rows(grants))
        [role, user] = records.create(work, [role, Create(User, name="Dora")])
        seat = {"user_id": user.record_id, "unit_id": firm.units["HQ"], "role_id": role.record_id}
        records.create(work, [Create(Membership, values=seat)])
    return as_(Principal.user(user.record_id))


def test_what_goes_out_of_sight_is_not_shown(dispatcher, firm):
    """Who gives a deal away gets no body, and then no record."""
    deal = dispatcher.make("deals", title="Windows")
    away = dispatcher.post(f"/v1/deals/{deal['id']}/assign", {"owner_id": firm.seller.id})
    assert (away.status_code, away.data) == (204, b"")
    assert "OpenCRM-Act" in away.headers
    assert dispatcher.get(f"/v1/deals/{deal['id']}").status_code == 404


def test_what_is_made_out_of_sight_has_an_id(dispatcher, firm, api):
    """The deal is there, its maker learns its id and no more."""
    made = dispatcher.post("/v1/deals", {"title": "Windows", "owner_id": firm.seller.id})
    assert made.status_code == 201
    assert made.json.keys() == {"id"}
    assert api.get(f"/v1/deals/{made.json['id']}").json["owner_id"] == firm.seller.id


def test_an_act_is_undone(api):
    """By the id that each write names; a second time is refused."""
    deal = api.make("deals", title="Windows")
    act = api.patch(f"/v1/deals/{deal['id']}", {"title": "Doors"}).headers["OpenCRM-Act"]
    undone = api.post("/v1/undo", {"act": act})
    assert [(line["before"], line["after"]) for line in undone.json["items"]] == [
        ({"title": "Doors"}, {"title": "Windows"})
    ]
    again = api.post("/v1/undo", {"act": act})
    assert (again.status_code, again.json["code"]) == (409, "undo_refused")
    assert again.json["detail"].endswith("; perhaps it was undone already")


def test_a_line_of_the_history_is_undone(api):
    """By the line's own id."""
    deal = api.make("deals", title="Windows")
    api.patch(f"/v1/deals/{deal['id']}", {"title": "Doors"})
    line = api.get(f"/v1/deals/{deal['id']}/history").json["items"][-1]
    assert api.post("/v1/undo", {"entry": line["id"]}).status_code == 200
    assert api.get(f"/v1/deals/{deal['id']}").json["title"] == "Windows"


def test_undo_names_one_thing_that_is_there(api):
    """Neither, both, no id and an unknown id each have their answer."""
    for body in ({}, {"act": UNKNOWN, "entry": UNKNOWN}, {"act": "x" * 36}, {"act": None}):
        assert api.post("/v1/undo", body).status_code == 422
    assert api.post("/v1/undo", {"act": UNKNOWN}).status_code == 404


def test_the_history_tells_who_did_what(api, firm):
    """Each line has the act, who, the kind and the fields before and after, as JSON carries them."""
    deal = api.make("deals", title="Windows", amount="10")
    api.patch(f"/v1/deals/{deal['id']}", {"amount": "12.5"})
    last = api.get(f"/v1/deals/{deal['id']}/history").json["items"][-1]
    assert (last["kind"], last["before"], last["after"]) == ("changed", {"amount": "10.00"}, {"amount": "12.50"})
    assert (last["principal"], last["at"]) == (f"user:{firm.owner.id}", "2026-03-02T09:00:00Z")


def test_a_write_is_one_transaction(api):
    """A bad part refuses the whole."""
    refused = api.post("/v1/deals", {"title": "Windows", "lines": [{"title": "Frame", "price": "dear"}]})
    assert refused.json["errors"] == {"lines[0].price": ["must be a number such as 1234.50"]}
    assert api.get("/v1/deals").json["items"] == []


def test_the_organisation_is_written_through_its_rules(api, firm, crm):
    """Nobody disables themselves, and the last owner does not become a client, over REST neither."""
    refused = api.patch(f"/v1/users/{firm.owner.id}", {"active": False})
    assert (refused.status_code, refused.json["rule"]) == (403, "target")
    contact = api.make("contacts", name="Carla Client")
    refused = api.post("/v1/customers", {"user_id": firm.owner.id, "contact_id": contact["id"]})
    assert (refused.status_code, refused.json["code"]) == (409, "refused")
    with crm.read(firm.owner) as reader:
        assert reader.count(Unit) == len(firm.units)


def test_a_creation_takes_eight_statements(api, crm, statements):
    """Begin and commit, who asks and the answer among them; on SQLite one more for the counters."""
    api.make("deals", title="Windows")
    statements.clear()
    api.make("deals", title="Doors")
    assert len(statements) <= 8 + crm.database.sqlite, statements
