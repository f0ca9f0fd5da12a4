"""What rules did: of all, of a record, and one that failed begun again."""

from __future__ import annotations

from typing import Any

from flask import Response

from opencrm import CRM
from opencrm.embed import run_history
from opencrm.plugins.rest.addresses import entity_at
from opencrm.plugins.rest.answering.answers import answer
from opencrm.plugins.rest.asking.bodies import no_body
from opencrm.plugins.rest.asking.query_strings import no_parameters, only, optional, pairs, whole
from opencrm.plugins.rest.asking.requests import principal, record_id

_PAGE = ("limit", "cursor")


class Running:
    """Answers about the runs of rules.

    Args:
        crm: The workspace.
    """

    def __init__(self, crm: CRM) -> None:
        self._crm = crm

    def list(self) -> Response:
        """Answer with the runs of rules, for those who keep them."""
        given = only(pairs(), *_PAGE, "rule", "state")
        rule, state = optional(given, "rule"), optional(given, "state")
        limit, cursor = whole(given, "limit", 50), optional(given, "cursor")
        with self._crm.read(principal()) as reader:
            return answer(_page(run_history.of_rules(reader, rule=rule, state=state, limit=limit, cursor=cursor)))

    def of_record(self, plural: str, id: str) -> Response:
        """Answer with the runs that are about a record."""
        given = only(pairs(), *_PAGE)
        limit, cursor = whole(given, "limit", 50), optional(given, "cursor")
        with self._crm.read(principal()) as reader:
            spec = entity_at(reader, plural)
            return answer(_page(run_history.of_record(reader, spec.name, record_id(id), limit=limit, cursor=cursor)))

    def retry(self, id: str) -> Response:
        """Let a run that failed go on."""
        no_parameters()
        no_body()
        with self._crm.work(principal()) as work:
            run = run_history.retry(work, record_id(id))
            return answer({"id": run.id, "rule": run.source.name, "state": run.state})


def _page(page: run_history.Runs) -> dict[str, Any]:
    return {"items": [_run(it) for it in page.items], "next": page.next}


def _run(it: run_history.Told) -> dict[str, Any]:
    names = ("id", "rule", "automation", "entity", "record_id", "cause", "at", "state", "due_at", "attempts", "error")
    return {name: getattr(it, name) for name in names} | {
        "steps": [dict(step) for step in it.steps],
        "rest": [*it.rest],
    }
