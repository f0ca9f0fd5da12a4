"""What a workspace says of itself, and what stays apart."""

from __future__ import annotations

import pytest
from sqlalchemy.orm import Mapped
from werkzeug.test import Client

from opencrm import Deal, Entity, Owned, Reference, Text, field, hookimpl
from opencrm.app.serving import wsgi
from opencrm.testing.factories import make_contact, make_deal
from opencrm.testing.firm import firm_of


class Base(Entity, prefix="repairs"):
    """Every entity of the plugin."""


class WorkOrder(Owned, Base):
    """A repair that was ordered."""

    title: Mapped[str] = field(Text(200, folded=True), required=True)
    deal_id: Mapped[str | None] = field(Reference(Deal))


class Repairs:
    """A plugin with an entity."""

    @hookimpl
    def opencrm_register_entities(self):
        yield WorkOrder


@pytest.mark.parametrize("crm_plugins", [[Repairs()]])
def test_a_plugins_entity_is_there_at_once(api, crm):
    """Every route and the document have it, without a line of REST."""
    deal = make_deal(crm)
    made = api.make("repairs-work-orders", title="Hinge", deal_id=deal.id)
    path = f"/v1/repairs-work-orders/{made['id']}"
    assert api.patch(path, {"title": "Two hinges"}).json["title"] == "Two hinges"
    assert api.get("/v1/repairs-work-orders?title=two hinges").json["items"][0]["deal_id"] == deal.id
    assert [line["kind"] for line in api.get(f"{path}/history").json["items"]] == ["created", "changed"]
    assert (api.delete(path).status_code, api.post(f"{path}/restore").status_code) == (204, 200)
    assert "/repairs-work-orders/{id}/assign" in api.get("/v1/openapi.json").json["paths"]
    assert "/repairs-work-orders/{id}/move" not in api.get("/v1/openapi.json").json["paths"]


def test_two_workspaces_know_nothing_of_each_other(make_crm, api, crm):
    """Neither each other's entities, nor keys, nor records, nor cursors."""
    other = make_crm([Repairs()])
    there = Client(wsgi(other))
    mine = {"Authorization": f"Bearer {api.token}"}
    assert api.get("/v1/repairs-work-orders").status_code == 404
    assert there.get("/api/v1/deals", headers=mine).status_code == 401
    make_deal(crm, title="Mine")
    assert firm_of(other).owner == firm_of(other).owner
    with other.read(firm_of(other).owner) as reader:
        assert reader.count(Deal) == 0


def test_what_is_enabled_while_serving_is_there(crm, api, firm):
    """Pipelines of a plugin that is switched on stand in the index at the next request."""
    before = deals_in(api.get("/v1/"))["pipelines"]
    crm.enable(firm.owner, "sample_pipelines")
    after = deals_in(api.get("/v1/"))["pipelines"]
    assert {it["key"] for it in before} < {it["key"] for it in after}


def test_the_index_tells_what_one_may(as_, firm):
    """Entities, fields and acts, as far as they are one's own."""
    owner, viewer = as_(firm.owner).get("/v1/"), as_(firm.viewer).get("/v1/")
    assert {"create", "delete", "move:windows.won"} <= set(deals_in(owner)["may"])
    assert deals_in(viewer)["may"] == ["read"]
    fields = {it["name"]: it for it in deals_in(owner)["fields"]}
    assert (fields["stage"]["creates"], fields["stage"]["changes"]) == (True, False)
    assert fields["contact_id"]["to"] == "contact"
    assert fields["amount_from"]["options"] == {"hand": "Entered by hand", "lines": "Sum of the lines"}
    [pipeline] = deals_in(owner)["pipelines"]
    assert ["offer", "won"] in pipeline["moves"]


def deals_in(index):
    assert index.status_code == 200
    return next(it for it in index.json["entities"] if it["name"] == "deal")


def test_a_token_says_whose_it_is(as_, firm):
    """Name, e-mail, and the places held."""
    me = as_(firm.seller).get("/v1/me").json
    assert (me["user"]["name"], me["user"]["email"], me["owner"]) == ("seller", "seller@example.com", False)
    [seat] = me["memberships"]
    assert (seat["unit_id"], seat["role"]["key"]) == (firm.units["north_shop"], "firm_seller")


def test_a_field_that_may_not_be_read_does_not_exist(as_, firm, crm):
    """Not in records, lists, filters, sorts, choices of fields, the index, the history, writes or the tag."""
    contact = make_contact(crm, by=firm.seller, name="Carla")
    owner, seller = as_(firm.owner), as_(firm.seller)
    path = f"/v1/contacts/{contact.id}"
    before = seller.get(path)
    owner.patch(path, {"birthday": "1990-03-02"})
    assert owner.get(path).json["birthday"] == "1990-03-02"
    assert seller.get(path).headers["ETag"] == before.headers["ETag"]
    for answer in (seller.get(path), seller.get("/v1/contacts"), seller.get(f"{path}/history"), seller.get("/v1/")):
        assert answer.status_code == 200
        assert "birthday" not in answer.text
    unknown = {query: seller.get(f"/v1/contacts?{query}").json for query in ("birthday=1990-03-02", "wings=1990-03-02")}
    assert str(unknown["birthday=1990-03-02"]).replace("birthday", "wings") == str(unknown["wings=1990-03-02"])
    for query in ("sort=birthday", "fields=birthday"):
        assert seller.get(f"/v1/contacts?{query}").status_code == 422
    refused = seller.patch(path, {"birthday": "2000-01-01"})
    assert refused.json["errors"] == {"birthday": ["is not a field of contact"]}
