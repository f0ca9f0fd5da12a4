"""Writes rows in one transaction; where it is refused, in smaller ones, until only the culprits are left."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Sequence

import attrs

from opencrm import ConfigurationError, ConflictError, OpenCRMError
from opencrm.embed import ImportJob, ImportJobs, monotonic
from opencrm.plugins.importing.doors import Doors
from opencrm.plugins.importing.problems import Fault
from opencrm.plugins.importing.rows.drafts import Rejected, RowDraft
from opencrm.plugins.importing.rows.refusing import fault_of
from opencrm.plugins.importing.storing.finding import Finder
from opencrm.plugins.importing.storing.outcomes import Culprits
from opencrm.plugins.importing.storing.resolving import Resolver
from opencrm.plugins.importing.storing.writing import Refused, write

_TRIES = 5


@attrs.define
class Progress:
    """How far the import of one file is.

    Attributes:
        rows: Rows that were looked at.
        rejected: Rows that stay out.
        tally: `"deal created"` and the like, with how many.
        later: Lines to be looked at in the second pass.
        held: Those of them of which nothing is written yet.
    """

    rows: int = 0
    rejected: int = 0
    tally: Counter[str] = attrs.field(factory=Counter)
    later: array[int] = attrs.field(factory=lambda: array("q"))
    held: set[int] = attrs.field(factory=set)

    def counts(self) -> dict[str, int]:
        """Return what the job's row keeps."""
        return {**self.tally, "rows": self.rows, "rejected": self.rejected}


@attrs.frozen
class Chunks:
    """Writes the chunks of one file.

    Args:
        doors: Opens transactions.
        finder: Remembers records that were found.
        resolver: Resolves references.
        progress: Is kept up to date.
        job: The job's row.
    """

    doors: Doors
    finder: Finder
    resolver: Resolver
    progress: Progress
    job: ImportJob

    def write(self, rows: Sequence[RowDraft]) -> tuple[list[Rejected], float]:
        """Write rows; return those that stay out, and how many seconds a transaction of all of them took."""
        rejected: list[Rejected] = []
        waiting: list[Sequence[RowDraft]] = [rows]
        tries, seconds = 0, 0.0
        while waiting:
            part = waiting.pop()
            if not part:
                continue
            begun = monotonic()
            try:
                self._transaction(part)
            except Culprits as culprits:
                rejected += self._left_out(part, culprits)
                waiting.append([row for row in part if row.line not in culprits.faults.keys() | culprits.held])
            except (Refused, OpenCRMError) as refused:
                error = refused.error if isinstance(refused, Refused) else refused
                tries += isinstance(error, ConflictError)
                if isinstance(error, ConfigurationError) or tries > _TRIES:
                    raise error from refused
                if isinstance(error, ConflictError):
                    waiting.append(part)
                elif len(part) == 1:
                    target = refused.target if isinstance(refused, Refused) else None
                    rejected.append(Rejected(part[0].line, part[0].cells, fault_of(target, error)))
                else:
                    waiting += [part[len(part) // 2 :], part[: len(part) // 2]]
            seconds = max(seconds, monotonic() - begun)
        return rejected, seconds

    def _transaction(self, rows: Sequence[RowDraft]) -> None:
        """Write rows in one transaction, with how far the job is; nothing is kept where it raises."""
        self.finder.forget()
        with self.doors.chunk() as work:
            work.reported.clear()
            jobs = ImportJobs(work)
            if any(target.target.match for target in self.resolver.plan.targets):
                jobs.take_turn()
            with jobs.looking_up():
                written = write(work, rows, self.resolver)
                for missing in work.reported:
                    written.tally[f"without what its stage requires ({missing['text']})"] += 1
            counts = {**self.progress.counts(), **(self.progress.tally + written.tally)}
            jobs.advance(self.job, rows_done=self.progress.rows, counts=counts)
        self.finder.keep()
        self.progress.tally += written.tally
        for line, targets in written.later.items():
            if any(line in written.touched.get(at, ()) for at in targets):
                self.progress.later.append(line)

    def _left_out(self, rows: Sequence[RowDraft], culprits: Culprits) -> list[Rejected]:
        """Put rows off that wait for others; return those that stay out."""
        self.progress.later.extend(culprits.held)
        self.progress.held |= culprits.held
        faults = culprits.faults
        return [
            Rejected(row.line, row.cells, self._told(row.line, faults[row.line])) for row in rows if row.line in faults
        ]

    def _told(self, line: int, fault: Fault) -> Fault:
        if self.resolver.final and line not in self.progress.held:
            return attrs.evolve(fault, reason=f"{fault.reason}; the row was brought in without it")
        return fault
