"""Import jobs: how far a file has come, written in the transaction of the rows that it counts."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from datetime import datetime
from typing import TYPE_CHECKING, Any

import attrs
from sqlalchemy import Integer, Select, bindparam, select, update

from opencrm.core.columns import IdColumn, key_column
from opencrm.core.values import Id, is_id
from opencrm.errors import NotFound
from opencrm.storage import tables

if TYPE_CHECKING:
    from opencrm.services.reading.reader import Reader
    from opencrm.services.writing.work import Work

_TABLE = tables.import_job


@attrs.frozen(kw_only=True)
class ImportJob:
    """One file's way into the workspace.

    Attributes:
        id: The job's id, which is that of its act, too: the journal's lines of the import bear it.
        file_hash: Digest of the file's bytes.
        map_hash: Digest of the map's text.
        file_name: What the file was called.
        principal: Who imports.
        state: `running` or `done`; later `undone`, or `partly undone` where some records stay.
        rows_done: How many rows are dealt with, good and bad.
        counts: What became of them.
        started_at: When it began.
        finished_at: When it was done.
        run: What the files of one call share, by which they are taken back together; None of a file by itself.
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
    run: Id | None = None


class ImportJobs:
    """The workspace's import jobs, within one transaction."""

    def __init__(self, work: Work) -> None:
        self._work = work

    def start(self, *, file_hash: str, map_hash: str, file_name: str, run: Id | None = None) -> ImportJob:
        """Begin a job; `run` is what it shares with the other files of one call."""
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
            run=run,
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

    def undone(self, job: ImportJob, *, whole: bool) -> None:
        """Write down that a job was taken back, wholly or in part."""
        table = _TABLE

        def build() -> Any:
            state = bindparam("new_state", type_=table.c.state.type)
            return update(table).where(table.c.id == bindparam("job", type_=table.c.id.type)).values(state=state)

        state = "undone" if whole else "partly undone"
        self._work.tx.run("import job undone", build, [{"job": job.id, "new_state": state}])

    def take_turn(self) -> None:
        """Wait until no other import is about to make records that it did not find by their fields.

        Each would make its own; the workspace's row is locked until the transaction ends.
        """
        tx, table = self._work.tx, tables.workspace
        if not tx.sqlite:  # There, a transaction that writes is alone.
            tx.query("import turn", lambda: select(table.c.id).with_for_update(), {})

    def looking_up(self) -> AbstractContextManager[None]:
        """Return a block in which hundreds of keys are looked up at once."""
        return self._work.tx.planning_anew()


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


def jobs(reader: Reader, *, limit: int = 50, before: Id | None = None) -> list[ImportJob]:
    """Return imports, the latest first: one's own or, for an owner, everybody's.

    Args:
        reader: The reader.
        limit: How many at most.
        before: Only those begun before this one.
    """
    mine, older = not reader.rights.owner, before is not None

    def build() -> Select[Any]:
        found = select(_TABLE).order_by(_TABLE.c.id.desc()).limit(bindparam("limit", type_=Integer()))
        found = found.where(_TABLE.c.principal == bindparam("name", type_=key_column(100))) if mine else found
        return found.where(_TABLE.c.id < bindparam("before", type_=IdColumn())) if older else found

    given = {"limit": limit} | ({"name": reader.rights.name} if mine else {}) | ({"before": before} if older else {})
    return [ImportJob(**row) for row in reader.tx.query(("import jobs of", mine, older), build, given)]


def job(reader: Reader, id: Id) -> ImportJob:
    """Return one import.

    Raises:
        NotFound: There is none, or it is somebody else's.
    """
    found = [each for each in _named(reader, id) if each.id == id]
    if not found:
        raise _unknown(id)
    return found[0]


def jobs_named(reader: Reader, id: Id) -> list[ImportJob]:
    """Return one import, or those of a run, the latest first.

    Raises:
        NotFound: There is none, or it is somebody else's.
    """
    found = _named(reader, id)
    if not found:
        raise _unknown(id)
    return found


def _named(reader: Reader, id: Id) -> list[ImportJob]:
    def build() -> Select[Any]:
        wanted = bindparam("id", type_=IdColumn())
        return select(_TABLE).where((_TABLE.c.id == wanted) | (_TABLE.c.run == wanted)).order_by(_TABLE.c.id.desc())

    rows = reader.tx.query("imports named", build, {"id": id}) if is_id(id) else []
    found = [ImportJob(**row) for row in rows]
    return [each for each in found if reader.rights.owner or each.principal == reader.rights.name]


def _unknown(id: Id) -> NotFound:
    return NotFound("there is no such import", id=id)
