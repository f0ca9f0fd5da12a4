"""Every address of REST, asked in every way that its description names, about every record there is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from tests.properties.access.companies import BY_NAME, PLURALS

ABSENT = "0190a000-0000-7000-8000-000000000000"
OPERATORS = ("eq", "ne", "lt", "gte", "between", "in", "contains", "starts_with", "has", "empty", "changed")
NO_FIELDS = {"sort", "limit", "cursor", "fields", "deleted", "where", "total", "sum", "q"}

Ids = Mapping[str, Sequence[str]]


def gets(document: Mapping[str, Any], ids: Ids, word: str) -> Iterator[str]:
    """All addresses that are read, with each of their parameters, beside those of nobody."""
    for path, methods in document["paths"].items():
        if "get" in methods:
            given = [*methods.get("parameters", ()), *methods["get"].get("parameters", ())]
            names = [it["name"] for it in given if it.get("in") == "query"]
            for address in addresses(path, ids):
                yield f"/v1{address}"
                yield from (f"/v1{address}?{asked}" for asked in questions(path, names, word))


def addresses(path: str, ids: Ids) -> Iterator[str]:
    """An address with every record in its place, and one that is not there."""
    entity = next((name for name, plural in PLURALS.items() if path.startswith(f"/{plural}")), None)
    if "{plural}" in path:
        for name, several in ids.items():
            yield from addresses(path.replace("{plural}", PLURALS[name]), {name: several[:2]})
        return
    filled = path.replace("{pipeline}", "windows")
    if "{" not in filled:
        yield filled
        return
    for id in (*ids.get(entity or "", ()), ABSENT):
        address = filled.replace("{id}", id)
        for name in ("snapshot", "other"):
            address = address.replace(f"{{{name}}}", ids.get(name, (ABSENT,))[0])
        yield address


def questions(path: str, names: Sequence[str], word: str) -> Iterator[str]:
    """Parameters, each with values that may work and values that may not."""
    entity = next((it for name, it in BY_NAME.items() if path == f"/{PLURALS[name]}"), None)
    fixed = {
        "q": [f"q={word}", "q=%25", "q=a"],
        "limit": ["limit=1", "limit=0", "limit=x"],
        "total": ["total=true&limit=1"],
        "deleted": ["deleted=true"],
        "fields": ["fields=nonsense"],
        "cursor": ["cursor=x"],
        "action": ["action=update", "action=nonsense"],
        "user": [f"user={ABSENT}"],
        "cards": ["cards=1"],
        "measure": ["entity=deal&by=stage&measure=sum:amount", "entity=contact&by=source&measure=count"],
        "by": [f"entity=deal&by={name}&measure=count" for name in ("source", "owner_id", "contact_id", "nonsense")],
    }
    for name in names:
        yield from fixed.get(name, ())
    if entity is not None:
        yield from _of_fields(entity)


def _of_fields(entity: Any) -> Iterator[str]:
    for field in entity.spec.fields:
        yield f"sort=-{field}&limit=2"
        yield f"sum={field}&limit=1"
        yield f"fields={field}"
        yield from (f"{field}[{operator}]=z" for operator in OPERATORS[:3])
        yield f"{field}[contains]=z"
        yield f"{field}[empty]=false&total=true"
    yield "where=" + quote('{"not": {"all": []}}')


def writes(document: Mapping[str, Any], ids: Ids) -> Iterator[tuple[str, str, Any]]:
    """All that is written, about every record, with bodies that are of no use or only rehearse."""
    for path, methods in document["paths"].items():
        if any(path.startswith(f"/{name}") for name in ("password", "sessions", "tokens", "invitations", "undo", "me")):
            continue
        for method in sorted(set(methods) & {"post", "patch", "put", "delete"}):
            for address in addresses(path, ids):
                for body in bodies(path, method):
                    yield method.upper(), f"/v1{address}", body


def bodies(path: str, method: str) -> Iterator[Any]:
    if method in ("delete", "put") or path.endswith("/restore"):
        yield None
    elif path.endswith("mass-edit"):
        yield {"where": {"all": []}, "delete": True}
        yield {"where": {"all": []}, "set": {"source": "x"}}
    elif path.endswith("/merge"):
        yield {"others": [ABSENT]}
    elif path.endswith("/assign"):
        yield {"owner_id": ABSENT}
    elif path.endswith("/move"):
        yield {"to": "won"}
        yield {"to": "nonsense"}
    elif method == "patch":
        yield {"nonsense": 1}
        yield {"deleted_at": None, "contact_id": ABSENT}
    else:
        yield {}
        yield {"nonsense": 1, "name": "", "key": "deal", "contact_id": ABSENT, "record_id": ABSENT}
