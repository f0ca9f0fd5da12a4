"""Files over REST: up as a form or as they are, down whole or in parts, and who was given them."""

from __future__ import annotations

import io

import pytest
from werkzeug.test import EnvironBuilder

from opencrm import Deal, files
from opencrm.testing import make_deal

PDF = b"%PDF-1.7 " + bytes(range(256)) * 40


@pytest.fixture
def deal(crm, firm):
    return make_deal(crm, by=firm.seller)


@pytest.fixture
def seller(as_, firm):
    return as_(firm.seller)


@pytest.fixture
def file(crm, firm, deal):
    """A file of the seller's deal."""
    return crm.files.add(firm.seller, Deal, deal.id, PDF, name="Größe.pdf").record_id


def form(*files, **fields):
    """Return a form's body and its type; each file has the name of its part, its content and its own name."""
    data = dict(fields)
    for part, content, name in files:
        data.setdefault(part, []).append((io.BytesIO(content), name))
    builder = EnvironBuilder(method="POST", data=data, content_type="multipart/form-data")
    with builder.get_request() as request, request.environ["wsgi.input"]:
        return request.get_data(), request.content_type


def test_a_file_comes_as_the_body(seller, deal):
    """Its name stands in the address."""
    made = seller.post(f"/v1/deals/{deal.id}/files?name=Offer.pdf", PDF, Content_Type="text/html")
    assert made.status_code == 201, made.text
    assert (made.json["name"], made.json["media_type"], made.json["size"]) == ("Offer.pdf", "application/pdf", len(PDF))
    assert made.headers["Location"].endswith(f"/api/v1/files/{made.json['id']}")
    assert seller.get(f"/v1/files/{made.json['id']}").json == made.json
    assert made.headers["ETag"] == seller.get(f"/v1/files/{made.json['id']}").headers["ETag"]


@pytest.mark.parametrize(
    "parts, name",
    [
        ({}, "C:Offer.pdf"),
        ({"name": "Named.pdf"}, "Named.pdf"),
    ],
)
def test_a_file_comes_in_a_form(seller, deal, parts, name):
    """Its name is that of the form or of its part."""
    body, kind = form(("file", PDF, "C:Offer.pdf"), **parts)
    made = seller.post(f"/v1/deals/{deal.id}/files", body, Content_Type=kind)
    assert (made.status_code, made.json["name"], made.json["size"]) == (201, name, len(PDF))


def test_a_record_lists_its_files(seller, deal, file, as_, firm):
    """In pages, with the filters of files; for who may read the record."""
    page = seller.get(f"/v1/deals/{deal.id}/files?limit=5&fields=id,name")
    assert page.json == {"items": [{"id": file, "name": "Größe.pdf"}], "next": None}
    assert seller.get(f"/v1/deals/{deal.id}/files?name=other").json["items"] == []
    assert as_(firm.stranger).get(f"/v1/deals/{deal.id}/files").status_code == 404
    assert seller.get("/v1/deals/0190a000-0000-7000-8000-000000000000/files").status_code == 404


def test_it_goes_out_as_an_attachment(seller, file):
    """Of a safe type, that nobody guesses at, under the name that it has in every alphabet."""
    answer = seller.get(f"/v1/files/{file}/content")
    assert (answer.status_code, answer.data) == (200, PDF)
    assert answer.headers["Content-Type"] == "application/pdf"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert (
        answer.headers["Content-Disposition"]
        == "attachment; filename=\"Gr__e.pdf\"; filename*=UTF-8''Gr%C3%B6%C3%9Fe.pdf"
    )
    assert answer.headers["Content-Length"] == str(len(PDF))
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize("name", ['a"b;c.pdf', "a\tb.pdf", "a%22.pdf", "x; filename=evil.exe", "ünï.pdf"])
def test_a_name_breaks_out_of_no_header(seller, deal, name):
    """Quotes, semicolons and line ends stay within."""
    from urllib.parse import quote

    made = seller.post(f"/v1/deals/{deal.id}/files?name={quote(name)}", PDF)
    if made.status_code == 422:
        assert list(made.json["errors"]) == ["name"]
        return
    told = seller.get(f"/v1/files/{made.json['id']}/content").headers["Content-Disposition"]
    assert told.isascii()
    assert told.count('"') == 2
    assert told.startswith('attachment; filename="')
    assert "evil" not in told.partition("*=")[2] or "%3B" in told


@pytest.mark.parametrize(
    "kind, body", [("page.html", b"<script>alert(1)</script>"), ("a.svg", b"<svg onload='alert(1)'/>"), ("a.js", b"1")]
)
def test_nothing_goes_out_that_a_browser_runs(seller, deal, kind, body):
    made = seller.post(f"/v1/deals/{deal.id}/files?name={kind}", body)
    assert made.json["media_type"] == "application/octet-stream"


@pytest.mark.parametrize(
    "wanted, status, start, end",
    [
        ("bytes=0-9", 206, 0, 10),
        ("bytes=10-", 206, 10, len(PDF)),
        ("bytes=-5", 206, len(PDF) - 5, len(PDF)),
        ("bytes=0-999999", 206, 0, len(PDF)),
        ("bytes=-999999", 206, 0, len(PDF)),
        (f"bytes=-{len(PDF)}", 206, 0, len(PDF)),
        ("bytes=0-1,5-6", 200, 0, len(PDF)),
        ("lines=0-1", 200, 0, len(PDF)),
        ("bytes=x", 200, 0, len(PDF)),
    ],
)
def test_a_part_of_it(seller, file, wanted, status, start, end):
    """What is asked for, where it is one part."""
    answer = seller.get(f"/v1/files/{file}/content", Range=wanted)
    assert (answer.status_code, answer.data) == (status, PDF[start:end])
    told = f"bytes {start}-{end - 1}/{len(PDF)}" if status == 206 else None
    assert answer.headers.get("Content-Range") == told
    assert answer.headers["Content-Length"] == str(end - start)


def test_a_part_that_is_not_there(seller, file):
    answer = seller.get(f"/v1/files/{file}/content", Range=f"bytes={len(PDF)}-")
    assert (answer.status_code, answer.headers["Content-Range"]) == (416, f"bytes */{len(PDF)}")


def test_what_one_has_is_not_sent_again(seller, file, crm, firm):
    """By its hash; and nothing is written down, since nothing is given."""
    tag = seller.get(f"/v1/files/{file}/content").headers["ETag"]
    assert seller.get(f"/v1/files/{file}/content", If_None_Match=tag).status_code == 304
    assert seller.call("HEAD", f"/v1/files/{file}/content").headers["Content-Length"] == str(len(PDF))
    assert seller.get(f"/v1/files/{file}/content", Range="bytes=0-1", If_Range=tag).status_code == 206
    assert seller.get(f"/v1/files/{file}/content", Range="bytes=0-1", If_Range='"other"').status_code == 200
    with crm.read(firm.seller) as reader:
        assert len(files.readers(reader, file)) == 3


def test_versions(seller, file, as_, firm):
    """A new one, the list of them, and what the file held before."""
    made = as_(firm.lead).post(f"/v1/files/{file}/versions", b"%PDF-1.7 new")
    assert (made.status_code, made.json["number"], made.json["name"]) == (201, 2, "Größe.pdf")
    body, kind = form(("file", b"third", "client-side.txt"), name="New.txt")
    assert seller.post(f"/v1/files/{file}/versions", body, Content_Type=kind).json["name"] == "New.txt"
    listed = seller.get(f"/v1/files/{file}/versions").json["items"]
    assert [(it["number"], it["size"]) for it in listed] == [(3, 5), (2, 12), (1, len(PDF))]
    assert seller.get(f"/v1/files/{file}/content").data == b"third"
    assert seller.get(f"/v1/files/{file}/versions/1/content").data == PDF
    for number in ("4", "x", "-1", "99999999999", "٣"):
        assert seller.get(f"/v1/files/{file}/versions/{number}/content").status_code == 404


def test_who_was_given_it(seller, file, as_, firm):
    """The latest first, in pages; for whoever may change the record."""
    for who in (firm.viewer, firm.head):
        assert as_(who).get(f"/v1/files/{file}/content").status_code == 200
    page = seller.get(f"/v1/files/{file}/readers?limit=1").json
    assert [it["principal"] for it in page["items"]] == [f"user:{firm.head.id}"]
    rest = seller.get(f"/v1/files/{file}/readers?before={page['next']}").json
    assert [it["principal"] for it in rest["items"]] == [f"user:{firm.viewer.id}"]
    refused = as_(firm.viewer).get(f"/v1/files/{file}/readers")
    assert (refused.status_code, refused.json["code"]) == (403, "permission_denied")


def test_the_gates(deal, file, as_, firm, nobody):
    """Nobody, strangers, and those who may only read."""
    stranger, viewer = as_(firm.stranger), as_(firm.viewer)
    for path in (f"/v1/files/{file}/content", f"/v1/files/{file}/versions", f"/v1/files/{file}/readers"):
        assert (nobody.get(path).status_code, stranger.get(path).status_code) == (401, 404)
    for path in (f"/v1/deals/{deal.id}/files?name=a", f"/v1/files/{file}/versions"):
        statuses = [it.post(path, b"x").status_code for it in (nobody, stranger, viewer)]
        assert statuses == [401, 404, 403]


def test_a_key_that_only_reads_adds_nothing(crm, firm, deal, file, seller):
    """The scopes of a token bind files as they bind the record."""
    from opencrm import Grant, Scope
    from opencrm.embed import issue_token

    with crm.work(firm.owner) as work:
        secret = issue_token(work, firm.seller.id, label="reads", scopes=[Grant("deal", "read", Scope.ALL)])
    key = type(seller)(seller.client, secret)
    assert key.get(f"/v1/files/{file}/content").data == PDF
    assert key.post(f"/v1/deals/{deal.id}/files?name=a", b"x").status_code == 403


@pytest.mark.parametrize(
    "query, body, kind, wrong",
    [
        ("", b"x", "text/plain", {"name"}),
        ("?name=", b"x", "text/plain", {"name"}),
        ("?name=a/b", b"x", "text/plain", {"name"}),
        ("?name=a%00b", b"x", "text/plain", {"name"}),
        ("?name=a%0Ab", b"x", "text/plain", {"name"}),
        ("?name=%ff", b"x", "text/plain", {"query"}),
        ("?name=a&name=b", b"x", "text/plain", {"name"}),
        ("?nam=a", b"x", "text/plain", {"nam"}),
        ("?name=a", *form(name="a"), {"file"}),
        ("?name=a", *form(("other", b"x", "a")), {"other"}),
        ("?name=a", *form(("file", b"x", "a"), ("file", b"x", "b")), {"file"}),
        ("?name=a", *form(("file", b"x", "a"), path="/etc"), {"path"}),
        ("", *form(("file", b"x", "../../etc/passwd")), {"name"}),
        ("?name=a", b"no form", "multipart/form-data; boundary=x", {"file"}),
        ("?name=a", b"no form", "multipart/form-data", {"file"}),
        ("?name=a", b"file=x", "application/x-www-form-urlencoded", {"file"}),
    ],
    ids=map(str, range(16)),
)
def test_hostile_uploads_are_refused_by_name(seller, deal, crm, query, body, kind, wrong):
    """With the field's name; nothing is added."""
    answer = seller.post(f"/v1/deals/{deal.id}/files{query}", body, Content_Type=kind)
    assert answer.status_code in (400, 422), answer.text
    if answer.status_code == 422:
        assert set(answer.json["errors"]) == wrong
    assert seller.get(f"/v1/deals/{deal.id}/files").json["items"] == []


def test_what_is_larger_than_other_bodies(seller, deal, crm):
    """A file may be larger than a megabyte, and no larger than the host says."""
    made = seller.post(f"/v1/deals/{deal.id}/files?name=a", b"x" * 3 * 2**20)
    assert (made.status_code, made.json["size"]) == (201, 3 * 2**20)
    crm.workspace.contents.largest = 2**20
    body, kind = form(("file", b"x" * (2**20 + 1), "a"))
    for given in ((b"x" * (2**20 + 1), "text/plain"), (b"x" * 2**22, "text/plain"), (body, kind)):
        answer = seller.post(f"/v1/deals/{deal.id}/files?name=a", given[0], Content_Type=given[1])
        assert (answer.status_code, list(answer.json["errors"])) == (422, ["file"])
    assert "at most 1 MB" in answer.json["detail"]


def test_no_file_without_its_content(seller, deal, file):
    """The generic creation refuses, and says how; a file is renamed and deleted like any record."""
    given = {"name": "a.pdf", "entity": "deal", "record_id": deal.id}
    refused = seller.post("/v1/files", given)
    assert (refused.status_code, list(refused.json["errors"])) == (422, ["file"])
    assert "POST /api/v1/<plural>/<id>/files" in refused.json["detail"]
    assert seller.post("/v1/file-versions", {"name": "a"}).status_code == 422
    assert seller.patch(f"/v1/files/{file}", {"name": "b.pdf"}).json["name"] == "b.pdf"
    assert seller.patch(f"/v1/files/{file}", {"sha256": "0" * 64}).status_code == 422
    assert seller.delete(f"/v1/files/{file}").status_code == 204
    assert seller.get(f"/v1/files/{file}/content").status_code == 404
    assert seller.post(f"/v1/files/{file}/restore").status_code == 200
    assert seller.get(f"/v1/files/{file}/content").data == PDF


def test_a_content_that_is_not_there_is_told_without_a_path(seller, file, crm, firm):
    """Before a byte, and nobody is said to have been given it."""
    for path in crm.workspace.contents._place._root.rglob("*"):
        if path.is_file():
            path.unlink()
    answer = seller.get(f"/v1/files/{file}/content")
    assert (answer.status_code, answer.json["code"]) == (503, "configuration")
    assert str(crm.workspace.contents._place._root) not in answer.text
    with crm.read(firm.seller) as reader:
        assert files.readers(reader, file) == ()


def test_the_document_tells_of_files(api):
    """Each route, and the two ways in which a file comes."""
    paths = api.get("/v1/openapi.json").json["paths"]
    add = paths["/deals/{id}/files"]["post"]
    assert set(add["requestBody"]["content"]) == {"multipart/form-data", "application/octet-stream"}
    assert {"206", "304", "416"} <= set(paths["/files/{id}/content"]["get"]["responses"])
    assert "post" not in paths["/files"]
    assert "/files/{id}/files" not in paths


@pytest.fixture
def only_two(monkeypatch):
    """Two files are sent at once."""
    monkeypatch.setattr("opencrm.plugins.rest.filing.outgoing._MOST", 2)


@pytest.mark.usefixtures("only_two")
def test_so_many_files_are_on_their_way_at_once(as_, firm, file):
    """Each keeps a file open until it was taken, or nobody wants it any more; nobody is noted who was given nothing."""
    seller = as_(firm.seller)
    first, second = (seller.get(f"/v1/files/{file}/content") for _ in range(2))
    refused = seller.get(f"/v1/files/{file}/content")
    assert (refused.status_code, refused.json["code"]) == (503, "unavailable")
    assert len(seller.get(f"/v1/files/{file}/readers").json["items"]) == 2
    first.close()
    with seller.get(f"/v1/files/{file}/content", Range="bytes=0-4") as again:
        assert again.data == PDF[:5]
    second.close()
