"""Making documents: the data as whoever makes them may read it, rendered in a process of its own, kept as a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import attrs

from opencrm import (
    CRM,
    All,
    CheckDoor,
    Equal,
    File,
    InputError,
    JournalEntry,
    NotFound,
    Objected,
    Principal,
    Query,
    RequirementMissing,
    ServiceDoor,
    files,
)
from opencrm.embed import Reader, Work, document_data
from opencrm.plugins.documents.entities import Template
from opencrm.plugins.documents.rendering import Refused, rendered

_ENDINGS: Mapping[str, str] = MappingProxyType({"word": "docx", "pdf": "pdf"})


@attrs.frozen(kw_only=True)
class _Order:
    """A document to be made.

    Attributes:
        template: The template's key.
        name: What the document is called.
        kind: Of which kind it is.
        sha256: The hash of the body.
        data: What is filled in.
        missing: The names that must hold something and do not.
        paths: Where each name leads.
    """

    template: str
    name: str
    kind: str
    sha256: str
    data: Mapping[str, Any]
    missing: Sequence[str]
    paths: Mapping[str, str]


def generate(crm: CRM, principal: Principal, entity: str, id: str, template: str) -> JournalEntry:
    """Make a document of a record, as somebody; a new version of the one that was made of it before.

    Args:
        crm: The workspace.
        principal: Who makes it; what they may not read is not in it.
        entity: The record's entity.
        id: The record.
        template: The template's key.

    Returns:
        The journal's line of the file.

    Raises:
        NotFound: There is no such record or template, or none that the principal may know of.
        RequirementMissing: Something that the template needs is empty.
        InputError: The template is of another entity, or has no body.
        Objected: The template fails with this record.
        PermissionDenied: The principal may not change the record.
    """
    made: JournalEntry = crm.services.ask(principal, "documents_generate", entity, id, {"template": template})
    return made


def missing(door: CheckDoor, values: Mapping[str, Any]) -> Sequence[str]:
    """Say what is missing for a document, before the act that asks for it is committed: the record's fields by name."""
    with door.read() as reader:
        absent = unready(reader, [door.entity], values)
        if absent:
            return absent
        order = _order(reader, door.entity, door.record_id, _key(values))
        return [order.paths[name] for name in order.missing]


def unready(reader: Reader, entities: Sequence[str], values: Mapping[str, Any]) -> Sequence[str]:
    """Say what is missing for a document of whatever record of some entities."""
    key = _key(values)
    found = _template(reader, key)
    if found is None:
        return [f"the template {key!r}"]
    if entities and found.entity not in entities:
        return [f"a template {key!r} of {' or '.join(entities)}: it is one of {found.entity}"]
    return [] if _body(reader, found.id) else [f"a file for the template {key!r}"]


def reads(reader: Reader, entity: str, values: Mapping[str, Any]) -> Sequence[str]:
    """Say what a document shows of a record, as paths: nothing while there is no such template."""
    found = _template(reader, _key(values))
    if found is None or found.entity != entity:
        return []
    return [str(it) for it in document_data.data_map(found.data).values()]


def run(door: ServiceDoor, values: Mapping[str, Any]) -> JournalEntry | None:
    """Make a document that a rule, a stage, a task or a person asks for; return the journal's line of the file."""
    with door.read() as reader:
        order = _order(reader, door.entity, door.record_id, _key(values))
        contents = reader.workspace.contents
    content = _made(contents, order)
    with door.work() as work:
        if door.once(work, f"document {door.key}"):
            return _kept(work, door.entity, door.record_id, order, content)
    return None


def _key(values: Mapping[str, Any]) -> str:
    key = values.get("template")
    if not isinstance(key, str):
        raise InputError({"template": ["is required: the key of a template"]})
    return key


def _order(reader: Reader, entity: str, id: str, key: str) -> _Order:
    found = _template(reader, key)
    if found is None:
        raise NotFound(f"there is no template {key!r}", entity=Template.spec.name)
    if found.entity != entity:
        raise InputError({"template": [f"{key!r} is a template of {found.entity}, not of {entity}"]})
    body = _body(reader, found.id)
    if body is None:
        raise InputError({"template": [f"{key!r} has no body: add a file to it"]})
    paths = document_data.data_map(found.data)
    data = document_data.gathered(reader, entity, id, paths)
    wanting = document_data.missing(data, paths)
    told = {"template": key, "name": f"{found.name}.{_ENDINGS[found.kind]}", "kind": found.kind}
    led = {name: it.path for name, it in paths.items()}
    return _Order(**told, sha256=body.sha256, data=data, missing=wanting, paths=led)


def _template(reader: Reader, key: str) -> Any:
    return next(iter(reader.list(Query(Template, where=Equal("key", key)))), None)


def _body(reader: Reader, template: str) -> Any:
    own = All((Equal("entity", Template.spec.name), Equal("record_id", template)))
    return next(iter(reader.list(Query(File, where=own, limit=1))), None)


def _made(contents: Any, order: _Order) -> Any:
    """Render and store a document; it belongs to nothing yet, and no other plugin is asked about it."""
    if order.missing:
        told = [{"text": name} for name in order.missing]
        raise RequirementMissing(f"missing: {', '.join(order.missing)}", missing=told, template=order.template)
    try:
        document = rendered(order.kind, contents.read(order.sha256), order.data)
    except Refused as refused:
        raise Objected(f"the template {order.template!r} cannot be filled in: {refused}") from None
    return attrs.evolve(contents.put(document, name=order.name), made=True)


def _kept(work: Work, entity: str, id: str, order: _Order, content: Any) -> JournalEntry:
    """Add a document to the record: to the file that was made from the same template, where there is one."""
    by, spec = f"documents:{order.template}", work.entity(entity)
    work.tx.hold(f"document {id} {order.template}")
    own = All((Equal("entity", spec.name), Equal("record_id", id), Equal("made_by", by)))
    before = next(iter(work.list(Query(File, where=own, limit=1))), None)
    if before is not None:
        return files.add_version(work, [files.AddVersion(before.id, content=content)])[0]
    return files.add(work, [files.AddFile(spec, id, name=order.name, content=content, made_by=by)])[0]
