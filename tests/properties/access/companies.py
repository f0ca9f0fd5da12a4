"""A company as a run sees it: a workspace, who is who in it by label, and all its data as plain dicts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from sqlalchemy import select
from werkzeug.test import Client

from opencrm import (
    CRM,
    Activity,
    Assign,
    Company,
    ConflictError,
    Contact,
    ContactPoint,
    Create,
    Customer,
    CustomField,
    Deal,
    DealLine,
    Delete,
    Deputy,
    DomainError,
    Employment,
    Equal,
    ExternalRef,
    File,
    FileVersion,
    Guard,
    InputError,
    Membership,
    Move,
    NotFound,
    NotSignedIn,
    PermissionDenied,
    PipelineDefinition,
    Price,
    Principal,
    Product,
    Restore,
    Role,
    RuleDefinition,
    SavedView,
    Segment,
    Share,
    Tag,
    Tagging,
    Task,
    Unit,
    Update,
    User,
    assigning,
    hookimpl,
    pipelines,
    records,
)
from opencrm import Not as Unless
from opencrm.app.serving import wsgi
from opencrm.embed import issue_token

ENTITIES = (
    *(Activity, Company, Contact, ContactPoint, Deal, DealLine, Employment, ExternalRef, Product, Tag, Tagging, Task),
    *(Unit, User, Role, Membership, Deputy, Customer, Share),
)
MORE = (CustomField, File, FileVersion, PipelineDefinition, Price, RuleDefinition, SavedView, Segment)
"""Those that the generated companies do without."""

BY_NAME = {entity.spec.name: entity for entity in (*ENTITIES, *MORE)}
PLURALS = {name: entity.spec.plural.replace("_", "-") for name, entity in BY_NAME.items()}
HELD = "on hold"
"""Deals whose source is this are held by a guard: nobody deletes or moves them, or gives them away."""

GUARDS = (
    {
        "entity": "deal",
        "actions": ["delete", "assign", "update"],
        "condition": {"not": {"field": "source", "op": "equal", "value": HELD}},
    },
    {
        "entity": "company",
        "actions": ["*"],
        "condition": {"not": {"field": "industry", "op": "equal", "value": HELD}},
    },
)
STATUSES = ((NotSignedIn, 401), (NotFound, 404), (PermissionDenied, 403), (InputError, 422), (DomainError, 409))
CODES = {"not_found": 404, "permission_denied": 403, "invalid_input": 422}


class Holding:
    """The plugin that brings the guards."""

    @hookimpl
    def opencrm_register_guards(self):
        for guard in GUARDS:
            field = guard["condition"]["not"]["field"]
            yield Guard(
                entity=guard["entity"],
                actions=guard["actions"],
                condition=Unless(Equal(field, HELD)),
                reason="it is on hold",
            )


class Firm:
    """A workspace, with a client for everybody."""

    def __init__(self, crm: CRM) -> None:
        self.crm = crm
        self.client = Client(wsgi(crm))
        self.owner = crm.principal("owner@example.com")
        self.labels: dict[str, tuple[str, str]] = {"owner": ("user", self.owner.id)}
        self._tokens: dict[str, str] = {}
        self._kept: dict[str, tuple[Any, dict[str, dict[str, Any]]]] = {}
        self._fixed = {
            "guards": GUARDS,
            "sensitive": {(it.spec.name, field.name) for it in ENTITIES for field in _fields(it) if field.sensitive},
            "fields": {it.spec.name: {field.name for field in _fields(it)} for it in ENTITIES},
        }
        unit = next(iter(row for row in self.world()["unit"].values() if row["parent_id"] is None))
        self.labels["HQ"] = ("unit", unit["id"])

    def id(self, label: str) -> str:
        return self.labels[label][1]

    def of(self, *entities: str) -> list[str]:
        """The labels of all records of an entity, in the order in which they came to be."""
        return [label for label, (entity, _) in self.labels.items() if entity in entities]

    def label(self, id: str | None) -> str:
        return next((label for label, (_, other) in self.labels.items() if other == id), str(id))

    def world(self) -> dict[str, Any]:
        """All data there is, read past everything that decides who may see it.

        What did not change since the last time is the same object then, which nobody may change.
        """
        with self.crm.database.engine.connect() as connection:
            told = {entity.spec.name: self._rows(connection, entity) for entity in ENTITIES}
        return {"now": self.crm.clock.now(), **self._fixed, **told}

    def _rows(self, connection: Any, entity: Any) -> dict[str, dict[str, Any]]:
        """Every row of an entity by id; typed anew where the driver's rows are others than they were."""
        table, name = entity.__table__, entity.spec.name
        schema = self.crm.database.schema
        cursor = connection.connection.cursor()
        cursor.execute(f'SELECT * FROM {f"{schema}." if schema else ""}"{table.name}"')
        raw = cursor.fetchall()
        cursor.close()
        if name not in self._kept or self._kept[name][0] != raw:
            options = {"schema_translate_map": {None: schema}}
            rows = connection.execute(select(table), execution_options=options).mappings()
            self._kept[name] = raw, {row["id"]: dict(row) for row in rows}
        return self._kept[name][1]

    def token(self, user: str) -> str:
        """The secret of somebody's key; made when they are first met, while they may still have one."""
        if user not in self._tokens:
            with self.crm.work(self.owner) as work:
                self._tokens[user] = issue_token(work, user, label="test")
        return self._tokens[user]

    def has_token(self, user: str) -> bool:
        return user in self._tokens or user == self.owner.id

    def call(self, user: str, method: str, path: str, body: Any = None) -> Any:
        headers = {"Authorization": f"Bearer {self.token(user)}"}
        data = body if body is None or isinstance(body, bytes) else orjson.dumps(body)
        kind = {type(None): None, bytes: "text/plain"}.get(type(body), "application/json")
        return self.client.open(f"/api/v1{path}", method=method, headers=headers, data=data, content_type=kind)

    def by_rest(self, user: str, act: str, entity: str, id: str | None, values: Mapping[str, Any]) -> tuple[int, Any]:
        """Do one thing as a program would; return the status and the body."""
        path = f"/{PLURALS[entity]}" + ("" if id is None else f"/{id}")
        method = {"update": "PATCH", "delete": "DELETE"}.get(act, "POST")
        path += f"/{act}" if act in ("restore", "move", "assign") else ""
        answer = self.call(user, method, path, None if act in ("delete", "restore") else values)
        return answer.status_code, answer.json if answer.data else None

    def by_many(self, user: str, act: str, entity: str, id: str | None, values: Mapping[str, Any]) -> tuple[int, Any]:
        """Do it as an edit of many records, of which there is one; return the status that it alone would have had."""
        wish = {"update": {"set": values}, "assign": values, "move": {"move": values.get("to")}}
        body = {"ids": [id], "dry_run": False, **wish.get(act, {act: True})}
        answer = self.call(user, "POST", f"/{PLURALS[entity]}/mass-edit", body)
        told = answer.json
        if answer.status_code != 200 or told["changed"] or told["unchanged"]:
            return answer.status_code, told
        [refusal] = told["refusals"] or [{"code": "not_found", "text": ""}]
        return CODES.get(refusal["code"], 409), {"detail": refusal["text"]}

    def by_service(
        self, user: str, act: str, entity: str, id: str | None, values: Mapping[str, Any]
    ) -> tuple[int, Any]:
        """Do the same in Python; return the status that REST would have given."""
        try:
            with self.crm.work(Principal.user(user)) as work:
                [line, *_] = _service(work, act, BY_NAME[entity], id, values)
        except tuple(kind for kind, _ in STATUSES) as error:
            status = next(status for kind, status in STATUSES if isinstance(error, kind))
            return status, {"detail": str(error), "rule": getattr(error, "rule", None)}
        except ConflictError as error:
            return 409, {"detail": str(error)}
        return 200, {"id": line.record_id}


def _service(work: Any, act: str, entity: Any, id: Any, values: Mapping[str, Any]) -> Any:
    if act == "create":
        return records.create(work, [Create(entity, values=values)])
    if act == "update":
        return records.update(work, [Update(entity, id, values=values)])
    if act == "move":
        return pipelines.move(work, [Move(entity, id, to=values["to"])])
    if act == "assign":
        names = {"owner": values.get("owner_id"), "unit": values.get("unit_id")}
        return assigning.assign(work, [Assign(entity, id, **names)])
    if act == "delete":
        return records.delete(work, [Delete(entity, id)])
    return records.restore(work, [Restore(entity, id)])


def _fields(entity: Any) -> list[Any]:
    fields = entity.spec.fields
    return list(fields.values()) if isinstance(fields, Mapping) else list(fields)
