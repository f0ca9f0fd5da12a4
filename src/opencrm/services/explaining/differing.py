"""What a change of the organisation would change, for whom, before it is saved."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, Literal, TypeVar

import attrs
from sqlalchemy import Select, select

from opencrm.core.access.rights import Rights
from opencrm.core.conditions import TRUE, Condition, Not, all_of, any_of
from opencrm.core.entities import User
from opencrm.core.entity import Spec
from opencrm.core.values import Id
from opencrm.services.cleaning.rehearsing import rehearsal
from opencrm.services.explaining.explaining import moves_of, rights_of
from opencrm.services.reading.counting import Count
from opencrm.services.reading.reader import Reader
from opencrm.services.writing.work import Work

ACTS = ("read", "update", "delete", "restore", "assign", "share", "export", "merge")
"""What is compared, beside moves and fields: what is done to records that there are."""

Side = Literal["gain", "lose"]
Verb = Literal["read", "write"]
_VERBS: tuple[Verb, Verb] = ("read", "write")
T = TypeVar("T")


@attrs.frozen(kw_only=True)
class Shift:
    """People who would be able to do something to more records than before, or to fewer.

    Attributes:
        side: Whether they gain or lose it.
        entity: Of which entity.
        action: What; `move:*` where all moves shift alike.
        users: Who.
        records: On how many records that exist now, of those that whoever asks may read.
        plural: What many of them are called.
    """

    side: Side
    entity: str
    action: str
    users: tuple[Id, ...]
    records: Count
    plural: str

    def __str__(self) -> str:
        things = self.entity if self.records == 1 else self.plural
        return f"{_who(self.users, self.side)} {self.action} on {self.records} {things}"


@attrs.frozen(kw_only=True)
class FieldShift:
    """People who would read or write a field that they did not, or no longer."""

    side: Side
    entity: str
    field: str
    verb: Verb
    users: tuple[Id, ...]

    def __str__(self) -> str:
        return f"{_who(self.users, self.side)} to {self.verb} {self.entity}.{self.field}"


@attrs.frozen(kw_only=True)
class Difference:
    """What would change for people: acts on records, and fields."""

    shifts: tuple[Shift, ...]
    fields: tuple[FieldShift, ...]

    def __bool__(self) -> bool:
        return bool(self.shifts or self.fields)

    def __iter__(self) -> Iterator[Shift | FieldShift]:
        yield from self.shifts
        yield from self.fields


@attrs.frozen(eq=False)
class Trial:
    """What people for whom something changes might do before, and what after it; None for who cannot sign in."""

    before: Mapping[Id, Rights | None]
    after: Mapping[Id, Rights | None]


def diff(work: Work, change: Callable[[Work], object]) -> Difference:
    """Say what a change would change for people; it is made, looked at, and taken back.

    It counts inside the work block; `tried` there and `told` in a reader let others write meanwhile.

    Args:
        work: The work block of whoever would make it; what they may not do is refused here too.
        change: Makes the change.

    Raises:
        PermissionDenied, InputError, DomainError: What the change itself raises.
    """
    return told(work, tried(work, change))


def told(reader: Reader, trial: Trial) -> Difference:
    """Say what a change that was tried would change, on the records that the reader may read."""
    return Difference(shifts=tuple(_Counts(reader, trial).shifts()), fields=tuple(_fields(reader, trial)))


def tried(work: Work, change: Callable[[Work], object]) -> Trial:
    """Make a change, look at what people may do then, and take it back.

    Raises:
        PermissionDenied, InputError, DomainError: What the change itself raises.
    """
    people = _people(work)
    before = {one: rights_of(work, one) for one in people}
    with rehearsal(work):
        change(work)
        after = {one: rights_of(work, one) for one in people}
    moved = [one for one in people if not _same(before[one], after[one])]
    return Trial({one: before[one] for one in moved}, {one: after[one] for one in moved})


def _same(before: Rights | None, after: Rights | None) -> bool:
    """Say whether nothing changed for somebody: the same places with the same roles, in a tree of the same shape."""
    if before is None or after is None:
        return before is after
    through = any((it.standing_in or it.sharers) for it in (before, after))
    return not through and (before.seats, before.own_units, before.contact_id) == (
        after.seats,
        after.own_units,
        after.contact_id,
    )


def _people(reader: Reader) -> list[Id]:
    """Return the people whom the reader may know of: disabled ones too, whom the change may bring back."""
    rows = reader.tx.query("people", _everybody, {})
    return sorted(reader.states(User.spec, [row["id"] for row in rows]))


def _everybody() -> Select[Any]:
    table = User.__table__
    return select(table.c.id).where(table.c.deleted_at.is_(None)).order_by(table.c.id)


class _Counts:
    """Counts what would come within reach of people, and what would leave it; each condition once."""

    def __init__(self, reader: Reader, trial: Trial) -> None:
        self._reader = reader
        self._trial = trial
        self._any: dict[tuple[str, Condition], bool] = {}

    def shifts(self) -> Iterator[Shift]:
        for spec in _specs(self._reader):
            for name, action in self._acts(spec):
                was, will = self._conditions(spec, action)
                for side, found in _sides(self._newly(spec, was, will), self._newly(spec, will, was)):
                    if found:
                        yield self._shift(spec, name, side, found)

    def _acts(self, spec: Spec) -> Iterator[tuple[str, str]]:
        """Give what to call each act, and the act; all moves as one where they are alike for everybody."""
        yield from zip(ACTS, ACTS, strict=True)
        moves = moves_of(self._reader, spec)
        if len({tuple(tuple(side.values()) for side in self._conditions(spec, move)) for move in moves}) == 1:
            yield "move:*", moves[0]
        else:
            yield from zip(moves, moves, strict=True)

    def _conditions(self, spec: Spec, action: str) -> tuple[Mapping[Id, Condition], Mapping[Id, Condition]]:
        """Return which records people reach before and after."""
        before, after = (
            {one: _condition(rights, spec, action) for one, rights in side.items()}
            for side in (self._trial.before, self._trial.after)
        )
        return before, after

    def _shift(self, spec: Spec, action: str, side: Side, found: Mapping[Id, Condition]) -> Shift:
        number = self._reader.count_bound(spec, any_of(found.values()))
        users = tuple(found)
        return Shift(side=side, entity=spec.name, action=action, users=users, records=number, plural=spec.plural)

    def _newly(self, spec: Spec, less: Mapping[Id, Condition], more: Mapping[Id, Condition]) -> dict[Id, Condition]:
        """Return who would reach records with `more` that they do not with `less`, and which."""
        found: dict[Id, Condition] = {}
        for one, wide in more.items():
            narrow = less[one]
            if narrow not in (wide, TRUE):
                newly = all_of((wide, Not(narrow)))
                if self._there_is(spec, newly):
                    found[one] = newly
        return found

    def _there_is(self, spec: Spec, where: Condition) -> bool:
        known = self._any.get((spec.name, where))
        if known is None:
            known = self._any[spec.name, where] = self._reader.there_is(spec, where)
        return known


def _condition(rights: Rights | None, spec: Spec, action: str) -> Condition:
    return any_of(()) if rights is None else rights.expression(spec, action).condition


def _specs(reader: Reader) -> Iterable[Spec]:
    """Return the entities that have grants of their own: parts follow their wholes."""
    every = reader.configuration.catalogue.entities.values()
    return [spec for spec in every if not (spec.options.part_of or spec.options.personal)]


def _fields(reader: Reader, trial: Trial) -> Iterator[FieldShift]:
    groups = _alike(trial)
    for spec in reader.configuration.catalogue.entities.values():
        for name in (it for it in spec.fields if it in reader.rights.readable(spec)):
            for verb in _VERBS:
                was = {several for several in groups if _open(trial.before[several[0]], spec, name, verb)}
                will = {several for several in groups if _open(trial.after[several[0]], spec, name, verb)}
                for side, found in _sides(will - was, was - will):
                    if found:
                        users = tuple(sorted(chain.from_iterable(found)))
                        yield FieldShift(side=side, entity=spec.name, field=name, verb=verb, users=users)


def _alike(trial: Trial) -> list[tuple[Id, ...]]:
    """Return the people in groups to each of whom the same fields are open, before and after: they hold the same."""
    groups: dict[Hashable, list[Id]] = {}
    for one in trial.before:
        groups.setdefault((_held(one, trial.before[one]), _held(one, trial.after[one])), []).append(one)
    return [tuple(several) for several in groups.values()]


def _held(one: Id, rights: Rights | None) -> Hashable:
    """Return what decides on somebody's fields: their roles, unless they do something through others."""
    if rights is None:
        return None
    if rights.standing_in or rights.sharers or rights.shared:
        return one
    return frozenset((seat.role.id, seat.role.mark) for seat in rights.seats), rights.contact_id is None


def _sides(gained: T, lost: T) -> tuple[tuple[Side, T], tuple[Side, T]]:
    return ("gain", gained), ("lose", lost)


def _who(users: Sequence[Id], side: Side) -> str:
    return f"1 user {side}s" if len(users) == 1 else f"{len(users)} users {side}"


def _open(rights: Rights | None, spec: Spec, name: str, verb: str) -> bool:
    if rights is None or rights.expression(spec, "read").nothing:
        return False
    return name in (rights.readable(spec) if verb == "read" else rights.writable(spec))
