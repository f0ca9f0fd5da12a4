"""The rules of sharing: nobody shares what they may not do themselves."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from opencrm.core.access.grants import ANY
from opencrm.core.change import Change, Kind, Values
from opencrm.core.entities import User
from opencrm.core.entity import Spec
from opencrm.errors import InputError
from opencrm.services.writing.block import Block
from opencrm.services.writing.locking import lock

_FIXED = ("entity", "record_id", "user_id")
_BOUND = "share bound"


class _Sharing:
    """Bound to shares."""

    entities = frozenset({"share"})

    def judge(self, work: Block, changes: Sequence[Change]) -> None:
        """Take the organisation's lock; refuse what the sharer does not hold, and people who are not there.

        A share that follows its record into another one is judged by nobody: it gives what its sharer holds there.
        """
        if work.entailed:
            return
        given = [(at, it) for at, it in enumerate(changes) if it.kind in (Kind.CREATED, Kind.CHANGED, Kind.RESTORED)]
        if not given:
            return
        lock(work)
        people = work.whole(User.spec, sorted({it.after["user_id"] for _, it in given}))
        for at, change in given:
            wrong = dict(_wrong(work, change, people.get(change.after["user_id"])))
            if wrong:
                raise InputError(wrong, rows={at: wrong})
            _check_author(work, change)
            _check_held(work, change.after)

    def follow(self, work: Block, own: Sequence[Change], changes: Sequence[Change]) -> Sequence[Change]:
        return ()


def _wrong(work: Block, change: Change, person: Values | None) -> Iterator[tuple[str, list[str]]]:
    after, before = change.after, change.before
    spec = work.configuration.catalogue.entities.get(after["entity"])
    if spec is None or not _shareable(spec):
        yield "entity", ["cannot be shared"]
        return
    if person is None or not person["active"]:
        yield "user_id", ["is no active user"]
    unknown = [name for name in after["actions"] if not _known(work, spec, name)]
    if unknown:
        yield "actions", [f"{spec.name} has no action {name!r}" for name in unknown]
    for name in _FIXED:
        if before is not None and before[name] != after[name]:
            yield name, ["cannot be changed: make a new share"]


def _shareable(spec: Spec) -> bool:
    return spec.owned and not (spec.options.organisation or spec.options.personal or spec.options.part_of)


def _known(work: Block, spec: Spec, action: str) -> bool:
    """Say whether a record of an entity can be shared for an action; moves name a pipeline and a stage, or `*`."""
    if not action.startswith("move:"):
        return work.configuration.has_action(spec.name, action) and action not in (ANY, "move", "create")
    pipeline, _, stage = action[5:].partition(".")
    several = [it for it in work.configuration.catalogue.pipelines_of(spec.name) if pipeline in (it.key, ANY)]
    return any(action == "move:*" or stage == ANY or it.stage(stage) is not None for it in several)


def _check_author(work: Block, change: Change) -> None:
    """Refuse to change somebody else's share, or to bring it back: it would be theirs who no longer wants it.

    Raises:
        PermissionDenied: It is somebody else's, and not an owner's to mend.
    """
    if change.before is not None and not work.rights.owner and change.before["created_by"] != work.rights.name:
        why = "it is changed and brought back by whoever shares, and ended by others"
        raise work.rights.denied("share.update", why, rule=_BOUND)


def _check_held(work: Block, share: Values) -> None:
    """Refuse an action that whoever shares may not do to the record; of moves, to each stage.

    Raises:
        PermissionDenied: There is one.
    """
    spec = work.configuration.catalogue.entities[share["entity"]]
    state = work.whole(spec, [share["record_id"]]).get(share["record_id"])
    for action in share["actions"] if state is not None else ():
        for one in _single(work, spec, action):
            if state is None or not work.rights.expression(spec, one).test(work.linked)(state):
                why = "nobody shares what they may not do themselves"
                raise work.rights.denied(f"{spec.name}.{one}", why, rule=_BOUND)


def _single(work: Block, spec: Spec, action: str) -> Iterator[str]:
    """Give the acts that an action stands for: of moves with `*`, one for each stage."""
    if not action.startswith("move:") or ANY not in action:
        yield action
        return
    pipeline, _, stage = action[5:].partition(".")
    for it in work.configuration.catalogue.pipelines_of(spec.name):
        if pipeline in (it.key, ANY):
            yield from (f"move:{it.key}.{each.key}" for each in it.stages if stage in ("", ANY, each.key))


BINDING = _Sharing()
