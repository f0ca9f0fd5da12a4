"""Imports over REST: listed, shown, taken back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from opencrm import CRM
from opencrm.plugins.importing.running import Wish, run_import
from opencrm.testing import Firm


@contextmanager
def _no_bar(_label: str, _length: int) -> Iterator[Callable[[int], None]]:
    yield lambda _steps: None


@pytest.fixture
def brought(crm: CRM, firm: Firm, tmp_path):
    """Three companies of an owner's, then one of the lead's; their import's file."""
    for who, rows in ((firm.owner, "Acme\nBeta\nCeta\n"), (firm.lead, "Delta\n")):
        path = tmp_path / f"{len(rows)}.csv"
        path.write_text(f"name\n{rows}")
        run_import(crm, who, Wish(path=path, entity="company"), _no_bar)


def test_an_owner_sees_all_and_others_their_own(as_, firm, brought):
    """Page by page, the latest first; somebody else's is not there."""
    owner, lead = as_(firm.owner), as_(firm.lead)
    [latest] = (page := owner.get("/v1/imports?limit=1").json)["items"]
    assert latest["counts"] == {"company created": 1, "rows": 1, "rejected": 0}
    [first] = (last := owner.get(f"/v1/imports?limit=1&before={page['next']}").json)["items"]
    assert (first["rows_done"], first["state"], last["next"]) == (3, "done", None)
    assert [item["id"] for item in lead.get("/v1/imports").json["items"]] == [latest["id"]]
    assert owner.get(f"/v1/imports/{first['id']}").json == first
    assert lead.get(f"/v1/imports/{first['id']}").status_code == 404
    assert lead.post(f"/v1/imports/{first['id']}/undo", {"dry_run": False}).status_code == 404


def test_one_is_taken_back_but_for_what_changed_since(as_, firm, brought):
    """First told, then done; the answer names the act, and who stays."""
    owner = as_(firm.owner)
    first = owner.get("/v1/imports").json["items"][1]
    acme = owner.get("/v1/companies?name=Acme").json["items"][0]["id"]
    assert owner.patch(f"/v1/companies/{acme}", {"city": "York"}).status_code == 200
    address = f"/v1/imports/{first['id']}/undo"
    told = owner.post(address, {}).json
    done = owner.post(address, {"dry_run": False}).json
    assert (told["act"], told["records"], told["refused"]) == (None, done["records"], done["refused"])
    assert done["records"]["company"] == 2
    assert [(each["record"], each["code"]) for each in done["refusals"]] == [(acme, "undo_refused")]
    assert {item["name"] for item in owner.get("/v1/companies").json["items"]} >= {"Acme", "Delta"}
    assert owner.get(f"/v1/imports/{first['id']}").json["state"] == "partly undone"


def test_the_files_of_one_call_are_taken_back_by_their_run(as_, crm, firm, tmp_path):
    """Its id stands for all of them."""
    (tmp_path / "a.csv").write_text("name\nAcme\n")
    (tmp_path / "b.csv").write_text("name\nBeta\n")
    target = '[[file.target]]\nentity = "company"\nfields.name = "name"\n'
    (tmp_path / "two.toml").write_text("".join(f'[[file]]\npath = "{name}.csv"\n{target}' for name in "ab"))
    run_import(crm, firm.owner, Wish(path=tmp_path, map=tmp_path / "two.toml"), _no_bar)
    owner = as_(firm.owner)
    one, other = owner.get("/v1/imports").json["items"]
    done = owner.post(f"/v1/imports/{one['run']}/undo", {"dry_run": False}).json
    assert (one["run"], done["records"]["company"]) == (other["run"], 2)
    assert {item["state"] for item in owner.get("/v1/imports").json["items"]} == {"undone"}


@pytest.mark.parametrize("query", ["limit=0", "limit=x", "limit=1001", "shoe=1"])
def test_odd_parameters_are_refused(as_, firm, query):
    """By their names."""
    assert as_(firm.owner).get(f"/v1/imports?{query}").status_code == 422


@pytest.mark.parametrize("body", [{"dry_run": "no"}, {"shoe": 1}])
def test_odd_bodies_are_refused(as_, firm, brought, body):
    """Nothing is taken back by mistake."""
    owner = as_(firm.owner)
    id = owner.get("/v1/imports").json["items"][0]["id"]
    assert owner.post(f"/v1/imports/{id}/undo", body).status_code == 422
