"""What the document says of files."""

from __future__ import annotations

from opencrm.embed import Spec
from opencrm.plugins.rest.addresses import address
from opencrm.plugins.rest.document import parameters
from opencrm.plugins.rest.document.describing import body, good, operation
from opencrm.plugins.rest.document.shapes import (
    MOMENT,
    NUMBER,
    TEXT,
    UUID,
    Shape,
    list_of,
    object_of,
    query,
    reference,
    tag,
    written,
)

_NAME = query("name", TEXT, "What the file is called; else the form's `name`, or the name of its part")
_NUMBER: Shape = {
    "name": "number",
    "in": "path",
    "required": True,
    "description": "Which version, from 1",
    "schema": {"type": "integer", "minimum": 1},
}
_BINARY: Shape = {"type": "string", "format": "binary"}
_UPLOAD = """The body is the file itself, or a form with the part `file` and, if you like, `name`. What it holds is told
from its beginning, of a few types that are known; what the request says is not believed. The same content is stored
once. A file that is too large is refused with 422, as is a name with a folder or control characters."""
_SENT = """As an attachment of a type that no browser runs. `Range` asks for one part; `ETag` is the content's hash.
Before the first byte it is written down who is given what."""

_DOCUMENT = """`template` is the key of a template of such records. It fills in the record's data as you may read them.

The document becomes a file of the record, and a new version of that file where it was made before. Where something
that the template needs is empty nothing is made, and the refusal's `missing` says what.
"""


def schemas() -> Shape:
    """Return the named shapes of files."""
    who = {"type": ["string", "null"], "description": "As whom, where a rule or a plugin acted for somebody"}
    reading = object_of({"id": UUID, "at": MOMENT, "number": NUMBER, "principal": TEXT, "acting_as": who})
    listed = {"items": list_of(reading), "next": {**UUID, "type": ["string", "null"]}}
    return {
        "Document": object_of({"template": TEXT}),
        "Readings": object_of(listed),
        "Versions": object_of({"items": list_of(reference("file_version"))}),
    }


def of_records(entity: Spec) -> Shape:
    """Return the paths of an entity's files; nothing for what has none."""
    if "record_id" in entity.options.part_of:
        return {}
    listed = operation(
        f"{entity.name}_files",
        address(entity),
        summary=f"List the files of one {entity.label.lower()}",
        about="One page of them; filters and sorting are those of files.",
        good=good("file.page"),
        refused=(404, 422),
        takes=(parameters.ID, *parameters.paging()),
    )
    add = operation(
        f"{entity.name}_add_file",
        address(entity),
        summary=f"Add a file to one {entity.label.lower()}",
        about=_UPLOAD,
        good=good("file", status=201, headers=written(tagged=True)),
        refused=(403, 404, 409, 422),
        takes=(parameters.ID, _NAME),
    )
    return {f"/{address(entity)}/{{id}}/files": {"get": listed, "post": {**add, "requestBody": _body()}}}


def of_documents(entity: Spec) -> Shape:
    """Return the path by which documents are made of an entity's records; nothing for what has no files."""
    if "record_id" in entity.options.part_of:
        return {}
    make = operation(
        f"{entity.name}_make_document",
        address(entity),
        summary=f"Make a document of one {entity.label.lower()} from a template",
        about=_DOCUMENT,
        good=good("file", status=201, headers=written(tagged=True)),
        refused=(403, 404, 409, 422),
        takes=(parameters.ID,),
    )
    made = body(reference("Document"), {"template": "contract"})
    return {f"/{address(entity)}/{{id}}/documents": {"post": {**make, **made}}}


def paths() -> Shape:
    """Return the paths of files."""
    add = operation(
        "file_add_version",
        "files",
        summary="Let a file hold something else",
        about=f"What it held stays a version. {_UPLOAD}",
        good=good("file", status=201, headers=written(tagged=True)),
        refused=(403, 404, 409, 422),
        takes=(parameters.ID, _NAME),
    )
    return {
        "/files/{id}/content": {"get": _content("file_content", "Give what a file holds", (parameters.ID,))},
        "/files/{id}/versions": {"get": _versions(), "post": {**add, "requestBody": _body()}},
        "/files/{id}/versions/{number}/content": {
            "get": _content("file_version_content", "Give what a file held", (parameters.ID, _NUMBER))
        },
        "/files/{id}/readers": {"get": _readers()},
    }


def _content(name: str, summary: str, takes: tuple[Shape, ...]) -> Shape:
    told = operation(name, "files", summary=summary, about=_SENT, good={}, refused=(404, 422), takes=takes)
    kinds = {"application/octet-stream": {"schema": _BINARY}, "*/*": {"schema": _BINARY}}
    headers = {"Content-Disposition": {"description": "The name of the file", "schema": TEXT}, **tag()}
    sent = {"description": "The file", "content": kinds, "headers": headers}
    told["responses"] |= {
        "200": sent,
        "206": {**sent, "description": "The part that `Range` asked for"},
        "304": {"description": "It is what `If-None-Match` names"},
        "416": {"description": "The file has no such part"},
    }
    return told


def _versions() -> Shape:
    return operation(
        "file_versions",
        "files",
        summary="List the versions of a file",
        about="The newest first.",
        good=good("Versions"),
        refused=(404, 422),
        takes=(parameters.ID,),
    )


def _readers() -> Shape:
    return operation(
        "file_readers",
        "files",
        summary="List who was given a file",
        about="The latest first; for whoever may change the record that the file belongs to.",
        good=good("Readings"),
        refused=(403, 404, 422),
        takes=(
            parameters.ID,
            query("limit", {"type": "integer", "minimum": 1, "maximum": 1000, "default": 50}, "The most lines"),
            query("before", {"type": "string", "format": "uuid"}, "Only those before this one: a page's `next`"),
        ),
    )


def _body() -> Shape:
    form = {"type": "object", "properties": {"file": _BINARY, "name": TEXT}, "required": ["file"]}
    kinds = {"multipart/form-data": {"schema": form}, "application/octet-stream": {"schema": _BINARY}}
    return {"required": True, "content": kinds}
