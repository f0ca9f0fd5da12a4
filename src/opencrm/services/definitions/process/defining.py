"""The rules of definitions: names that are free, nothing unknown, no loops, no record left without a stage."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from opencrm.core.access.grants import read_grants
from opencrm.core.change import Change, Kind, Values
from opencrm.core.pipeline import Pipeline
from opencrm.core.pipeline.moves import located
from opencrm.core.process.checks import Finding
from opencrm.core.process.rules import Rule
from opencrm.errors import InputError
from opencrm.services.definitions.process.candidates import (
    Candidates,
    as_system,
    declared_by,
    gains,
    in_force,
    made,
    shows_more,
)
from opencrm.services.definitions.process.covering import check_covered
from opencrm.services.definitions.process.loading import KINDS, Claims, automation, claims_of, clashes
from opencrm.services.definitions.process.moving import gone, in_use, replace
from opencrm.services.definitions.process.overfilling import overfilled
from opencrm.services.process.entering.vanishing import keep_out
from opencrm.services.process.overseeing import checks, history
from opencrm.services.process.overseeing.checks import Declared, name_of
from opencrm.services.writing.block import Block

if TYPE_CHECKING:
    from opencrm.services.writing.work import Work

_ACTS = {Kind.CREATED: "create", Kind.RESTORED: "restore"}


class _Processes:
    """Bound to the definitions of pipelines and rules; that they bump the configuration is the organisation's doing."""

    entities = frozenset(KINDS)

    def judge(self, work: Block, changes: Sequence[Change]) -> None:
        """Refuse a definition that cannot be in force beside the others, or that could do more than its author may."""
        candidate = Candidates(work, changes).declared
        wrong = {at: dict(_wrong(work, change, candidate)) for at, change in enumerate(changes)}
        wrong = _by_names(work, changes, candidate) | {at: told for at, told in wrong.items() if told}
        wrong = wrong or overfilled(work, changes, candidate.by_key)
        if wrong:
            raise InputError(wrong[min(wrong)], rows=dict(sorted(wrong.items())))
        for change in changes:
            if _begins(change) or gains(change):
                action = f"{change.entity}.{_ACTS.get(change.kind, 'update')}"
                check_covered(work, action, read_grants(change.after["grants"]))

    def follow(self, work: Work, own: Sequence[Change], changes: Sequence[Change]) -> Sequence[Change]:
        """Move the records of stages that went; give up what rules that were deleted have still to do."""
        for change in own:
            replace(work, change)
            if change.kind is Kind.DELETED:
                history.give_up(work.tx, automation=automation(KINDS[change.entity], change.after["key"]))
        return ()


def _begins(change: Change) -> bool:
    """Say whether something comes into force, or is in force otherwise than before."""
    return in_force(change.after) and (change.before is None or not in_force(change.before) or _alters(change))


def _alters(change: Change) -> bool:
    return "definition" in change.fields or (change.after.get("active", False) and "active" in change.fields)


def _wrong(work: Block, change: Change, candidate: Declared) -> Iterator[tuple[str, list[str]]]:
    new, old = change.after, change.before
    if old is not None and old["key"] != new["key"]:
        yield "key", ["cannot be changed: define another one, and retire this one"]
        return
    it = made(change)
    if new["definition"] is None:
        yield from _switch(work, new)
    elif it is None:
        return
    elif _begins(change):
        taken = [*clashes(it, _others(work, candidate, it))]
        if taken:
            yield "definition", taken
    yield from _stages(work, change, candidate)


def _switch(work: Block, new: Values) -> Iterator[tuple[str, list[str]]]:
    plugged = {it.value.key for it in work.configuration.hooks.rules()}
    if in_force(new) and new["key"] not in plugged:
        yield "definition", [f"is required: no plugin has a rule {new['key']!r}"]


def _others(work: Block, candidate: Declared, own: Pipeline | Rule) -> Claims:
    """Return what all but one declaration claim."""
    mine = automation("pipeline" if isinstance(own, Pipeline) else "rule", own.key)
    return {claim: name for name, it in candidate for claim in claims_of(it) if name != mine}


def _stages(work: Block, change: Change, candidate: Declared) -> Iterator[tuple[str, list[str]]]:
    """Refuse to take a stage away in which records stand, unless it is said where they go."""
    before, after = change.before, change.after
    if change.entity != "pipeline_definition" or before is None:
        return
    old, new = declared_by(change.entity, before), made(change)
    if isinstance(old, Pipeline) and isinstance(new, Pipeline) and old.entity != new.entity:
        yield "definition", [f"is of {old.entity}: that cannot be changed"]
        return
    found, places = gone(change.entity, before, after), after["replaced_by"] or {}
    if found is not None and found[0].entity in work.configuration.catalogue.entities:
        keep_out(work, work.entity(found[0].entity))
    for stage in found[1] if found else ():
        assert found is not None
        if stage in places:
            wrong = _astray(found[0], places[stage], candidate)
            if wrong:
                yield "replaced_by", [f"{stage}: {wrong}"]
        elif in_use(work, found[0], stage):
            yield "replaced_by", [f"{stage}: records stand in this stage, which goes: say where they are to go"]


def _astray(old: Pipeline, to: str, candidate: Declared) -> str | None:
    key, stage = located(to, old.key)
    target = candidate.by_key.get(key)
    if target is None or target.stage(stage) is None:
        return f"there is no stage {to!r}"
    return None if target.entity == old.entity else f"{to} is a stage of {target.entity}"


def _by_names(work: Block, changes: Sequence[Change], candidate: Declared) -> dict[int, dict[str, list[str]]]:
    """Say what the definitions name and cannot use, and what others name that goes with them."""
    found = checks.found(candidate, checks.known_to(work, candidate))
    own = {
        name_of(it): at
        for at, change in enumerate(changes)
        if (it := made(change)) and (_begins(change) or shows_more(change))
    }
    wrong = {at: _told(found.get(name, ())) for name, at in own.items()}
    wrong = {at: told for at, told in wrong.items() if told}
    if wrong:
        return wrong
    broken = _broken(work, candidate, own)
    return {0: {"definition": broken}} if broken else {}


def _broken(work: Block, candidate: Declared, own: dict[str, int]) -> list[str]:
    """Say what other pipelines and rules need that is to go, or what goes wrong with them only then."""
    system = as_system(work, "judge definitions")
    standing = checks.standing(system)
    before = checks.found(standing, checks.known_to(system, standing))
    after = checks.found(candidate, checks.known_to(system, candidate))
    return [
        f"{name.replace('.', ' ', 1)} needs it: {finding.text}"
        for name, several in after.items()
        for finding in several
        if finding.grave and name not in own and finding.text not in [it.text for it in before.get(name, ())]
    ]


def _told(findings: Sequence[Finding]) -> dict[str, list[str]]:
    told: defaultdict[str, list[str]] = defaultdict(list)
    for finding in findings:
        if finding.grave and finding.text not in told[finding.at]:
            told[finding.at].append(finding.text)
    return {at: texts for at, texts in told.items() if texts}


BINDING = _Processes()
