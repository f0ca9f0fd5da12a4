"""Merging records that are one: what refers to them follows, and all of it is undone as a whole."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Generic, TypeVar

import attrs

from opencrm.core.change import Change, JournalEntry, Kind, Values
from opencrm.core.entity import Entity, Spec
from opencrm.core.fields import Amount
from opencrm.core.values import Id
from opencrm.errors import DomainError, InputError, NotFound, Objected
from opencrm.services import records
from opencrm.services.cleaning import tombstones
from opencrm.services.cleaning.pacing import Door
from opencrm.services.cleaning.references import Referrer, following, referrers
from opencrm.services.cleaning.rehearsing import trial
from opencrm.services.cleaning.tombstones import successor
from opencrm.services.reading.reader import Reader
from opencrm.services.reading.selecting import Of
from opencrm.services.writing.judging import judge
from opencrm.services.writing.work import Work

E = TypeVar("E", bound=Entity)
MOST = 100
"""The most records that go into another one at once."""


@attrs.frozen
class Merge(Generic[E]):
    """Let records go into another one: `Merge(Contact, keep, [other, ...])`.

    Args:
        entity: Whose records.
        keep: The record that stays.
        others: Those that go into it, the best one first.
        values: Values of the kept record that are to be other than they would: it has its own and, where it has none,
            the first of the others'.
    """

    entity: type[E] | Spec
    keep: Id
    others: Sequence[Id]
    values: Mapping[str, Any] | None = None


@attrs.frozen(kw_only=True)
class Merged:
    """What a merge did, or would do.

    Attributes:
        act: The act, by which it is undone; None of a rehearsal.
        kept: The record that stayed.
        gone: Those that went into it.
        before: The kept record's fields that changed, as they were, as far as they may be read.
        after: The same as they became.
        followed: How many records of each entity followed, of those that the principal may know of.
    """

    act: Id | None
    kept: Id
    gone: tuple[Id, ...]
    before: Values
    after: Values
    followed: Mapping[str, int]


@attrs.frozen
class Offer:
    """The values of one field that the records of a merge differ in.

    Attributes:
        field: The field.
        values: The values, each with the records that hold it.
        chosen: The one that the kept record has if nothing is said.
    """

    field: str
    values: tuple[tuple[Any, tuple[Id, ...]], ...]
    chosen: Any


def merge(work: Work, wish: Merge[Any]) -> Merged:
    """Merge records; takes `merge` on all of them, `update` on the kept one and `delete` on the others.

    Every reference to the others leads to the kept record then, those that the principal may not see as well; parts
    that both had become one. The others are deleted; see `successor` for where they went.

    Raises:
        InputError: The records cannot be merged, or a value is bad.
        NotFound: One is not there, or the principal may not know of it.
        PermissionDenied: The principal may not do this.
        Objected, Duplicate: A rule or a unique value is in the way.
    """
    spec = work.entity(wish.entity)
    others = _checked(spec, wish)
    states = work.existing(spec, [wish.keep, *others])
    given = records.given_of(work, spec, wish.values or {})
    wanted = _filled(work, spec, [states[id] for id in (wish.keep, *others)]) | given
    _judge(work, spec, states, records.updated(work, spec, states[wish.keep], records.given_of(work, spec, wanted)))
    followed = _follow(work, spec, wish.keep, others)
    states = work.existing(spec, others)  # What followed may have touched them.
    gone = work.apply([records.deleted(work, spec, states[id], work.now) for id in others])
    [kept] = records.applied(work, [_kept(work, spec, wish.keep, wanted)])
    tombstones.lay(work.tx, spec, others, wish.keep, work.now)
    return _merged(work, kept, gone, followed)


def rehearse(door: Door, wish: Merge[Any]) -> Merged:
    """Return what `merge` would do, by doing it and taking it back; raises what `merge` raises.

    Args:
        door: Opens a work block, of which nothing is kept: `lambda: crm.work(principal)`.
        wish: What to merge.
    """
    with trial(door) as work:
        found = merge(work, wish)
    return attrs.evolve(found, act=None)


def propose(reader: Reader, entity: Of, ids: Sequence[Id]) -> tuple[Offer, ...]:
    """Return the values to choose from, of each field that the reader may read and the records differ in.

    Args:
        reader: The reader.
        entity: Whose records.
        ids: The records; the first is the one to be kept.

    Raises:
        NotFound: One is not there, or the reader may not know of it.
    """
    spec = reader.entity(entity)
    states = reader.states(spec, ids)
    if not ids or len(states) < len(set(ids)):
        raise NotFound(f"there is no such {spec.name}", entity=spec.name)
    several = [states[id] for id in dict.fromkeys(ids)]
    chosen = {**several[0], **_filled(reader, spec, several)}
    found = (_offer(name, several, chosen[name]) for name in _names(reader, spec))
    return tuple(offer for offer in found if len(offer.values) > 1 or offer.chosen != several[0][offer.field])


def _offer(name: str, several: Sequence[Values], chosen: Any) -> Offer:
    values: list[tuple[Any, list[Id]]] = []
    for state in several:
        if state[name] is not None:
            same = next((ids for value, ids in values if value == state[name]), None)
            if same is None:
                values.append((state[name], same := []))
            same.append(state["id"])
    return Offer(name, tuple((value, tuple(ids)) for value, ids in values), chosen)


def _checked(spec: Spec, wish: Merge[Any]) -> list[Id]:
    others = list(dict.fromkeys(wish.others))
    if spec.options.organisation:
        raise InputError({"entity": [f"a {spec.name} cannot be merged: hand over what it has"]})
    if not 1 <= len(others) <= MOST:
        raise InputError({"others": [f"must name 1 to {MOST} records"]})
    if wish.keep in others:
        raise InputError({"others": ["must not name the record that is kept"]})
    return others


def _judge(work: Work, spec: Spec, states: Mapping[Id, Values], kept: Change) -> None:
    """Judge everything that the principal is to answer for, before anything is done."""
    test = work.rights.expression(spec, "merge").test(work.linked)
    if not all(map(test, states.values())):
        raise work.rights.denied(f"{spec.name}.merge", "no grant reaches the record")
    judge(work, [kept, *(records.deleted(work, spec, states[id], work.now) for id in states if id != kept.id)])


def _kept(work: Work, spec: Spec, keep: Id, wanted: Mapping[str, Any]) -> Change:
    """Return the change of the kept record as it is by now."""
    state = work.existing(spec, [keep])[keep]
    return records.updated(work, spec, state, records.given_of(work, spec, wanted))


def _names(reader: Reader, spec: Spec) -> list[str]:
    """Name the fields that may be read, and be changed by an update."""
    readable = reader.rights.readable(spec)
    return [name for name, it in spec.fields.items() if it.settable and it.author is None and name in readable]


def _filled(reader: Reader, spec: Spec, states: Sequence[Values]) -> dict[str, Any]:
    """Return the values that the first record lacks and another one has, of the fields that may be written."""
    writable = reader.rights.writable(spec)
    names = [name for name in _names(reader, spec) if name in writable and name != "id" and _whole(reader, spec, name)]
    now, found = dict(states[0]), dict[str, Any]()
    for other in states[1:]:
        for name in names:
            more = _with_currency(spec, name, other, now) if now[name] is None and other[name] is not None else {}
            if more.keys() <= {*names}:
                found |= more
                now |= more
    return found


def _whole(reader: Reader, spec: Spec, name: str) -> bool:
    """Say whether all of a value may be read: of an amount also its currency, which decides whether it is taken."""
    kind = spec.fields[name].type
    return not isinstance(kind, Amount) or kind.currency in reader.rights.readable(spec)


def _with_currency(spec: Spec, name: str, other: Values, now: Values) -> dict[str, Any]:
    """Return a value to take over; an amount comes with its currency, or not at all."""
    kind = spec.fields[name].type
    if not isinstance(kind, Amount):
        return {name: other[name]}
    own, foreign = now.get(kind.currency), other.get(kind.currency)
    if own == foreign:
        return {name: other[name]}
    return {name: other[name], kind.currency: foreign} if own is None else {}


def _follow(work: Work, spec: Spec, keep: Id, others: Sequence[Id]) -> Counter[str]:
    """Let every reference follow; count those records that the principal may know of."""
    counted: Counter[str] = Counter()
    with work.entailing("merge") as inner:
        for by in referrers(work.configuration.catalogue.entities, spec):
            for changes in following(inner, by, spec, keep, others):
                seen = work.states(by.spec, [change.id for change in changes], deleted=None)
                _apply(inner, changes, seen)
                counted[by.spec.name] += sum(1 for change in changes if _shown(work, by, change, seen))
    return +counted


def _shown(work: Work, by: Referrer, change: Change, seen: Mapping[Id, Values]) -> bool:
    """Say whether the principal may know that a record followed."""
    living = change.id in seen and (change.before or {})["deleted_at"] is None
    followed = [name for name in by.fields if name in change.fields]
    return living and (change.kind is Kind.DELETED or not work.rights.readable(by.spec).isdisjoint(followed))


def _apply(inner: Work, changes: Sequence[Change], seen: Mapping[Id, Values]) -> None:
    """Apply what follows; a refusal tells nothing of records that the principal may not know of."""
    if not changes:
        return
    try:
        inner.apply(changes)
    except (DomainError, InputError) as error:
        if all(change.id in seen for change in changes):
            raise
        raise Objected("what refers to the merged records cannot follow: a rule is against it") from error


def _merged(work: Work, kept: JournalEntry, gone: Sequence[JournalEntry], followed: Mapping[str, int]) -> Merged:
    return Merged(
        act=work.act,
        kept=kept.record_id,
        gone=tuple(line.record_id for line in gone),
        before=kept.before or {},
        after=kept.after,
        followed=dict(followed),
    )


__all__ = ["MOST", "Merge", "Merged", "Offer", "merge", "propose", "rehearse", "successor"]
