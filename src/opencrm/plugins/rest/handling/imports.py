"""Imports: which there were, and taking one back as a whole."""

from __future__ import annotations

from typing import Any

import attrs
from flask import Response

from opencrm import CRM, InputError, imports
from opencrm.plugins.rest.answering.answers import ACT, answer
from opencrm.plugins.rest.asking.bodies import arguments
from opencrm.plugins.rest.asking.query_strings import no_parameters, only, optional, pairs, whole
from opencrm.plugins.rest.asking.requests import principal, record_id

_MOST = 1000


class Imports:
    """Answers for the imports of a workspace.

    Args:
        crm: The workspace.
    """

    def __init__(self, crm: CRM) -> None:
        self._crm = crm

    def list(self) -> Response:
        """Answer with one page of imports, the latest first."""
        given = only(pairs(), "limit", "before")
        limit, before = whole(given, "limit", 50), optional(given, "before")
        if not 0 < limit <= _MOST:
            raise InputError({"limit": [f"must lie between 1 and {_MOST}"]})
        with self._crm.read(principal()) as reader:
            found = imports.jobs(reader, limit=limit + 1, before=None if before is None else record_id(before))
        shown = found[:limit]
        last = shown[-1].id if len(found) > limit else None
        return answer({"items": [_told(job) for job in shown], "next": last})

    def get(self, id: str) -> Response:
        """Answer with one import."""
        no_parameters()
        with self._crm.read(principal()) as reader:
            return answer(_told(imports.job(reader, record_id(id))))

    def undo(self, id: str) -> Response:
        """Take an import back, or all of a run, or tell what would be done."""
        no_parameters()
        given, who = arguments({"dry_run": bool}), principal()
        rehearsed = given.get("dry_run", True)
        done = imports.undo(lambda: self._crm.work(who), record_id(id), rehearsed=rehearsed)
        return answer(attrs.asdict(done), headers={ACT: done.act} if done.act else {})


def _told(job: imports.ImportJob) -> dict[str, Any]:
    """Return an import without the digests of its file and map, which tell whoever has the file what it is."""
    return {name: value for name, value in attrs.asdict(job).items() if name not in ("file_hash", "map_hash")}
