"""Imports a file: chunk after chunk from the first row to the last, and once more for what had to wait."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice

import attrs

from opencrm.embed import ImportJobs
from opencrm.plugins.importing.chunks import Chunks, Progress
from opencrm.plugins.importing.doors import Doors
from opencrm.plugins.importing.files.reading import Row
from opencrm.plugins.importing.rows.drafts import Rejected
from opencrm.plugins.importing.rows.forward import Offers
from opencrm.plugins.importing.rows.planning import FilePlan
from opencrm.plugins.importing.storing.finding import Finder
from opencrm.plugins.importing.storing.resolving import Resolver

_FIRST = 100
_MOST = 2_000


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
            job = ImportJobs(work).start(file_hash=file.digest, map_hash=self.map_hash, file_name=file.name)
        finder, offers = Finder(), Offers(self.plan)
        resolver = Resolver(self.plan, finder, offers, final=False)
        chunks = Chunks(self.doors, finder, resolver, progress, job)
        self._pass(chunks, file.rows())
        if progress.later:
            again = attrs.evolve(chunks, resolver=attrs.evolve(resolver, final=True))
            self._pass(again, _at(file.rows(), sorted(set(progress.later))))
        with self.doors.chunk() as work:
            ImportJobs(work).advance(job, rows_done=progress.rows, counts=progress.counts(), finished=True)
        return progress

    def _pass(self, chunks: Chunks, rows: Iterator[Row]) -> None:
        size, progress, first = _FIRST, chunks.progress, not chunks.resolver.final
        while chunk := list(islice(rows, size)):
            drafts, rejected = self.plan.drafts(chunk)
            progress.rows += len(chunk) if first else 0
            seconds = self.doors.seconds
            if drafts:
                refused, seconds = chunks.write(drafts)
                rejected += refused
            progress.rejected += len(rejected)
            self.reject(rejected)
            self.tell(chunk[-1].line)
            size = _next_size(size, seconds, self.doors.seconds)


def _next_size(size: int, seconds: float, wanted: float) -> int:
    """Return how many rows come next, so that a transaction takes about as long as wanted."""
    fitting = int(size * wanted / max(seconds, 0.001))
    return max(1, min(fitting, size * 2, _MOST))


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
