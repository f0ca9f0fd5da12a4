"""The rules of files: none without a content, none on a part of another record, and versions that follow their file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, select

from opencrm.core.change import Change, Kind, Values
from opencrm.core.columns import IdColumn
from opencrm.core.entities import File, FileVersion
from opencrm.core.entity import Spec
from opencrm.core.values import Id
from opencrm.errors import InputError
from opencrm.services.writing.block import Block

if TYPE_CHECKING:
    from opencrm.services.writing.work import Work

_HOW = "is added with what it holds: POST /api/v1/<plural>/<id>/files, or crm.files.add(...)"


class _Keeping:
    """Bound to files and their versions."""

    entities = frozenset({"file", "file_version"})

    def judge(self, work: Block, changes: Sequence[Change]) -> None:
        """Refuse a file without a content, one where there are no files, and to take away what a file holds now."""
        gone = {change.id for change in changes if change.entity == "file" and change.kind is Kind.DELETED}
        held = {change.id: change.after["number"] for change in changes if change.entity == "file"}
        for at, change in enumerate(changes):
            wrong = _wrong(work, change)
            if change.entity == "file_version" and change.kind is Kind.DELETED:
                wrong = _wrong_end(work, change.after, held) if change.after["file_id"] not in gone else {}
            if wrong:
                raise InputError(wrong, rows={at: wrong})

    def follow(self, work: Work, own: Sequence[Change], changes: Sequence[Change]) -> Sequence[Change]:
        """Take the versions of files away with them, and bring those back with them that went with them."""
        ends = [change for change in own if change.entity == "file" and change.kind in (Kind.DELETED, Kind.RESTORED)]
        found: list[Change] = []
        for change in ends:
            was = change.before or {}
            for state in _versions(work, change.id):
                if state["deleted_at"] == was.get("deleted_at"):
                    after = {**state, "deleted_at": change.after["deleted_at"], "updated_at": work.now}
                    found.append(Change("file_version", state["id"], change.kind, state, after))
        return found


def _wrong(work: Block, change: Change) -> dict[str, list[str]]:
    if change.kind is not Kind.CREATED:
        return {}
    if change.after["sha256"] is None:
        return {"file": [_HOW]}
    whole = work.configuration.catalogue.entities.get(change.after["entity"])
    return {} if whole is not None and _has_files(whole) else {"entity": ["has no files: add them to its record"]}


def _has_files(spec: Spec) -> bool:
    return "record_id" not in spec.options.part_of


def _wrong_end(work: Block, version: Values, held: Mapping[Id, int]) -> dict[str, list[str]]:
    """Say why a version cannot go while its file stays: it is what the file holds."""
    id = version["file_id"]
    stored = None if id in held else work.whole(File.spec, [id]).get(id)
    number = held.get(id) if stored is None else stored["number"]
    return (
        {"number": ["is what the file holds now: add a version, or delete the file"]}
        if (number == version["number"])
        else {}
    )


def _versions(work: Work, file_id: Id) -> Sequence[Values]:
    """Return the states of all versions of a file, deleted ones too."""
    spec = work.entity(FileVersion)
    table = spec.table

    def build() -> Any:
        mine = table.c.file_id == bindparam("file", type_=IdColumn())
        return select(*map(spec.column, spec.columns)).where(mine).order_by(table.c.id)

    return work.tx.query("versions of file", build, {"file": file_id})


BINDING = _Keeping()
