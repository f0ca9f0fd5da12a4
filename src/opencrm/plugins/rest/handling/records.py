"""The routes of records: the same for every entity, resolved by each request."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import attrs
from flask import Response, request

from opencrm import (
    CRM,
    Assign,
    Create,
    Delete,
    InputError,
    Move,
    NotFound,
    Restore,
    Update,
    assigning,
    merging,
    pipelines,
    records,
)
from opencrm.embed import Reader, Spec
from opencrm.plugins.rest.addresses import entity_at
from opencrm.plugins.rest.answering.acting import chosen, seen, unseen
from opencrm.plugins.rest.answering.answers import ACT, answer, entry_body, page_body, record_body, sums_body, tagged
from opencrm.plugins.rest.asking.bodies import json_object, no_body
from opencrm.plugins.rest.asking.filters import query_of, summed_in
from opencrm.plugins.rest.asking.query_strings import no_parameters, pairs, without
from opencrm.plugins.rest.asking.requests import expected, principal, record_id
from opencrm.plugins.rest.handling.searching import page_of


class Records:
    """Answers for the records of a workspace.

    Args:
        crm: The workspace.
    """

    def __init__(self, crm: CRM) -> None:
        self._crm = crm

    def list(self, plural: str) -> Response:
        """Answer with one page."""
        given = pairs()
        with self._crm.read(principal()) as reader:
            spec = entity_at(reader, plural)
            if any(name == "q" for name, _ in given):
                return answer(page_body(reader, spec, page_of(reader, spec, given)))
            query, summed = query_of(reader, spec, without(given, "sum")), summed_in(given)
            body = page_body(reader, spec, reader.list(query))
            return answer(body | sums_body(reader, query, summed))

    def get(self, plural: str, id: str) -> Response:
        """Answer with one record."""
        no_parameters()
        with self._crm.read(principal()) as reader:
            spec = entity_at(reader, plural)
            try:
                record = reader.get(spec, record_id(id))
            except NotFound:
                return _moved_on(reader, spec, record_id(id))
            response = answer(record_body(reader, spec, record), headers=tagged(reader, spec, record))
        response.make_conditional(request.environ)
        return response

    def create(self, plural: str) -> Response:
        """Make a record; answer with it."""
        no_parameters()
        body = json_object()
        with self._crm.work(principal()) as work:
            spec = entity_at(work, plural)
            [entry] = records.create(work, [Create(spec, values=body)])
            made = {ACT: entry.act, "Location": _below_here(entry.record_id)}
            return seen(work, spec, entry, 201, made) or answer({"id": entry.record_id}, 201, made)

    def update(self, plural: str, id: str) -> Response:
        """Change fields of a record; answer with it."""
        no_parameters()
        body, tags, id = json_object(), expected(), record_id(id)
        with self._crm.work(principal()) as work:
            spec = entity_at(work, plural)
            tag = chosen(work, spec, id, tags)
            [entry] = records.update(work, [Update(spec, id, values=body, if_match=tag)])
            return seen(work, spec, entry) or unseen(entry)

    def delete(self, plural: str, id: str) -> Response:
        """Take a record away."""
        no_parameters()
        no_body()
        tags, id = expected(), record_id(id)
        with self._crm.work(principal()) as work:
            spec = entity_at(work, plural)
            [entry] = records.delete(work, [Delete(spec, id, if_match=chosen(work, spec, id, tags))])
            return unseen(entry)

    def restore(self, plural: str, id: str) -> Response:
        """Bring a deleted record back; answer with it."""
        no_parameters()
        no_body()
        with self._crm.work(principal()) as work:
            spec = entity_at(work, plural)
            [entry] = records.restore(work, [Restore(spec, record_id(id))])
            return seen(work, spec, entry) or unseen(entry)

    def move(self, given: dict[str, Any], plural: str, id: str) -> Response:
        """Move a record to a stage, with the fields that it asks for; answer with it."""
        tags, id, values = expected(), record_id(id), given.get("values") or {}
        with self._crm.work(principal()) as work:
            spec = entity_at(work, plural)
            wanted: Move[Any] = Move(spec, id, to=given["to"], values=values, if_match=chosen(work, spec, id, tags))
            try:
                [entry] = pipelines.move(work, [wanted])
            except InputError as error:
                raise error.called({name: f"values.{name}" for name in values}) from None
            return seen(work, spec, entry) or unseen(entry)

    def moves(self, plural: str, id: str) -> Response:
        """Answer with the stages that a record may be moved to, and what each would ask for."""
        no_parameters()
        with self._crm.read(principal()) as reader:
            offers = pipelines.offers(reader, entity_at(reader, plural), record_id(id))
            return answer({"items": [attrs.asdict(each) for each in offers]})

    def assign(self, given: dict[str, Any], plural: str, id: str) -> Response:
        """Give a record an owner, a unit or both; answer with it, unless it has gone out of sight."""
        tags, id = expected(), record_id(id)
        with self._crm.work(principal()) as work:
            spec = entity_at(work, plural)
            tag = chosen(work, spec, id, tags)
            wanted: Assign[Any] = Assign(spec, id, owner=given.get("owner_id"), unit=given.get("unit_id"), if_match=tag)
            [entry] = assigning.assign(work, [wanted])
            return seen(work, spec, entry) or unseen(entry)

    def history(self, plural: str, id: str) -> Response:
        """Answer with what happened to a record."""
        no_parameters()
        with self._crm.read(principal()) as reader:
            lines = reader.history(entity_at(reader, plural), record_id(id))
            return answer({"items": [entry_body(reader, line) for line in lines]})


def _moved_on(reader: Reader, spec: Spec, id: str) -> Response:
    """Lead on to the record that a merged one went into; for now, since a merge can be undone.

    Raises:
        NotFound: It went nowhere that the reader may see.
    """
    into = merging.successor(reader, spec, id)
    if into is None:
        raise NotFound(f"there is no such {spec.name}", entity=spec.name)
    base = request.path.rstrip("/").rpartition("/")[0]
    return Response(status=307, headers={"Location": quote(f"{request.root_path}{base}/{into}")})


def _below_here(id: str) -> str:
    """Return the address of a record that was made here."""
    return quote(f"{request.root_path}{request.path.rstrip('/')}/{id}")
