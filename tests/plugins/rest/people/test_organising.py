"""Transfers and copies of roles over REST."""

from __future__ import annotations

import pytest

from opencrm import transferring

NOBODY = "0190a000-0000-7000-8000-000000000000"


def test_a_transfer_is_shown_done_and_undone(as_, firm):
    """Counts per entity and person, by an act that takes it all back."""
    seller, head = as_(firm.seller), as_(firm.head)
    for at in range(4):
        seller.make("contacts", name=f"C{at}")
    path, to = f"/v1/users/{firm.seller.id}/transfer", [firm.fitter.id, firm.lead.id]
    shown = head.post(path, {"to": to, "dry_run": True})
    assert (shown.status_code, shown.json["act"], "OpenCRM-Act" in shown.headers) == (200, None, False)
    assert shown.json["given"] == [{"entity": "contact", "user_id": id, "number": 2} for id in sorted(to)]
    assert {row["owner_id"] for row in head.get("/v1/contacts").json["items"]} == {firm.seller.id}
    done = head.post(path, {"to": to})
    assert done.headers["OpenCRM-Act"] == done.json["act"]
    assert (done.json["given"], done.json["refused"]) == (shown.json["given"], [])
    assert {row["owner_id"] for row in head.get("/v1/contacts").json["items"]} == set(to)
    assert head.post("/v1/undo", {"act": done.json["act"]}).status_code == 200
    assert {row["owner_id"] for row in head.get("/v1/contacts").json["items"]} == {firm.seller.id}


def test_what_is_out_of_reach_is_counted(as_, firm):
    """403, with how many; nothing was given."""
    as_(firm.seller).make("contacts", name="C")
    answer = as_(firm.head).post(f"/v1/users/{firm.seller.id}/transfer", {"to": [firm.stranger.id]})
    assert answer.status_code == 403
    assert "out of reach are 1 of 1 records (contact 1); nothing was given" in answer.text
    assert as_(firm.viewer).post(f"/v1/users/{firm.seller.id}/transfer", {"to": [firm.head.id]}).status_code == 403


def test_one_request_takes_so_many(as_, firm, monkeypatch):
    """More is refused, and not begun."""
    monkeypatch.setattr(transferring, "MOST", 1)
    for name in ("A", "B"):
        as_(firm.seller).make("contacts", name=name)
    answer = as_(firm.head).post(f"/v1/users/{firm.seller.id}/transfer", {"to": [firm.fitter.id]})
    assert (answer.status_code, list(answer.json["errors"])) == (422, ["user"])


@pytest.mark.parametrize(
    "body, field",
    [
        ({}, "to"),
        ({"to": []}, "to"),
        ({"to": "x"}, "to"),
        ({"to": ["x"]}, "to"),
        ({"to": [1]}, "to"),
        ({"to": [NOBODY]}, "to"),
        ({"to": [NOBODY], "dry_run": "yes"}, "dry_run"),
        ({"to": [NOBODY], "nonsense": 1}, "nonsense"),
    ],
)
def test_a_bad_body_is_refused_by_name(as_, firm, body, field):
    """Whatever is wrong with it."""
    answer = as_(firm.head).post(f"/v1/users/{firm.seller.id}/transfer", body)
    assert (answer.status_code, list(answer.json["errors"])) == (422, [field])


@pytest.mark.parametrize("user", [NOBODY, "x"])
def test_nobody_has_nothing(as_, firm, user):
    """404, and so is the act of somebody else."""
    head = as_(firm.head)
    assert head.post(f"/v1/users/{user}/transfer", {"to": [firm.fitter.id]}).status_code == 404
    body = {"to": [firm.fitter.id], "act": NOBODY}
    assert head.post(f"/v1/users/{firm.seller.id}/transfer", body).status_code == 404


def test_a_role_is_copied(as_, firm):
    """With what the body says otherwise; the answer is the record, at its address, and it can be undone."""
    owner = as_(firm.owner)
    one = owner.get(f"/v1/roles/{firm.roles['firm_lead']}").json
    made = owner.post(f"/v1/roles/{one['id']}/copy", {"key": "lead_2", "rank": 390})
    assert made.status_code == 201, made.text
    copied = owner.get(made.headers["Location"].removeprefix("/api")).json
    assert copied == made.json
    assert (copied["key"], copied["name"], copied["rank"]) == ("lead_2", "lead (copy)", 390)
    assert (copied["grants"], copied["home_unit_id"]) == (one["grants"], None)
    owner.post("/v1/undo", {"act": made.headers["OpenCRM-Act"]})
    assert owner.get(f"/v1/roles/{copied['id']}").status_code == 404


def test_copies_that_are_refused(as_, firm):
    """By the field, by the status."""
    owner, path = as_(firm.owner), f"/v1/roles/{firm.roles['firm_lead']}/copy"
    assert owner.post(path, {}).json["errors"] == {"key": ["is required"]}
    assert owner.post(path, {"key": "x", "nonsense": 1}).json["errors"].keys() == {"nonsense"}
    assert owner.post(path, {"key": "firm_lead"}).status_code == 409
    assert owner.post(f"/v1/roles/{NOBODY}/copy", {"key": "x"}).status_code == 404
    assert as_(firm.seller).post(path, {"key": "x"}).status_code == 403
