"""What is refused, and how: problem details with a stable code, never a traceback."""

from __future__ import annotations

import logging

import orjson
import pytest
from werkzeug.test import Client

from opencrm import CRM, ConfigurationError, PluginError, hookimpl
from opencrm.app.serving import wsgi
from opencrm.plugins.rest import build
from opencrm.testing.factories import make_deal

UNKNOWN = "0190c2f0-0000-7000-8000-000000000000"


def is_problem(answer, status, code):
    assert answer.status_code == status, answer.text
    assert answer.mimetype == "application/problem+json"
    assert answer.json["code"] == code
    assert answer.json["status"] == status
    assert "Traceback" not in answer.text
    return True


def test_who_does_not_sign_in_gets_401(nobody, api):
    """Without a token, with a wrong scheme, with a wrong one: each is told how."""
    for credentials in (None, "Basic YTpi", "Bearer", "Bearer ", "Bearer opencrm_wrong", "Bearer \xe9\xff"):
        headers = {} if credentials is None else {"Authorization": credentials}
        answer = nobody.get("/v1/deals", **headers)
        assert is_problem(answer, 401, "not_signed_in")
        assert answer.headers["WWW-Authenticate"] == 'Bearer realm="opencrm"'
    assert nobody.get("/v1/deals", Authorization=f"bearer {api.token}").status_code == 200


def test_a_stranger_does_not_learn_which_entities_there_are(nobody):
    """Without a token an address that is and one that is not answer alike."""
    assert nobody.get("/v1/deals").data == nobody.get("/v1/dragons").data


def test_what_may_not_be_known_is_not_there(as_, firm, crm):
    """The same bytes, whether a record is another's, deleted, unknown or no id at all; on every route."""
    seller, other = as_(firm.seller), make_deal(crm, by=firm.stranger).id
    routes = [
        ("GET", "", None),
        ("PATCH", "", {"title": "x"}),
        ("DELETE", "", None),
        ("GET", "/history", None),
        ("POST", "/restore", None),
        ("POST", "/move", {"to": "lost"}),
        ("POST", "/assign", {"owner_id": firm.seller.id}),
    ]
    for method, path, body in routes:
        answers = {seller.call(method, f"/v1/deals/{id}{path}", body).data for id in (other, UNKNOWN)}
        assert len(answers) == 1
        assert is_problem(seller.call(method, f"/v1/deals/{other}{path}", body), 404, "not_found")
        assert is_problem(seller.call(method, f"/v1/deals/seven{path}", body), 404, "not_found")
        assert is_problem(seller.call(method, f"/v1/deals/{'x' * 36}{path}", body), 404, "not_found")


def test_what_may_not_be_done_is_403(as_, firm, crm):
    """Whoever may know of a record is told what they lack."""
    deal = make_deal(crm, by=firm.seller)
    answer = as_(firm.viewer).patch(f"/v1/deals/{deal.id}", {"title": "x"})
    assert is_problem(answer, 403, "permission_denied")
    assert answer.json["details"]["action"] == "deal.update"
    assert answer.json["detail"] == "you may not do this: deal.update (no grant of deal.update reaches the record)"
    assert firm.viewer.id not in answer.text


@pytest.mark.parametrize(
    "body, status, code",
    [
        (b"", 400, "malformed_request"),
        (b"{", 400, "malformed_request"),
        (b"\xff\xfe", 400, "malformed_request"),
        (b'{"title": "\\ud800"}', 422, "invalid_input"),
        (b'{"\\ud800": 1}', 400, "malformed_request"),
        (b'{"title": NaN}', 422, "invalid_input"),
        (b"[" * 100_000, 400, "malformed_request"),
        (b'{"lines": ' + b"[" * 1000 + b"]" * 1000 + b"}", 422, "invalid_input"),
        (b"[]", 422, "invalid_input"),
        (b"null", 422, "invalid_input"),
        (b"{}", 422, "invalid_input"),
        (orjson.dumps({"title": "a\0b"}), 422, "invalid_input"),
        (orjson.dumps({"title": "x" * 201}), 422, "invalid_input"),
        (orjson.dumps({"title": {"a": 1}}), 422, "invalid_input"),
        (orjson.dumps({"title": "x", "amount": 1e300}), 422, "invalid_input"),
        (orjson.dumps({"title": "x", "amount": "1e99999999"}), 422, "invalid_input"),
        (orjson.dumps({"title": "x", "amount": True}), 422, "invalid_input"),
        (orjson.dumps({"title": "x", "contact_id": UNKNOWN}), 422, "invalid_input"),
        (orjson.dumps({"title": "x", "owner_id": UNKNOWN}), 422, "invalid_input"),
        (orjson.dumps({"title": "x", "unit_id": UNKNOWN}), 422, "invalid_input"),
        (orjson.dumps({"title": "x", "stage": "nowhere"}), 422, "invalid_input"),
        (orjson.dumps({"title": "x", "pipeline": "nowhere"}), 422, "invalid_input"),
        (orjson.dumps({"title": "x", "lines": {"title": "y"}}), 422, "invalid_input"),
        (orjson.dumps({"title": "x", "lines": [7]}), 422, "invalid_input"),
        (orjson.dumps({"title": "x", "wings": 2}), 422, "invalid_input"),
        (orjson.dumps({"title": "x", "": 2}), 422, "invalid_input"),
        (b'{"title": "' + b"x" * 2**20 + b'"}', 413, "too_large"),
    ],
)
def test_a_bad_body_is_refused(api, body, status, code):
    """With its code, and nothing is written."""
    assert is_problem(api.call("POST", "/v1/deals", body), status, code)
    assert api.get("/v1/deals").json["items"] == []


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32", "latin-1"])
def test_a_body_is_utf_8(api, encoding):
    """In no other encoding, as the documentation says."""
    body = '{"title": "Größe"}'.encode(encoding)
    assert is_problem(api.call("POST", "/v1/deals", body), 400, "malformed_request")


def test_a_body_is_json(api):
    """Another kind is refused, however well it reads; a charset does not matter."""
    for kind in ("text/plain", "application/x-www-form-urlencoded", ""):
        assert is_problem(
            api.call("POST", "/v1/deals", b'{"title": "x"}', Content_Type=kind), 415, "unsupported_media_type"
        )
    good = api.call("POST", "/v1/deals", b'{"title": "x"}', Content_Type="application/json; charset=utf-8")
    assert good.status_code == 201


def test_a_body_where_none_is_wanted_is_refused(api, crm):
    """Deleting and restoring take none."""
    deal = make_deal(crm)
    assert is_problem(api.call("DELETE", f"/v1/deals/{deal.id}", {"cascade": True}), 422, "invalid_input")
    assert is_problem(api.call("DELETE", f"/v1/deals/{deal.id}", b"x" * 2**21), 413, "too_large")


@pytest.mark.parametrize(
    "path", ["/", "/v2/deals", "/v1/dragons", "/v1//deals", "/v1/deals/1/2/3", "/docs/../x", "/\0"]
)
def test_an_unknown_address_is_404(api, path):
    """With the same bytes for each."""
    answer = api.get(path)
    assert is_problem(answer, 404, "not_found")
    assert answer.json["detail"] == "there is nothing at this address"


@pytest.mark.parametrize("method", ["PUT", "TRACE", "DELETE", "PATCH", "NONSENSE"])
def test_an_unknown_method_is_405(api, method):
    """And says which there are."""
    answer = api.call(method, "/v1/deals")
    assert is_problem(answer, 405, "method_not_allowed")
    assert {each.strip() for each in answer.headers["Allow"].split(",")} == {"GET", "HEAD", "OPTIONS", "POST"}


def test_head_and_options(api):
    """HEAD is GET without the body; OPTIONS tells the methods, to anybody, and allows no other origin."""
    got, head = api.get("/v1/deals"), api.call("HEAD", "/v1/deals")
    assert (head.status_code, head.data, head.headers["Content-Type"]) == (200, b"", got.headers["Content-Type"])
    options = api.call("OPTIONS", "/v1/deals", Origin="https://evil.example")
    assert (options.status_code, options.data) == (200, b"")
    assert "POST" in options.headers["Allow"]
    assert not [name for name, _ in options.headers if name.startswith("Access-Control")]


def test_data_is_neither_kept_nor_guessed(api, nobody):
    """Every answer, problems among them, says how it may be used."""
    for answer in (api.get("/v1/deals"), nobody.get("/v1/deals"), api.get("/nowhere")):
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")


class Saboteur:
    """Breaks where it is asked."""

    @hookimpl(entity="task")
    def opencrm_check_change(self, changes):
        raise LookupError("a secret")


@pytest.mark.parametrize("crm_plugins", [[Saboteur()]])
def test_a_broken_plugin_is_named_and_nothing_more(api, caplog):
    """503, the plugin's name, no word of what it said; the log has it."""
    caplog.set_level(logging.CRITICAL, logger="opencrm.rest")
    answer = api.post("/v1/tasks", {"title": "x"})
    assert is_problem(answer, 503, PluginError.code)
    assert "saboteur" in answer.text
    assert "secret" not in answer.text


def test_an_error_inside_is_told_without_its_reason(api, monkeypatch, caplog):
    """500, a code, the reason in the log alone."""
    monkeypatch.setattr("opencrm.plugins.rest.handling.records.query_of", lambda *_: 1 / 0)
    answer = api.get("/v1/deals")
    assert is_problem(answer, 500, "internal")
    assert "ZeroDivisionError" in caplog.text
    assert "division" not in answer.text


def test_a_workspace_that_is_not_set_up_answers_503(tmp_path, caplog):
    """It is no error of the client's."""
    crm = CRM(f"sqlite:///{tmp_path / 'empty.db'}")
    crm.upgrade()
    client = Client(build(crm))
    for path in ("/v1/deals", "/v1/openapi.json"):
        assert is_problem(client.get(path, headers={"Authorization": "Bearer x"}), 503, ConfigurationError.code)
    crm.close()


def test_a_workspace_that_goes_away_answers_503(api, crm, caplog):
    """The database's own words stay in the log."""
    with crm.database.write() as tx:
        tx.connection.exec_driver_sql(_away(crm))
    answer = api.get("/v1/deals")
    assert is_problem(answer, 503, "configuration")
    assert "crm_token" not in answer.text
    with crm.database.write() as tx:
        tx.connection.exec_driver_sql(_away(crm, back=True))


def _away(crm, *, back=False):
    home = f"{crm.database.schema}." if crm.database.schema else ""
    old, new = ("crm_gone", "crm_token") if back else ("crm_token", "crm_gone")
    return f"ALTER TABLE {home}{old} RENAME TO {new}"


def _made_below(crm, api, mount):
    return Client(wsgi(crm)).post(
        "/api/v1/deals/",
        base_url=f"http://localhost{mount}",
        json={"title": "x"},
        headers={"Authorization": f"Bearer {api.token}"},
    )


def test_below_another_path(crm, api):
    """Mounted deeper, by a host or a proxy, addresses follow."""
    assert _made_below(crm, api, "/crm").headers["Location"].startswith("/crm/api/v1/deals/")


def test_below_a_path_that_is_not_plain(crm, api):
    """A header carries plain letters only, so the address is escaped."""
    made = _made_below(crm, api, "/b\u00fcro 100%")
    assert made.headers["Location"] == f"/b%C3%BCro%20100%25/api/v1/deals/{made.json['id']}"
