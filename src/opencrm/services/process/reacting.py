"""Doing what follows from changes, in their transaction: each effect as the Automation that it belongs to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import attrs

from opencrm.core.change import Change, JournalEntry, Values
from opencrm.core.conditions import predicate
from opencrm.core.entity import Spec
from opencrm.core.process.actions import FillIn
from opencrm.core.process.reactions import TASK, Owned, Reaction, Source
from opencrm.core.values import Id
from opencrm.errors import AutomationLoop
from opencrm.services.process import acting, running
from opencrm.services.process.running import Job

if TYPE_CHECKING:
    from opencrm.services.writing.work import Work

DEEPEST = 8
"""How many rules may set each other off, one after the other."""


@attrs.frozen
class Subjects:
    """Records to which the same is to be done.

    Attributes:
        reaction: What, of the first of them.
        causes: For each record, the journal's line that it reacts to.
        states: The records' states, as far as the changes tell them.
    """

    reaction: Reaction
    causes: dict[Id, Id]
    states: dict[Id, Values]


def react(work: Work, changes: Sequence[Change], lines: Sequence[JournalEntry], past: Collection[Id]) -> None:
    """Do what follows from changes that were just stored.

    Args:
        work: The work block of the changes.
        changes: The changes.
        lines: Their lines in the journal.
        past: The records that come with a history, of which nothing follows.

    Raises:
        AutomationLoop: Rules set each other off too often.
        OpenCRMError: An effect cannot be; names its rule, and nothing of the act is kept.
    """
    process = work.configuration.catalogue.process
    found = [
        (reaction, line.entry_id)
        for change, line in zip(changes, lines, strict=True)
        if change.id not in past
        for reaction in process.reactions(change)
    ]
    for subjects in _grouped(found):
        if work.depth >= DEEPEST:
            raise _loop(subjects.reaction.source)
        with work.reacting_as(subjects.reaction.source, cause=next(iter(subjects.causes.values()))) as inner:
            _do(inner, subjects)


def _grouped(found: Iterable[tuple[Reaction, Id]]) -> Iterable[Subjects]:
    """Put together the records to which one declaration does the same; twice, where a record has it coming twice."""
    groups: dict[tuple[object, ...], Subjects] = {}
    times = Counter[tuple[object, ...]]()
    for reaction, cause in found:
        own = cause if any(isinstance(action, FillIn) for action in reaction.actions) else None
        alike = (reaction.source, reaction.event, reaction.entity, id(reaction.rule), own)
        group = groups.setdefault((*alike, times[*alike, reaction.record_id]), Subjects(reaction, {}, {}))
        times[*alike, reaction.record_id] += 1
        group.causes[reaction.record_id] = cause
        if reaction.state is not None:
            group.states[reaction.record_id] = reaction.state
    return groups.values()


def _loop(last: Source) -> AutomationLoop:
    text = f"rules set each other off more than {DEEPEST} times, the last was {last.name!r}"
    return AutomationLoop(text, automation=last.automation, source=last.name)


def _do(work: Work, subjects: Subjects) -> None:
    reaction = subjects.reaction
    spec = work.entity(reaction.entity)
    states = _states(work, spec, subjects)
    if reaction.cancels:
        acting.cancel_tasks(work, spec, list(states), reaction.cancels)
    states = dict(_meeting(work, spec, reaction, states))
    if states:
        rule = reaction.rule
        job = Job(reaction.source, reaction.actions, told=rule is not None, anew=rule.anew if rule else None)
        running.begin(work, job, spec, states, subjects.causes)


def _states(work: Work, spec: Spec, subjects: Subjects) -> dict[Id, Values]:
    unknown = [id for id in subjects.causes if id not in subjects.states]
    return {**subjects.states, **(work.states(spec, unknown) if unknown else {})}


def _meeting(work: Work, spec: Spec, reaction: Reaction, states: dict[Id, Values]) -> Iterator[tuple[Id, Values]]:
    """Give the records that meet the rule's condition."""
    when = reaction.rule.when if reaction.rule else None
    if when is None:
        yield from states.items()
        return
    meets = predicate(work.bound(spec, when), spec, work.linked, work.told)
    yield from ((id, state) for id, state in states.items() if meets(state))


def overdue(work: Work, task: Values, kind: str, cause: Id) -> None:
    """Do what follows from a task that is due and not done."""
    process = work.configuration.catalogue.process
    about = process.subject(task)
    if about is None:
        return
    for owned in process.heard((TASK, kind, "overdue")):
        _one(work, Reaction(owned.source, owned.rule.do, *about, rule=owned.rule), cause)


def happened(work: Work, event: object, about: tuple[str, Id], cause: Id) -> None:
    """Do what the rules do that listen to an event about a record.

    Args:
        work: The work block.
        event: What they listen to: `("submitted", "request")`.
        about: The record, as entity and id.
        cause: The journal's line of the event.
    """
    for owned in work.configuration.catalogue.process.heard(event):
        _one(work, Reaction(owned.source, owned.rule.do, *about, rule=owned.rule), cause)


def came(work: Work, owned: Owned, entity: str, ids: Sequence[Id]) -> None:
    """Do a rule whose time came, for records of an entity: those that its automation may read."""
    with work.reacting_as(owned.source) as inner:
        states = inner.states(inner.entity(entity), ids)
        if states:
            reaction = Reaction(owned.source, owned.rule.do, entity, next(iter(states)), rule=owned.rule)
            _do(inner, Subjects(reaction, {}, states))


def _one(work: Work, reaction: Reaction, cause: Id) -> None:
    with work.reacting_as(reaction.source, cause=cause) as inner:
        _do(inner, Subjects(reaction, {reaction.record_id: cause}, {}))
