"""Imports: which there were, and taking one back as a whole."""

from __future__ import annotations

from typing import Any

import attrs
from flask import Response

from opencrm import CRM, InputError, imports
from opencrm.plugins.rest.handling.answers import ACT, answer
from opencrm.plugins.rest.handling.requests import json_object, no_parameters, parameters, principal, record_id

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
        given = parameters()
        unknown = {name: ["is no parameter here"] for name in given if name not in ("limit", "before")}
        limit = given.get("limit", "50")
        if unknown or not (limit.isascii() and limit.isdecimal() and len(limit) < 5 and 0 < int(limit) <= _MOST):
            raise InputError(unknown or {"limit": [f"must lie between 1 and {_MOST}"]})
        before = record_id(given["before"]) if "before" in given else None
        with self._crm.read(principal()) as reader:
            found = imports.jobs(reader, limit=int(limit) + 1, before=before)
        shown = found[: int(limit)]
        return answer(
            {"items": [_told(job) for job in shown], "next": shown[-1].id if len(found) > len(shown) else None}
        )

    def get(self, id: str) -> Response:
        """Answer with one import."""
        no_parameters()
        with self._crm.read(principal()) as reader:
            return answer(_told(imports.job(reader, record_id(id))))

    def undo(self, id: str) -> Response:
        """Take an import back, or all of a run, or tell what would be done."""
        no_parameters()
        given, who = json_object(), principal()
        if not given.keys() <= {"dry_run"} or not isinstance(given.get("dry_run", True), bool):
            raise InputError({"dry_run": ["must be true or false, and is all there may be"]})
        rehearsed = given.get("dry_run", True)
        done = imports.undo(lambda: self._crm.work(who), record_id(id), rehearsed=rehearsed)
        return answer(attrs.asdict(done), headers={ACT: done.act} if done.act else {})


def _told(job: imports.ImportJob) -> dict[str, Any]:
    """Return an import without the digests of its file and map, which tell whoever has the file what it is."""
    return {name: value for name, value in attrs.asdict(job).items() if name not in ("file_hash", "map_hash")}
