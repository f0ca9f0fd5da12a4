"""Records to try acts on: of every entity, owned or placed nearer to somebody or further away."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import count
from typing import Any, Literal, TypeAlias

from sqlalchemy import update
from tests.properties.access.companies import BY_NAME, PLURALS, Firm

from opencrm import All, Create, Delete, Equal, Query, records

Where: TypeAlias = Literal["own", "team", "subtree", "all"]
OWNED = ("activity", "company", "contact", "deal", "task")
FILED = ("file", "file_version")
PERSONAL = ("saved_view", "segment")
UNOWNED = ("product", "tag")
ORGANISATION = (
    "unit",
    "user",
    "role",
    "membership",
    "deputy",
    "customer",
    "custom_field",
    "pipeline_definition",
    "rule_definition",
)
WHOLE = {"contact_point": "contact", "employment": "contact", "deal_line": "deal", "price": "product"}
WHOLE |= {"tagging": "deal", "external_ref": "deal", "share": "deal", "file": "deal", "file_version": "deal"}
UNITS: Mapping[Where, str] = {"own": "south_shop", "team": "north", "subtree": "north_shop", "all": "south_shop"}
LATER = "2026-12-01T00:00:00Z"
SMALL = [{"entity": "task", "action": "read", "scope": "own"}]

CHANGES: Mapping[str, Mapping[str, Any]] = {
    "activity": {"subject": "x"},
    "company": {"city": "x"},
    "contact": {"source": "x"},
    "deal": {"source": "x"},
    "task": {"result": "x"},
    "product": {"series": "x"},
    "tag": {"color": "red"},
    "contact_point": {"label": "x"},
    "employment": {"position": "x"},
    "deal_line": {"title": "x"},
    "price": {"valid_from": "2026-01-01"},
    "external_ref": {"label": "x"},
    "share": {"until": LATER},
    "file": {"name": "x"},
    "file_version": {},
    "unit": {"name": "x"},
    "user": {"language": "de"},
    "role": {"name": "x"},
    "membership": {"is_head": True},
    "deputy": {"valid_to": "2026-11-01T00:00:00Z"},
    "custom_field": {"label": "x"},
    "pipeline_definition": {"replaced_by": {"a": "b"}},
    "rule_definition": {"active": False},
    "saved_view": {"columns": ["title"]},
    "segment": {"description": "x"},
}
FIELD_VALUES: Mapping[str, Any] = {
    "text": "y",
    "integer": 7,
    "money": "7",
    "date": "2026-05-05",
    "datetime": LATER,
    "link": "https://example.com/y",
    "currency": "EUR",
    "number": "7",
    "key": "y",
}
"""A value to write, by a field's type; null for the others."""


class Things:
    """Makes records as seen by somebody new in a role, who sits in the branch *north*."""

    def __init__(self, firm: Firm, role: str) -> None:
        self.firm = firm
        self._numbers = count(1)
        self._tag = role
        world = firm.world()
        self.units = {row["name"]: row["id"] for row in world["unit"].values()}
        self.roles = {row["key"]: row["id"] for row in world["role"].values()}
        self.subject = self._person("subject", "north", role)
        self.people = {where: self._person(where, UNITS[where], "viewer") for where in ("team", "subtree", "all")}
        firm.token(self.subject)

    def positions(self, entity: str) -> tuple[Where, ...]:
        """The positions that records of an entity may have."""
        whole = WHOLE.get(entity, entity)
        if whole in OWNED:
            return ("own", "team", "subtree", "all")
        if entity in ("unit", "role", "membership", "deputy"):
            return ("team", "subtree", "all")
        if entity == "user":
            return ("team", "subtree", "all")
        return ("own", "all") if whole in (*UNOWNED, *PERSONAL) else ("all",)

    def change(self, entity: str) -> Mapping[str, Any]:
        """A change of a record of an entity."""
        if entity == "tagging":
            return {"tag_id": self._made("tag", {"name": f"tag {next(self._numbers)} {self._tag}"})}
        if entity == "customer":
            return {"contact_id": self._made("contact", {"name": "new"})}
        return CHANGES[entity]

    def _made(self, entity: str, values: Mapping[str, Any]) -> str:
        with self.firm.crm.work(self.firm.owner) as work:
            return records.create(work, [Create(BY_NAME[entity], values=values)])[0].record_id

    def _person(self, name: str, unit: str | None, role: str = "viewer") -> str:
        user = self._made("user", {"name": f"{name} {self._tag} {next(self._numbers)}"})
        if unit is not None:
            self._made("membership", {"user_id": user, "unit_id": self.units[unit], "role_id": self.roles[role]})
        return user

    def make(self, entity: str, where: Where, *, gone: bool = False) -> str:
        """Make a record at a position, deleted or living."""
        if entity == "user":
            id = self._person("target", None if gone else UNITS[where])
        elif entity in PERSONAL and where == "own":
            id = self._own_personal(entity)
        elif entity in FILED:
            id = self._filed(entity, where)
        else:
            id = self._made(entity, self.values(entity, where))
        if entity in UNOWNED and where == "own":
            self._created_by_subject(entity, id)
        if gone:
            with self.firm.crm.work(self.firm.owner) as work:
                records.delete(work, [Delete(BY_NAME[entity], id)])
        return id

    def _filed(self, entity: str, where: Where) -> str:
        """Make a file, or what a file held before."""
        deal = self.make("deal", where)
        file = self.firm.crm.files.add(self.firm.owner, BY_NAME["deal"], deal, b"x", name="x.txt").record_id
        if entity == "file":
            return file
        self.firm.crm.files.add_version(self.firm.owner, file, b"y", name="y.txt")
        whole = All((Equal("file_id", file), Equal("number", 1)))
        with self.firm.crm.read(self.firm.owner) as reader:
            return next(iter(reader.list(Query(BY_NAME[entity], where=whole)))).id

    def _own_personal(self, entity: str) -> str:
        return str(self.firm.call(self.subject, "POST", f"/{PLURALS[entity]}", self.values(entity, "own")).json["id"])

    def _created_by_subject(self, entity: str, id: str) -> None:
        table = BY_NAME[entity].__table__
        statement = update(table).where(table.c.id == id).values(created_by=f"user:{self.subject}")
        options = {"schema_translate_map": {None: self.firm.crm.database.schema}}
        with self.firm.crm.database.engine.begin() as connection:
            connection.execute(statement, execution_options=options)

    def values(self, entity: str, where: Where, *, new: bool = False) -> dict[str, Any]:
        """The values of a new record at a position; `new` for one that the person themselves makes."""
        name = f"{entity} {next(self._numbers)} {self._tag}"
        if entity in OWNED:
            title = {"deal": "title", "task": "title", "activity": "subject"}.get(entity, "name")
            return {title: name} | self._placed(where, new=new)
        if entity in WHOLE:
            return self._part(entity, where, name)
        return self._other(entity, where, name, new=new)

    def _placed(self, where: Where, *, new: bool) -> dict[str, Any]:
        if where == "own" and new:
            return {}
        if where == "own":
            return {"owner_id": self.subject, "unit_id": self.units["south_shop"]}
        return {"owner_id": self.people[where]} | ({} if new else {"unit_id": self.units[UNITS[where]]})

    def _part(self, entity: str, where: Where, name: str) -> dict[str, Any]:
        whole = WHOLE[entity]
        id = self.make(whole, where)
        about = {"entity": whole, "record_id": id}
        values: dict[str, dict[str, Any]] = {
            "contact_point": {"kind": "messenger", "value": name},
            "employment": {"company_id": self._made("company", {"name": name, **self._placed(where, new=False)})},
            "deal_line": {"title": name},
            "price": {"amount": "1", "currency": "EUR"},
        }
        if entity in values:
            return {f"{whole}_id": id, **values[entity]}
        if entity == "tagging":
            return {**about, "tag_id": self._made("tag", {"name": name})}
        if entity == "external_ref":
            return {**about, "system": "s", "key": name}
        return {**about, "user_id": self.people["all"], "actions": ["read"]}

    def _other(self, entity: str, where: Where, name: str, *, new: bool) -> dict[str, Any]:
        unit = self.units[UNITS[where]]
        if entity == "user" and new:
            return {"name": name, "memberships": [{"unit_id": unit, "role_id": self.roles["viewer"]}]}
        if entity == "membership":
            return {"user_id": self._person("new", UNITS[where]), "unit_id": unit, "role_id": self.roles["manager_2"]}
        if entity == "deputy":
            two = [self._person("deputy", UNITS[where]) for _ in range(2)]
            return {"of_id": two[0], "to_id": two[1], "valid_to": LATER}
        if entity == "customer":
            return {"user_id": self._person("client", None), "contact_id": self._made("contact", {"name": name})}
        key = f"k{next(self._numbers)}_{self._tag}"[:40]
        made: dict[str, dict[str, Any]] = {
            "role": {"key": key, "name": name, "rank": 50, "grants": SMALL, "home_unit_id": unit},
            "unit": {"name": name, "parent_id": unit},
            "user": {"name": name},
            "custom_field": {"entity": "deal", "key": key, "label": name, "kind": "text"},
            "pipeline_definition": {"definition": {"key": key, "moves": [], "stages": [{"key": "a"}]}},
            "rule_definition": {"definition": {"key": key, "on": {"created": "tag"}, "do": [{"wait": "1d"}]}},
            "saved_view": {"name": name, "entity": "deal"},
            "segment": {"name": name, "entity": "deal", "where": {"field": "amount", "op": "empty"}},
        }
        return made.get(entity, {"name": name})
