"""Saved views and segments over REST."""

from __future__ import annotations

from functools import cache

import pytest

BIG = {"field": "amount", "op": "greater", "value": "100 EUR"}
NOBODY = "01a20046-500b-7000-bdaa-4a1dcfa85aad"


@pytest.fixture
def deals(people):
    """A big deal and a small one of each of some people; the id by title."""
    made = {}
    for name in ("seller", "fitter", "stranger"):
        for size, amount in (("big", 500), ("small", 50)):
            deal = people(name).make("deals", title=f"{name} {size}", amount=amount)
            made[deal["title"]] = deal["id"]
    return made


@pytest.fixture
def people(as_, firm):
    """`people("seller")`: the client of a person."""
    return cache(lambda name: as_(getattr(firm, name)))


@pytest.fixture
def view(people, firm):
    """A view of the big deals for the whole company."""
    values = {"name": "Big", "entity": "deal", "where": BIG, "columns": ["title"], "sort": "title"}
    return people("viewer").make("saved-views", **values, published_to_id=firm.units["HQ"])


@pytest.fixture
def segment(people, firm):
    """A segment of the big deals for the whole company."""
    return people("viewer").make("segments", name="Big", entity="deal", where=BIG, published_to_id=firm.units["HQ"])


SEEN = {
    "seller": ["seller big"],
    "head": ["fitter big", "seller big"],
    "viewer": ["fitter big", "seller big", "stranger big"],
}


@pytest.mark.parametrize("who", SEEN)
def test_each_gets_their_own_records(people, deals, view, segment, who):
    """Through the same view and the same segment."""
    api = people(who)
    for path in (f"/v1/saved-views/{view['id']}/records", f"/v1/segments/{segment['id']}/members?sort=title"):
        answer = api.get(path)
        assert answer.status_code == 200, answer.text
        assert answer.json["entity"] == "deal"
        assert [item["title"] for item in answer.json["items"]] == SEEN[who]
        assert answer.json["next"] is None
    assert answer.json["items"][0]["amount"] == "500.00"


def test_a_view_is_paged_narrowed_and_shown_otherwise(people, deals, view):
    """What is saved always holds."""
    api, path = people("viewer"), f"/v1/saved-views/{view['id']}/records"
    first = api.get(f"{path}?limit=2").json
    second = api.get(f"{path}?limit=2&cursor={first['next']}").json
    assert [item["title"] for item in (*first["items"], *second["items"])] == SEEN["viewer"]
    assert set(first["items"][0]) == {"id", "title"}
    other = api.get(f"{path}?sort=-title&fields=amount,title&title[ne]=seller big").json["items"]
    assert [item["title"] for item in other] == ["stranger big", "fitter big"]
    assert set(other[0]) == {"id", "amount", "title"}
    assert api.get(f"{path}?amount[lt]=100").json["items"] == []
    for wrong in ("limit=0", "colour=red", "cursor=x", "sort=colour", "fields=colour"):
        assert api.get(f"{path}?{wrong}").status_code == 422, wrong


@pytest.mark.parametrize(
    "path",
    [
        "/v1/saved-views/{view}/records",
        "/v1/segments/{segment}/members",
        "/v1/segments/{segment}/snapshots",
        "/v1/segments/{segment}/snapshots/{snapshot}",
        "/v1/segments/{segment}/snapshots/{snapshot}/compared/{snapshot}",
    ],
)
def test_a_strangers_and_a_missing_one_are_the_same_bytes(people, deals, firm, path):
    """Whatever is asked."""
    theirs = people("stranger")
    ids = {
        "view": theirs.make("saved-views", name="x", entity="deal")["id"],
        "segment": (made := theirs.make("segments", name="x", entity="deal", where=BIG))["id"],
        "snapshot": theirs.post(f"/v1/segments/{made['id']}/snapshot").json["id"],
    }
    assert theirs.get(path.format(**ids)).status_code == 200
    seller = people("seller")
    found = seller.get(path.format(**ids))
    missing = seller.get(path.format(**dict.fromkeys(ids, NOBODY)))
    assert found.status_code == missing.status_code == 404
    assert found.data == missing.data


def test_a_segment_is_snapshot_and_compared(people, deals, segment, view):
    """Each gets those that they may read now."""
    viewer, path = people("viewer"), f"/v1/segments/{segment['id']}"
    old = viewer.post(f"{path}/snapshot")
    assert old.status_code == 201
    assert set(old.json) == {"id", "segment_id", "entity", "at", "by"}
    assert people("seller").patch(f"/v1/deals/{deals['seller big']}", {"amount": 1}).status_code == 200
    people("seller").make("deals", title="seller new", amount=900)
    new = viewer.post(f"{path}/snapshot", {})
    listed = people("seller").get(f"{path}/snapshots").json["items"]
    assert listed == [new.json, old.json]
    was = people("seller").get(f"{path}/snapshots/{old.json['id']}?fields=title&limit=1").json
    assert [item["title"] for item in was["items"]] == ["seller big"]
    compared = f"{path}/snapshots/{old.json['id']}/compared/{new.json['id']}"
    assert people("seller").get(compared).json == {"entered": 1, "left": 1}
    assert people("stranger").get(compared).json == {"entered": 0, "left": 0}
    assert people("seller").post(f"{path}/snapshot").status_code == 403
    assert viewer.post(f"{path}/snapshot", {"x": 1}).status_code == 422
    assert viewer.get(f"{path}/snapshots/{old.json['id']}?title=x").status_code == 422
    other = viewer.make("segments", name="Other", entity="deal", where=BIG)
    assert viewer.get(f"/v1/segments/{other['id']}/snapshots/{old.json['id']}").status_code == 404


def test_a_definition_that_cannot_be_used_names_the_field(people):
    """As any creation does."""
    wrong = {"name": "x", "entity": "deal", "where": {"field": "nix", "op": "empty"}}
    answer = people("seller").post("/v1/segments", wrong)
    assert answer.status_code == 422
    assert answer.json["errors"] == {"where": ["nix: deal has no such field"]}
    answer = people("seller").post("/v1/saved-views", {"name": "x", "entity": "nix", "where": {"segment": "x"}})
    assert set(answer.json["errors"]) == {"where"}


def test_a_view_counts_and_adds_up_all_of_its_pages(people, deals, view, segment):
    """As any list does."""
    for path in (f"/v1/saved-views/{view['id']}/records", f"/v1/segments/{segment['id']}/members"):
        answer = people("viewer").get(f"{path}?limit=1&total=true&sum=amount").json
        assert answer["total"] == {"count": 3, "more": False}
        assert answer["sums"] == {"amount": [{"amount": "1500.00", "currency": "EUR"}]}


def test_a_view_says_what_its_entity_is_called(people):
    """Where the plural or the address was said in its place."""
    for name, meant in (("deals", "deal"), ("contact-points", "contact_point")):
        refused = people("seller").post("/v1/saved-views", {"name": "x", "entity": name})
        assert refused.json["errors"] == {"entity": [f"there is no entity {name!r}; it is called {meant}"]}


def test_publishing_out_of_reach_is_forbidden(people, firm):
    """With the reason."""
    values = {"name": "x", "entity": "deal", "published_to_id": firm.units["HQ"]}
    answer = people("seller").post("/v1/saved-views", values)
    assert answer.status_code == 403
    assert answer.json["details"]["reason"] == "the unit is out of reach"
    assert people("stranger").get("/v1/saved-views").json["items"] == []
