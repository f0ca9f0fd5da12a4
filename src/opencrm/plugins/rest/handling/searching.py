"""Search, across entities and within a list."""

from __future__ import annotations

from typing import Any

import attrs
from flask import Response

from opencrm import CRM, All, In, InputError, Page, Query, searching
from opencrm.embed import Reader, Spec
from opencrm.plugins.rest.answering.answers import answer
from opencrm.plugins.rest.asking.filters import query_of
from opencrm.plugins.rest.asking.query_strings import Pairs, named, once, only, pairs, whole, without
from opencrm.plugins.rest.asking.requests import principal

MOST = 100
"""Of so many of the best hits a list is made."""

_NOT_WITH_Q = frozenset({"cursor", "deleted", "total", "sum"})


class Searching:
    """Answers with what is found in a workspace.

    Args:
        crm: The workspace.
    """

    def __init__(self, crm: CRM) -> None:
        self._crm = crm

    def search(self) -> Response:
        """Answer with the records that a text finds, the best first."""
        given = only(pairs(), "q", "entity", "limit")
        text, limit = once(given, "q"), whole(given, "limit", 20)
        entities = [value for _, value in named(given, "entity")]
        with self._crm.read(principal()) as reader:
            hits = searching.search(reader, text, entities or None, limit=limit)
        return answer({"items": [attrs.asdict(hit) for hit in hits]})


def page_of(reader: Reader, spec: Spec, given: Pairs) -> Page[Any]:
    """Return the records of one entity that a text finds, the best first unless a sort is asked for.

    Filters narrow the hundred best hits down. There is no further page.

    Raises:
        InputError: A parameter is unknown, cannot be used, or not together with `q`.
    """
    wrong = {name: ["cannot be used together with q"] for name, _ in given if name in _NOT_WITH_Q}
    if wrong:
        raise InputError(wrong)
    query: Query[Any] = query_of(reader, spec, without(given, "q"))
    reader.check(query)
    ids = [hit.id for hit in searching.search(reader, once(given, "q"), [spec], limit=MOST)]
    if not ids:
        return Page(())
    where = In("id", tuple(ids)) if query.where is None else All((In("id", tuple(ids)), query.where))
    if named(given, "sort"):
        return Page(reader.list(attrs.evolve(query, where=where)).rows)
    found = reader.list(attrs.evolve(query, where=where, sort="id", limit=MOST)).rows
    return Page(tuple(sorted(found, key=lambda row: ids.index(row.id)))[: query.limit])
