"""Import jobs: how far a file has come, written in the transaction of the rows that it counts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

import attrs
from sqlalchemy import Select, bindparam, select, update

from opencrm.core.columns import key_column
from opencrm.core.values import Id
from opencrm.storage import tables

if TYPE_CHECKING:
    from opencrm.services.reading.reader import Reader
    from opencrm.services.writing.work import Work

_TABLE = tables.import_job


@attrs.frozen(kw_only=True)
class ImportJob:
    """One file's way into the workspace.

    Attributes:
        id: The job's id.
        file_hash: Digest of the file's bytes.
        map_hash: Digest of the map's text.
        file_name: What the file was called.
        principal: Who imports.
        state: `running` or `done`.
        rows_done: How many rows are dealt with, good and bad.
        counts: What became of them.
        started_at: When it began.
        finished_at: When it was done.
    """

    id: Id
    file_hash: str
    map_hash: str
    file_name: str
    principal: str
    state: str
    rows_done: int
    counts: Mapping[str, int]
    started_at: datetime
    finished_at: datetime | None


class ImportJobs:
    """The workspace's import jobs, within one transaction."""

    def __init__(self, work: Work) -> None:
        self._work = work

    def start(self, *, file_hash: str, map_hash: str, file_name: str) -> ImportJob:
        """Begin a job."""
        job = ImportJob(
            id=self._work.new_id(),
            file_hash=file_hash,
            map_hash=map_hash,
            file_name=file_name,
            principal=self._work.rights.name,
            state="running",
            rows_done=0,
            counts={},
            started_at=self._work.now,
            finished_at=None,
        )
        self._work.tx.insert(_TABLE, [attrs.asdict(job)])
        return job

    def advance(
        self, job: ImportJob, *, rows_done: int, counts: Mapping[str, int], finished: bool = False
    ) -> ImportJob:
        """Write how far a job has come, in this transaction; return it as it is now."""
        state, at = ("done", self._work.now) if finished else ("running", None)
        now = attrs.evolve(job, rows_done=rows_done, counts=dict(counts), state=state, finished_at=at)
        names = ("state", "rows_done", "counts", "finished_at")

        def build() -> Any:
            given = {name: bindparam(f"new_{name}", type_=_TABLE.c[name].type) for name in names}
            return update(_TABLE).where(_TABLE.c.id == bindparam("job", type_=_TABLE.c.id.type)).values(given)

        self._work.tx.run(
            "import job", build, [{"job": job.id} | {f"new_{name}": getattr(now, name) for name in names}]
        )
        return now

    def prepare(self) -> None:
        """Prepare a transaction for looking up hundreds of keys at once."""
        self._work.tx.plan_anew()


def jobs_of(reader: Reader, *, file_hash: str, map_hash: str) -> list[ImportJob]:
    """Return the jobs of one file and map, the latest first."""

    def build() -> Select[Any]:
        same = (
            _TABLE.c.file_hash == bindparam("file_hash", type_=key_column(64)),
            _TABLE.c.map_hash == bindparam("map_hash", type_=key_column(64)),
        )
        return select(_TABLE).where(*same).order_by(_TABLE.c.id.desc())

    rows = reader.tx.query("import jobs", build, {"file_hash": file_hash, "map_hash": map_hash})
    return [ImportJob(**row) for row in rows]
