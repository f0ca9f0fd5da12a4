"""What grants and keys may name: entities, acts and moves that are there, and what is said of one that is not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from itertools import chain

from opencrm.core.access.grants import ACTIONS, ANY, Grant
from opencrm.core.access.reach.parts import roots
from opencrm.services.workspaces.configuration import Configuration

MOVE = "move:"
_NEAR = 0.7
"""How like a name must be to be told, from 0 to 1."""


def unknown(configuration: Configuration, grant: Grant) -> Iterator[str]:
    """Say what a grant names that is not there, and what is called nearly so.

    A grant of what went away with its plugin later does nothing, and is nothing's harm: this is asked where one is
    written.

    Args:
        configuration: What is there.
        grant: The grant; each part may be `*`.
    """
    entities = configuration.catalogue.entities
    if grant.entity != ANY and grant.entity not in entities:
        yield f"there is no entity {grant.entity!r}{_perhaps(grant.entity, entities)}"
    elif grant.entity != ANY and entities[grant.entity].options.part_of:
        yield _decided_by_wholes(configuration, grant.entity)
    elif grant.action.startswith(MOVE):
        yield from _unknown_move(configuration, grant)
    elif not configuration.has_action(grant.entity, grant.action):
        several = configuration.actions.items()
        brought = (names for entity, names in several if grant.entity in (entity, ANY))
        yield f"there is no action {grant.action!r}{_perhaps(grant.action, chain(ACTIONS - {ANY}, *brought))}"


def _decided_by_wholes(configuration: Configuration, part: str) -> str:
    """Say which entities' grants decide about a part."""
    entities = configuration.catalogue.entities
    spec = entities[part]
    named = {spec.references().get(name) for name in spec.options.part_of}
    names = [it.name for it in roots(spec, entities)]
    whole = "whatever it is a part of" if None in named else " and ".join(dict.fromkeys(names))
    return f"{part} has no grants of its own: grant those of {whole}"


def _unknown_move(configuration: Configuration, grant: Grant) -> Iterator[str]:
    several = configuration.catalogue.pipelines.values()
    known = {it.key: it for it in several if grant.entity in (it.entity, ANY)}
    pipeline, dot, stage = grant.action.removeprefix(MOVE).partition(".")
    whose = "" if grant.entity == ANY else f" for {grant.entity}"
    if pipeline not in (*known, ANY):
        yield f"there is no pipeline {pipeline!r}{whose}{_perhaps(pipeline, known)}"
        return
    meant = known.values() if pipeline == ANY else [known[pipeline]]
    if not dot and pipeline != ANY:
        yield f"say which stage: {MOVE}{pipeline}.STAGE or {MOVE}{pipeline}.*"
    stages = [each.key for it in meant for each in it.stages]
    if dot and stage not in (*stages, ANY):
        where = f"no pipeline{whose}" if pipeline == ANY else f"pipeline {pipeline!r}"
        yield f"{where} has {'a' if pipeline == ANY else 'no'} stage {stage!r}{_perhaps(stage, stages)}"


def _perhaps(name: str, known: Iterable[str]) -> str:
    """Return the names that somebody may have meant."""
    near = get_close_matches(name, sorted(set(known)), cutoff=_NEAR)
    return f": perhaps {' or '.join(map(repr, near))}" if near else ""
