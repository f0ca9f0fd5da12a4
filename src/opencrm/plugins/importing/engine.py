"""Imports a file: chunk after chunk from the first row to the last, and once more for what had to wait."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import attrs

from opencrm.embed import ImportJobs
from opencrm.plugins.importing.chunks import Chunks, Progress
from opencrm.plugins.importing.doors import Doors
from opencrm.plugins.importing.files.reading import Row
from opencrm.plugins.importing.pacing import Pace, tidying
from opencrm.plugins.importing.rows.drafts import Rejected
from opencrm.plugins.importing.rows.forward import Offers
from opencrm.plugins.importing.rows.planning import FilePlan
from opencrm.plugins.importing.storing.finding import Finder
from opencrm.plugins.importing.storing.resolving import Resolver


@attrs.frozen(kw_only=True)
class FileImport:
    """The import of one file.

    Args:
        doors: Opens transactions.
        plan: What the file's rows stand for.
        map_hash: Digest of the map.
        reject: Is given the rows that stay out, as they come.
        tell: Is told the line that was reached.
    """

    doors: Doors
    plan: FilePlan
    map_hash: str
    reject: Callable[[Sequence[Rejected]], None]
    tell: Callable[[int], None]

    def run(self) -> Progress:
        """Import every row; rows that refer to later ones are looked at once more."""
        file, progress = self.plan.file, Progress()
        with self.doors.chunk() as work:
            job = ImportJobs(work).start(
                file_hash=file.digest, map_hash=self.map_hash, file_name=file.name, run=self.doors.run
            )
        finder, offers = Finder(), Offers(self.plan)
        resolver = Resolver(self.plan, finder, offers, final=False)
        chunks = Chunks(attrs.evolve(self.doors, act=job.id), finder, resolver, progress, job)
        self._pass(chunks, file.rows())
        if progress.later:
            again = attrs.evolve(chunks, resolver=attrs.evolve(resolver, final=True))
            self._pass(again, _at(file.rows(), sorted(set(progress.later))))
        with self.doors.chunk() as work:
            ImportJobs(work).advance(job, rows_done=progress.rows, counts=progress.counts(), finished=True)
        return progress

    def _pass(self, chunks: Chunks, rows: Iterator[Row]) -> None:
        pace = Pace(self.doors.seconds)
        with tidying() as tidy:
            for chunk in pace.chunks(rows):
                pace.took(len(chunk), self._bring_in(chunks, chunk))
                tidy()

    def _bring_in(self, chunks: Chunks, rows: Sequence[Row]) -> float:
        """Write what can be written and report the rest; return how many seconds the transaction took."""
        progress, seconds = chunks.progress, self.doors.seconds
        drafts, rejected = self.plan.drafts(rows)
        progress.rows += 0 if chunks.resolver.final else len(rows)
        if drafts:
            refused, seconds = chunks.write(drafts)
            rejected += refused
        progress.rejected += len(rejected)
        self.reject(rejected)
        self.tell(rows[-1].line)
        return seconds


def _at(rows: Iterator[Row], lines: Sequence[int]) -> Iterator[Row]:
    """Give the rows that begin on these lines."""
    wanted = iter(lines)
    line = next(wanted, None)
    for row in rows:
        if line is None:
            return
        if row.line == line:
            yield row
            line = next(wanted, None)
