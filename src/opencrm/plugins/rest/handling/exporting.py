"""Exports: the records of a list as a file.

The file is whole before its first byte is sent, and on disk once it is large. So whatever goes wrong is told as a
problem and no file breaks off, and a slow client keeps no snapshot of the database open.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import SEEK_END
from tempfile import SpooledTemporaryFile
from typing import Any, BinaryIO, cast

import attrs
from flask import Response, request
from werkzeug.exceptions import NotAcceptable

from opencrm import CRM, Exporter, InputError, Principal, Query
from opencrm.embed import Reader, Spec, exporters_by_ending
from opencrm.plugins.rest.addresses import address, entity_at
from opencrm.plugins.rest.asking.bodies import no_body
from opencrm.plugins.rest.asking.filters import names_in, query_of
from opencrm.plugins.rest.asking.query_strings import Pairs, named, optional, pairs, refused, without
from opencrm.plugins.rest.asking.requests import principal
from opencrm.plugins.rest.filing.outgoing import Outgoing

_USUAL = ".csv"
_IN_MEMORY = 2**20
_OF_PAGES = frozenset({"limit", "cursor", "deleted", "total", "sum", "q"})


class Exporting:
    """Answers with the records of a workspace as files.

    Args:
        crm: The workspace.
    """

    def __init__(self, crm: CRM) -> None:
        self._crm = crm
        self._outgoing = Outgoing()

    def export(self, plural: str) -> Response:
        """Write what a list holds, as far as the principal may export it, to a file; answer with the file."""
        no_body()
        given, who = refused(pairs(), _OF_PAGES), principal()
        with self._crm.read(who) as reader:
            spec = entity_at(reader, plural)
            exporter = _exporter(exporters_by_ending(reader.configuration.catalogue.exporters.values()), given)
            query = _query(reader, spec, without(given, "format", "parts"))
        file = self._written(who, query, _parts(given), exporter)
        name = f"{address(spec)}{exporter.suffixes[0]}"
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        response = self._outgoing.answer(lambda: file, 0, file.seek(0, SEEK_END), headers.items())
        response.mimetype = exporter.media_type
        return response

    def _written(self, who: Principal, query: Query[Any], parts: Sequence[str], exporter: Exporter) -> BinaryIO:
        file = cast(BinaryIO, SpooledTemporaryFile(max_size=_IN_MEMORY))  # noqa: SIM115  # The answer closes it.
        try:
            with self._crm.export(who, query, parts=parts) as found:
                exporter.write(file, found.fields, found.rows)
        except BaseException:
            file.close()
            raise
        return file


def _exporter(known: Mapping[str, Exporter], given: Pairs) -> Exporter:
    """Return what writes the format that is named or, where none is, one that the client accepts.

    Raises:
        InputError: Nothing here writes files with that ending.
        NotAcceptable: Nothing here writes what the client accepts.
    """
    wanted = optional(given, "format")
    if wanted is None:
        return _accepted([known[_USUAL], *known.values()])
    ending = f".{wanted.lower()}"
    if ending not in known:
        formats = ", ".join(sorted(each.removeprefix(".") for each in known))
        raise InputError({"format": [f"must be one of {formats}"]})
    return known[ending]


def _accepted(offered: Sequence[Exporter]) -> Exporter:
    """Return the first of what the client likes best.

    Raises:
        NotAcceptable: It likes none.
    """
    accept, types = request.accept_mimetypes, [each.media_type for each in offered]
    best = accept.best_match(types) if accept else types[0]
    if best is None:
        raise NotAcceptable(f"an export is one of {', '.join(dict.fromkeys(types))}")
    return offered[types.index(best)]


def _parts(given: Pairs) -> Sequence[str]:
    told = optional(given, "parts")
    return () if told is None else names_in(told)


def _query(reader: Reader, spec: Spec, given: Pairs) -> Query[Any]:
    """Return what a list's parameters ask for; without a sort, the records in the order in which they were made."""
    query = query_of(reader, spec, given)
    return query if named(given, "sort") else attrs.evolve(query, sort="id")
