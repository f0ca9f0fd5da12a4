"""What may not be read changes no byte of any answer over REST: bodies, statuses, tags and other headers."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import quote

import attrs
import pytest

from opencrm import FieldRule, Role, Update, records

HIDDEN = (("deal", "source"), ("deal", "secret"), ("contact", "source"), ("company", "city"), ("task", "contact_id"))
NOBODY = "0190a000-0000-7000-8000-000000000000"
_NOW = re.compile(rb'"(closed_at|deleted_at|stage_since)":"[^"]*"')


@pytest.fixture
def people(as_, firm):
    return {name: as_(getattr(firm, name)) for name in ("owner", "head", "seller", "stranger", "viewer")}


@pytest.fixture
def made(crm, firm, people) -> Mapping[str, str]:
    """A business of which the seller sees a half; the id by name."""
    owner, seller, stranger = people["owner"], people["seller"], people["stranger"]
    owner.make("custom-fields", entity="deal", key="secret", label="Secret", kind="text", indexed=True)
    owner.make("custom-fields", entity="deal", key="partner", label="Partner", kind="reference", reference_to="company")
    with crm.work(firm.owner) as work:
        rules = [attrs.asdict(FieldRule(entity, name, read=False, write=False)) for entity, name in HIDDEN]
        records.update(work, [Update(Role, firm.roles["firm_seller"], field_rules=rules)])
    found: dict[str, str] = {}
    for at, who in enumerate((seller, stranger) * 2):
        mine = "" if who is seller else "hidden "
        points = [{"kind": "email", "value": f"{mine.strip()}{at // 2}@example.com"}]
        company = who.make("companies", name=f"{mine}company {at // 2}")
        contact = who.make("contacts", name=f"Ann{'e' * (at // 2)} {mine}Lee", points=points)
        deal = who.make("deals", title=f"{mine}deal {at // 2}", amount=100 * at + 50, contact_id=contact["id"])
        for kind, one in (("company", company), ("contact", contact), ("deal", deal)):
            found[f"{mine}{kind} {at // 2}"] = one["id"]
        crm.advance("1m")
    values = {"company_id": found["company 0"], "partner": found["hidden company 0"], "secret": "s", "source": "fair"}
    owner.patch(f"/v1/deals/{found['deal 0']}", values)
    for name in ("company 0", "hidden company 0"):
        owner.patch(f"/v1/companies/{found[name]}", {"city": "Riga", "website": "https://example.com/"})
    for name in ("deal 0", "deal 1", "hidden deal 0"):
        values = {"title": "call", "deal_id": found[name], "owner_id": firm.seller.id}
        values["state"] = "done" if name.startswith("hidden") else "open"
        found[f"task of {name}"] = owner.make("tasks", **values)["id"]
    owner.patch(f"/v1/tasks/{found['task of deal 0']}", {"contact_id": found["contact 1"]})
    big = {"field": "amount", "op": "greater", "value": "10 EUR"}
    shown = {"entity": "deal", "published_to_id": firm.units["HQ"]}
    found["segment"] = owner.make("segments", name="big", where=big, **shown)["id"]
    theirs = {"field": "secret", "op": "equal", "value": "s"}
    found["closed segment"] = owner.make("segments", name="closed", where=theirs, **shown)["id"]
    found["view"] = owner.make("saved-views", name="v", where={"segment": found["segment"]}, **shown)["id"]
    kept = {"where": theirs, "columns": ["title", "secret"], "sort": "-secret"}
    found["closed view"] = owner.make("saved-views", name="closed", **kept, **shown)["id"]
    found["hidden segment"] = owner.make("segments", name="mine", where=big, entity="deal")["id"]
    for name in ("segment", "closed segment"):
        for at in range(2):
            found[f"{name} {at}"] = owner.post(f"/v1/segments/{found[name]}/snapshot").json["id"]
            crm.advance("1m")
    return found


def everything(api, made) -> dict[str, bytes]:
    """Return every answer to somebody by what was asked."""
    return {asked: _told(answer) for asked, answer in _answers(api, made)}


def _told(answer) -> bytes:
    head = "".join(f"{name}: {value}\n" for name, value in sorted(answer.headers) if name != "Date")
    return f"{answer.status}\n{head}\n".encode() + answer.data


def _answers(api, made) -> Iterator[tuple[str, Any]]:
    for path in (*_gets(made), *_filtered()):
        yield path, api.get(path)
    for path, body in _posts(made):
        answer = api.post(path, body)
        answer.data = _NOW.sub(rb'"\1":""', answer.data)
        yield f"{path} {json.dumps(body)}", answer


def _gets(made) -> Iterator[str]:
    yield from ("/v1/", "/v1/me", "/v1/boards/windows", "/v1/boards/windows?cards=1", "/v1/segments", "/v1/saved-views")
    for plural in ("deals", "contacts", "companies", "tasks", "contact-points", "activities"):
        yield f"/v1/{plural}"
        yield f"/v1/{plural}?limit=1"
        yield f"/v1/{plural}?sort=-id&limit=2"
        yield f"/v1/{plural}?deleted=true"
        yield f"/v1/{plural}/duplicates"
    for sort in ("title", "amount", "-amount", "-updated_at", "source", "secret", "-nonsense", "company_id"):
        yield f"/v1/deals?sort={sort}&limit=2"
    for by in ("stage", "owner_id", "company_id", "updated_at:day", "source", "secret", "nonsense"):
        yield f"/v1/reports?entity=deal&by={by}&measure=count&measure=sum:amount"
    for text in ("deal", "lee", "riga", "fair", "ann", "example"):
        yield f"/v1/search?q={text}"
        yield f"/v1/deals?q={text}"
    for name, id in made.items():
        kind = re.sub("^(hidden|closed) ", "", name).split()[0]
        if re.search(r"segment \d", name) is None:  # Those are snapshots.
            plural = {"company": "companies", "view": "saved-views"}.get(kind, f"{kind}s")
            yield f"/v1/{plural}/{id}"
            yield f"/v1/{plural}/{id}/history"
    yield from _of_segments(made)


def _of_segments(made) -> Iterator[str]:
    yield f"/v1/saved-views/{made['view']}/records?limit=1"
    yield f"/v1/saved-views/{made['view']}/records?source=fair"
    for name in ("segment", "closed segment", "hidden segment"):
        path = f"/v1/segments/{made[name]}"
        yield from (f"{path}/members", f"{path}/members?limit=1", f"{path}/snapshots")
        old, new = made.get(f"{name} 0", NOBODY), made.get(f"{name} 1", NOBODY)
        yield from (f"{path}/snapshots/{old}", f"{path}/snapshots/{old}?limit=1", f"{path}/snapshots/{new}")
        yield from (f"{path}/snapshots/{old}/compared/{new}", f"{path}/snapshots/{new}/compared/{old}")


def _filtered() -> Iterator[str]:
    for filter in (
        "source=fair",
        "secret=s",
        "nonsense=s",
        "source[empty]=true",
        "source[changed]=2020-01-01",
        "amount[changed]=2020-01-01",
        "company.city=Riga",
        "company.nonsense=Riga",
        "company.name[contains]=a",
        "company.name[empty]=true",
        "company.name[changed]=2020-01-01",
        "partner.name[contains]=a",
        "partner.name[empty]=true",
        "partner.name[ne]=x",
        "partner.city[ne]=x",
        "partner.deleted_at[empty]=true",
        "contact.source=x",
    ):
        yield f"/v1/deals?{filter}"
    for where in (
        {"link": "partner", "where": {"all": []}},
        {"not": {"link": "partner", "where": {"all": []}}},
        {"link": "partner", "where": {"not": {"field": "name", "op": "contains", "value": "comp"}}},
        {"link": "company_id", "where": {"field": "city", "op": "equal", "value": "Riga"}},
        {"not": {"field": "secret", "op": "empty"}},
    ):
        yield f"/v1/deals?where={quote(json.dumps(where))}"


def _posts(made) -> Iterator[tuple[str, Any]]:
    every = {"all": []}
    edit = "/v1/deals/mass-edit"
    ids = [made[name] for name in ("deal 0", "hidden deal 0", "hidden deal 1")] + [NOBODY]
    for wish in (
        {"set": {"title": "x"}},
        {"set": {"amount": "5"}},
        {"set": {"source": "x"}},
        {"set": {"source": 5}},
        {"set": {"nonsense": 5}},
        {"move": "lost"},
        {"delete": True},
        {"restore": True},
    ):
        yield edit, {"where": every, **wish}
        yield edit, {"ids": ids, **wish}
    yield edit, {"where": {"field": "source", "op": "equal", "value": "fair"}, "delete": True}
    yield edit, {"where": {"link": "partner", "where": every}, "delete": True}
    for kind, plural in (("deal", "deals"), ("contact", "contacts"), ("company", "companies")):
        keep, other, hidden = (made[f"{word}{kind} {at}"] for word, at in (("", 0), ("", 1), ("hidden ", 0)))
        yield f"/v1/{plural}/{keep}/merge", {"others": [other]}
        yield f"/v1/{plural}/{other}/merge", {"others": [keep]}
        yield f"/v1/{plural}/{keep}/merge", {"others": [hidden]}
        yield f"/v1/{plural}/{hidden}/merge", {"others": [NOBODY]}
        yield f"/v1/{plural}/{keep}/merge", {"others": [other], "values": {"source": "x", "city": "x"}}
    points = [{"kind": "email", "value": "0@example.com"}, {"kind": "email", "value": "hidden0@example.com"}]
    for values in ({"name": "Ann Lee"}, {"name": "Ann hidden Lee"}, {"points": points}):
        yield "/v1/contacts/duplicates", values
    yield "/v1/companies/duplicates", {"name": "hidden company 0"}


def _change(plural: str, which: str, /, **values: Any) -> Callable[..., Any]:
    return lambda owner, made, _: owner.patch(f"/v1/{plural}/{made[which]}", values)


def _merge(plural: str, keep: str, other: str) -> Callable[..., Any]:
    body = {"dry_run": False}
    return lambda owner, made, _: owner.post(f"/v1/{plural}/{made[keep]}/merge", {"others": [made[other]], **body})


def _make(plural: str, /, **values: Any) -> Callable[..., Any]:
    return lambda owner, made, firm: owner.post(f"/v1/{plural}", {**values, "owner_id": firm.stranger.id})


CHANGES: Mapping[str, list[Callable[..., Any]]] = {
    "fields": [
        _change("deals", "deal 0", source="other"),
        _change("deals", "deal 1", source="fair"),
        _change("deals", "deal 0", secret="other"),
        _change("contacts", "contact 1", source="other"),
        _change("companies", "company 0", city="Berlin"),
        _change("tasks", "task of deal 0", contact_id=None),
    ],
    "rows": [
        _change("deals", "hidden deal 0", title="deal 0", amount="7", expected_close="2026-05-01"),
        _change("deals", "hidden deal 1", amount="1"),
        _change("companies", "hidden company 0", name="other", city="Berlin"),
        lambda owner, made, _: owner.post(f"/v1/deals/{made['hidden deal 0']}/move", {"to": "measuring"}),
        lambda owner, made, _: owner.delete(f"/v1/companies/{made['hidden company 0']}"),
        lambda owner, made, _: owner.delete(f"/v1/deals/{made['hidden deal 1']}"),
        _make("deals", title="deal 2", amount="90", source="fair", secret="s"),
    ],
    "doubles": [
        _make("contacts", name="Somebody", points=[{"kind": "email", "value": "0@example.com"}]),
        _make("contacts", name="Ann Lee"),
        lambda owner, made, _: owner.call(
            "PUT", f"/v1/contacts/{made['contact 0']}/not-duplicates/{made['hidden contact 0']}"
        ),
        _merge("contacts", "hidden contact 0", "hidden contact 1"),
        _merge("deals", "hidden deal 0", "hidden deal 1"),
        _merge("companies", "hidden company 0", "hidden company 1"),
    ],
    "merging a hidden record into one that is seen": [_merge("companies", "company 1", "hidden company 1")],
    "what others keep": [
        _change("segments", "hidden segment", where={"all": []}),
        lambda owner, made, _: owner.post(f"/v1/segments/{made['hidden segment']}/snapshot"),
        lambda owner, *_: owner.patch(f"/v1/custom-fields/{_definition(owner)}", {"label": "Other"}),
    ],
}


def _definition(owner) -> str:
    return owner.get("/v1/custom-fields?key=secret").json["items"][0]["id"]


@pytest.mark.parametrize("changes", CHANGES)
def test_what_is_hidden_changes_no_byte(crm, firm, people, made, changes):
    """The seller's answers before and after are the same bytes."""
    before = everything(people["seller"], made)
    for change in CHANGES[changes]:
        crm.advance("1h")
        done = change(people["owner"], made, firm)
        assert done.status_code < 300, done.text
    after = everything(people["seller"], made)
    assert [asked for asked in before if before[asked] != after[asked]] == []


def test_what_is_saved_of_a_hidden_field_is_left_out(people, made):
    """Of views and segments, in lists, histories and errors; whoever reads the field sees all of it."""
    seller = people["seller"]
    own = [("saved-views", made["closed view"], "records"), ("segments", made["closed segment"], "members")]
    for plural, id, below in own:
        path = f"/v1/{plural}/{id}"
        listed = next(item for item in seller.get(f"/v1/{plural}").json["items"] if item["id"] == id)
        for told in (listed, seller.get(path).json):
            assert (told["where"], told["usable"], told.get("columns", ["title"])) == (None, False, ["title"])
        refused = seller.get(f"{path}/{below}")
        assert refused.status_code == 422
        for answer in (seller.get(f"/v1/{plural}"), seller.get(path), seller.get(f"{path}/history"), refused):
            assert b"secret" not in answer.data
        seen = people["owner"].get(path).json
        assert (seen["usable"], seen["where"]["field"]) == (True, "secret")
        assert people["owner"].get(f"{path}/{below}").status_code == 200


@pytest.mark.parametrize("value", ["x", "", None, 5, ["x"], "long" * 1000])
def test_a_hidden_field_is_refused_in_the_words_of_an_unknown_one(people, made, value):
    """Whatever it is given, whatever else is wrong, and though the value would be its own."""
    seller = people["seller"]
    for name in ("source", "secret"):
        for more in ({}, {"amount": "many"}, {"title": None}):
            for method, path, body in _gives(made, {name: value, **more}):
                told = seller.call(method, path, body)
                [[_, _, other]] = [it for it in _gives(made, {"nonsense": value, **more}) if it[:2] == (method, path)]
                assert told.status_code == 422
                assert told.data.replace(name.encode(), b"nonsense") == seller.call(method, path, other).data


def _gives(made, values: Mapping[str, Any]) -> Iterator[tuple[str, str, Any]]:
    yield "PATCH", f"/v1/deals/{made['deal 0']}", values
    yield "POST", "/v1/deals", {"title": "x", **values}
    yield "POST", "/v1/deals/mass-edit", {"where": {"all": []}, "set": values}
    yield "POST", f"/v1/deals/{made['deal 0']}/merge", {"others": [made["deal 1"]], "values": values}
