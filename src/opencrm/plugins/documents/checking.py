"""Refusing templates that cannot be used: by what their record says, and by trying their body with sample data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from opencrm import Change, Door, Kind, NotFound, Objection, Upload, UploadDoor
from opencrm.embed import document_data
from opencrm.plugins.documents.entities import Template
from opencrm.plugins.documents.rendering import MOST_BODY, Refused, rendered

_CODE = "documents_template"
_FIXED = ("kind", "entity")


def of_templates(changes: Sequence[Change], door: Door) -> Iterator[Objection]:
    """Object to data that leads nowhere, or where whoever saves it may not read, and to what a body does not survive.

    Automations make documents of it too, and show them to others: so its author must be able to read what it shows.
    """
    for change in changes:
        if change.kind in (Kind.CREATED, Kind.CHANGED, Kind.RESTORED):
            for field, text in _wrong(change, door):
                yield Objection(change.id, _CODE, f"{field}: {text}", field)


def _wrong(change: Change, door: Door) -> Iterator[tuple[str, str]]:
    after, before = change.after, change.before
    spec = door.entities.get(after["entity"])
    if spec is None:
        yield "entity", f"there is no entity {after['entity']!r}"
        return
    paths = document_data.data_map(after["data"])
    astray = document_data.astray(spec, paths, door.entities)
    for name, it in paths.items():
        if name in astray or document_data.veiled(spec, it, door.entities, door.readable):
            yield "data", f"{name}: {spec.name} has no {it.path!r}"
    if before is not None:
        yield from ((name, "cannot be changed: make a new template") for name in _FIXED if before[name] != after[name])
        for name in set(before["data"]) - set(after["data"]):
            yield "data", f"{name}: its body may name it; let its path end with ? where it may be empty"


def of_body(upload: Upload, door: UploadDoor) -> Iterator[Objection]:
    """Object to a body that names what its template does not, or tries to do more than fill in."""
    if upload.size > MOST_BODY:
        yield Objection(upload.record_id, _CODE, f"a template has at most {MOST_BODY // 2**20} MB", "file")
        return
    with door.read() as reader:
        try:
            template = reader.get(Template, upload.record_id)
        except NotFound:
            return  # Whoever may not know of it is refused by opencrm itself.
        entities = reader.configuration.catalogue.entities
        paths = document_data.data_map(template.data)
        veiled = [
            it
            for it in paths.values()
            if document_data.veiled(entities[template.entity], it, entities, reader.rights.readable)
        ]
    if veiled:
        yield Objection(upload.record_id, _CODE, "its template shows something that you may not read", "file")
        return
    sample = document_data.sample(entities[template.entity], paths, entities)
    with upload.open() as file:
        body = file.read()
    try:
        rendered(template.kind, body, sample)
    except Refused as refused:
        yield Objection(upload.record_id, _CODE, str(refused), "file")
