"""What may not be read changes no byte of what REST tells of tasks, moves, rules, the inbox, files and documents."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import attrs
import pytest
from sqlalchemy import update
from tests.plugins.rest.process.hidden_process import Process

from opencrm import FieldRule, Grant, Principal, Role, Scope, Update, records
from opencrm.embed import FormGiven, grant_rows
from opencrm.hooks.plugin import read_plugin
from opencrm.plugins import documents, webhooks
from opencrm.storage import tables

HIDDEN = (("deal", "source"), ("contact", "source"))
NOBODY = "0190a000-0000-7000-8000-000000000000"
CLOCK = re.compile(rb'"(since|spent)":("[^"]*"|[0-9.]+)|since [-0-9: ]+UTC')


@pytest.fixture
def crm_plugins() -> list[object]:
    return [Process(), documents, read_plugin("webhooks", webhooks, source="given")]


@pytest.fixture
def people(as_, firm) -> Mapping[str, Any]:
    return {name: as_(getattr(firm, name)) for name in ("owner", "seller", "stranger")}


@pytest.fixture
def made(crm, firm, people) -> dict[str, str]:
    """A business of which the seller sees a half; the id by name."""
    with crm.work(firm.owner) as work:
        role = work.get(Role, firm.roles["firm_seller"])
        rules = [attrs.asdict(FieldRule(entity, name, read=False, write=False)) for entity, name in HIDDEN]
        more = grant_rows([Grant("documents_template", "read", Scope.ALL)])
        records.update(work, [Update(Role, role.id, field_rules=rules, grants=[*role.grants, *more])])
    found: dict[str, str] = {}
    for who, mine in ((people["seller"], ""), (people["stranger"], "hidden ")):
        for at in range(2):
            contact = who.make("contacts", name=f"Ann {mine}{at}")
            deal = who.make("deals", title=f"{mine}{at}", pipeline="asking", contact_id=contact["id"])
            found |= {f"{mine}deal {at}": deal["id"], f"{mine}contact {at}": contact["id"]}
            file = who.post(f"/v1/deals/{deal['id']}/files?name=x.txt", b"x", Content_Type="text/plain")
            found[f"{mine}file {at}"] = file.json["id"]
            _write(people["owner"], f"/v1/deals/{deal['id']}", title=f"{mine}{at}!", source="fair")
            _write(people["owner"], f"/v1/contacts/{contact['id']}", source="fair")
    _write(people["owner"], f"/v1/deals/{found['deal 0']}", amount="5")
    for task in people["owner"].get("/v1/tasks").json["items"]:
        name = next(name for name, id in found.items() if id == task["deal_id"])
        found[f"{'hidden ' * name.startswith('hidden')}task {name[-1]}"] = task["id"]
    for name in ("owner", "seller", "stranger"):
        for told in people[name].get("/v1/inbox").json["items"]:
            found[f"{'hidden ' * (name != 'seller')}notification {told['id']}"] = told["id"]
    for key, data in (("contract", {"amount": "amount"}), ("closed", {"from": "source"}), ("both", _BOTH)):
        found[f"template {key}"] = _template(people["owner"], key, data)
    found["hidden webhook"] = people["owner"].make("webhooks", name="x", url="https://93.184.216.34/")["id"]
    _submit(crm, "one")
    crm.worker().run_once()
    with crm.database.write() as tx:
        tx.run("give up", lambda: update(tables.delivery).values(state="dead", error="away"), [{}])
    return found


_BOTH = {"amount": "amount", "from": "source", "who": "contact.source"}


def _template(api, key: str, data: Mapping[str, str]) -> str:
    made = api.make("documents-templates", key=key, name=key, kind="pdf", entity="deal", data=data)
    path = f"/v1/documents-templates/{made['id']}/files?name=x.typ"
    assert api.post(path, b"= Contract", Content_Type="text/plain").status_code == 201
    return str(made["id"])


def _submit(crm, name: str) -> None:
    answers = {"name": f"Ann {name}", "email": f"{name}@example.com"}
    crm.forms.submit(Principal.anonymous(), "request", FormGiven(answers=answers))


def _write(api, path: str, **values: Any) -> Any:
    answer = api.patch(path, values)
    assert answer.status_code == 200, answer.text
    return answer


def everything(api, made) -> dict[str, bytes]:
    """Return every answer to somebody by what was asked."""
    answers = {path: api.get(path) for path in _gets(made)}
    answers |= {f"{path} {json.dumps(body)}": api.post(path, body) for path, body in _posts(made)}
    return {asked: _told(answer) for asked, answer in answers.items()}


_VARYING = ("Date", "Content-Length")


def _told(answer) -> bytes:
    head = "".join(f"{name}: {value}\n" for name, value in sorted(answer.headers) if name not in _VARYING)
    return f"{answer.status}\n{head}\n".encode() + CLOCK.sub(b"", answer.data)


def _gets(made) -> Iterator[str]:
    for path in ("inbox", "inbox?limit=1", "inbox?unread=true", "inbox/choices", "rules", "rules/runs", "queue"):
        yield f"/v1/{path}"
    yield from ("/v1/pipelines", "/v1/webhooks", "/v1/files", "/v1/files?limit=1", "/v1/tasks?sort=-id")
    yield from ("/v1/tasks?limit=1", "/v1/documents-templates", "/v1/files?sort=-size", "/v1/activities")
    yield from ("/v1/boards/asking", "/v1/boards/asking?cards=1", "/v1/deals?limit=1", "/v1/contacts")
    for name, id in made.items():
        kind = name.removeprefix("hidden ").split()[0]
        paths = {"notification": "inbox", "template": "documents-templates"}
        path = f"/v1/{paths.get(kind, f'{kind}s')}/{id}"
        yield path
        for below in _BELOW.get(kind, ()):
            yield f"{path}/{below}"
    yield from (f"/v1/deals/{NOBODY}/{below}" for below in _BELOW["deal"])


_RECORD = ("history", "timeline", "runs", "runs?limit=1", "queue", "submissions", "files")
_BELOW: Mapping[str, tuple[str, ...]] = {
    "deal": (*_RECORD, "moves", "sla"),
    "contact": _RECORD,
    "task": (*_RECORD, "form"),
    "file": ("versions", "readers", "history"),
    "template": _RECORD,
    "webhook": ("state", "history"),
}


def _posts(made) -> Iterator[tuple[str, Any]]:
    """Give acts that are refused, so that nothing comes of asking."""
    for name in ("deal 1", "hidden deal 0", "hidden deal 1"):
        yield f"/v1/deals/{made[name]}/move", {"to": "agreed"}
        yield f"/v1/deals/{made[name]}/move", {"to": "nonsense"}
        yield f"/v1/deals/{made[name]}/documents", {"template": "contract"}
    for key in ("closed", "both", "nonsense"):
        yield from ((f"/v1/deals/{made[name]}/documents", {"template": key}) for name in ("deal 0", "hidden deal 0"))
    for name in ("task 0", "hidden task 0", "hidden task 1"):
        path = f"/v1/tasks/{made[name]}/done"
        yield from ((path, body) for body in ({"answers": {"amount": "many"}}, {"answers": {"source": "x"}}))
    for act in ("start", "pause", "cancel", "done"):
        yield f"/v1/tasks/{made['hidden task 1']}/{act}", {}
    yield from ((f"/v1/inbox/{id}/read", {}) for name, id in made.items() if name.startswith("hidden notification"))
    yield f"/v1/webhooks/{made['hidden webhook']}/secret", {}
    yield from ((f"/v1/rules/{rule}/try", {}) for rule in ("renamed", "sourced", "known"))
    yield from (("/v1/rules/renamed/off", {}), ("/v1/queue", {"do": "retry"}))


def _change(plural: str, which: str, /, **values: Any) -> Callable[..., Any]:
    return lambda crm, api, made: _write(api, f"/v1/{plural}/{made[which]}", **values)


def _post(path: str, body: Any, **headers: str) -> Callable[..., Any]:
    return lambda crm, api, made: api.post(path.format_map({k.replace(" ", "_"): v for k, v in made.items()}), body)


CHANGES: Mapping[str, list[Callable[..., Any]]] = {
    "fields": [
        _change("deals", "deal 0", source="other"),
        _change("deals", "deal 1", source="other"),
        _change("contacts", "contact 0", source="other"),
    ],
    "rows": [
        _change("deals", "hidden deal 0", title="0", amount="9"),
        _change("contacts", "hidden contact 0", name="Ann"),
        _post("/v1/tasks/{hidden_task_0}/start", {}),
        _post("/v1/deals/{hidden_deal_0}/move", {"to": "agreed"}),
        _post("/v1/deals/{hidden_deal_0}/documents", {"template": "both"}),
        _post("/v1/tasks/{hidden_task_1}/done", {"answers": {"amount": "7", "lost_reason": "none"}}),
        lambda crm, api, made: _submit(crm, "two"),
        lambda crm, api, made: api.delete(f"/v1/deals/{made['hidden deal 1']}"),
    ],
    "files": [
        lambda crm, api, made: api.post(
            f"/v1/files/{made['hidden file 0']}/versions?name=y.txt", b"y", Content_Type="text/plain"
        ),
        lambda crm, api, made: api.get(f"/v1/files/{made['hidden file 0']}/content"),
        lambda crm, api, made: api.delete(f"/v1/files/{made['hidden file 1']}"),
    ],
    "what others keep": [
        _change("webhooks", "hidden webhook", name="y", active=False),
        lambda crm, api, made: api.post("/v1/inbox/read", {}),
        lambda crm, api, made: api.post(f"/v1/webhooks/{made['hidden webhook']}/secret"),
    ],
}


@pytest.mark.parametrize("changes", CHANGES)
def test_what_is_hidden_changes_no_byte(crm, people, made, changes):
    """The seller's answers before and after are the same bytes, before the worker heard of it and after."""
    before = everything(people["seller"], made)
    for change in CHANGES[changes]:
        crm.advance("1h")
        done = change(crm, people["owner"], made)
        assert getattr(done, "status_code", 200) < 300, done.text
    unheard = everything(people["seller"], made)
    crm.worker().run_once()
    after = everything(people["seller"], made)
    for later in (unheard, after):
        assert [(asked, before[asked], told) for asked, told in later.items() if before[asked] != told] == []


def test_the_questions_are_about_something(people, made):
    """What is asked has answers: of the seller's own half, and of what is asked for."""
    told = everything(people["seller"], made)
    assert b"Renamed: 0!" in told["/v1/inbox"]
    assert b"fair" not in b"".join(told.values())
    for below in ("history", "runs", "files", "moves", "sla"):
        assert b'"items":[{' in told[f"/v1/deals/{made['deal 0']}/{below}"], below
    documents = [asked for asked in told if asked.endswith('/documents {"template": "both"}')]
    assert [told[asked][:3] for asked in documents] == [b"422", b"404"]
