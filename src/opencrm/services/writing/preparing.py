"""What a change entails within its own record, added before anything is judged."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from opencrm.core.change import Change
from opencrm.core.process.reactions import TASK, Process
from opencrm.core.process.settling import settled
from opencrm.services.definitions.process.candidates import with_grants
from opencrm.services.definitions.process.loading import KINDS
from opencrm.services.writing.block import Block


def prepared(work: Block, changes: Sequence[Change]) -> Sequence[Change]:
    """Return changes with what they entail: of tasks, when they were done and when somebody is to be reminded.

    Of definitions of pipelines and rules, what their automations need to be allowed.
    """
    if any(change.entity in KINDS for change in changes):
        changes = with_grants(work, changes)
    if not any(change.entity == TASK for change in changes):
        return changes
    process = work.configuration.catalogue.process
    found = [_settled(process, it, work.now) if it.entity == TASK else it for it in changes]
    work.tx.wakes |= any(it.entity == TASK and it.after["wakes_at"] is not None for it in found)
    return found


def _settled(process: Process, change: Change, now: datetime) -> Change:
    spec = process.task(change.after["kind"])
    return settled(change, spec, process.calendar(spec), now)
