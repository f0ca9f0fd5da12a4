"""Documents made from templates: Word and PDF, of what whoever makes them may read.

Templates are records, and their bodies are files on them. Whoever writes one writes no program: a Word template has
merge fields only, a PDF template is typst, and both are worked off in a process of their own with little time, little
memory, no network, no secrets and no files but the template's.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from opencrm import Change, Door, Entity, Grant, Objection, Scope, Service, Upload, UploadDoor, hookimpl
from opencrm.plugins.documents import checking, generating
from opencrm.plugins.documents.entities import Template
from opencrm.plugins.documents.generating import generate

__all__ = ["Template", "generate"]


@hookimpl
def opencrm_register_entities() -> Iterator[type[Entity]]:
    yield Template


@hookimpl
def opencrm_register_services() -> Iterator[Service]:
    yield Service(
        name="documents_generate",
        label="Make a document",
        run=generating.run,
        check=generating.missing,
        ready=generating.unready,
        by_hand=True,
        reads=generating.reads,
        needs=[Grant("record", "update", Scope.ALL), Grant(Template.spec.name, "read", Scope.ALL)],
    )


@hookimpl(entity="documents_template")
def opencrm_check_change(changes: Sequence[Change], door: Door) -> Iterator[Objection]:
    yield from checking.of_templates(changes, door)


@hookimpl
def opencrm_check_content(upload: Upload, door: UploadDoor) -> Iterator[Objection]:
    if upload.entity == Template.spec.name:
        yield from checking.of_body(upload, door)
