"""One transaction's worth of an import, taken back: a record and its parts go together, or stay together."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import groupby
from typing import TypeAlias

import attrs

from opencrm.core.change import JournalEntry, Kind, Values
from opencrm.core.values import Id
from opencrm.errors import NotFound, OpenCRMError
from opencrm.schemas import Dumper
from opencrm.services import journal, undoing
from opencrm.services.cleaning.culprits import Refusal, by_halves
from opencrm.services.touching import GOES_ON, UNTOUCHED, Key, touched_since
from opencrm.services.writing.work import Work

_Group: TypeAlias = tuple[Key, Sequence[JournalEntry]]
_LINES = 5_000
_BACK = (Kind.CREATED, Kind.RESTORED)


@attrs.define
class Unit:
    """The lines of one transaction of the import.

    Attributes:
        refusals: The records that stay, each once.
        stays: Whether any does, now or since a newer line.
        tried: Whether one was refused that only the attempt told of.
    """

    work: Work
    own: Collection[Id]
    refused: Collection[Key]
    refusals: list[Refusal] = attrs.field(factory=list)
    stays: bool = False
    tried: bool = False

    def take(self, lines: Sequence[JournalEntry]) -> list[JournalEntry]:
        """Take lines back, given newest first; return those that were."""
        states = self._states(lines)
        groups: dict[Key, list[JournalEntry]] = {}
        for line in lines:
            groups.setdefault(self._whole(line, states), []).append(line)
        seen = {key: several for key, several in groups.items() if self._may_try(key, several, states)}
        left = {key: [line for line in several if not _is_back(line, states)] for key, several in seen.items()}
        return self._take(self._untouched([(key, several) for key, several in left.items() if several]))

    def _untouched(self, groups: Sequence[_Group]) -> list[_Group]:
        """Refuse what somebody touched since: it is known at once of all, and not to be found out by trying."""
        newest = {(line.entity, line.record_id): line for _, lines in groups for line in reversed(lines)}
        since = touched_since(self.work, newest.values(), self.own)
        found = []
        for key, lines in groups:
            try:
                for line in lines:
                    undoing.check_untouched(self.work, line, since.get((line.entity, line.record_id), UNTOUCHED))
            except OpenCRMError as error:
                self._refuse(key, error)
            else:
                found.append((key, lines))
        return found

    def _take(self, groups: Sequence[_Group]) -> list[JournalEntry]:
        done: list[JournalEntry] = []

        def attempt(part: Sequence[_Group]) -> None:
            lines = sorted((line for _, several in part for line in several), key=lambda it: it.entry_id, reverse=True)
            with self.work.savepoint():
                undoing.take_back(self.work, lines, self.own)
            done.extend(lines)

        def culprits(part: Sequence[_Group], error: OpenCRMError) -> Sequence[_Group]:
            if len(part) > 1:
                return ()
            self.tried = True
            self._refuse(part[0][0], error)
            return part

        by_halves([groups] if groups else [], attempt, culprits)
        return done

    def _may_try(self, key: Key, lines: Iterable[JournalEntry], states: Mapping[Key, Values]) -> bool:
        if key in self.refused:
            self.stays = True
            return False
        if any((line.entity, line.record_id) not in states for line in lines if line.acting_as != "system"):
            self._refuse(key, NotFound(f"there is no such {key[0]} that you may see"))
            return False
        return True

    def _refuse(self, key: Key, error: OpenCRMError) -> None:
        self.stays = True
        self.refusals.append(Refusal(*key, error.code, str(error)))

    def _states(self, lines: Iterable[JournalEntry]) -> dict[Key, Values]:
        ids: dict[str, dict[Id, None]] = {}
        for line in lines:
            ids.setdefault(line.entity, {})[line.record_id] = None
        found = {name: self.work.states(self.work.entity(name), list(each), deleted=None) for name, each in ids.items()}
        return {(name, id): state for name, several in found.items() for id, state in several.items()}

    def _whole(self, line: JournalEntry, states: Mapping[Key, Values]) -> Key:
        """Return the record that a line is about or, of a part's line, whose part it is."""
        own = (line.entity, line.record_id)
        spec, state = self.work.entity(line.entity), states.get(own, line.after)
        for link in spec.options.part_of:
            if state.get(link) is not None:
                return (state["entity"] if link == "record_id" else spec.references()[link], state[link])
        return own


def newest_unit(work: Work, act: Id, before: Id, *, likely: int) -> list[JournalEntry]:
    """Return the newest lines of an act before one: those of whole transactions, on SQLite of one.

    Args:
        work: The work block.
        act: The act.
        before: The line.
        likely: How many a transaction of it has, more or less.
    """
    rows = _unit(work, act, before, most=2 * likely if work.tx.sqlite else _LINES)
    return [journal.read(row, _dumper(work, row)) for row in rows]


def _unit(work: Work, act: Id, before: Id, *, most: int) -> list[Values]:
    while True:
        rows = journal.newest_of_act(work.tx, act, before=before, most=most + 1)
        units = [list(several) for _, several in groupby(rows, key=lambda row: row["at"])]
        whole = units if len(rows) <= most else units[:-1]
        if whole or not rows:
            return [row for unit in whole[: 1 if work.tx.sqlite else None] for row in unit]
        most *= 4


def _dumper(work: Work, row: Values) -> Dumper:
    return work.configuration.schemas.dumper(work.entity(row["entity"]))


def _is_back(line: JournalEntry, states: Mapping[Key, Values]) -> bool:
    """Say whether a line was taken back already."""
    state = states.get((line.entity, line.record_id))
    if state is None:
        return False
    if line.kind in _BACK:
        return state["deleted_at"] is not None
    before = line.before or {}
    turned = line.after.keys() - GOES_ON
    return line.kind is not Kind.DELETED and all(state.get(name) == before.get(name) for name in turned)
