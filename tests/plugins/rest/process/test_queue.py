"""The queue over REST: owners see it and act on it; others see what waits of a record that they may read."""

from __future__ import annotations

import pytest

from opencrm import Contact, Grant, Rule, Scope, Service, call, created, hookimpl, notify, owner
from opencrm.embed import SignIn, notification_choices
from opencrm.testing import make_contact


class Broken:
    """Takes nothing."""

    name = "broken"

    @hookimpl
    def opencrm_register_grants(self):
        yield Grant("contact", "read", Scope.ALL)

    @hookimpl(entity="contact")
    def opencrm_on_change(self, entry):
        raise ValueError("no")


@pytest.fixture
def crm_plugins():
    return [Broken()]


def test_an_owner_lists_retries_and_drops(crm, firm, api):
    """What failed is there with its error; a dropped one stays on the record with the reason."""
    ann = make_contact(crm, name="Ann")
    crm.worker().run_once()
    shown = api.get("/v1/queue").json
    [one] = shown["items"]
    assert (one["plugin"], one["record_id"], one["attempts"]) == ("broken", ann.id, 1)
    assert "ValueError" in one["error"]
    assert shown["counts"][0]["number"] == 1
    assert api.post("/v1/queue", {"do": "retry", "id": one["id"]}).json == {"number": 1}
    assert api.post("/v1/queue", {"do": "drop", "id": one["id"], "reason": "not wanted"}).status_code == 200
    [dropped] = api.get(f"/v1/contacts/{ann.id}/queue").json["items"]
    assert dropped["state"] == "dropped"
    assert "not wanted" in dropped["error"]


class Failing:
    """Has a rule whose service fails."""

    @hookimpl
    def opencrm_register_services(self):
        yield Service(name="failing_run", run=self.run)

    @hookimpl
    def opencrm_register_rules(self):
        yield Rule("failing_rule", on=created(Contact), do=[call("failing_run")])

    def run(self, door, values):
        raise LookupError("away")


class Telling:
    """Has a rule that tells the owner of a new contact."""

    @hookimpl
    def opencrm_register_rules(self):
        yield Rule("telling", on=created(Contact), do=[notify(owner, "New: {name}")])


class TestRules:
    """What of rules failed too often stands beside what plugins are told."""

    @pytest.fixture
    def crm_plugins(self):
        return [Failing()]

    def test_a_run_that_failed_is_shown_and_tried_again(self, crm, firm, api):
        """By its id."""
        ann = make_contact(crm, name="Ann")
        for _ in range(9):
            crm.worker().run_once()
            crm.advance("1h")
        shown = api.get("/v1/queue").json
        [one] = shown["stuck"]
        assert (one["kind"], one["name"], one["state"], one["record_id"]) == ("run", "failing_rule", "failed", ann.id)
        assert shown["counts"][0]["kind"] == "rule"
        assert api.post("/v1/queue", {"do": "retry", "id": one["id"]}).json == {"number": 1}
        assert api.get("/v1/queue").json["stuck"] == []


class TestMail:
    """Letters that no server took stand there, too."""

    @pytest.fixture
    def crm_plugins(self):
        return [Telling()]

    def test_a_letter_is_shown_tried_again_and_dropped(self, crm, firm, api):
        """By its id, with the person whom it is for."""
        crm.accounts.policy = SignIn(base_url="https://crm.example.com", mail_url="smtp://127.0.0.1:1")
        with crm.work(firm.seller) as work:
            notification_choices.choose(work, "rule", "mail", wanted=True)
        ann = make_contact(crm, by=firm.seller, name="Ann")
        for _ in range(9):
            crm.worker().run_once()
            crm.advance("2h")
        [one] = api.get("/v1/queue?state=dead").json["stuck"]
        assert (one["kind"], one["name"], one["state"], one["record_id"]) == ("mail", "seller", "dead", ann.id)
        assert [it["number"] for it in api.get("/v1/queue").json["counts"] if it["kind"] == "mail"] == [1]
        drop = {"do": "drop", "id": one["id"], "reason": "not wanted"}
        assert api.post("/v1/queue", {"do": "retry", "id": one["id"]}).json == {"number": 1}
        assert api.post("/v1/queue", drop).status_code == 404
        for _ in range(9):
            crm.worker().run_once()
            crm.advance("2h")
        assert api.post("/v1/queue", drop).json == {"number": 1}
        assert api.get("/v1/queue").json["stuck"] == []


def test_others_see_that_something_waits_and_no_more(crm, firm, as_):
    """Who may not read the record learns nothing; the queue is the owners'."""
    ann = make_contact(crm, by=firm.seller, name="Ann")
    crm.worker().run_once()
    [one] = as_(firm.seller).get(f"/v1/contacts/{ann.id}/queue").json["items"]
    assert (one["state"], one["error"]) == ("waiting", None)
    assert as_(firm.fitter).get(f"/v1/contacts/{ann.id}/queue").status_code == 404
    assert as_(firm.seller).get("/v1/queue").status_code == 403
    assert as_(firm.seller).post("/v1/queue", {"do": "retry"}).status_code == 403


@pytest.mark.parametrize(
    "body, field",
    [
        ({}, "do"),
        ({"do": "burn"}, "do"),
        ({"do": "drop"}, "id"),
        ({"do": "retry", "all": True}, "all"),
        ({"do": "drop", "id": "0190a6f0-0000-7000-8000-000000000000"}, "reason"),
    ],
)
def test_bad_input_names_the_argument(api, body, field):
    """Nothing is done."""
    refused = api.post("/v1/queue", body)
    assert refused.status_code == 422
    assert field in refused.json["errors"]
