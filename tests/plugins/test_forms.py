"""Web forms over HTTP: JSON, pages without a script, other sites' pages, programs that send too much, hostile input."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import orjson
import pytest
from tests.services.process.forms.conftest import ANN, Payment, Shop
from werkzeug.test import Client, TestResponse

from opencrm import CRM, Contact, Deal, InputError, Query, WebForm, hookimpl, owner
from opencrm.app.serving import wsgi
from opencrm.embed import FormGiven, issue_token, submissions
from opencrm.services.definitions.process import planning, text
from opencrm.testing import Firm, make_deal

REPAIRS = """
[[pipelines]]
key = "repairs"
moves = [["new", "done"]]
stages = [{key = "new"}, {key = "done", kind = "won"}]
"""
ORIGIN = "https://www.windows.example"


@pytest.fixture
def crm_plugins() -> Sequence[object]:
    return [Shop()]


@pytest.fixture
def web(crm: CRM) -> Client:
    return Client(wsgi(crm))


@pytest.fixture
def post(crm: CRM, web: Client) -> Callable[..., TestResponse]:
    """`post("request", answers)` asks for the form, waits a little and sends JSON."""

    def sent(form: str, answers: Any, *, wait: str = "5s", headers: Any = None, **more: Any) -> TestResponse:
        token = crm.forms.describe(form).token
        crm.advance(wait)
        body = {"answers": answers, "token": token, "consent": True, **more}
        body = {name: value for name, value in body.items() if value is not ...}
        data = orjson.dumps(body)
        address = f"/forms/{form}"
        whence = {"REMOTE_ADDR": "192.0.2.1"}
        return web.post(address, data=data, content_type="application/json", headers=headers or {}, environ_base=whence)

    return sent


def deals(crm: CRM) -> list[Any]:
    with crm.read(crm.sole_owner()) as reader:
        return list(reader.list(Query(Deal)))


def inputs(text: str) -> dict[str, str]:
    """Return the hidden inputs of a page."""
    found = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', text)
    return {name: html.unescape(value) for name, value in found}


# JSON.


def test_a_program_is_told_what_is_asked_for(web: Client) -> None:
    told = web.get("/forms/request", headers={"Accept": "application/json"})
    assert (told.status_code, told.json["label"]) == (200, "Ask for an offer")
    schema = told.json["schema"]
    assert list(schema["properties"]) == ["name", "email", "phone", "shop_heat", "shop_floors", "message"]
    assert schema["properties"]["shop_heat"] == {"title": "How soon?", "type": "string", "enum": ["hot", "cold", None]}
    assert (schema["required"], told.json["consent"]) == (["name"], "You may keep my data to answer me.")


def test_a_request_arrives(crm: CRM, post: Callable[..., TestResponse]) -> None:
    told = post("request", ANN, attribution={"source": "google", "campaign": "spring"})
    assert (told.status_code, told.json) == (200, {"thanks": "Thank you. We will be in touch soon."})
    [deal] = deals(crm)
    with crm.read(crm.sole_owner()) as reader:
        [found] = submissions(reader, Deal, deal.id)
    assert found.attribution == {"source": "google", "campaign": "spring"}


def test_known_and_unknown_people_get_the_same_answer(post: Callable[..., TestResponse]) -> None:
    """Byte for byte, but for the date."""
    first, again = post("request", ANN), post("request", ANN)
    other = post("request", {**ANN, "email": "other@example.com", "phone": "020 7183 8751"})
    assert len({(it.status_code, it.data, tuple(it.headers)) for it in (first, again, other)}) == 1


def test_a_double_click_is_one(crm: CRM, web: Client) -> None:
    """The token tells one sending from the next."""
    token = crm.forms.describe("wishes").token
    crm.advance("5s")
    body = orjson.dumps({"answers": {"email": "a@example.com"}, "token": token})
    for _ in range(3):
        assert web.post("/forms/wishes", data=body, content_type="application/json").status_code == 200
    with crm.read(crm.sole_owner()) as reader:
        assert len(submissions(reader, Deal, deals(crm)[0].id)) == 1


def test_a_key_sends_about_a_record(crm: CRM, firm: Firm, web: Client) -> None:
    """A payment service needs no token, and says itself which payment it is."""
    deal = make_deal(crm, by=firm.seller, pipeline="orders", stage="agreed")
    with crm.work(firm.seller) as work:
        key = issue_token(work, firm.seller.id, label="bank")
    body = {"answers": {"amount": "4800"}, "record": deal.id, "once": "TX 1"}
    for _ in range(2):
        told = web.post("/forms/payment", json=body, headers={"Authorization": f"Bearer {key}"})
        assert told.status_code == 200, told.text
    with crm.read(crm.sole_owner()) as reader:
        assert len(list(reader.list(Query(Payment)))) == 1
    other = {**body, "record": make_deal(crm, by=firm.stranger, pipeline="orders").id, "once": "TX 2"}
    assert web.post("/forms/payment", json=other, headers={"Authorization": f"Bearer {key}"}).status_code == 404
    assert web.post("/forms/payment", json=body, headers={"Authorization": "Bearer opencrm_x"}).status_code in (
        401,
        503,
    )
    assert web.post("/forms/payment", json=body).status_code == 404


# Programs.


def test_what_comes_too_quickly_is_refused(crm: CRM, post: Callable[..., TestResponse]) -> None:
    told = post("request", ANN, wait="1s")
    assert (told.status_code, list(told.json["errors"])) == (422, ["token"])
    assert deals(crm) == []
    given = FormGiven(answers=ANN, consent=True, token=crm.forms.describe("request").token)
    with pytest.raises(InputError) as refused:
        crm.forms.receive("request", given)
    assert refused.value.rule == "too soon"
    crm.advance("25h")
    with pytest.raises(InputError) as refused:
        crm.forms.receive("request", given)
    assert refused.value.rule is None


@pytest.mark.parametrize("token", [..., None, "", "x", 7, {}, "\u20ac", "A" * 600])
def test_what_was_never_shown_is_refused(crm: CRM, post: Callable[..., TestResponse], token: Any) -> None:
    told = post("request", ANN, token=token)
    assert (told.status_code, list(told.json["errors"])) == (422, ["token"])


def test_what_comes_without_a_token_is_told_all_that_is_wrong(post: Callable[..., TestResponse]) -> None:
    """At once, and how to get one."""
    told = post("request", {**ANN, "name": ""}, token=..., consent=False)
    assert sorted(told.json["errors"]) == ["consent", "name", "token"]
    assert told.json["errors"]["token"] == ["is required: GET the form, which gives one"]
    assert "no token of this form" in post("request", ANN, token="x").json["errors"]["token"][0]
    assert "open for too long" in post("request", ANN, wait="25h").json["errors"]["token"][0]


def test_a_program_that_sends_a_page_of_its_own_is_told_of_json(web: Client) -> None:
    """As `curl -d` does; it is told how, in JSON."""
    told = web.post("/forms/request", data={"name": "Ann"}, headers={"Accept": "*/*"})
    assert (told.status_code, told.json["code"]) == (415, "http_415")
    assert "Accept: application/json" in told.json["detail"]
    shown = web.post("/forms/request", data={"name": "Ann", "_token": "x"}, headers={"Accept": "*/*"})
    assert (shown.status_code, shown.mimetype) == (422, "text/html")


def test_a_token_of_another_form_or_of_yesterday_is_refused(crm: CRM, post: Callable[..., TestResponse]) -> None:
    assert list(post("request", ANN, token=crm.forms.describe("wishes").token).json["errors"]) == ["token"]
    assert list(post("request", ANN, wait="25h").json["errors"]) == ["token"]


def test_a_trap_is_a_trap(crm: CRM, post: Callable[..., TestResponse]) -> None:
    """A program is told what everybody is told."""
    told = post("request", ANN, fax_number="0123")
    assert (told.status_code, told.json) == (200, {"thanks": "Thank you. We will be in touch soon."})
    assert deals(crm) == []


def test_one_address_sends_so_often(crm: CRM, post: Callable[..., TestResponse]) -> None:
    """Counted in the database, for this form alone."""
    answers = [post("wishes", {"email": f"a{at}@example.com"}, wait="3s").status_code for at in range(21)]
    assert answers == [200] * 20 + [429]
    assert post("request", ANN).status_code == 200
    crm.advance("10m")
    assert post("wishes", {"email": "a@example.com"}).status_code == 200


# Hostile input.

HOSTILE: list[tuple[str, Any]] = [
    ("name", "Ann\x00Baker"),
    ("name", "x" * 201),
    ("name", ["Ann"]),
    ("name", {"a": 1}),
    ("name", 7),
    ("email", "a@b@c"),
    ("email", "x" * 10_000),
    ("phone", "1" * 500),
    ("phone", "javascript:alert(1)"),
    ("shop_heat", "' OR 1=1"),
    ("shop_heat", ["hot"]),
    ("shop_floors", 10**400),
    ("shop_floors", "1e999999999"),
    ("shop_floors", True),
    ("shop_floors", [[[[1]]]]),
    ("message", "x" * 10_001),
    ("message", "\x00"),
    ("owner_id", "x"),
    ("stage", "won"),
    ("__proto__", "x"),
]


@pytest.mark.parametrize("name, value", HOSTILE)
def test_what_cannot_be_is_refused_by_name(crm: CRM, web: Client, name: str, value: Any) -> None:
    import json

    token = crm.forms.describe("request").token
    crm.advance("5s")
    body = json.dumps({"answers": {**ANN, name: value}, "token": token, "consent": True})
    told = web.post("/forms/request", data=body, content_type="application/json")
    assert (told.status_code, list(told.json["errors"])) == (422, [name])
    assert deals(crm) == []


@pytest.mark.parametrize(
    "body, status, names",
    [
        (b'{"answers": {"name": "\\ud800"}, "consent": true}', 422, {"name"}),
        (b'{"answers": {"\\ud800": 1}, "consent": true}', 422, {"name", "\\ud800"}),
        (b'{"answers": {"name": "Ann", "email": "a@example.com"}}', 422, {"consent"}),
        (b'{"answers": [], "consent": 3}', 422, {"answers", "consent"}),
        (b'{"answers": {}, "attribution": {"x": 1, "source": "\\u0000"}}', 422, None),
        (b'{"answers": {}, "nonsense": 1}', 422, {"nonsense"}),
        (b"[]", 422, {"body"}),
        (b"{", 422, {"body"}),
        (b"\xff\xfe", 422, {"body"}),
        (b'{"answers":' * 3000 + b"1" + b"}" * 3000, 422, {"body"}),
        (b'{"answers": {"name": ' + b"[" * 20000 + b"]" * 20000 + b"}}", 422, None),
        (b'{"answers": {"name": "' + b"x" * 70_000 + b'"}}', 413, None),
        (b'{"answers": {"name": NaN}}', 422, None),
    ],
)
def test_a_body_that_cannot_be_is_refused(web: Client, body: bytes, status: int, names: Any) -> None:
    told = web.post("/forms/request", data=body, content_type="application/json")
    assert told.status_code == status
    if names is not None:
        assert names <= set(told.json["errors"])


@pytest.mark.parametrize(
    "path", ["/forms", "/forms/", "/forms/nonsense", "/forms/request/x", "/forms/%00", "/forms/../api"]
)
def test_there_is_nothing_else(web: Client, path: str) -> None:
    assert web.get(path).status_code == 404


def test_other_types_and_methods_are_refused(web: Client) -> None:
    assert web.post("/forms/request", data=b"x", content_type="text/plain").status_code == 415
    assert web.post("/forms/request", data={"a": "b"}, content_type="multipart/form-data").status_code == 415
    assert web.put("/forms/request").status_code == 405


# Pages.


@pytest.fixture
def page(crm: CRM, web: Client) -> Callable[..., TestResponse]:
    """`page("request", name="Ann")` opens the page, fills it in after a while and sends it."""

    def sent(form: str, *, wait: str = "20s", query: str = "", **filled: Any) -> TestResponse:
        shown = web.get(f"/forms/{form}{query}", headers={"Accept": "text/html"})
        crm.advance(wait)
        return web.post(f"/forms/{form}", data={**inputs(shown.text), **filled})

    return sent


def test_a_page_works_without_a_script(crm: CRM, page: Callable[..., TestResponse]) -> None:
    query = "?utm_source=google&utm_campaign=spring&referrer=https://search.example/"
    told = page("request", query=query, _consent="true", **{**ANN, "email": "", "message": "Hello\r\nthere"})
    assert told.status_code == 200
    assert "Thank you. We will be in touch soon." in told.text
    [deal] = deals(crm)
    assert (deal.title, deal.source, deal.shop_heat) == ("Request of Ann Baker", "google", "hot")
    with crm.read(crm.sole_owner()) as reader:
        [found] = submissions(reader, Deal, deal.id)
    assert found.attribution["referrer"] == "https://search.example/"
    assert found.attribution["landing"].startswith("http://localhost/forms/request?utm_source=google")


def test_a_page_shows_again_what_was_filled_in(crm: CRM, page: Callable[..., TestResponse]) -> None:
    """Each fault stands beside its field; nothing that was typed is lost or becomes markup."""
    told = page("request", name='<b>"Ann"', email="nobody", shop_heat="hot", message="</textarea><script>")
    assert told.status_code == 422
    assert 'value="&lt;b&gt;&#34;Ann&#34;"' in told.text
    assert "&lt;/textarea&gt;&lt;script&gt;" in told.text
    assert re.search(r'<option value="hot" selected>', told.text)
    assert re.search(r'name="email"[^>]*aria-invalid="true" aria-describedby="w-email"', told.text)
    assert "Please agree, so that we may answer you." in told.text


def test_a_quick_person_sends_again(crm: CRM, web: Client, page: Callable[..., TestResponse]) -> None:
    """The page keeps its token, so that the second time is late enough."""
    told = page("request", wait="1s", _consent="true", **ANN)
    assert told.status_code == 422
    crm.advance("5s")
    assert web.post("/forms/request", data={**inputs(told.text), **ANN, "_consent": "true"}).status_code == 200


def test_a_page_that_was_open_for_too_long_is_sent_again(
    crm: CRM, web: Client, page: Callable[..., TestResponse]
) -> None:
    told = page("request", wait="25h", _consent="true", **ANN)
    assert told.status_code == 422
    crm.advance("5s")
    assert web.post("/forms/request", data={**inputs(told.text), **ANN, "_consent": "true"}).status_code == 200


def test_several_choices_and_a_box_arrive(crm: CRM, page: Callable[..., TestResponse]) -> None:
    filled = {"email": "ann@example.com", "shop_colours": ["white", "oak"], "shop_lift": "true"}
    assert page("wishes", **filled).status_code == 200
    assert (deals(crm)[0].shop_colours, deals(crm)[0].shop_lift) == (("white", "oak"), True)


def test_a_linked_page_tells_of_its_record(crm: CRM, firm: Firm, page: Callable[..., TestResponse]) -> None:
    deal = make_deal(crm, by=firm.seller, pipeline="orders")
    link = crm.forms.link(firm.seller, "visit", deal.id)
    assert page("visit", query=f"?record={link}", expected_close="2026-05-04").status_code == 200
    assert str(deals(crm)[0].expected_close) == "2026-05-04"
    told = page("visit", query="?record=x", expected_close="2026-05-05")
    assert (told.status_code, "no longer good" in told.text) == (404, True)


def test_a_page_is_for_everybody(web: Client) -> None:
    """Each input has a label, the page a language and a title; no script runs but the page's own."""
    told = web.get("/forms/request", headers={"Accept": "text/html"})
    fields = re.findall(r'<(?:input|select|textarea) id="([^"]+)"', told.text)
    assert len(fields) == 7
    assert all(f'for="{name}"' in told.text for name in fields)
    assert '<html lang="en"' in told.text
    assert "<title>Ask for an offer</title>" in told.text
    policy = told.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert f"frame-ancestors 'self' {ORIGIN}" in policy
    assert "Set-Cookie" not in told.headers


# Other sites.


def test_a_listed_site_may_send(crm: CRM, web: Client, post: Callable[..., TestResponse]) -> None:
    asked = web.options("/forms/request", headers={"Origin": ORIGIN, "Access-Control-Request-Method": "POST"})
    assert asked.headers["Access-Control-Allow-Origin"] == ORIGIN
    told = post("request", ANN, headers={"Origin": ORIGIN})
    assert (told.status_code, told.headers["Access-Control-Allow-Origin"]) == (200, ORIGIN)
    assert "Access-Control-Allow-Credentials" not in told.headers


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", ORIGIN + ".evil.example", "http://www.windows.example", "http://[::1"]
)
def test_another_site_may_not(crm: CRM, web: Client, post: Callable[..., TestResponse], origin: str) -> None:
    assert web.options("/forms/request", headers={"Origin": origin}).status_code == 403
    assert post("request", ANN, headers={"Origin": origin}).status_code == 403
    assert deals(crm) == []


def test_a_listed_site_may_send_one_form_only(web: Client) -> None:
    assert web.options("/forms/wishes", headers={"Origin": ORIGIN}).status_code == 403


def test_the_snippet_makes_a_frame(web: Client) -> None:
    told = web.get("/forms/request/embed.js")
    assert told.mimetype == "text/javascript"
    assert 'const key = "request";' in told.text
    assert web.get("/forms/nonsense/embed.js").status_code == 404


def test_strangers_make_nobody_known(crm: CRM, post: Callable[..., TestResponse]) -> None:
    """A card is made; no user, no way in."""
    post("request", ANN)
    with crm.read(crm.sole_owner()) as reader:
        assert [it.name for it in reader.list(Query(Contact))] == ["Ann Baker"]


def test_what_was_sent_is_read_over_rest(crm: CRM, firm: Firm, web: Client, post: Callable[..., TestResponse]) -> None:
    """By those who may read the record."""
    post("request", ANN, attribution={"source": "google"})
    address = f"/api/v1/deals/{deals(crm)[0].id}/submissions"
    seen = {}
    for name, who in (("owner", firm.owner), ("stranger", firm.stranger)):
        with crm.work(who) as work:
            key = issue_token(work, who.id, label="test")
        seen[name] = web.get(address, headers={"Authorization": f"Bearer {key}"})
    assert [it["attribution"] for it in seen["owner"].json["items"]] == [{"source": "google"}]
    assert seen["stranger"].status_code == 404
    assert web.get(address).status_code == 401


class TestAFormThatAsksForWhatIsNotThere:
    """Visitors are asked to come again; the workspace's owners are told what is wrong."""

    @pytest.fixture
    def crm_plugins(self) -> Sequence[object]:
        class Asking:
            name = "asking"

            @hookimpl
            def opencrm_register_forms(self) -> Iterator[WebForm]:
                yield WebForm("campaign", ["phone", "attribution_source"], pipeline="windows")
                yield WebForm("repair", ["phone"], pipeline="repairs", owner=owner)

        return [Asking()]

    def seen(self, web: Client, form: str) -> list[int]:
        """Return the status for people, programs, other sites and whoever sends."""
        answers = (
            web.get(f"/forms/{form}", headers={"Accept": "text/html"}),
            web.get(f"/forms/{form}"),
            web.get(f"/forms/{form}/embed.js"),
            web.post(f"/forms/{form}", json={"answers": {}}),
        )
        return [it.status_code for it in answers]

    def test_since_a_plugin_was_switched_off(self, crm: CRM, firm: Firm, web: Client) -> None:
        crm.enable(firm.owner, "attribution")
        assert self.seen(web, "campaign") == [200, 200, 200, 422]
        crm.disable(firm.owner, "attribution")
        assert self.seen(web, "campaign") == [503] * 4
        page, told = web.get("/forms/campaign", headers={"Accept": "text/html"}), web.get("/forms/campaign").json
        assert "This form cannot be sent at the moment." in page.text
        assert (told["code"], "at the moment" in told["detail"]) == ("unavailable", True)
        assert "attribution" not in page.text + str(told)
        wrong = "form 'campaign': fields: 'attribution_source' is no field of deal"
        assert wrong in " ".join(crm.problems().values())

    def test_until_its_pipeline_is_there(self, crm: CRM, firm: Firm, web: Client) -> None:
        crm.enable(firm.owner, "attribution")
        assert self.seen(web, "repair") == [503] * 4
        assert "form 'repair': pipeline: there is no pipeline 'repairs'" in " ".join(crm.problems().values())
        with crm.work(firm.owner) as work:
            planning.carry_out(work, "pipelines", text.parse(REPAIRS, "pipelines"))
        assert self.seen(web, "repair") == [200, 200, 200, 422]
