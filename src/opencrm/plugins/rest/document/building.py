"""The OpenAPI document of a workspace, made of its declarations."""

from __future__ import annotations

from typing import Any

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin

from opencrm.embed import Catalogue, Field, Schemas, Spec
from opencrm.plugins.rest.document import shapes
from opencrm.plugins.rest.handling.acts import AssignArguments, MoveArguments, UndoArguments
from opencrm.plugins.rest.handling.filters import OPERATORS
from opencrm.plugins.rest.document.operations import OPERATIONS, Operation
from opencrm.plugins.rest.handling.records import address
from opencrm.plugins.rest.document.shapes import reference
from opencrm.rest import creation_schema, record_schema, update_schema

_ABOUT = """Every entity of this workspace, over one way in and one way out.

Sign in with a bearer token: `Authorization: Bearer opencrm_...`. A record or a field that you may not know of does not
exist for you. Errors are problem details (RFC 9457) with a stable `code`."""
_ID = {"name": "id", "in": "path", "required": True, "schema": {"type": "string", "format": "uuid"}}
_MATCH = {
    "name": "If-Match",
    "in": "header",
    "description": "Write only if the record still has this tag.",
    "schema": {"type": "string"},
}


def document(catalogue: Catalogue, schemas: Schemas) -> dict[str, Any]:
    """Return the OpenAPI document (3.1) of the entities in force."""
    spec = APISpec(
        "opencrm",
        "v1",
        "3.1.0",
        plugins=[MarshmallowPlugin(schema_name_resolver=_unnamed)],
        info={"description": _ABOUT},
    )
    spec.components.security_scheme("token", {"type": "http", "scheme": "bearer"})
    spec.options["security"] = [{"token": []}]
    _add_shared(spec)
    for entity in catalogue.entities.values():
        _add_entity(spec, entity, schemas)
    found: dict[str, Any] = spec.to_dict()
    return found


def _unnamed(_schema: object) -> str:
    """Let schemas that nobody named stand where they are used."""
    return ""


def _add_shared(spec: APISpec) -> None:
    for name, schema in (("Move", MoveArguments), ("Assign", AssignArguments), ("Undo", UndoArguments)):
        spec.components.schema(name, schema=schema)
    for name, shape in shapes.shared().items():
        spec.components.schema(name, shape)
    problem = {"description": "A problem", "content": {"application/problem+json": {"schema": reference("Problem")}}}
    spec.components.response("Problem", problem)
    for path, operations in shapes.fixed().items():
        spec.path(path, operations=operations)


def _add_entity(spec: APISpec, entity: Spec, schemas: Schemas) -> None:
    made = {
        entity.name: record_schema(entity),
        f"{entity.name}.create": creation_schema(entity, schemas.nested(entity)),
        f"{entity.name}.update": update_schema(entity),
    }
    for name, schema in made.items():
        spec.components.schema(name, schema=schema)
    spec.components.schema(f"{entity.name}.page", shapes.page(reference(entity.name)))
    spec.tag({"name": address(entity), "description": (entity.cls.__doc__ or entity.label).strip()})
    paths: dict[str, dict[str, Any]] = {}
    for operation in OPERATIONS:
        if operation.when(entity):
            paths.setdefault(operation.path, {})[operation.method] = _operation(entity, operation)
    for path, operations in paths.items():
        spec.path(f"/{address(entity)}{path}", operations=operations)


def _operation(entity: Spec, operation: Operation) -> dict[str, Any]:
    told: dict[str, Any] = {
        "operationId": f"{entity.name}_{operation.name}",
        "summary": operation.text.format(one=entity.label.lower(), many=entity.plural.replace("_", " ")),
        "tags": [address(entity)],
        "parameters": _parameters(entity, operation),
        "responses": {**_answers(entity, operation), "default": {"$ref": "#/components/responses/Problem"}},
    }
    if operation.takes:
        own = operation.takes in ("create", "update")
        schema = reference(f"{entity.name}.{operation.takes}" if own else operation.takes)
        told["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
    return told


def _parameters(entity: Spec, operation: Operation) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [_ID] if operation.of_one else []
    if operation.matches:
        found = [*found, _MATCH]
    return [*found, *_list_parameters(entity)] if operation.answer == "page" else found


def _answers(entity: Spec, operation: Operation) -> dict[str, Any]:
    kinds = {"page": f"{entity.name}.page", "history": "History"}
    if operation.answer == "nothing":
        return {str(operation.status): {"description": "Done", "headers": shapes.written(tagged=False)}}
    shape = reference(kinds.get(operation.answer, entity.name))
    told: dict[str, Any] = {"description": "Done", "content": {"application/json": {"schema": shape}}}
    if operation.answer in ("record", "record or nothing"):
        told["headers"] = shapes.tag() if operation.method == "get" else shapes.written(tagged=True)
    found = {str(operation.status): told}
    if operation.answer == "record or nothing":
        found["204"] = {
            "description": "Done; the record is out of your sight now",
            "headers": shapes.written(tagged=False),
        }
    return found


def _list_parameters(entity: Spec) -> list[dict[str, Any]]:
    sorts = [name for name, field in entity.fields.items() if field.type.ordered]
    found = [
        _query("sort", {"type": "string", "enum": [*sorts, *(f"-{name}" for name in sorts)]}, "- for descending"),
        _query("limit", {"type": "integer", "minimum": 1, "maximum": 1000, "default": 50}, "Rows of a page"),
        _query("cursor", {"type": "string"}, "`next` of the page before"),
        _query("fields", {"type": "string"}, "Names of the wanted fields, with commas between"),
        _query("deleted", {"type": "string", "enum": ["true", "false"]}, "List the deleted records instead"),
    ]
    return [*found, *(_filter(field) for field in entity.fields.values() if field.type.filterable)]


def _filter(field: Field) -> dict[str, Any]:
    operators = [each for each in OPERATORS if field.type.ordered or each not in ("lt", "lte", "gt", "gte")]
    forms = ", ".join(f"`{field.name}[{each}]`" for each in operators)
    return _query(field.name, {"type": "string"}, f"{field.label}; also as {forms}")


def _query(name: str, schema: dict[str, Any], text: str) -> dict[str, Any]:
    return {"name": name, "in": "query", "description": text, "schema": schema}
