"""The OpenAPI document of a workspace, put together."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin

from opencrm import Exporter
from opencrm.embed import Catalogue, Locale, Schemas, Spec, exporters_by_ending
from opencrm.plugins.rest.addresses import address
from opencrm.plugins.rest.asking.acts import AssignArguments, MoveArguments, UndoArguments
from opencrm.plugins.rest.document import parameters, refusals, shapes, texts
from opencrm.plugins.rest.document.examples import Examples
from opencrm.plugins.rest.document.operations import OPERATIONS, Operation
from opencrm.plugins.rest.document.paths import (
    accounts,
    analysing,
    cleaning,
    explaining,
    imports,
    inbox,
    organising,
    searching,
    tasks,
    views,
    webhooks,
    workspace,
)
from opencrm.plugins.rest.document.shapes import ID, Shape, reference
from opencrm.plugins.rest.document.tags import tags
from opencrm.plugins.rest.filing import describing as filing
from opencrm.plugins.rest.processes import describing as processes
from opencrm.plugins.rest.queueing import describing as queueing
from opencrm.plugins.rest.submitting import describing as submitting
from opencrm.plugins.rest.timing import describing as timing
from opencrm.rest import creation_schema, record_schema, update_schema

_PARTS = (
    workspace,
    accounts,
    analysing,
    explaining,
    filing,
    imports,
    inbox,
    organising,
    processes,
    queueing,
    searching,
    submitting,
    tasks,
    timing,
    views,
)
_OF_RECORDS = (
    cleaning.paths,
    filing.of_records,
    processes.of_records,
    queueing.of_records,
    submitting.of_records,
    timing.of_records,
    webhooks.paths,
)


def document(catalogue: Catalogue, schemas: Schemas, locale: Locale) -> dict[str, Any]:
    """Return the OpenAPI document (3.1) of the entities in force."""
    spec = APISpec(
        "opencrm REST API",
        "v1",
        "3.1.0",
        plugins=[MarshmallowPlugin(schema_name_resolver=_unnamed)],
        info={"description": texts.ABOUT},
    )
    spec.components.security_scheme("token", {"type": "http", "scheme": "bearer"})
    told = "What signing in sets; writes with it need the header `OpenCRM-Request`, or come from a page of this site."
    cookie = {"type": "apiKey", "in": "cookie", "name": "opencrm_session", "description": told}
    spec.components.security_scheme("session", cookie)
    spec.options["security"] = [{"token": []}, {"session": []}]
    for tag in tags(catalogue.entities.values()):
        spec.tag(tag)
    _add_shared(spec)
    builder = _Builder(spec, Examples(catalogue, schemas, locale))
    for entity in catalogue.entities.values():
        builder.add(entity)
    for part in _PARTS:
        for path, operations in part.paths().items():
            spec.path(path, operations=operations)
    found: dict[str, Any] = spec.to_dict()
    return found


def _unnamed(_schema: object) -> str:
    """Let schemas that nobody named stand where they are used."""
    return ""


def _add_shared(spec: APISpec) -> None:
    for name, schema in (("Move", MoveArguments), ("Assign", AssignArguments), ("Undo", UndoArguments)):
        spec.components.schema(name, schema=schema)
    for part in (refusals, cleaning, webhooks, *_PARTS):
        for name, shape in part.schemas().items():
            spec.components.schema(name, shape)
    for name, response in refusals.responses().items():
        spec.components.response(name, response)


class _Builder:
    """Adds entities to a document."""

    def __init__(self, spec: APISpec, examples: Examples) -> None:
        self._spec = spec
        self._examples = examples

    def add(self, entity: Spec) -> None:
        """Add an entity's schemas and operations."""
        self._add_schemas(entity)
        paths: dict[str, dict[str, Any]] = {}
        for operation in OPERATIONS:
            if operation.when(entity):
                paths.setdefault(operation.path, {})[operation.method] = self._operation(entity, operation)
        for path, operations in paths.items():
            self._spec.path(f"/{address(entity)}{path}", operations=operations)
        documents = (filing.of_documents,) if "documents_template" in self._examples.catalogue.entities else ()
        for of_records in (*_OF_RECORDS, *documents):
            for path, operations in of_records(entity).items():
                self._spec.path(path, operations=operations)

    def _add_schemas(self, entity: Spec) -> None:
        parts = self._examples.schemas.nested(entity)
        made = {
            entity.name: record_schema(entity),
            f"{entity.name}.create": creation_schema(entity, parts),
            f"{entity.name}.update": update_schema(entity),
        }
        for name, schema in made.items():
            self._spec.components.schema(name, schema=schema)
            shape = self._spec.components.schemas[name]
            shape["properties"] |= views.added(name)
            self._exemplify(entity, shape)
            for part, (spec, _) in parts.items():
                if part in shape["properties"]:
                    self._exemplify(spec, shape["properties"][part]["items"])
        self._spec.components.schema(f"{entity.name}.page", shapes.page(reference(entity.name)))

    def _exemplify(self, entity: Spec, shape: Shape) -> None:
        """Give each field of a shape its example."""
        for name, described in shape["properties"].items():
            if name in entity.fields:
                value = self._examples.value(entity, entity.fields[name])
                if value is not None:
                    described["examples"] = [value]

    def _operation(self, entity: Spec, operation: Operation) -> Shape:
        told: dict[str, Any] = {
            "operationId": f"{entity.name}_{operation.name}",
            "summary": operation.text.format(one=entity.label.lower(), many=entity.plural.replace("_", " ")),
            "description": self._description(entity, operation),
            "tags": [address(entity)],
            "parameters": self._parameters(entity, operation),
            "responses": {**self._answers(entity, operation), **refusals.answers(operation.refusals)},
        }
        if operation.takes:
            told["requestBody"] = self._body(entity, operation, operation.takes)
        return told

    def _description(self, entity: Spec, operation: Operation) -> str:
        if operation.answer in ("page", "file"):
            return f"{operation.about}\n{texts.filters_in_words(entity)}"
        if operation.takes == "Move":
            pipelines = self._examples.catalogue.pipelines_of(entity.name)
            return f"{operation.about}{texts.pipelines_in_words(pipelines)}"
        return operation.about

    def _parameters(self, entity: Spec, operation: Operation) -> list[Shape]:
        if operation.answer == "page":
            return parameters.of_list(entity)
        if operation.answer == "file":
            formats = [ending.removeprefix(".") for ending in exporters_by_ending(self._exporters)]
            return parameters.of_export(entity, formats, [*self._examples.schemas.nested(entity)])
        return [*([parameters.ID] if operation.of_one else []), *([parameters.MATCH] if operation.matches else [])]

    def _answers(self, entity: Spec, operation: Operation) -> Shape:
        if operation.answer != "file":
            return _answers(entity, operation)
        binary = {"schema": {"type": "string", "format": "binary"}}
        content = {each.media_type: binary for each in self._exporters}
        name = {"description": "The name of the file", "schema": {"type": "string"}}
        return {"200": {"description": "The file", "content": content, "headers": {"Content-Disposition": name}}}

    @property
    def _exporters(self) -> Collection[Exporter]:
        return self._examples.catalogue.exporters.values()

    def _body(self, entity: Spec, operation: Operation, takes: str) -> Shape:
        own = {"create": self._examples.creation, "update": self._examples.update}
        make = {**own, "Move": self._examples.move}.get(takes)
        example = make(entity) if make else {"owner_id": ID}
        schema = reference(f"{entity.name}.{takes}" if takes in own else takes)
        content = {"schema": schema} | ({"example": example} if example else {})
        return {"required": True, "content": {"application/json": content}}


def _answers(entity: Spec, operation: Operation) -> Shape:
    kinds = {"page": f"{entity.name}.page", "history": "History", "moves": "Moves"}
    if operation.answer == "nothing":
        return {str(operation.status): {"description": "Done", "headers": shapes.written(tagged=False)}}
    shape = reference(kinds.get(operation.answer, entity.name))
    told: dict[str, Any] = {"description": "Done", "content": {"application/json": {"schema": shape}}}
    if operation.answer in ("record", "record or nothing"):
        told["headers"] = shapes.tag() if operation.method == "get" else shapes.written(tagged=True)
    found = {str(operation.status): told}
    if operation.name == "get":
        location = {"Location": {"description": "Its address", "schema": {"type": "string"}}}
        found["307"] = {"description": "It was merged into another record", "headers": location}
    if operation.answer == "record or nothing":
        found["204"] = {
            "description": "Done; the record is out of your sight now",
            "headers": shapes.written(tagged=False),
        }
    return found
