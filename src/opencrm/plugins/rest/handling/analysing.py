"""Boards and reports."""

from __future__ import annotations

from typing import Any

from flask import Response

from opencrm import CRM, InputError, Query, Report, boards, reports
from opencrm.embed import Reader, Spec
from opencrm.plugins.rest.answering.answers import answer
from opencrm.plugins.rest.asking.filters import query_of
from opencrm.plugins.rest.asking.query_strings import Pairs, named, once, pairs, refused, whole, without
from opencrm.plugins.rest.asking.requests import principal

_OF_LISTS = frozenset({"sort", "fields", "limit", "cursor", "deleted", "total"})


class Analysing:
    """Answers with what many records of a workspace come to.

    Args:
        crm: The workspace.
    """

    def __init__(self, crm: CRM) -> None:
        self._crm = crm

    def board(self, pipeline: str) -> Response:
        """Answer with the stages of a pipeline, what stands in each, and the first cards."""
        given = pairs()
        with self._crm.read(principal()) as reader:
            spec = boards.entity_of(reader, pipeline)
            asked = _asked(reader, spec, without(given, "cards"), "sort", "fields")
            found = boards.board(
                reader,
                pipeline,
                where=asked.where,
                cards=whole(given, "cards", 25),
                sort=asked.sort,
                fields=asked.fields,
            )
            return answer(boards.plain(reader, found))

    def report(self) -> Response:
        """Answer with what records come to in groups."""
        given = pairs()
        entity = once(given, "entity")
        groups, measures = ([value for _, value in named(given, word)] for word in ("by", "measure"))
        with self._crm.read(principal()) as reader:
            spec = reader.entity(entity)
            asked = _asked(reader, spec, without(given, "entity", "by", "measure"))
            return answer(reports.plain(_run(reader, Report(spec, groups, measures or ["count"], asked.where))))


def _run(reader: Reader, report: Report[Any]) -> reports.Table:
    """Run a report; what is wrong with it is told by the names of the parameters."""
    if any("." in each for each in report.group_by):
        raise InputError({"by": ["groups are own fields, not those of linked records"]})
    try:
        return reports.run(reader, report)
    except InputError as error:
        raise error.called({"group_by": "by", "measures": "measure"}) from None


def _asked(reader: Reader, spec: Spec, given: Pairs, *shown: str) -> Query[Any]:
    """Return what filters ask for, and how the records are to be shown, as far as that can be said here."""
    return query_of(reader, spec, refused(given, _OF_LISTS - {*shown}))
