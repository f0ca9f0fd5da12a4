"""Loops of rules: one that sets off another, which sets off the first, at once or with nothing but time between."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import attrs

from opencrm.core.change import Kind
from opencrm.core.pipeline.definition import Pipeline
from opencrm.core.process.actions import Action, GiveTask
from opencrm.core.process.checks.effects import Effect, Key, effects
from opencrm.core.process.checks.parts import Abouts, about, parts_of
from opencrm.core.process.events import OnField, OnRecord, OnRotten, OnStage, OnTask
from opencrm.core.process.rules import Rule
from opencrm.core.process.tasks import TaskSpec

Loop: TypeAlias = tuple[str, ...]
"""The names of those that set each other off, in order: `("ping", "pong")`."""


@attrs.frozen(eq=False)
class _Node:
    """A rule, one side of a stage, or how a kind of task ends.

    Attributes:
        name: What the loop calls it.
        heard: The events that set it off.
        effects: What follows from what it does.
    """

    name: str
    heard: frozenset[Key]
    effects: tuple[Effect, ...]


@attrs.frozen
class _Edge:
    start: int
    end: int
    effect: Effect


def loops(
    pipelines: Mapping[str, Pipeline], rules: Iterable[Rule], tasks: Mapping[str, Iterable[str]]
) -> Sequence[Loop]:
    """Return the loops in which nothing waits and nothing settles, each once.

    One in which every field, and the stage, is only ever set to one and the same constant comes to rest by itself, and
    is none.

    Args:
        pipelines: The pipelines, by key.
        rules: The rules that are switched on.
        tasks: For each kind of task, the entities that it may be about.
    """
    return _found(pipelines, [*rules], tasks, late=False)


def endless(
    pipelines: Mapping[str, Pipeline], rules: Iterable[Rule], tasks: Mapping[str, Iterable[str]]
) -> Sequence[Loop]:
    """Return the loops in which something waits, and nobody need do anything; none that settles.

    Args:
        pipelines: The pipelines, by key.
        rules: The rules that are switched on.
        tasks: For each kind of task, the entities that it may be about.
    """
    several = [*rules]
    at_once = _found(pipelines, several, tasks, late=False)
    return tuple(it for it in _found(pipelines, several, tasks, late=True) if it not in at_once)


def _found(
    pipelines: Mapping[str, Pipeline], rules: Sequence[Rule], tasks: Mapping[str, Iterable[str]], *, late: bool
) -> Sequence[Loop]:
    abouts = {key: tuple(sorted(it)) for key, it in tasks.items()}
    nodes = [*_stages(pipelines, late=late), *_tasks(pipelines, rules, abouts, late=late)]
    nodes += _rules(pipelines, rules, abouts, late=late)
    graph = _edges(nodes)
    found: dict[frozenset[int], Loop] = {}
    for component in _components(len(nodes), graph):
        inside = [edge for at in component for edge in graph[at] if edge.end in component]
        for start in _starts(component, late=late) if inside and not _settles(inside) else ():
            ring = _ring(start, component, graph)
            found.setdefault(frozenset(ring), tuple(nodes[at].name for at in ring))
    return tuple(found.values())


def _rules(
    pipelines: Mapping[str, Pipeline], rules: Iterable[Rule], tasks: Mapping[str, Abouts], *, late: bool
) -> Iterator[_Node]:
    for rule in rules:
        told = tuple(effects(rule.do, about(rule, pipelines, tasks), pipelines, late=late))
        yield _Node(rule.key, frozenset((*_heard(rule), *(_awaited(rule) if late else ()))), told)


def _stages(pipelines: Mapping[str, Pipeline], *, late: bool) -> Iterator[_Node]:
    for it in pipelines.values():
        for stage in it.stages:
            name, abouts = f"{it.key}.{stage.key}", (it.entity,)
            entering: tuple[Action, ...] = (*map(GiveTask, stage.tasks), *stage.do)
            yield _Node(
                name, frozenset({("entered", *_pair(name))}), tuple(effects(entering, abouts, pipelines, late=late))
            )
            ended = tuple(Effect(("cancelled", task.key)) for task in stage.tasks if not task.stays)
            left = (*effects(stage.left, abouts, pipelines, late=late), *ended)
            yield _Node(name, frozenset({("left", *_pair(name))}), left)


def _tasks(
    pipelines: Mapping[str, Pipeline], rules: Iterable[Rule], tasks: Mapping[str, Abouts], *, late: bool
) -> Iterator[_Node]:
    every: list[Pipeline | Rule] = [*pipelines.values(), *rules]
    kinds = {part.item for it in every for part in parts_of(it, "", ()) if isinstance(part.item, TaskSpec)}
    for task in sorted(kinds, key=lambda it: it.key):
        for state, actions in (("done", task.done), ("cancelled", task.cancelled)):
            told = tuple(effects(actions, tasks.get(task.key, ()), pipelines, late=late))
            yield _Node(task.key, frozenset({(state, task.key), ("finished",)}), told)


def _heard(rule: Rule) -> Iterator[Key]:
    match rule.on:
        case OnRecord(entity, kinds, fields):
            for kind in kinds:
                if kind is Kind.CHANGED and fields:
                    yield from ((kind, entity, name) for name in fields)
                else:
                    yield (kind, entity)
        case OnStage(pipeline, stage, leaving):
            yield ("left" if leaving else "entered", pipeline, stage)
        case OnTask(task, state) if state != "overdue":
            yield from ((state, task), ("finished",))


def _awaited(rule: Rule) -> Iterator[Key]:
    """Give the events after which a rule's time comes by itself."""
    match rule.on:
        case OnRotten(pipeline, stage):
            yield ("entered", pipeline, stage)
        case OnField(entity, field):
            yield from ((Kind.CREATED, entity), (Kind.CHANGED, entity, field))
        case OnTask(task, "overdue"):
            yield ("overdue", task)


def _edges(nodes: Sequence[_Node]) -> Mapping[int, list[_Edge]]:
    hearing: defaultdict[Key, list[int]] = defaultdict(list)
    for at, node in enumerate(nodes):
        for key in node.heard:
            hearing[key].append(at)
    found: defaultdict[int, list[_Edge]] = defaultdict(list)
    for at, node in enumerate(nodes):
        for effect in node.effects:
            keys = {effect.event, effect.event[:2]} if effect.event[0] == Kind.CHANGED else {effect.event}
            ends = dict.fromkeys(end for key in sorted(keys, key=len) for end in hearing.get(key, ()))
            found[at] += [_Edge(at, end, effect) for end in ends]
    return found


def _settles(edges: Iterable[_Edge]) -> bool:
    """Say whether everything within is set to one constant each: then it comes to rest."""
    found: dict[Key, Any] = {}
    for edge in edges:
        sets = edge.effect.sets
        if edge.effect.event[0] == "cancelled":
            continue  # Only a task that is given again can be cancelled again, and that is an effect of its own.
        if sets is None or found.setdefault(sets, edge.effect.to) != edge.effect.to:
            return False
    return True


def _components(number: int, graph: Mapping[int, list[_Edge]]) -> Iterator[set[int]]:
    """Give the sets of nodes of which each leads to each."""
    reach = {at: _reached(at, graph) for at in range(number) if graph.get(at)}
    seen: set[int] = set()
    for at, ends in reach.items():
        if at in ends and at not in seen:
            component = {end for end in ends if at in reach.get(end, ())}
            seen |= component
            yield component


def _reached(start: int, graph: Mapping[int, list[_Edge]]) -> set[int]:
    found, waiting = set[int](), [start]
    while waiting:
        for edge in graph.get(waiting.pop(), ()):
            if edge.end not in found:
                found.add(edge.end)
                waiting.append(edge.end)
    return found


def _starts(component: set[int], *, late: bool) -> Sequence[int]:
    """Return of which nodes the way back is told: of each where nothing is refused, so that each rule knows its own."""
    return sorted(component) if late else [min(component)]


def _ring(start: int, component: set[int], graph: Mapping[int, list[_Edge]]) -> list[int]:
    """Return a shortest way within a component from a node back to it."""
    came: dict[int, int] = {}
    level = [start]
    while start not in came:
        level = [edge.end for at in level for edge in graph[at] if _is_new(edge, component, came)]
    ring = [start]
    while came[ring[-1]] != start:
        ring.append(came[ring[-1]])
    return [start, *ring[:0:-1]]


def _is_new(edge: _Edge, component: set[int], came: dict[int, int]) -> bool:
    if edge.end not in component or edge.end in came:
        return False
    came[edge.end] = edge.start
    return True


def _pair(name: str) -> tuple[str, str]:
    pipeline, _, stage = name.partition(".")
    return pipeline, stage
