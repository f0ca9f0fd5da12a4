"""Transfers: judged as a whole before anything is written, then done in as many transactions as it takes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from functools import partial
from itertools import groupby
from typing import TypeAlias

import attrs

from opencrm.core.change import Values
from opencrm.core.entities import User
from opencrm.core.values import Id
from opencrm.errors import InputError, Objected, OpenCRMError, PermissionDenied
from opencrm.services import assigning
from opencrm.services.cleaning.culprits import Refusal, judged, write
from opencrm.services.cleaning.pacing import PACE, Door, Pace, check_own, patiently
from opencrm.services.cleaning.rehearsing import trial
from opencrm.services.commands import Assign
from opencrm.services.reading.reader import Reader
from opencrm.services.transferring.planning import Given, Key, Planned, counted, plan, told
from opencrm.services.writing.judging.receivers import receivers
from opencrm.services.writing.work import Work

Reading: TypeAlias = Callable[[], AbstractContextManager[Reader]]
"""Opens a reader: `lambda: crm.read(principal)`."""

_LISTED = 1_000


def _ids(given: Sequence[Id]) -> tuple[Id, ...]:
    return tuple(given)


@attrs.frozen
class Transfer:
    """Give all that is somebody's to colleagues: `Transfer(leaver, to=[one, other])`.

    Args:
        user: Whose records.
        to: Who gets them; several take turns, client by client.
    """

    user: Id
    to: Sequence[Id] = attrs.field(converter=_ids, kw_only=True)


@attrs.frozen(kw_only=True)
class Transferred:
    """What a transfer did, or would do.

    Attributes:
        act: The act that all of it belongs to, by which it is undone; None of a rehearsal, and where there is nothing.
        given: How many records of each entity each colleague got.
        refused: Those that stayed out because somebody changed them, or what judges them, meanwhile.
    """

    act: Id | None
    given: tuple[Given, ...] = ()
    refused: tuple[Refusal, ...] = ()

    @property
    def number(self) -> int:
        """How many records were given."""
        return sum(each.number for each in self.given)


def run(  # noqa: PLR0913  # all but the doors and the wish by name
    reading: Reading,
    door: Door,
    wish: Transfer,
    *,
    act: Id | None = None,
    rehearsed: bool = False,
    most: int | None = None,
    pace: Pace = PACE,
    tell: Callable[[Transferred], None] = lambda _: None,
) -> Transferred:
    """Give all records of a person that the principal may read to colleagues, in one act.

    Every entity with an owner takes part, those of plugins too; what is personal, as saved views, stays, and so does
    what is deleted. All of it is done and taken back first: where one record is refused, nothing is written.

    Args:
        reading: Opens a reader: `lambda: crm.read(principal)`.
        door: Opens a work block: `lambda: crm.work(principal)`.
        wish: From whom to whom.
        act: The act that was broken off, to go on with it.
        rehearsed: Only find out what would be done.
        most: Refuse more records than that.
        pace: How much a transaction takes.
        tell: Is told how far it is, after each transaction that was kept.

    Raises:
        NotFound: There is no such person, or no such act of one's own.
        InputError: A colleague is not there, not active, or the person themselves; or there are too many records.
        PermissionDenied: Some records are out of reach of `assign`; says how many.
        Objected: A plugin or a rule objects to some; says how many.
    """
    with reading() as reader:
        wish = _checked(reader, wish, act)
        planned = plan(reader, wish.user, wish.to, act)
    if most is not None and len(planned) > most:
        raise InputError({"user": [f"has more than {most:,} records, which one request does not take"]})
    _refuse(_Run(door, wish.user, planned, pace, rehearsed=True).run(None), len(planned))
    if rehearsed or not planned:
        return Transferred(act=None, given=told(counted(planned)))
    return _Run(door, wish.user, planned, pace, tell=tell).run(act).told


def _checked(reader: Reader, wish: Transfer, act: Id | None) -> Transfer:
    """Return a wish with ids in their canonical form; refuse one that nobody can do."""
    if act is not None:
        check_own(reader, act)
    user = reader.get(User, wish.user)["id"]
    to = tuple(dict.fromkeys(assigning.checked("to", each) for each in wish.to))
    known = reader.states(User.spec, to)
    faults = {id: "is who leaves" if id == user else _wrong(known.get(id)) for id in to}
    wrong = [f"{id}: {fault}" for id, fault in faults.items() if fault is not None]
    if wrong or not to:
        raise InputError({"to": wrong or ["names at least one colleague"]})
    return Transfer(user, to=to)


def _wrong(user: Values | None) -> str | None:
    """Say what is wrong with somebody who is to get records, if anything is."""
    if user is None:
        return "is nobody that you know of"
    return None if user["active"] else "is not an active user"


@attrs.frozen
class _Refused:
    refusal: Refusal
    error: OpenCRMError


@attrs.frozen
class _Part:
    """What one transaction did, or all of them."""

    act: Id | None = None
    tried: int = 0
    given: Counter[Key] = attrs.field(factory=Counter)
    refused: tuple[_Refused, ...] = ()

    def __add__(self, more: _Part) -> _Part:
        return _Part(more.act, self.tried + more.tried, self.given + more.given, self.refused + more.refused)

    @property
    def told(self) -> Transferred:
        return Transferred(act=self.act, given=told(self.given), refused=tuple(it.refusal for it in self.refused))


@attrs.define
class _Run:
    """A transfer under way, transaction after transaction."""

    door: Door
    user: Id
    planned: Sequence[Planned]
    pace: Pace
    rehearsed: bool = attrs.field(default=False, kw_only=True)
    tell: Callable[[Transferred], None] = attrs.field(default=lambda _: None, kw_only=True)

    def run(self, act: Id | None) -> _Part:
        done, size = _Part(act), self.pace.first
        while done.tried < len(self.planned):
            part, seconds = patiently(partial(self._transaction, done.act, done.tried, size))
            done, size = done + part, self.pace.next(size, part.tried, seconds)
            if not self.rehearsed:
                self.tell(done.told)
        return done

    def _transaction(self, act: Id | None, at: int, size: int) -> _Part:
        with trial(self.door) if self.rehearsed else self.door() as work:
            if act is not None and not self.rehearsed:
                work.go_on(act)
            planned = self.planned[at : at + self.pace.size(work, size)]
            parts = [self._give(work, [*several]) for _, several in groupby(planned, key=lambda it: it.entity)]
            return sum(parts, _Part(tried=len(planned)))

    def _give(self, work: Work, planned: Sequence[Planned]) -> _Part:
        """Give records of one entity; one that is gone, or somebody else's by now, is left alone."""
        entity, refused = planned[0].entity, list[_Refused]()
        people = receivers(work, {each.to for each in planned})
        states = work.states(work.entity(entity), [each.record for each in planned])

        def refuse(id: Id, error: OpenCRMError) -> None:
            refused.append(_Refused(Refusal(entity, id, error.code, str(error)), error))

        changes = [
            assigning.assigned(
                work, entity, states[it.record], Assign(work.entity(entity), it.record, owner=it.to), people
            )
            for it in planned
            if it.record in states and states[it.record]["owner_id"] == self.user
        ]
        lines = {line.record_id for line in write(work, judged(work, changes, refuse), refuse)}
        return _Part(work.act, 0, counted(each for each in planned if each.record in lines), tuple(refused))


def _refuse(rehearsed: _Part, number: int) -> None:
    """Refuse a transfer of which a part was refused.

    Raises:
        PermissionDenied, Objected: Says how many records, of which entities.
    """
    if not rehearsed.refused:
        return
    entities = Counter(each.refusal.entity for each in rehearsed.refused)
    which = f"{len(rehearsed.refused)} of {number} records ({', '.join(f'{name} {n}' for name, n in entities.items())})"
    first = next((it.error for it in rehearsed.refused if isinstance(it.error, PermissionDenied)), None)
    if first is not None:
        reason = f"out of reach are {which}; nothing was given"
        text = f"{first.principal} may not do this: {first.action} ({reason})"
        raise PermissionDenied(text, principal=first.principal, action=first.action, reason=reason)
    objections = [
        {"record": it.record, "row": None, "field": None, "code": it.code, "text": it.text}
        for it in (each.refusal for each in rehearsed.refused[:_LISTED])
    ]
    raise Objected(f"refused are {which}, such as: {objections[0]['text']}; nothing was given", objections=objections)
