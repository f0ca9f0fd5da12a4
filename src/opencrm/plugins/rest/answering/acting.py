"""What acts on one record answer: the record as it stands now, or nothing where it is out of sight."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from flask import Response

from opencrm import JournalEntry, NotFound, Record
from opencrm.embed import Spec, Work
from opencrm.plugins.rest.answering.answers import ACT, answer, record_body, tagged


def chosen(work: Work, spec: Spec, id: str, tags: Collection[str] | None) -> str | None:
    """Return the tag that the record must bear, of those that the request allows."""
    if tags is None or len(tags) == 1:
        return None if tags is None else next(iter(tags))
    now = work.etag(spec, work.get(spec, id))
    return now if now in tags else ""


def seen(
    work: Work, spec: Spec, entry: JournalEntry, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response | None:
    """Answer with the record as it stands now, if the principal may see it."""
    try:
        record: Record = work.get(spec, entry.record_id)
    except NotFound:
        return None
    told = tagged(work, spec, record, headers or {ACT: entry.act})
    return answer(record_body(work, spec, record), status, told)


def unseen(entry: JournalEntry) -> Response:
    """Answer that it is done, and nothing else."""
    return Response(status=204, headers={ACT: entry.act})
