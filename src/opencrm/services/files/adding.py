"""Adding files to records, and new versions to files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import attrs

from opencrm.core.change import Change, JournalEntry, Kind, Values
from opencrm.core.entities import File, FileVersion
from opencrm.core.entity import Entity, Spec
from opencrm.core.values import Id
from opencrm.errors import InputError
from opencrm.services.files.contents import Checked, Content

if TYPE_CHECKING:
    from opencrm.services.writing.work import Work

_SHARED = ("entity", "record_id", "name", "number", "media_type", "size", "sha256")
"""What a file has in common with its newest version."""


@attrs.frozen
class AddFile:
    """Add a file to a record: `AddFile(Deal, id, name="contract.pdf", content=content)`.

    Args:
        entity: The record's.
        record_id: The record.
        name: What the file is called.
        content: What it holds: stored by `crm.files.put`, and looked at by plugins in `crm.files.check`.
        made_by: The template that it was made from, where it was.
    """

    entity: type[Entity] | Spec | str
    record_id: Id
    name: str = attrs.field(kw_only=True)
    content: Content = attrs.field(kw_only=True)
    made_by: str | None = attrs.field(default=None, kw_only=True)


@attrs.frozen
class AddVersion:
    """Let a file hold something else from now on; what it held stays a version.

    Args:
        file_id: The file.
        content: What it is to hold, as of `AddFile`, but looked at in `crm.files.check_version`.
        name: What it is called from now on; by default as before.
    """

    file_id: Id
    content: Content = attrs.field(kw_only=True)
    name: str | None = attrs.field(default=None, kw_only=True)


def add(work: Work, commands: Sequence[AddFile]) -> tuple[JournalEntry, ...]:
    """Add files to records.

    Returns:
        One journal entry for each command, in order; `entry.record_id` is the new file's id.

    Raises:
        NotFound: There is no such record, or none that the principal may know of.
        InputError: A name cannot be used, there are no files on such a record, or plugins were not asked about a
            content.
        PermissionDenied: The principal may not change the record.
    """
    changes = []
    for at, command in enumerate(commands):
        spec = work.entity(command.entity)
        work.existing(spec, [command.record_id])
        name = _name(command.name, at)
        _check(command.content, Checked(spec.name, command.record_id, name), at)
        given = {"entity": spec.name, "record_id": command.record_id, "name": name, **command.content.told()}
        file = _made(work, File.spec, {**given, "number": 1, "made_by": command.made_by})
        changes += [file, _version(work, file.after)]
    return _of_files(work.apply(changes))


def add_version(work: Work, commands: Sequence[AddVersion]) -> tuple[JournalEntry, ...]:
    """Let files hold something else from now on; one that holds it already, and is called so, stays as it is.

    Returns:
        One journal entry for each command, in order.

    Raises:
        NotFound: There is no such file, or none that the principal may know of.
        InputError: A name cannot be used, a file is named twice, or plugins were not asked about a content.
        PermissionDenied: The principal may not change the record that a file belongs to.
    """
    ids = [command.file_id for command in commands]
    if len(set(ids)) < len(ids):
        raise InputError({"file_id": ["is named twice"]})
    states = work.existing(work.entity(File), ids)
    steps = [_next(work, states[it.file_id], it, at) for at, it in enumerate(commands)]
    same = {step.id: step for step in steps if step.before == step.after}
    # The version first: an undo goes backwards, and takes it away when the file no longer holds it.
    changes = [it for step in steps if step.id not in same for it in (_version(work, step.after), step)]
    lines = {line.record_id: line for line in (_of_files(work.apply(changes)) if changes else ())}
    return tuple(lines.get(id) or work.unchanged(same[id]) for id in ids)


def _next(work: Work, before: Values, command: AddVersion, at: int) -> Change:
    given = None if command.name is None else _name(command.name, at)
    _check(command.content, Checked(File.spec.name, command.file_id, given), at)
    name = given or before["name"]
    if (before["sha256"], before["name"]) == (command.content.sha256, name):
        return Change("file", before["id"], Kind.CHANGED, before, before)
    new = {"name": name, "number": before["number"] + 1, "updated_at": work.now, **command.content.told()}
    return Change("file", before["id"], Kind.CHANGED, before, {**before, **new})


def _check(content: Content, place: Checked, at: int) -> None:
    """Refuse a content about which plugins were not asked, or for another place."""
    if not content.made and content.checked != place:
        wrong = {"content": ["was not looked at for this: call crm.files.check or check_version before"]}
        raise InputError(wrong, rows={at: wrong})


def _version(work: Work, file: Values) -> Change:
    return _made(work, FileVersion.spec, {"file_id": file["id"], **{name: file[name] for name in _SHARED}})


def _made(work: Work, spec: Spec, given: Mapping[str, Any]) -> Change:
    """Return the change that makes a record of what opencrm itself keeps of it."""
    id, unset = work.new_id(), {name: it.default for name, it in work.entity(spec).fields.items()}
    stamps = {"id": id, "created_at": work.now, "updated_at": work.now, "created_by": work.rights.name, "version": 1}
    return Change(spec.name, id, Kind.CREATED, None, {**unset, **given, **stamps})


def _name(raw: str, at: int) -> str:
    try:
        return str(File.spec.fields["name"].type.parse(raw))
    except ValueError as error:
        wrong = {"name": [str(error)]}
        raise InputError(wrong, rows={at: wrong}) from None


def _of_files(lines: Iterable[JournalEntry]) -> tuple[JournalEntry, ...]:
    return tuple(line for line in lines if line.entity == "file")
