"""Search over REST."""

from __future__ import annotations

import pytest


@pytest.fixture
def seller(as_, firm):
    return as_(firm.seller)


@pytest.fixture
def anna(seller):
    """A contact with a telephone number, and a company and another contact beside it."""
    seller.make("companies", name="Annaberg Ltd")
    seller.make("contacts", name="Bert Anna", source="Fair")
    return seller.make("contacts", name="Anna", points=[{"kind": "phone", "value": "020 7183 8750"}])


def test_across_entities(seller, anna):
    """The best first; of each what it is, how it is called, and where it was found."""
    found = seller.get("/v1/search?q=anna").json["items"]
    assert [(it["entity"], it["title"]) for it in found] == [
        ("contact", "Anna"),
        ("company", "Annaberg Ltd"),
        ("contact", "Bert Anna"),
    ]
    [hit] = seller.get("/v1/search?q=%2B44%2020%207183&entity=contact&limit=1").json["items"]
    assert hit == {
        "entity": "contact",
        "id": anna["id"],
        "title": "Anna",
        "field": "contact_point.value",
        "snippet": "020 7183 8750",
    }


def test_within_reach(seller, as_, firm, anna):
    """Who may not read a record finds nothing."""
    assert as_(firm.stranger).get("/v1/search?q=anna").json == {"items": []}
    assert as_(firm.stranger).get("/v1/contacts?q=anna").json == {"items": [], "next": None}


def test_within_a_list(seller, anna):
    """In their order, or in another; filters narrow them down."""
    names = lambda path: [it["name"] for it in seller.get(f"/v1/contacts?{path}").json["items"]]  # noqa: E731
    assert names("q=anna") == ["Anna", "Bert Anna"]
    assert names("q=anna&sort=-name") == ["Bert Anna", "Anna"]
    assert names("q=anna&source=fair&fields=name") == ["Bert Anna"]
    assert names("q=anna&limit=1") == ["Anna"]
    assert names("q=zzz") == []


@pytest.mark.parametrize(
    "path, field",
    [
        ("/v1/search", "q"),
        ("/v1/search?q=a", "q"),
        ("/v1/search?q=an&q=ann", "q"),
        ("/v1/search?q=an&limit=0", "limit"),
        ("/v1/search?q=an&limit=x", "limit"),
        ("/v1/search?q=an&stage=new", "stage"),
        ("/v1/contacts?q=a", "q"),
        ("/v1/contacts?q=an&cursor=x", "cursor"),
        ("/v1/contacts?q=an&limit=0", "limit"),
        ("/v1/contacts?q=an&limit=5000", "limit"),
        ("/v1/contacts?q=zzz&limit=0", "limit"),
        ("/v1/contacts?q=zzz&dragon=1", "dragon"),
    ],
)
def test_what_cannot_be_asked(seller, anna, path, field):
    """Is refused, and names the parameter."""
    answer = seller.get(path)
    assert answer.status_code == 422
    assert field in answer.json["errors"]


@pytest.mark.parametrize("text", ["%22an", "an*", "NEAR(an)", "an%00", "%F0%9F%A6%89an", "an" * 2000])
def test_no_text_is_an_error(seller, anna, text):
    """Whatever one types."""
    assert seller.get(f"/v1/search?q={text}").status_code == 200


def test_an_unknown_entity(seller):
    """Is not there."""
    assert seller.get("/v1/search?q=an&entity=dragon").status_code == 404
