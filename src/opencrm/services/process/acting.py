"""The actions that touch nothing but data, done in the transaction of their event."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeAlias

from opencrm.core.change import Change, Kind, Values
from opencrm.core.conditions import All, Equal, predicate
from opencrm.core.entities import Task
from opencrm.core.entity import Spec
from opencrm.core.process.actions import (
    Action,
    AssignRecord,
    Call,
    CreateRecord,
    FillIn,
    GiveTask,
    MoveRecord,
    Notify,
    OnlyIf,
    Send,
    UpdateRecord,
    Wait,
)
from opencrm.core.process.reactions import FINISHED
from opencrm.core.values import Id
from opencrm.services import assigning, pipelines, records
from opencrm.services.commands import Assign, Create, Move, Update
from opencrm.services.process.entering.answering import answers_of
from opencrm.services.process.notifying import Told, tell
from opencrm.services.process.rendering import Words
from opencrm.services.process.tasking import giving, nobody, selecting, standing

if TYPE_CHECKING:
    from opencrm.services.writing.work import Work

States: TypeAlias = Mapping[Id, Values]
Causes: TypeAlias = Mapping[Id, Id]


def act(work: Work, actions: Sequence[Action], spec: Spec, states: States, causes: Causes) -> States:
    """Do actions to records, one action after the other.

    Args:
        work: As the automation.
        actions: What, in order; all of them touch data only.
        spec: The records' entity.
        states: The records, as they are.
        causes: For each record, the journal's line that it reacts to; empty where it reacts to the time.

    Returns:
        The records for which all of it was done: not those that `only_if` left out.
    """
    for number, action in enumerate(actions):
        if not states:
            break
        current = states if number == 0 else work.states(spec, list(states))
        states = _DO[type(action)](work, action, spec, current, causes)
    return states


def cancel_tasks(work: Work, spec: Spec, ids: Sequence[Id], kinds: Collection[str]) -> None:
    """Cancel the open tasks of some kinds that are about records."""
    open_ids = standing.open_tasks(work, spec, ids, kinds)
    states = work.states(work.entity(Task), list(open_ids)) if open_ids else {}
    work.apply([_cancelled(work, state) for state in states.values() if state["state"] not in FINISHED])


def _cancelled(work: Work, state: Values) -> Change:
    return Change("task", state["id"], Kind.CHANGED, state, {**state, "state": "cancelled", "updated_at": work.now})


def _give(work: Work, action: GiveTask, spec: Spec, states: States, causes: Causes) -> States:
    giving.give(work, action.task, spec, list(states.values()), [causes[id] for id in states] if causes else ())
    return states


def _update(work: Work, action: UpdateRecord, spec: Spec, states: States, _: Causes) -> States:
    records.update(
        work, [Update(spec, id, values=Words(work, spec, it).given(action.values)) for id, it in states.items()]
    )
    return states


def _move(work: Work, action: MoveRecord, spec: Spec, states: States, _: Causes) -> States:
    """Move records; those that stand there already stay where they are."""
    at = action.to.rpartition(".")[2]
    there = [id for id, it in states.items() if it["stage"] == at and action.to in (at, f"{it['pipeline']}.{at}")]
    pipelines.move(work, [Move(spec, id, to=action.to) for id in states if id not in there])
    return states


def _assign(work: Work, action: AssignRecord, spec: Spec, states: States, _: Causes) -> States:
    found = {id: selecting.find(work, action.to, it) for id, it in states.items()}
    assigning.assign(work, [Assign(spec, id, owner=person) for id, person in found.items() if person is not None])
    nobody.tell_instead(work, spec, [states[id] for id, one in found.items() if one is None], nobody.UNOWNED)
    return states


def _create(work: Work, action: CreateRecord, spec: Spec, states: States, _: Causes) -> States:
    made = work.entity(action.entity)
    several = [Words(work, spec, state).given(action.values) for state in states.values()]
    new = list(_new(work, made, several, action.once)) if action.once else several
    records.create(work, [Create(made, values=values) for values in new])
    return states


def _new(work: Work, spec: Spec, several: Sequence[Values], names: Sequence[str]) -> Iterator[Values]:
    """Give the values of which no record holds the named ones yet, each once; of two at once, the second waits."""
    named = [(values, _named(spec, values, names)) for values in several]
    for held in sorted({repr(it) for _, it in named if it is not None}):
        work.tx.hold(f"once {spec.name} {held}")
    known = list[Values]()
    for values, it in named:
        if it is None or not (it in known or _is_there(work, spec, it)):
            yield values
        known += [] if it is None else [it]


def _named(spec: Spec, values: Values, names: Sequence[str]) -> Values | None:
    """Return the named values as records hold them; None where one of them is empty."""
    typed = {name: spec.fields[name].type.parse(values[name]) for name in names if values.get(name) is not None}
    return typed if len(typed) == len(names) else None


def _fill_in(work: Work, action: FillIn, spec: Spec, states: States, _: Causes) -> States:
    """Put what was filled in into the record, or make the records that it tells of."""
    for id, state in states.items():
        several = answers_of(action.form, action.answers)
        if action.form.of is None:
            records.update(work, [Update(spec, id, values=answer) for answer in several])
        else:
            made = work.entity(action.form.of)
            place = _place(made, spec, state, action.owner_id)
            records.create(work, [Create(made, values={**answer, **place}) for answer in several])
    return states


def _place(made: Spec, spec: Spec, state: Values, owner_id: Id | None) -> dict[str, Any]:
    """Return what a record that belongs to another one has of it: the reference, the unit, and who filled it in."""
    named = {name: state["id"] for name, entity in made.references().items() if entity == spec.name}
    own = {"owner_id": owner_id, "unit_id": state.get("unit_id")} if made.owned else {}
    return {name: value for name, value in {**named, **own}.items() if value is not None}


def _is_there(work: Work, spec: Spec, values: Values) -> bool:
    return work.there_is(spec, work.bound(spec, All(tuple(Equal(name, it) for name, it in values.items()))))


def _notify(work: Work, action: Notify, spec: Spec, states: States, _: Causes) -> States:
    found = {id: selecting.find(work, action.to, it) for id, it in states.items()}
    tell(work, [Told(person, action.text, spec.name, id) for id, person in found.items() if person is not None])
    unfound, text = [states[id] for id, one in found.items() if one is None], nobody.untold(action.text)
    nobody.tell_instead(work, spec, unfound, text)
    return states


def _only_if(work: Work, action: OnlyIf, spec: Spec, states: States, _: Causes) -> States:
    meets = predicate(work.bound(spec, action.condition), spec, work.linked, work.told)
    return {id: state for id, state in states.items() if meets(state)}


WORDS: Mapping[type[Any], str] = MappingProxyType(
    {
        GiveTask: "give",
        UpdateRecord: "update",
        MoveRecord: "move",
        AssignRecord: "assign",
        CreateRecord: "create",
        FillIn: "fill_in",
        Notify: "notify",
        Send: "send",
        OnlyIf: "only_if",
        Wait: "wait",
        Call: "call",
    }
)
"""What the history of runs calls each action."""

_DO: Mapping[type[Any], Callable[[Work, Any, Spec, States, Causes], States]] = MappingProxyType(
    {
        GiveTask: _give,
        UpdateRecord: _update,
        MoveRecord: _move,
        AssignRecord: _assign,
        CreateRecord: _create,
        FillIn: _fill_in,
        Notify: _notify,
        OnlyIf: _only_if,
    }
)
