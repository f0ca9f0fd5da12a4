"""What saved views and segments answer with, beside what every record does."""

from __future__ import annotations

from typing import Any

import attrs
from flask import Response

from opencrm import CRM, All, Page, Query, segments, views
from opencrm.embed import Reader, Spec
from opencrm.plugins.rest.answering.answers import answer, page_body, sums_body
from opencrm.plugins.rest.asking.bodies import no_body
from opencrm.plugins.rest.asking.filters import query_of, summed_in
from opencrm.plugins.rest.asking.query_strings import Pairs, no_parameters, only, pairs, without
from opencrm.plugins.rest.asking.requests import principal, record_id


class Views:
    """Answers for the saved views and the segments of a workspace.

    Args:
        crm: The workspace.
    """

    def __init__(self, crm: CRM) -> None:
        self._crm = crm

    def records(self, id: str) -> Response:
        """Answer with one page of what a saved view gives; the query string narrows it, or sorts it otherwise."""
        given = pairs()
        with self._crm.read(principal()) as reader:
            return _listed(reader, views.open(reader, record_id(id)), given)

    def members(self, id: str) -> Response:
        """Answer with one page of those who are in a segment now."""
        given = pairs()
        with self._crm.read(principal()) as reader:
            return _listed(reader, segments.query(reader, record_id(id)), given)

    def snapshot(self, id: str) -> Response:
        """Take a snapshot of a segment; answer with it."""
        no_parameters()
        no_body()
        with self._crm.work(principal()) as work:
            return answer(attrs.asdict(segments.snapshot(work, record_id(id))), 201)

    def snapshots(self, id: str) -> Response:
        """Answer with the newest snapshots of a segment."""
        no_parameters()
        with self._crm.read(principal()) as reader:
            return answer({"items": [attrs.asdict(each) for each in segments.snapshots(reader, record_id(id))]})

    def recorded(self, id: str, snapshot: str) -> Response:
        """Answer with one page of those who were in a segment when a snapshot was taken."""
        given = only(pairs(), "limit", "cursor", "fields")
        with self._crm.read(principal()) as reader:
            taken = segments.taken(reader, record_id(id), record_id(snapshot))
            spec = reader.entity(taken.entity)
            asked = query_of(reader, spec, given)
            fields = None if asked.fields is None else tuple(asked.fields)
            page = segments.recorded(reader, taken.id, fields=fields, limit=asked.limit, cursor=asked.cursor)
            return _page(reader, spec, page)

    def compared(self, id: str, snapshot: str, other: str) -> Response:
        """Answer with how many entered a segment and left it between two of its snapshots."""
        no_parameters()
        with self._crm.read(principal()) as reader:
            old, new = (segments.taken(reader, record_id(id), record_id(each)) for each in (snapshot, other))
            return answer(attrs.asdict(segments.compare(reader, old.id, new.id)))


def _listed(reader: Reader, saved: Query[Any], given: Pairs) -> Response:
    """Answer with one page of a saved query, with what is asked on top of it, and the sums that are asked for."""
    query = _narrowed(reader, saved, without(given, "sum"))
    spec, summed = reader.entity(query.entity), summed_in(given)
    body = page_body(reader, spec, reader.list(query))
    return answer({"entity": spec.name, **body, **sums_body(reader, query, summed)})


def _narrowed(reader: Reader, saved: Query[Any], given: Pairs) -> Query[Any]:
    """Return a saved query with what is asked on top of it: never more records than it gives."""
    asked = query_of(reader, reader.entity(saved.entity), given)
    both = [where for where in (saved.where, asked.where) if where is not None]
    return attrs.evolve(
        asked,
        where=All(tuple(both)) if len(both) > 1 else next(iter(both), None),
        sort=asked.sort if "sort" in dict(given) else saved.sort,
        fields=saved.fields if asked.fields is None else asked.fields,
    )


def _page(reader: Reader, spec: Spec, page: Page[Any]) -> Response:
    return answer({"entity": spec.name, **page_body(reader, spec, page)})
