"""The inbox over REST: one's own, cheap to look at, and as far as one may read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from opencrm import CRM, Deal, Principal, Rule, Update, changed, head_of, hookimpl, notify, owner, records, report
from opencrm.embed import issue_token
from opencrm.testing import Firm, make_deal


class Telling:
    """Tells of new titles."""

    @hookimpl
    def opencrm_register_rules(self) -> Iterator[Rule]:
        yield Rule("renamed", on=changed(Deal, "title"), do=[notify(owner, "Renamed: {title}")])
        yield Rule("worth", on=changed(Deal, "amount"), do=[report("worth", to=head_of(owner))])


@pytest.fixture
def crm_plugins() -> Sequence[object]:
    return [Telling()]


@pytest.fixture
def deal(crm: CRM, firm: Firm) -> Any:
    return make_deal(crm, by=firm.seller, title="Windows")


def rename(crm: CRM, firm: Firm, deal: Any, **values: Any) -> None:
    with crm.work(firm.owner) as work:
        records.update(work, [Update(Deal, deal.id, values=values)])


@pytest.fixture
def seller(as_: Callable[[Principal], Any], firm: Firm) -> Any:
    return as_(firm.seller)


def test_one_reads_what_one_was_told(crm: CRM, firm: Firm, deal: Any, seller: Any) -> None:
    rename(crm, firm, deal, title="Doors")
    body = seller.get("/v1/inbox").json
    [told] = body["items"]
    assert (body["unread"], body["next"]) == (1, None)
    assert (told["text"], told["kind"], told["rule"]) == ("Renamed: Doors", "rule", "renamed")
    assert (told["entity"], told["record_id"], told["read_at"]) == ("deal", deal.id, None)
    assert seller.get(f"/v1/inbox/{told['id']}").json["report"] is None


def test_nothing_new_costs_nothing(crm: CRM, firm: Firm, deal: Any, seller: Any, statements: Any) -> None:
    rename(crm, firm, deal, title="Doors")
    tag = seller.get("/v1/inbox").headers["ETag"]
    statements.clear()
    same = seller.get("/v1/inbox", If_None_Match=tag)
    asked = [text for text in statements.texts if text.startswith("SELECT")]
    assert (same.status_code, same.data, same.headers["ETag"]) == (304, b"", tag)
    assert len(asked) <= 2, asked
    rename(crm, firm, deal, title="Gates")
    assert seller.get("/v1/inbox", If_None_Match=tag).status_code == 200


def test_a_tag_is_of_one_person(crm: CRM, firm: Firm, deal: Any, seller: Any, api: Any) -> None:
    tag = seller.get("/v1/inbox").headers["ETag"]
    assert api.get("/v1/inbox", If_None_Match=tag).status_code == 200


def test_what_is_read_is_marked(crm: CRM, firm: Firm, deal: Any, seller: Any) -> None:
    for title in ("Doors", "Gates", "Roofs"):
        rename(crm, firm, deal, title=title)
    newest, middle, _ = seller.get("/v1/inbox").json["items"]
    assert seller.post(f"/v1/inbox/{newest['id']}/read").status_code == 204
    assert seller.get("/v1/inbox?unread=true").json["unread"] == 2
    assert seller.post("/v1/inbox/read", {"until": middle["id"]}).json == {"read": 2}
    assert seller.post("/v1/inbox/read").json == {"read": 0}


def test_pages_follow_each_other(crm: CRM, firm: Firm, deal: Any, seller: Any) -> None:
    for title in ("Doors", "Gates", "Roofs"):
        rename(crm, firm, deal, title=title)
    first = seller.get("/v1/inbox?limit=2").json
    second = seller.get(f"/v1/inbox?limit=2&before={first['next']}").json
    assert [it["text"] for it in (*first["items"], *second["items"])] == [
        "Renamed: Roofs",
        "Renamed: Gates",
        "Renamed: Doors",
    ]
    assert second["next"] is None


def test_somebody_elses_is_not_there(crm: CRM, firm: Firm, deal: Any, seller: Any, api: Any) -> None:
    rename(crm, firm, deal, title="Doors")
    [told] = seller.get("/v1/inbox").json["items"]
    assert api.get(f"/v1/inbox/{told['id']}").status_code == 404
    assert api.post(f"/v1/inbox/{told['id']}/read").status_code == 404
    assert api.get("/v1/inbox/019cadc6-9a80-7c3a-9b1e-4f2a6d8c0e13").status_code == 404


def test_nobody_has_no_inbox(nobody: Any) -> None:
    assert nobody.get("/v1/inbox").status_code == 401


def test_a_narrowed_key_reads_as_far_as_it_may(
    crm: CRM, firm: Firm, deal: Any, seller: Any, as_: Callable[[Principal], Any]
) -> None:
    rename(crm, firm, deal, title="Doors")
    with crm.work(firm.owner) as work:
        key = issue_token(work, firm.seller.id, label="x", scopes=["contact.read"])
    narrow = type(seller)(seller.client, key)
    [told] = narrow.get("/v1/inbox").json["items"]
    assert (told["text"], told["record_id"]) == ("Renamed", None)
    refused = narrow.post("/v1/inbox/read")
    assert (refused.status_code, refused.json["rule"]) == (403, "person")
    choice = {"kind": "rule", "channel": "mail", "wanted": True}
    assert narrow.call("PUT", "/v1/inbox/choices", choice).status_code == 403


def test_one_chooses_where_one_is_told(seller: Any) -> None:
    chosen = seller.call("PUT", "/v1/inbox/choices", {"kind": "task", "channel": "mail", "wanted": True}).json["items"]
    assert chosen == seller.get("/v1/inbox/choices").json["items"]
    found = {(it["kind"], it["channel"]): it["wanted"] for it in chosen}
    assert (found["task", "mail"], found["rule", "mail"], found["report", "mail"]) == (True, False, True)


@pytest.mark.parametrize(
    "query, field",
    [("limit=0", "limit"), ("limit=x", "limit"), ("before=x", "before"), ("unread=1", "unread"), ("x=1", "x")],
)
def test_a_parameter_that_cannot_be_used_is_named(seller: Any, query: str, field: str) -> None:
    refused = seller.get(f"/v1/inbox?{query}")
    assert (refused.status_code, list(refused.json["errors"])) == (422, [field])


@pytest.mark.parametrize(
    "body, field",
    [
        ({"kind": "x", "channel": "mail", "wanted": True}, "kind"),
        ({"kind": "task", "channel": "x", "wanted": True}, "channel"),
        ({"kind": "task", "channel": "mail", "wanted": 1}, "wanted"),
        ({"kind": "task", "channel": "mail"}, "wanted"),
        ({"kind": "\x00", "channel": "mail", "wanted": True}, "kind"),
    ],
)
def test_a_choice_that_cannot_be_is_named(seller: Any, body: Any, field: str) -> None:
    refused = seller.call("PUT", "/v1/inbox/choices", body)
    assert (refused.status_code, list(refused.json["errors"])) == (422, [field])


def test_a_report_comes_with_its_notification(crm: CRM, firm: Firm, deal: Any, as_: Callable[[Principal], Any]) -> None:
    rename(crm, firm, deal, amount="4800", currency="EUR")
    crm.worker().run_once()
    [told] = as_(firm.head).get("/v1/inbox").json["items"]
    assert told["text"] == "Worth: Windows, 4800 EUR"
    found = as_(firm.head).get(f"/v1/inbox/{told['id']}").json["report"]
    assert {"label": "Amount", "text": "4800"} in found["facts"]
    assert found["stages"][0]["what"] == "New"
