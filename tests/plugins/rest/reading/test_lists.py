"""Lists: filters, order, pages, fields."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from opencrm.testing.factories import make_company, make_contact, make_deal


@pytest.fixture
def deals(crm, firm):
    """Four deals; the amounts are of two currencies."""
    contact = make_contact(crm)
    make_deal(crm, title="Äpfel", amount="1000")
    make_deal(crm, title="Windows", amount="2500.50", contact_id=contact.id, stage="offer")
    make_deal(crm, title="Doors", amount="5000", currency="USD")
    make_deal(crm, title="Gates", by=firm.seller)


def titles(api, query):
    answer = api.get(f"/v1/deals?sort=title&{query}")
    assert answer.status_code == 200, answer.text
    return [row["title"] for row in answer.json["items"]]


@pytest.mark.parametrize(
    "query, found",
    [
        ("", ["Äpfel", "Doors", "Gates", "Windows"]),
        ("title=apfel", ["Äpfel"]),
        ("title[eq]=WINDOWS", ["Windows"]),
        ("stage=offer", ["Windows"]),
        ("stage[ne]=offer", ["Äpfel", "Doors", "Gates"]),
        ("stage[in]=offer,won", ["Windows"]),
        ("amount[gte]=1000 EUR", ["Äpfel", "Windows"]),
        ("amount[gt]=1000", ["Windows"]),
        ("amount[lt]=2000", ["Äpfel"]),
        ("amount[lte]=5000 USD", ["Doors"]),
        ("amount[ne]=1000 EUR", ["Doors", "Gates", "Windows"]),
        ("amount[ne]=1000 USD", ["Äpfel", "Doors", "Gates", "Windows"]),
        ("amount[empty]=true", ["Gates"]),
        ("contact_id[empty]=false", ["Windows"]),
        ("contact_id[empty]=true&amount[empty]=false", ["Äpfel", "Doors"]),
        ("created_at[gt]=2026-03-02T08:59:59Z&created_at[lt]=2026-03-02T09:00:00%2B01:00", []),
        ("title[contains]=do", ["Doors", "Windows"]),
        ("title[starts_with]=%C3%84P", ["Äpfel"]),
        ("title[contains]=%25", []),
        ("stage[ne]=offer&stage[ne]=won&title[contains]=e&title[contains]=f", ["Äpfel"]),
        ("amount[between]=1000,3000", ["Äpfel", "Windows"]),
        ("created_at=today&title[gte]=w", ["Windows"]),
        ("created_at[gte]=+1h", []),
        ("created_at[lt]=+1h&stage=offer", ["Windows"]),
        ("owner_id=me&amount[empty]=true", []),
        ("stage[changed]=-1d", []),
        ("contact.name[contains]=CARLA", ["Windows"]),
        ("contact.name[empty]=true&amount[empty]=true", ["Gates"]),
        ('where={"not":{"field":"contact.name","op":"empty"}}', ["Windows"]),
        ('where={"any":[{"field":"stage","op":"equal","value":"offer"}]}&title=windows', ["Windows"]),
        ("where=stage=offer", ["Windows"]),
        ('where=amount[gte]=1000 EUR&where={"not":{"field":"stage","op":"equal","value":"offer"}}', ["Äpfel"]),
    ],
)
def test_a_filter_chooses(api, deals, query, found):
    """Each operator, on the types that have it; amounts compare within one currency; all that is asked must hold."""
    assert titles(api, query) == found


def test_another_amount_along_a_path_is_in_any_currency_or_none(api, crm):
    """As of the record itself; the command line says the same."""
    revenues = {"Acme": {"revenue": "1000"}, "Beta": {"revenue": "1000", "currency": "USD"}, "Gama": {}}
    for name, values in revenues.items():
        make_deal(crm, title=name, company_id=make_company(crm, name=name, **values).id)
    make_deal(crm, title="Nobody's")
    assert titles(api, "company.revenue[ne]=1000 EUR") == ["Beta", "Gama", "Nobody's"]
    assert titles(api, "company.revenue=1000 EUR") == ["Acme"]


def test_a_person_is_a_filter(api, deals, firm):
    """`owner_id[in]` takes several ids."""
    assert titles(api, f"owner_id={firm.seller.id}") == ["Gates"]
    assert len(titles(api, f"owner_id[in]={firm.seller.id},{firm.owner.id}")) == 4


def test_a_list_is_sorted(api, deals):
    """Up and down; without a value last."""
    rows = api.get("/v1/deals?sort=-amount&fields=amount").json["items"]
    assert [row["amount"] for row in rows] == ["5000.00", "2500.50", "1000.00", None]


def test_fields_are_chosen(api, deals):
    """The id always comes along."""
    rows = api.get("/v1/deals?fields=title,stage&limit=1").json["items"]
    assert set(rows[0]) == {"id", "title", "stage"}


def test_pages_follow_each_other(api, deals):
    """The cursor leads to the next page and ends with the list; whoever filters otherwise starts anew."""
    seen, query = [], "sort=title&limit=3"
    first = api.get(f"/v1/deals?{query}").json
    seen += first["items"]
    second = api.get(f"/v1/deals?{query}&cursor={quote(first['next'])}").json
    assert [row["title"] for row in seen + second["items"]] == ["Äpfel", "Doors", "Gates", "Windows"]
    assert second["next"] is None
    other = api.get(f"/v1/deals?{query}&stage=new&cursor={quote(first['next'])}")
    assert other.json["errors"].keys() == {"cursor"}


@pytest.mark.parametrize(
    "query, named",
    [
        ("colour=red", "colour"),
        ("colour[in]=red", "colour"),
        ("amount[near]=3", "amount[near]"),
        ("amount[gte]=much", "amount"),
        ("amount[gte]=3 XXXX", "amount"),
        ("title=", "title"),
        ("company.colour=x", "company.colour"),
        ("company.parent.city=x", "company.parent.city"),
        ("company.=x", "company."),
        ("title.city=x", "title.city"),
        ("title[has]=x", "title"),
        ("amount[contains]=1", "amount"),
        ("amount[between]=1", "amount[between]"),
        ("expected_close=soon", "expected_close"),
        ("created_at[gte]=-999999y", "created_at"),
        ("title[contains]=", "title"),
        ("title[contains]=a%00b", "title"),
        ("where=", "where"),
        ("where=stage", "where"),
        ("where={}", "where"),
        ("where=NaN", "where"),
        ('where={"field":"stage","op":"like","value":"x"}', "where"),
        ('where={"field":"\\ud800","op":"empty"}', "where"),
        ('where={"field":"colour","op":"empty"}', "colour"),
        ("where=" + '{"not":' * 9 + '{"all":[]}' + "}" * 9, "where"),
        ("where=" + '{"not":' * 3000 + '{"all":[]}' + "}" * 3000, "where"),
        ("description=x", "description"),
        ("contact_id=7", "contact_id"),
        ("contact_id[empty]=perhaps", "contact_id[empty]"),
        ("title=a%00b", "title"),
        ("title=%FF", "query"),
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
        ("limit=ten", "limit"),
        ("limit=%D9%A1", "limit"),
        ("limit=1&limit=2", "limit"),
        ("sort=contact_id", "sort"),
        ("sort=", "sort"),
        ("fields=title,wings", "fields"),
        ("deleted=1", "deleted"),
        ("cursor=xyz", "cursor"),
        ("cursor=%C3%A9", "cursor"),
        ("[]=1", "[]"),
        ("__class__=1", "__class__"),
        ("owner_id[in]=" + "a," * 600, "owner_id[in]"),
        ("&".join(f"a{at}=1" for at in range(200)), "query"),
    ],
)
def test_a_bad_parameter_is_named(api, query, named):
    """Never guessed, never ignored."""
    refused = api.get(f"/v1/deals?{query}")
    assert (refused.status_code, refused.json["code"]) == (422, "invalid_input")
    assert named in refused.json["errors"]


def test_other_routes_take_no_parameters(api, crm):
    """They say so."""
    deal = make_deal(crm)
    for method, path in (("GET", ""), ("PATCH", ""), ("DELETE", ""), ("GET", "/history"), ("POST", "/move")):
        body = None if method in ("GET", "DELETE") else {}
        refused = api.call(method, f"/v1/deals/{deal.id}{path}?force=1", body)
        assert refused.json["errors"].keys() == {"force"}


def test_a_list_takes_four_statements(api, crm, statements):
    """Begin, who asks, the page, end: whatever the number of rows."""
    for number in range(60):
        make_company(crm, name=f"Client {number:02}")
    for limit in (1, 50):
        api.get(f"/v1/companies?limit={limit}")
        statements.clear()
        assert len(api.get(f"/v1/companies?limit={limit}").json["items"]) == limit
        assert len(statements) <= 4, statements


def test_a_list_is_empty_where_nothing_may_be_read(as_, deals, firm):
    """A stranger sees none of them, by no filter."""
    stranger = as_(firm.stranger)
    assert stranger.get("/v1/deals").json == {"items": [], "next": None}
    assert stranger.get("/v1/deals?title=Windows").json == {"items": [], "next": None}


def test_a_list_counts_and_adds_up_all_of_its_pages(api, deals, monkeypatch):
    """By currency, what the filters leave; beyond a limit it says that there are more."""
    from opencrm.services.reading import reader

    answer = api.get("/v1/deals?sort=title&limit=1&total=true&sum=amount").json
    assert (answer["total"], len(answer["items"])) == ({"count": 4, "more": False}, 1)
    assert answer["sums"] == {
        "amount": [{"amount": "3500.50", "currency": "EUR"}, {"amount": "5000.00", "currency": "USD"}]
    }
    assert api.get("/v1/deals?stage=offer&total=true").json["total"] == {"count": 1, "more": False}
    assert {"total", "sums"}.isdisjoint(api.get("/v1/deals?total=false").json)
    monkeypatch.setattr(reader, "MOST_COUNTED", 2)
    assert api.get("/v1/deals?limit=1&total=true").json["total"] == {"count": 2, "more": True}


@pytest.mark.parametrize(
    "query, field",
    [
        ("total=yes", "total"),
        ("total=true&q=a", "total"),
        ("sum=title", "sum"),
        ("sum=", "sum"),
        ("sum=amount&deleted=true", "sum"),
        ("sum=amount&q=a", "sum"),
    ],
)
def test_what_cannot_be_counted_or_added_up_is_refused(api, deals, query, field):
    """With the parameter."""
    answer = api.get(f"/v1/deals?{query}")
    assert (answer.status_code, list(answer.json["errors"])) == (422, [field])


def test_a_where_of_another_form_is_told_both(api, deals):
    """A filter, or a condition as JSON."""
    for text in ("stage", "{stage"):
        [told] = api.get(f"/v1/deals?where={quote(text)}").json["errors"]["where"]
        assert "FIELD[OP]=VALUE" in told
        assert "JSON" in told


def test_a_segment_stands_in_a_condition(api, deals):
    """For its own; one that is not there is refused."""
    offers = {"field": "stage", "op": "equal", "value": "offer"}
    segment = api.make("segments", name="Offers", entity="deal", where=offers)["id"]
    where = quote(f'{{"not": {{"segment": "{segment}"}}}}')
    assert titles(api, f"where={where}") == ["Äpfel", "Doors", "Gates"]
    refused = api.get("/v1/deals?where=" + quote('{"segment": "0190a000-0000-7000-8000-000000000000"}'))
    assert (refused.status_code, list(refused.json["errors"])) == (422, ["where"])


def test_a_refused_sort_and_a_refused_owner_say_what_works(api, deals):
    """Fields to sort by; and how somebody is asked for by e-mail."""
    assert "sort by id, title, amount" in api.get("/v1/deals?sort=description").json["errors"]["sort"][0]
    for name in ("owner", "owner_id"):
        assert "owner.email" in api.get(f"/v1/deals?{name}=ann@example.com").json["errors"][name][0]
