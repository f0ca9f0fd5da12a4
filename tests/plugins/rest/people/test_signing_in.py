"""Signing in over REST: sessions in headers and cookies, keys, invitations and passwords."""

from __future__ import annotations

import pytest
from jsonschema import Draft202012Validator
from werkzeug.test import Client

from opencrm import Deal, Update, User, hookimpl, records
from opencrm.app.serving import wsgi
from opencrm.embed import Accounts, Cost, SignIn, issue_token
from opencrm.testing import make_deal

PASSWORD, NEW = "correct horse battery", "staple the other horse"
BASE = "https://crm.example.com"


class Outbox:
    """Catches messages."""

    def __init__(self) -> None:
        self.messages = []

    @hookimpl
    def opencrm_provide_delivery(self, message):
        self.messages.append(message)
        return True

    @property
    def secret(self):
        return self.messages[-1].text.rpartition("#")[2].strip()


@pytest.fixture
def outbox():
    return Outbox()


@pytest.fixture
def crm_plugins(outbox):
    return [outbox]


def serve(crm, **policy):
    """Return a client of a workspace whose host decides so."""
    decided = SignIn(**{"base_url": BASE, "cost": Cost(rounds=1, kibibytes=8, lanes=1), **policy})
    crm.accounts = Accounts(crm.workspace, decided, lambda: crm.hooks, crm.work)
    return Client(wsgi(crm), use_cookies=False)


@pytest.fixture
def client(crm, firm):
    found = serve(crm)
    for person in (firm.owner, firm.seller):
        crm.accounts.set_password(firm.owner, person.id, PASSWORD)
    return found


def call(client, method, path, body=None, secret=None, **headers):
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    if secret:
        sent["Authorization"] = f"Bearer {secret}"
    more = {} if body is None else {"json": body}
    return client.open(f"/api/v1{path}", method=method, headers=sent, base_url=BASE, buffered=True, **more)


def sign_in(client, who="seller", password=PASSWORD, **headers):
    return call(client, "POST", "/sessions", {"email": f"{who}@example.com", "password": password}, **headers)


@pytest.fixture
def secret(client):
    """A session's secret."""
    return sign_in(client).json["secret"]


# A session in the header.


def test_one_signs_in_and_out(client, firm, secret):
    """The secret is a bearer token until one signs out."""
    me = call(client, "GET", "/me", secret=secret)
    assert me.json["user"]["id"] == firm.seller.id
    assert set(me.json["session"]) == {"label", "created_at", "seen_at", "idle_at", "expires_at"}
    assert call(client, "DELETE", "/sessions/current", secret=secret).status_code == 204
    answer = call(client, "GET", "/me", secret=secret)
    assert (answer.status_code, answer.json["code"]) == (401, "not_signed_in")


def test_the_answers_to_what_is_wrong_are_the_same_bytes(client):
    """A wrong password, nobody, somebody without a password, nothing at all."""
    wrong = [
        {"email": "seller@example.com", "password": "wrong horse battery"},
        {"email": "nobody@example.com", "password": PASSWORD},
        {"email": "head@example.com", "password": PASSWORD},
        {"email": "no address", "password": ""},
        {},
    ]
    answers = [call(client, "POST", "/sessions", body) for body in wrong]
    assert {answer.status_code for answer in answers} == {401}
    assert len({(answer.data, str(answer.headers)) for answer in answers}) == 1


def test_too_many_attempts_say_when_to_come_again(client):
    """The same for those who are there and those who are not."""
    told = []
    for who in ("seller", "nobody"):
        for _ in range(10):
            assert sign_in(client, who, "wrong horse battery").status_code == 401
        answer = sign_in(client, who)
        assert (answer.status_code, answer.json["code"]) == (429, "too_many_attempts")
        assert 0 < int(answer.headers["Retry-After"]) <= 900
        told.append((answer.data, str(answer.headers)))
    assert told[0] == told[1]


def test_signing_out_everywhere(client, crm, firm):
    """All sessions; with `keys=true` the keys too."""
    secrets = [sign_in(client).json["secret"] for _ in range(2)]
    with crm.work(firm.seller) as work:
        key = issue_token(work, firm.seller.id, label="laptop")
    assert call(client, "DELETE", "/sessions", secret=secrets[0]).status_code == 204
    assert [call(client, "GET", "/me", secret=each).status_code for each in (*secrets, key)] == [401, 401, 200]
    assert call(client, "DELETE", "/sessions?keys=perhaps", secret=key).status_code == 422
    assert call(client, "DELETE", "/sessions?keys=true", secret=key).status_code == 204
    assert call(client, "GET", "/me", secret=key).status_code == 401


def test_it_ends_at_once_when_its_person_is_disabled(client, crm, firm, secret):
    """With the very next request."""
    assert call(client, "GET", "/deals", secret=secret).status_code == 200
    with crm.work(firm.owner) as work:
        records.update(work, [Update(User, firm.seller.id, active=False)])
    assert call(client, "GET", "/deals", secret=secret).status_code == 401


def test_use_keeps_it(client, crm, secret):
    """A request now and then, without any other call."""
    for _ in range(4):
        crm.advance("11h")
        assert call(client, "GET", "/me", secret=secret).status_code == 200
    crm.advance("12h")
    assert call(client, "GET", "/me", secret=secret).status_code == 401


def test_what_is_done_is_done_by_the_person(client, firm, crm, secret):
    """Under their name, as with a key."""
    made = call(client, "POST", "/deals", {"title": "Windows"}, secret=secret)
    assert made.json["created_by"] == f"user:{firm.seller.id}"


# A session in the cookie.


def cookie_of(answer):
    return answer.headers["Set-Cookie"]


def test_the_cookie_is_for_this_host_alone(client):
    """No script reads it, no other site sends it along with a write, and it is never sent unencrypted."""
    cookie = cookie_of(sign_in(client))
    assert cookie.startswith("__Host-opencrm_session=opencrm-session_")
    assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} <= set(cookie.split("; "))
    assert "Domain" not in cookie


def test_without_https_it_has_another_name(crm, firm):
    """A browser would not take the other one; what the base URL says decides, not what a request says."""
    client = serve(crm, base_url="http://localhost:8000")
    crm.accounts.set_password(firm.owner, firm.seller.id, PASSWORD)
    cookie = cookie_of(sign_in(client))
    assert cookie.startswith("opencrm_session=")
    assert "Secure" not in cookie


@pytest.fixture
def cookie(client):
    return cookie_of(sign_in(client)).partition(";")[0]


def test_a_cookie_reads(client, cookie, firm):
    """Without anything else."""
    assert call(client, "GET", "/me", Cookie=cookie).json["user"]["id"] == firm.seller.id


@pytest.mark.parametrize(
    "headers, status",
    [
        ({}, 403),
        ({"OpenCRM_Request": "1"}, 201),
        ({"OpenCRM_Request": ""}, 403),
        ({"Origin": BASE}, 201),
        ({"Origin": "https://evil.example.com"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "https://crm.example.com.evil.example.com"}, 403),
        ({"Origin": "http://crm.example.com"}, 403),
        ({"Origin": "https://evil.example.com", "Host": "evil.example.com"}, 403),
        ({"Origin": "https://evil.example.com", "X_Forwarded_Host": "evil.example.com"}, 403),
    ],
)
def test_a_write_with_a_cookie_comes_from_this_site(client, cookie, headers, status):
    """By the header that another site cannot send, or by the origin that the browser tells; never by the host."""
    answer = call(client, "POST", "/deals", {"title": "Windows"}, Cookie=cookie, **headers)
    assert answer.status_code == status, answer.text


@pytest.mark.parametrize(
    "method, path",
    [("DELETE", "/sessions/current"), ("DELETE", "/sessions"), ("POST", "/tokens"), ("POST", "/deals/export")],
)
def test_no_act_is_left_out(client, cookie, method, path):
    """Nor the account's own, nor an export."""
    body = {"label": "x"} if path == "/tokens" else None
    assert call(client, method, path, body, Cookie=cookie).status_code == 403
    assert call(client, "GET", "/me", Cookie=cookie).status_code == 200


def test_without_a_base_url_the_header_is_needed(crm, firm):
    """There is nothing to compare an origin with: the host that a request names is not."""
    client = serve(crm, base_url=None)
    crm.accounts.set_password(firm.owner, firm.seller.id, PASSWORD)
    cookie = cookie_of(sign_in(client)).partition(";")[0]
    sent = {"Cookie": cookie, "Origin": BASE}
    assert call(client, "POST", "/deals", {"title": "x"}, **sent).status_code == 403
    assert call(client, "POST", "/deals", {"title": "x"}, **sent, OpenCRM_Request="1").status_code == 201


def test_a_key_in_a_cookie_is_none(client, crm, firm):
    """Only sessions travel in cookies."""
    with crm.work(firm.seller) as work:
        key = issue_token(work, firm.seller.id, label="laptop")
    assert call(client, "GET", "/me", Cookie=f"__Host-opencrm_session={key}").status_code == 401


def test_signing_out_takes_the_cookie_back(client, cookie):
    """And the session with it."""
    answer = call(client, "DELETE", "/sessions/current", Cookie=cookie, OpenCRM_Request="1")
    assert "__Host-opencrm_session=;" in cookie_of(answer)
    assert call(client, "GET", "/me", Cookie=cookie).status_code == 401


def test_a_form_of_another_site_signs_nobody_in(client):
    """It can send no JSON."""
    body = b'{"email": "seller@example.com", "password": "correct horse battery"}'
    sent = {"data": body, "content_type": "text/plain", "base_url": BASE}
    assert client.post("/api/v1/sessions", **sent).status_code == 415


# Keys.


def test_a_session_makes_lists_and_ends_keys(client, firm, secret):
    """The secret of a key is shown once."""
    wish = {"label": "website", "days": 90, "scopes": ["deal.read"]}
    made = call(client, "POST", "/tokens", wish, secret=secret)
    assert made.status_code == 201
    key = made.json["secret"]
    assert call(client, "GET", "/deals", secret=key).status_code == 200
    assert call(client, "POST", "/deals", {"title": "x"}, secret=key).status_code == 403
    listed = call(client, "GET", "/tokens", secret=secret)
    [info] = listed.json["items"]
    assert info["scopes"] == [{"entity": "deal", "action": "read", "scope": "all"}]
    assert info["used_at"] is not None
    assert key not in listed.text
    assert call(client, "DELETE", f"/tokens/{info['id']}", secret=secret).status_code == 204
    assert call(client, "GET", "/deals", secret=key).status_code == 401
    assert call(client, "DELETE", f"/tokens/{info['id']}", secret=secret).status_code == 404


def test_a_key_makes_no_keys(client, crm, firm):
    """A lost key is ended by its end."""
    with crm.work(firm.owner) as work:
        key = issue_token(work, firm.owner.id, label="script", days=1)
    answer = call(client, "POST", "/tokens", {"label": "longer"}, secret=key)
    assert (answer.status_code, answer.json["code"]) == (403, "permission_denied")


def test_others_keys_are_the_owners_matter(client, firm, secret):
    """Somebody else is told nothing."""
    owner = sign_in(client, "owner").json["secret"]
    made = call(client, "POST", "/tokens", {"label": "x", "user_id": firm.head.id}, secret=owner)
    assert made.status_code == 201
    assert len(call(client, "GET", f"/tokens?user_id={firm.head.id}", secret=owner).json["items"]) == 1
    assert call(client, "GET", f"/tokens?user_id={firm.head.id}", secret=secret).status_code == 403
    assert call(client, "POST", "/tokens", {"label": "x", "user_id": firm.head.id}, secret=secret).status_code == 403
    assert call(client, "DELETE", f"/tokens/{made.json['id']}", secret=secret).status_code == 404


def test_an_expired_and_a_revoked_key_are_nobodys(client, crm, secret):
    """As a forged one: 401, and the same bytes."""
    keys = [call(client, "POST", "/tokens", {"label": "x", "days": 1}, secret=secret).json for _ in range(2)]
    call(client, "DELETE", f"/tokens/{keys[0]['id']}", secret=secret)
    crm.advance("24h")
    answers = [
        call(client, "GET", "/me", secret=each) for each in (keys[0]["secret"], keys[1]["secret"], "opencrm_forged")
    ]
    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.data for answer in answers}) == 1


# Invitations and passwords.


def test_an_invitation(client, firm, outbox, crm):
    """Made by an owner, sent, accepted once; then one signs in."""
    owner = sign_in(client, "owner").json["secret"]
    made = call(client, "POST", "/invitations", {"user_id": firm.fitter.id}, secret=owner)
    assert (made.status_code, made.json["sent"]) == (201, True)
    crm.accounts.post.settle()
    assert made.json["link"] == f"{BASE}/invitation#{outbox.secret}"
    accept = {"secret": outbox.secret, "password": NEW}
    assert call(client, "POST", "/invitations/accept", accept).status_code == 204
    assert call(client, "POST", "/invitations/accept", accept).status_code == 404
    assert sign_in(client, "fitter", NEW).status_code == 201


def test_who_may_not_invite(client, firm, secret):
    """A seller, nobody."""
    assert call(client, "POST", "/invitations", {"user_id": firm.fitter.id}, secret=secret).status_code == 403
    assert call(client, "POST", "/invitations", {"user_id": firm.fitter.id}).status_code == 401


def test_nobody_learns_who_is_there(client, crm, outbox):
    """The request for a reset is answered with the same bytes."""
    answers = [
        call(client, "POST", "/password/reset-requests", {"email": f"{who}@example.com"}) for who in ("seller", "x")
    ]
    assert {answer.status_code for answer in answers} == {202}
    assert len({(answer.data, str(answer.headers)) for answer in answers}) == 1
    crm.accounts.post.settle()
    assert [message.to for message in outbox.messages] == ["seller@example.com"]


@pytest.mark.parametrize("name", ["Host", "X_Forwarded_Host", "X_Forwarded_Proto", "Forwarded", "Origin", "Referer"])
def test_a_link_leads_where_the_host_says(client, crm, outbox, name):
    """Nothing in a request changes that."""
    wicked = "evil.example.com"
    call(client, "POST", "/password/reset-requests", {"email": "seller@example.com"}, **{name: wicked})
    crm.accounts.post.settle()
    assert wicked not in outbox.messages[0].text
    assert f"{BASE}/password-reset#" in outbox.messages[0].text


def test_a_reset(client, crm, outbox, secret):
    """It signs everybody out."""
    call(client, "POST", "/password/reset-requests", {"email": "seller@example.com"})
    crm.accounts.post.settle()
    body = {"secret": outbox.secret, "password": NEW}
    assert call(client, "POST", "/password/resets", {**body, "password": "short"}).status_code == 422
    assert call(client, "POST", "/password/resets", body).status_code == 204
    assert call(client, "POST", "/password/resets", body).status_code == 404
    assert call(client, "GET", "/me", secret=secret).status_code == 401
    assert sign_in(client, password=NEW).status_code == 201


def test_a_change_of_the_password(client, secret):
    """The other sessions end."""
    other = sign_in(client).json["secret"]
    wrong = call(client, "POST", "/password", {"current": "wrong horse battery", "password": NEW}, secret=secret)
    assert (wrong.status_code, list(wrong.json["errors"])) == (422, ["current"])
    assert call(client, "POST", "/password", {"current": PASSWORD, "password": NEW}, secret=secret).status_code == 204
    assert [call(client, "GET", "/me", secret=each).status_code for each in (secret, other)] == [200, 401]


def test_oneself(client, firm, secret):
    """Name, language and zone; the answer is oneself."""
    answer = call(client, "PATCH", "/me", {"name": "Sel Ler", "zone": "Europe/Vienna"}, secret=secret)
    assert (answer.status_code, answer.json["user"]["name"]) == (200, "Sel Ler")
    assert call(client, "PATCH", "/me", {"email": "x@example.com"}, secret=secret).status_code == 422
    assert call(client, "GET", "/me", secret=secret).json["user"]["zone"] == "Europe/Vienna"


@pytest.mark.parametrize(
    "method, path, body, fields",
    [
        ("POST", "/sessions", {"email": 1}, ["email"]),
        ("POST", "/sessions", {"mail": "x"}, ["mail"]),
        ("POST", "/tokens", {}, ["label"]),
        ("POST", "/tokens", {"label": "x", "days": True}, ["days"]),
        ("POST", "/tokens", {"label": "x", "days": 0}, ["days"]),
        ("POST", "/tokens", {"label": "x", "scopes": "deal.read"}, ["scopes"]),
        ("POST", "/tokens", {"label": "x", "scopes": ["dragon.read"]}, ["scopes"]),
        ("POST", "/invitations", {}, ["user_id"]),
        ("POST", "/invitations/accept", {"secret": "x"}, ["password"]),
        ("POST", "/password/reset-requests", {"email": None}, ["email"]),
        ("POST", "/password", {"current": "x", "password": "y", "keys": 1}, ["keys"]),
        ("GET", "/tokens?x=1", None, ["x"]),
    ],
)
def test_bad_input_is_named(client, secret, method, path, body, fields):
    """422, with each field."""
    answer = call(client, method, path, body, secret=secret)
    assert (answer.status_code, list(answer.json["errors"])) == (422, fields)


def test_answers_are_as_the_document_says(client, crm, firm, secret):
    """Of each operation that answers with something; and each example is as its schema says."""
    document = call(client, "GET", "/openapi.json").json
    answers = {
        "Session": sign_in(client),
        "Me": call(client, "GET", "/me", secret=secret),
        "NewKey": call(client, "POST", "/tokens", {"label": "x", "scopes": ["deal.read"]}, secret=secret),
        "Keys": call(client, "GET", "/tokens", secret=secret),
    }
    for name, answer in answers.items():
        Draft202012Validator({**document, "$ref": f"#/components/schemas/{name}"}).validate(answer.json)
    tagged = [each for path in document["paths"].values() for each in path.values() if each.get("tags") == ["accounts"]]
    assert len(tagged) == 12
    for operation in tagged:
        for content in operation.get("requestBody", {}).get("content", {}).values():
            Draft202012Validator({**document, **content["schema"]}).validate(content["example"])


def test_what_a_cookie_may_read_is_told_in_the_document(client, crm, cookie):
    """As for a token."""
    assert call(client, "GET", "/openapi.json", Cookie=cookie).status_code == 200
    assert call(client, "GET", "/openapi.json", Cookie=f"{cookie}x").status_code == 401


def test_no_answer_and_no_log_has_a_secret(client, crm, firm, secret, caplog):
    """But for the one that shows it."""
    make_deal(crm, by=firm.seller)
    for path in ("/me", "/deals", f"/users/{firm.seller.id}", "/tokens"):
        assert secret not in call(client, "GET", path, secret=secret).text
    assert secret not in caplog.text
    with crm.read(firm.owner) as reader:
        assert reader.count(Deal) == 1
