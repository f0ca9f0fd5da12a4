"""The routes of files: of a record, of a file, and of its versions."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from types import MappingProxyType
from typing import Any
from urllib.parse import quote

import attrs
from flask import Response, request

from opencrm import CRM, All, Equal, File, FileVersion, JournalEntry, NotFound, Principal, files
from opencrm.embed import Reader
from opencrm.plugins.rest.addresses import entity_at
from opencrm.plugins.rest.answering.answers import ACT, answer, page_body, record_bodies, record_body, tagged
from opencrm.plugins.rest.asking.bodies import arguments
from opencrm.plugins.rest.asking.filters import query_of
from opencrm.plugins.rest.asking.query_strings import no_parameters, only, optional, pairs, whole
from opencrm.plugins.rest.asking.requests import principal, record_id
from opencrm.plugins.rest.filing.outgoing import Outgoing
from opencrm.plugins.rest.filing.receiving import received
from opencrm.plugins.rest.filing.sending import sent

_ORDER: Mapping[str, type] = MappingProxyType({"template": str})


class Files:
    """Answers for the files of a workspace.

    Args:
        crm: The workspace.
    """

    def __init__(self, crm: CRM) -> None:
        self._crm = crm
        self._outgoing = Outgoing()

    def list(self, plural: str, id: str) -> Response:
        """Answer with one page of a record's files."""
        given = pairs()
        with self._crm.read(principal()) as reader:
            spec, id = entity_at(reader, plural), record_id(id)
            reader.get(spec, id)
            query = query_of(reader, reader.entity(File), given)
            own = All((Equal("entity", spec.name), Equal("record_id", id)))
            query = attrs.evolve(query, where=own if query.where is None else All((own, query.where)))
            return answer(page_body(reader, reader.entity(File), reader.list(query)))

    def add(self, plural: str, id: str) -> Response:
        """Add a file to a record; answer with the file."""
        who, id = principal(), record_id(id)
        with self._crm.read(who) as reader:
            spec = entity_at(reader, plural)
            reader.get(spec, id)
        with received(self._crm) as (source, name):
            entry = self._crm.files.add(who, spec, id, source, name=name or "")
        return self._made(who, entry, 201, f"{_root(plural)}/files/{entry.record_id}")

    def make(self, plural: str, id: str) -> Response:
        """Make a document of a record from a template, where the plugin is active; answer with the file."""
        no_parameters()
        who, id = principal(), record_id(id)
        given = arguments(_ORDER, required=_ORDER)
        with self._crm.read(who) as reader:
            spec = entity_at(reader, plural)
        entry = self._crm.services.ask(who, "documents_generate", spec, id, given)
        return self._made(who, entry, 201, f"{_root(plural)}/files/{entry.record_id}")

    def add_version(self, id: str) -> Response:
        """Let a file hold something else; answer with the file."""
        who, id = principal(), record_id(id)
        with self._crm.read(who) as reader:
            reader.get(File, id)
        with received(self._crm) as (source, name):
            given = name if "name" in request.args or "name" in request.form else None
            entry = self._crm.files.add_version(who, id, source, name=given)
        return self._made(who, entry, 201, f"{_root('files')}/files/{id}")

    def versions(self, id: str) -> Response:
        """Answer with the versions of a file, the newest first."""
        no_parameters()
        with self._crm.read(principal()) as reader:
            found = files.versions(reader, record_id(id))
            return answer({"items": record_bodies(reader, reader.entity(FileVersion), found)})

    def content(self, id: str, number: str | None = None) -> Response:
        """Answer with what a file holds, or held as a version of that number."""
        no_parameters()
        who, id = principal(), record_id(id)
        with self._crm.read(who) as reader:
            version = files.version(reader, id, None if number is None else _number(number))
        return sent(self._outgoing, version, partial(self._crm.files.open, who, id, version.number))

    def readers(self, id: str) -> Response:
        """Answer with who was given a file, the latest first."""
        given = only(pairs(), "limit", "before")
        limit, before = whole(given, "limit", 50), optional(given, "before")
        with self._crm.read(principal()) as reader:
            found = files.readers(
                reader, record_id(id), limit=limit, before=None if before is None else record_id(before)
            )
        items = [attrs.asdict(each) for each in found]
        return answer({"items": items, "next": found[-1].id if len(found) == limit else None})

    def _made(self, who: Principal, entry: JournalEntry, status: int, location: str) -> Response:
        headers = {ACT: entry.act, "Location": quote(location)}
        with self._crm.read(who) as reader:
            return answer(*_seen(reader, entry.record_id, status, headers))


def _seen(reader: Reader, id: str, status: int, headers: dict[str, str]) -> tuple[Any, int, dict[str, str]]:
    spec = reader.entity(File)
    try:
        record = reader.get(spec, id)
    except NotFound:  # What the file belongs to was taken out of sight by another one meanwhile.
        return {"id": id}, status, headers
    return record_body(reader, spec, record), status, tagged(reader, spec, record, headers)


def _root(plural: str) -> str:
    """Return the address below which records are, seen from that of one record."""
    return f"{request.root_path}{request.path.partition(f'/{plural}/')[0]}"


def _number(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise NotFound("there is nothing at this address")
    return int(text)
