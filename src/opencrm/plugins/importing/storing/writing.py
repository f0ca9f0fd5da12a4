"""Writes a chunk of rows through the ordinary services, target after target."""

from __future__ import annotations

from collections.abc import Sequence

from opencrm import OpenCRMError
from opencrm.embed import Work
from opencrm.plugins.importing.rows.drafts import RowDraft
from opencrm.plugins.importing.rows.plans import TargetPlan
from opencrm.plugins.importing.storing.outcomes import Culprits, Written
from opencrm.plugins.importing.storing.resolving import Resolver
from opencrm.plugins.importing.storing.steps import Step


class Refused(Exception):
    """A service refused a chunk; nothing of it is kept."""

    def __init__(self, target: TargetPlan, error: OpenCRMError) -> None:
        super().__init__(str(error))
        self.target = target
        self.error = error


def write(work: Work, rows: Sequence[RowDraft], resolver: Resolver) -> Written:
    """Write rows, all of them or none.

    Raises:
        Culprits: Some rows cannot be written, and it is known which.
        Refused: A service refused, and it is not known for which row.
    """
    targets = resolver.plan.targets
    found = resolver.early(work, rows)
    if found.faults or found.held:
        raise Culprits(found.faults, found.held)
    done = Written(later=found.later)
    ids: list[list[str | None]] = [[None] * len(targets) for _ in rows]
    for target in targets:
        found = resolver.late(work, rows, target.at)
        if found.faults or found.held:
            raise Culprits(found.faults, found.held)
        for line, waiting in found.later.items():
            done.later.setdefault(line, set()).update(waiting)
        try:
            Step(work, target, rows, ids, done, resolver.final).run()
        except OpenCRMError as error:
            raise Refused(target, error) from error
    return done
