"""Boards and reports."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import Response

from opencrm import CRM, InputError, Query, Report, boards, reports
from opencrm.embed import Reader, Spec
from opencrm.plugins.rest.handling.answers import answer
from opencrm.plugins.rest.handling.filters import query_of
from opencrm.plugins.rest.handling.requests import pairs, principal

Pairs = Sequence[tuple[str, str]]


class Analysing:
    """Answers with what many records of a workspace come to.

    Args:
        crm: The workspace.
    """

    def __init__(self, crm: CRM) -> None:
        self._crm = crm

    def board(self, pipeline: str) -> Response:
        """Answer with the stages of a pipeline, what stands in each, and the first cards."""
        own, rest = _parted(pairs(), {"cards"})
        with self._crm.read(principal()) as reader:
            spec = boards.entity_of(reader, pipeline)
            asked = _asked(reader, spec, rest, {"sort", "fields"})
            found = boards.board(
                reader,
                pipeline,
                where=asked.where,
                cards=_number(own),
                sort=asked.sort,
                fields=asked.fields,
            )
            return answer(boards.plain(reader, found))

    def report(self) -> Response:
        """Answer with what records come to in groups."""
        own, rest = _parted(pairs(), {"entity", "by", "measure"})
        named = [value for name, value in own if name == "entity"]
        if len(named) != 1:
            raise InputError({"entity": ["is required, once"]})
        with self._crm.read(principal()) as reader:
            spec = reader.entity(named[0])
            asked = _asked(reader, spec, rest, set())
            groups, measures = ([value for name, value in own if name == word] for word in ("by", "measure"))
            return answer(reports.plain(_run(reader, Report(spec, groups, measures or ["count"], asked.where))))


def _run(reader: Reader, report: Report[Any]) -> reports.Table:
    """Run a report; what is wrong with it is told by the names of the parameters."""
    if any("." in each for each in report.group_by):
        raise InputError({"by": ["groups are own fields, not those of linked records"]})
    try:
        return reports.run(reader, report)
    except InputError as error:
        raise error.called({"group_by": "by", "measures": "measure"}) from None


def _parted(given: Pairs, names: set[str]) -> tuple[Pairs, Pairs]:
    """Return the parameters of these names, and the others."""
    return [it for it in given if it[0] in names], [it for it in given if it[0] not in names]


def _asked(reader: Reader, spec: Spec, given: Pairs, shown: set[str]) -> Query[Any]:
    """Return what filters ask for, and how the records are to be shown, as far as that can be said here."""
    unknown = {"sort", "fields", "limit", "cursor", "deleted", "total"} - shown
    wrong = [name for name, _ in given if name in unknown]
    if wrong:
        raise InputError({name: ["is no parameter here"] for name in wrong})
    return query_of(reader, spec, given)


def _number(given: Pairs) -> int:
    if len(given) > 1:
        raise InputError({"cards": ["is given twice"]})
    text = given[0][1] if given else "25"
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise InputError({"cards": ["must be a whole number"]})
    return int(text)
