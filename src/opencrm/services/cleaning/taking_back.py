"""Taking back acts of any size, in as many transactions as it takes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import attrs

from opencrm.core.change import Values
from opencrm.core.values import Id, is_id
from opencrm.services import journal, undoing
from opencrm.services.cleaning.pacing import PACE, Door, Pace, check_own, patiently
from opencrm.services.commands import Undo
from opencrm.services.reading.reader import Reader
from opencrm.services.writing.work import Work

_LAST = "ffffffff-ffff-ffff-ffff-ffffffffffff"


@attrs.frozen
class TakenBack:
    """How far an undo is.

    Attributes:
        act: The undo's own act, by which it can be gone on with, and undone.
        lines: How many lines of the journal were taken back.
    """

    act: Id
    lines: int


def run(
    door: Door,
    act: Id,
    *,
    into: Id | None = None,
    pace: Pace = PACE,
    tell: Callable[[TakenBack], None] = lambda _: None,
) -> TakenBack:
    """Take back everything that was done in an act, newest first, in as many transactions as it takes.

    What was done in one transaction whatever its size, a merge, is taken back in one.
    Where it is refused half-way, what was taken back until then stays; with `into` it goes on from there.

    Args:
        door: Opens a work block.
        act: The act.
        into: The act of an undo that was broken off, to go on with it.
        pace: How much a transaction takes.
        tell: Is told how far it is, after each transaction.

    Raises:
        NotFound: There is no such act, or none that the principal may know of.
        UndoRefused, PermissionDenied, Duplicate, Objected: See `undoing.undo`.
    """
    return _Run(door, act, pace, tell, into).run()


def size(reader: Reader, act: Id) -> int:
    """Return how many lines of the journal an act has, to tell how far its undo is."""
    return journal.number_of_act(reader.tx, act) if is_id(act) else 0


@attrs.define
class _Run:
    door: Door
    act: Id
    pace: Pace
    tell: Callable[[TakenBack], None]
    into: Id | None
    _before: Id = _LAST
    _size: int = 0
    _lines: int = 0
    _over: bool = False

    def run(self) -> TakenBack:
        self._size, found = self.pace.first, TakenBack("", 0)
        while not self._over:
            lines = self._lines
            found, seconds = patiently(self._transaction)
            self._size = self.pace.next(self._size, self._lines - lines, seconds)
            self.tell(found)
        return found

    def _transaction(self) -> TakenBack:
        with self.door() as work:
            before = self._begun(work)
            own = self.into or work.act
            size = self.pace.size(work, self._size)
            rows = journal.newest_of_act(work.tx, self.act, before=before, most=size + 1) if is_id(self.act) else []
            whole = before == _LAST and journal.entails(work.tx, self.act) if rows else False
            number = self._whole(work) if whole else self._part(work, own, rows[:size], first=before == _LAST)
        self._over = whole or len(rows) <= size
        self._before = rows[size - 1]["id"] if not self._over else self._before
        self.into, self._lines = own, self._lines + number
        return TakenBack(own, self._lines)

    def _begun(self, work: Work) -> Id:
        """Return the line before which to go on: of what was broken off, the last that was taken back."""
        if self.into is None or self._lines:
            return self._before
        check_own(work, self.into)
        return journal.first_cause(work.tx, self.into) or _LAST

    def _part(self, work: Work, own: Id, rows: Sequence[Values], *, first: bool) -> int:
        if not rows and not first:
            return 0
        work.go_on(own, cause=rows[-1]["id"] if rows else None)
        undoing.take_back(work, undoing.known(work, rows), {own, self.act})
        return len(rows)

    def _whole(self, work: Work) -> int:
        return len(undoing.undo(work, [Undo(act=self.act)]))
