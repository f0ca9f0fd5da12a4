"""Writes one target of a chunk's rows: recognises its records, makes the new ones, brings the others up to date."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import attrs

from opencrm import Create, ExternalRef, records
from opencrm.embed import Work
from opencrm.plugins.importing.mapping.maps import OWN
from opencrm.plugins.importing.problems import Fault
from opencrm.plugins.importing.rows.drafts import Draft, RowDraft
from opencrm.plugins.importing.rows.plans import TargetPlan
from opencrm.plugins.importing.storing.finding import keyed, named
from opencrm.plugins.importing.storing.outcomes import Culprits, Group, Written
from opencrm.plugins.importing.storing.parting import write_parts
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
        groups = self._recognised()
        fresh = [group for group in groups if group.id is None]
        known = [group for group in groups if group.id is not None]
        self._create(fresh)
        if self.target.target.existing == "update" and (self.final or not self.target.numbered):
            known = self._update(known)
        else:
            self._count("found", len(known))
        for group in (*fresh, *known):
            for at in group.rows:
                self.ids[at][self.target.at] = group.id

    def _own(self) -> Iterator[tuple[int, Draft]]:
        for at, row in enumerate(self.rows):
            draft = row.drafts[self.target.at]
            if draft is not None:
                yield at, draft

    def _link_earlier(self) -> None:
        """Refer to the records that the rows' earlier targets stand for."""
        faults: dict[int, Fault] = {}
        references = self.target.spec.fields
        for at, draft in self._own():
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

    def _recognised(self) -> list[Group]:
        """Return the records that the rows stand for, with the ids of those that are there."""
        groups: dict[Any, Group] = {}
        for at, draft in self._own():
            group = groups.setdefault(self._identity(draft), Group([], draft))
            group.rows.append(at)
            group.draft = draft
        several = list(groups.values())
        keys = [group.draft.key for group in several if group.draft.key is not None]
        if keys:
            known = self._by_key(keys)
            for group in several:
                group.id = known.get(group.draft.key or "")
        self._match([group for group in several if group.id is None])
        return several

    def _by_key(self, keys: Sequence[str]) -> dict[str, str]:
        if self.target.system != OWN:
            return keyed(self.work, self.target.system, self.target.spec.name, keys)
        found = {key: ids[0] for key, ids in named(self.work, self.target.spec, "id", keys).items() if ids}
        fault = Fault(
            self.target.column("refs"),
            "no_such_record",
            f"there is no {self.target.spec.name} with this id that you may read",
        )
        missing = {self.rows[at].line: fault for at, draft in self._own() if draft.key not in found}
        if missing:
            raise Culprits(missing)
        return found

    def _identity(self, draft: Draft) -> Any:
        if draft.key is not None:
            return draft.key
        assert draft.loaded is not None
        return tuple(str(draft.loaded[name]).casefold() for name in self.target.target.match)

    def _match(self, groups: Sequence[Group]) -> None:
        """Find records by their fields; one that is found so is given the row's key."""
        spec = self.target.spec
        faults: dict[int, Fault] = {}
        for name in self.target.target.match:
            left = [group for group in groups if group.id is None and group.loaded[name] is not None]
            found = named(self.work, spec, name, list(dict.fromkeys(group.loaded[name] for group in left)))
            for group in left:
                several = found.get(group.loaded[name], [])
                group.id = several[0] if len(several) == 1 else None
                if len(several) > 1:
                    fault = Fault(
                        self.target.column(name), "ambiguous_reference", f"more than one {spec.name} has this {name}"
                    )
                    faults |= {self.rows[at].line: fault for at in group.rows}
        if faults:
            raise Culprits(faults)
        self._adopt([group for group in groups if group.id is not None and group.draft.key is not None])

    def _adopt(self, groups: Sequence[Group]) -> None:
        common = {"system": self.target.system, "entity": self.target.spec.name}
        made: list[Create[Any]] = [
            Create(ExternalRef, values={**common, "key": group.draft.key, "record_id": group.id}) for group in groups
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
