"""Writes one target of a chunk's rows: makes the records that are not there, and brings the others up to date."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import attrs

from opencrm import Create, ExternalRef, records
from opencrm.embed import Work
from opencrm.plugins.importing.problems import Fault
from opencrm.plugins.importing.rows.drafts import RowDraft
from opencrm.plugins.importing.rows.plans import TargetPlan
from opencrm.plugins.importing.storing.outcomes import Culprits, Group, Written
from opencrm.plugins.importing.storing.parting import write_parts
from opencrm.plugins.importing.storing.recognising import Recognition, drafts_of
from opencrm.plugins.importing.storing.updating import update_fields


@attrs.frozen
class Step:
    """One target of one chunk.

    Args:
        work: The work block.
        target: The target.
        rows: The chunk's rows; references that need no earlier target are in place.
        ids: The records of the targets before, by row and target; this one's are added.
        done: What became of the chunk so far; is added to.
        final: Whether only references are brought up to date, in the second pass.
    """

    work: Work
    target: TargetPlan
    rows: Sequence[RowDraft]
    ids: list[list[str | None]]
    done: Written
    final: bool

    def run(self) -> None:
        """Write the target.

        Raises:
            Culprits: Some rows cannot be written, and it is known which.
            OpenCRMError: A service refused, and it is not known for which row.
        """
        self._link_earlier()
        groups = Recognition(self.work, self.target, self.rows, self.final).run()
        fresh = [group for group in groups if group.id is None]
        known = [group for group in groups if group.id is not None]
        self._create(fresh)
        self._adopt(groups)
        if self.target.target.existing == "update" and (self.final or not self.target.numbered):
            known = self._update(known)
        else:
            self._count("found", len(known))
        for group in (*fresh, *known):
            for at in group.rows:
                self.ids[at][self.target.at] = group.id

    def _link_earlier(self) -> None:
        """Refer to the records that the rows' earlier targets stand for."""
        faults: dict[int, Fault] = {}
        references = self.target.spec.fields
        for at, draft in drafts_of(self.rows, self.target):
            for wanted in draft.wanted:
                if wanted.link is not None:
                    continue
                id = self.ids[at][wanted.text]
                draft.put(wanted.place, id)
                if id is None and len(wanted.place) == 1 and references[wanted.place[0]].required:
                    text = f"{self.target.spec.name}.{wanted.place[0]} is required, and the row has no such record"
                    faults[self.rows[at].line] = Fault(wanted.column, "missing_key", text)
        if faults:
            raise Culprits(faults)

    def _adopt(self, groups: Sequence[Group]) -> None:
        """Give records the keys of their rows that they do not have."""
        common = {"system": self.target.system, "entity": self.target.spec.name}
        made: list[Create[Any]] = [
            Create(ExternalRef, values={**common, "key": key, "record_id": group.id})
            for group in groups
            for key in group.new_keys
        ]
        if made:
            records.create(self.work, made)

    def _create(self, groups: Sequence[Group]) -> None:
        if not groups:
            return
        spec = self.target.spec
        made: list[Create[Any]] = [Create(spec, values=group.loaded, history=group.draft.history) for group in groups]
        for group, entry in zip(groups, records.create(self.work, made), strict=True):
            group.id = entry.record_id
            group.new_keys = [key for key in group.new_keys if key != group.draft.key]
        self._count("created", len(groups))
        self._touch(groups)

    def _update(self, groups: Sequence[Group]) -> list[Group]:
        """Bring records up to date; those that were deleted here stay deleted, and are not returned."""
        states = self.work.states(self.target.spec, [group.id for group in groups if group.id is not None])
        living = [group for group in groups if group.id in states]
        changed = update_fields(self.work, self.target, living, states, links_only=self.final)
        if not self.final:
            loaded = {group.id: group.loaded for group in living if group.id is not None}
            changed |= write_parts(self.work, self.target, loaded)
        self._count("skipped: deleted here", len(groups) - len(living))
        self._count("updated", len(changed))
        self._count("unchanged", len(living) - len(changed))
        self._touch(living)
        return living

    def _count(self, what: str, number: int) -> None:
        if number:
            self.done.tally[f"{self.target.spec.name} {what}"] += number

    def _touch(self, groups: Sequence[Group]) -> None:
        touched = self.done.touched.setdefault(self.target.at, set())
        touched |= {self.rows[at].line for group in groups for at in group.rows}
