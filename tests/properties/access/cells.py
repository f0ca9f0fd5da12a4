"""What each standard role may do with each entity and each field, as seen through REST: the table `cells.csv`.

    python -m tests.properties.access.cells

writes the table anew, on SQLite, for review; no test does. A cell says how far an act reaches for somebody who has the
role in one branch: `none`, `own`, `team` (the branch itself), `subtree` (a team below it), `all` (another branch); of a
field whether it is read (`r`) and written (`w`). Positions that an entity does not have are passed over; a deleted
user stands nowhere, so only owners restore them.
"""

from __future__ import annotations

import csv
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tests.properties.access.companies import BY_NAME, PLURALS, Firm
from tests.properties.access.things import FIELD_VALUES, FILED, OWNED, Things, Where

from opencrm import CRM, PermissionDenied, Principal, Query
from opencrm.testing.workspaces import hurry

TABLE = Path(__file__).parent / "cells.csv"
ACTS = ("read", "create", "update", "delete", "restore")
MORE = {"owned": ("assign", "share", "export", "merge"), "deal": ("move",)}
LASTING = ("read", "update", "share", "export")
"""Acts that leave a record where it is, and as near to everybody as it was."""

Cells = dict[tuple[str, str], dict[str, str]]


def observe(crm: CRM) -> Cells:
    """Return what all roles may do in a workspace: `{(entity, act or field): {role: cell}}`."""
    hurry(crm)
    firm = Firm(crm)
    found: Cells = {}
    for role in standard_roles(firm):
        for row, cell in _Observer(firm, role).cells():
            found.setdefault(row, {})[role] = cell
    return found


def standard_roles(firm: Firm) -> list[str]:
    """The roles that opencrm brings, the highest rank first."""
    known = [row for row in firm.world()["role"].values() if not row["key"].startswith("firm_")]
    return [row["key"] for row in sorted(known, key=lambda row: (-row["rank"], row["key"]))]


def declared(firm: Firm) -> set[tuple[str, str]]:
    """The rows that the table must have: of each entity that REST serves the acts and the fields."""
    rows = set()
    for entity in firm.call(firm.owner.id, "GET", "/").json["entities"]:
        rows |= {(entity["name"], act) for act in acts_of(entity["name"])}
        rows |= {(entity["name"], f"field {it['name']}") for it in entity["fields"]}
    return rows


def acts_of(entity: str) -> tuple[str, ...]:
    """The acts of an entity, by what REST offers for it."""
    return ACTS + (MORE["owned"] if entity in OWNED else ()) + MORE.get(entity, ())


class _Observer:
    """Somebody new in one role, who tries everything."""

    def __init__(self, firm: Firm, role: str) -> None:
        self.firm = firm
        self.role = role
        self.things = Things(firm, role)
        self.user = self.things.subject
        known = firm.call(self.user, "GET", "/").json["entities"]
        self._kept: dict[tuple[str, Where], str] = {}
        self._reached: dict[tuple[str, str], list[Where]] = {}
        self._writable = {(it["name"], field["name"]) for it in known for field in it["fields"] if field["changes"]}

    def cells(self) -> Iterator[tuple[tuple[str, str], str]]:
        entities = self.firm.call(self.firm.owner.id, "GET", "/").json["entities"]
        for entity in entities:
            name = entity["name"]
            for act in acts_of(name):
                yield (name, act), self._reach(name, act)
            yield from self._fields(entity)

    def _reach(self, entity: str, act: str) -> str:
        reached = [where for where in self.things.positions(entity) if self._may(entity, act, where)]
        self._reached[entity, act] = reached
        return "+".join(reached) if self._has_gap(entity, reached) else (reached or ["none"])[-1]

    def _has_gap(self, entity: str, reached: list[Where]) -> bool:
        """Whether the positions reached are not simply the nearest ones."""
        return reached != list(self.things.positions(entity))[: len(reached)]

    def _may(self, entity: str, act: str, where: Where) -> bool:
        if act == "create" and entity in FILED:
            return self._uploads(entity, where)
        if act == "create":
            return self._post(entity, self.things.values(entity, where, new=True))
        if act == "export":
            return self._exports(entity, self._there(entity, where))
        lasting = act in LASTING
        id = self._there(entity, where) if lasting else self.things.make(entity, where, gone=act == "restore")
        path = f"/{PLURALS[entity]}/{id}"
        if act == "read":
            return self._call("GET", path)
        if act == "update":
            return self._call("PATCH", path, self.things.change(entity))
        if act == "delete":
            return self._call("DELETE", path)
        if act == "restore":
            return self._call("POST", f"{path}/restore")
        return self._more(entity, act, where, id, path)

    def _uploads(self, entity: str, where: Where) -> bool:
        """Add a file to a deal, or a version to a file: the bytes are the body."""
        onto = {"file": "deal", "file_version": "file"}[entity]
        under = {"file": "files", "file_version": "versions"}[entity]
        path = f"/{PLURALS[onto]}/{self._there(onto, where)}/{under}"
        return self._call("POST", f"{path}?name=x.txt", b"x")

    def _there(self, entity: str, where: Where) -> str:
        """Return the record at a position on which those acts are tried that leave it there."""
        if (entity, where) not in self._kept:
            self._kept[entity, where] = self.things.make(entity, where)
        return self._kept[entity, where]

    def _more(self, entity: str, act: str, where: Where, id: str, path: str) -> bool:
        if act == "share":
            other = self.things.people["team"]
            return self._post("share", {"entity": entity, "record_id": id, "user_id": other, "actions": ["read"]})
        if act == "assign":
            to = self.things.people["team"] if where == "own" else self.user
            return self._call("POST", f"{path}/assign", {"owner_id": to})
        if act == "move":
            return self._call("POST", f"{path}/move", {"to": "offer"})
        twin = self.things.make(entity, where)
        return self._call("POST", f"{path}/merge", {"others": [twin], "dry_run": False})

    def _post(self, entity: str, values: Mapping[str, Any]) -> bool:
        return self._call("POST", f"/{PLURALS[entity]}", values)

    def _call(self, method: str, path: str, body: Any = None) -> bool:
        answer = self.firm.call(self.user, method, path, body)
        if answer.status_code == 409:
            return True  # The rules of the business are asked after those of permissions.
        if answer.status_code not in (200, 201, 204, 403, 404) and "that you may read" not in answer.text:
            raise AssertionError(f"{self.role}: {method} {path} {body}: {answer.status_code} {answer.text}")
        refused = answer.json.get("refused") if answer.data and answer.is_json else None
        return answer.status_code < 300 and not refused

    def _exports(self, entity: str, id: str) -> bool:
        try:
            with self.firm.crm.export(Principal.user(self.user), Query(BY_NAME[entity], fields=("id",))) as taken:
                return id in {row[list(taken.fields).index("id")] for row in taken.rows}
        except PermissionDenied:
            return False

    def _fields(self, entity: Mapping[str, Any]) -> Iterator[tuple[tuple[str, str], str]]:
        name = entity["name"]
        seen = self._reached[name, "read"]
        changed = [where for where in seen if where in self._reached[name, "update"]]
        id = self._there(name, (changed or seen)[0]) if seen else None
        record = self.firm.call(self.user, "GET", f"/{PLURALS[name]}/{id}").json if seen else {}
        for field in (it for it in entity["fields"] if not it["custom"]):
            cell = "r" if field["name"] in record else "-"
            if changed and self._writes(name, id, field):
                cell += "w"
            if field["name"] == "deleted_at":
                cell = "r" if seen else "-"
            yield (name, f"field {field['name']}"), cell

    def _writes(self, entity: str, id: Any, field: Mapping[str, Any]) -> bool:
        """Whether one field may be changed: as REST says it, which must not be otherwise when it is tried."""
        value = FIELD_VALUES.get(field["type"])
        said = (entity, field["name"]) in self._writable
        answer = self.firm.call(self.user, "PATCH", f"/{PLURALS[entity]}/{id}", {field["name"]: value})
        closed = (answer.status_code == 403 and entity in OWNED) or "is not a field" in answer.text
        if (answer.status_code < 300 and not said) or (said and closed):
            raise AssertionError(f"{self.role}: {entity}.{field['name']}: REST says {said}, and answers {answer.text}")
        return said


def read() -> tuple[list[str], Cells]:
    """Return the roles and the cells of the table."""
    with TABLE.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    roles = [name for name in rows[0] if name not in ("entity", "act or field")]
    return roles, {(row["entity"], row["act or field"]): {role: row[role] for role in roles} for row in rows}


def write(roles: list[str], found: Cells) -> None:
    with TABLE.open("w", encoding="utf-8", newline="") as file:
        lines = csv.writer(file, lineterminator="\n")
        lines.writerow(["entity", "act or field", *roles])
        lines.writerows([*row, *(cells[role] for role in roles)] for row, cells in found.items())


def main() -> None:
    from opencrm.testing.workspaces import SQLiteWorkspaces

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        with SQLiteWorkspaces(path / "template.db").open(path, []) as crm:
            roles = standard_roles(Firm(crm))
            found = observe(crm)
            write(roles, found)
    sys.stdout.write(f"wrote {len(found)} rows\n")


if __name__ == "__main__":
    main()
