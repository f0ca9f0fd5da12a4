"""What people do with tasks: start, pause, finish and cancel them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from flask import Response, request

from opencrm import CRM, Finish, JournalEntry, Task, tasks
from opencrm.embed import Work
from opencrm.plugins.rest.answering.acting import chosen, seen, unseen
from opencrm.plugins.rest.answering.answers import answer
from opencrm.plugins.rest.asking.bodies import arguments, no_body
from opencrm.plugins.rest.asking.query_strings import no_parameters
from opencrm.plugins.rest.asking.requests import expected, principal, record_id

_DONE: Mapping[str, type] = MappingProxyType({"answers": dict, "result": str})
_CANCELLED: Mapping[str, type] = MappingProxyType({"result": str})


class Tasks:
    """Answers for the tasks of a workspace.

    Args:
        crm: The workspace.
    """

    def __init__(self, crm: CRM) -> None:
        self._crm = crm

    def form(self, id: str) -> Response:
        """Answer with what a task asks for before it is done."""
        no_parameters()
        with self._crm.read(principal()) as reader:
            return answer({"form": tasks.form(reader, record_id(id))})

    def start(self, id: str) -> Response:
        """Say that somebody is at a task; answer with it."""
        no_body()
        return self._acted(lambda work: tasks.start(work, [record_id(id)]))

    def pause(self, id: str) -> Response:
        """Say that nobody is at a task for now; answer with it."""
        no_body()
        return self._acted(lambda work: tasks.pause(work, [record_id(id)]))

    def cancel(self, id: str) -> Response:
        """Say that a task is not to be done; answer with it."""
        said = _said(_CANCELLED).get("result")
        return self._acted(lambda work: tasks.cancel(work, [record_id(id)], result=said))

    def finish(self, id: str) -> Response:
        """Say that a task is done, with what its form asks for; answer with it."""
        given, one, tags = _said(_DONE), record_id(id), expected()

        def finished(work: Work) -> tuple[JournalEntry, ...]:
            tag = chosen(work, work.entity(Task), one, tags)
            return tasks.finish(work, [Finish(one, given.get("answers"), given.get("result"), if_match=tag)])

        return self._acted(finished)

    def _acted(self, act: Callable[[Work], tuple[JournalEntry, ...]]) -> Response:
        no_parameters()
        with self._crm.work(principal()) as work:
            [entry] = act(work)
            return seen(work, work.entity(Task), entry) or unseen(entry)


def _said(known: Mapping[str, type]) -> dict[str, Any]:
    """Return the arguments of a body that may be left out."""
    return arguments(known) if request.get_data(cache=True).strip() else {}
