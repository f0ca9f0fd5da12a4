"""Why somebody may, or may not, do something to a record; and who may."""

from __future__ import annotations

from typing import Any

import attrs
from sqlalchemy import Select, select

from opencrm.core.access.expressions import Reason, Verdict
from opencrm.core.access.grants import ANY
from opencrm.core.access.principal import Principal
from opencrm.core.access.rights import Rights
from opencrm.core.change import Values
from opencrm.core.entities import Membership, User
from opencrm.core.entity import Spec
from opencrm.core.values import Id
from opencrm.errors import InputError, NotFound, NotSignedIn
from opencrm.services.explaining.paths import Step, path
from opencrm.services.reading.reader import Reader
from opencrm.services.reading.selecting import Of
from opencrm.services.workspaces.signing_in import resolve

_OF_WHOLES = frozenset({"assign", "share", "merge"})
_WITH_WHOLE = "a part is not assigned, shared or merged by itself: that is done with its whole"


@attrs.frozen(kw_only=True)
class Explanation:
    """Why somebody may, or may not, do something to a record.

    Attributes:
        user_id: The person.
        action: The act.
        allowed: Whether they may.
        reason: Why, or why not, in a sentence.
        reasons: Every reason for which they may; take the only one away, and they may not.
        paths: For each reason, the units from the record's up to the membership's; of a part from its whole's; of what
            is published from the membership's up to the record's. Empty where no unit decides.
        fields: The fields of the entity that they may read, of those that whoever asks may read too.
    """

    user_id: Id
    action: str
    allowed: bool
    reason: str
    reasons: tuple[Reason, ...] = ()
    paths: tuple[tuple[Step, ...], ...] = ()
    fields: tuple[str, ...] = ()


def explain(reader: Reader, entity: Of, id: Id, *, user: Id, action: str = "read") -> Explanation:
    """Say why a person may, or may not, do something to a record.

    Args:
        reader: Whoever asks; they must be able to read the record and the person.
        entity: The record's entity.
        id: The record.
        user: The person.
        action: The act, as grants name it: `"read"`, `"update"`, `"move:sales.won"` ...

    Raises:
        NotFound: There is no such record or person, or none that the reader may know of.
        InputError: There is no such action.
    """
    spec = reader.entity(entity)
    state = _state(reader, spec, id)
    if user != reader.rights.user_id and not reader.states(User.spec, [user]):
        raise NotFound("there is no such user", entity="user", id=user)
    _check_action(reader, spec, action)
    return _explained(reader, spec, state, user, action)


def who(reader: Reader, entity: Of, id: Id, *, action: str = "read") -> tuple[Explanation, ...]:
    """Say who may do something to a record, and why; of the people whom the reader may know of.

    Raises:
        NotFound: There is no such record, or none that the reader may know of.
        InputError: There is no such action.
    """
    spec = reader.entity(entity)
    state = _state(reader, spec, id)
    _check_action(reader, spec, action)
    people = reader.tx.query("active people", _active, {})
    ids = {row["id"] for row in people}
    known = ids & {*reader.states(User.spec, sorted(ids)), reader.rights.user_id}
    found = (_explained(reader, spec, state, one, action) for one in sorted(known))
    return tuple(it for it in found if it.allowed)


def require(reader: Reader, entity: Of, id: Id, action: str) -> None:
    """Refuse to go on unless the reader may do something to a record: how a plugin judges the actions that it brings.

    Raises:
        NotFound: There is no such record, or none that the reader may know of.
        InputError: There is no such action.
        PermissionDenied: With the reason.
    """
    spec = reader.entity(entity)
    state = _state(reader, spec, id)
    _check_action(reader, spec, action)
    verdict = _verdict(reader, reader.rights, spec, state, action)
    if not verdict.allowed:
        raise reader.rights.denied(f"{spec.name}.{action}", verdict.reason)


def rights_of(reader: Reader, user: Id) -> Rights | None:
    """Return what a person may do now; None for somebody who cannot sign in."""
    try:
        return resolve(reader.tx, reader.workspace, Principal.user(user), reader.now)[0]
    except NotSignedIn:
        return None


def moves_of(reader: Reader, spec: Spec) -> tuple[str, ...]:
    """Return the moves of an entity's records, as grants name them: one for each stage of its pipelines."""
    pipelines = reader.configuration.catalogue.pipelines_of(spec.name)
    return tuple(f"move:{pipeline.key}.{stage.key}" for pipeline in pipelines for stage in pipeline.stages)


def _explained(reader: Reader, spec: Spec, state: Values, user: Id, action: str) -> Explanation:
    rights = rights_of(reader, user)
    if rights is None:
        return Explanation(user_id=user, action=action, allowed=False, reason="cannot sign in")
    verdict = _verdict(reader, rights, spec, state, action)
    reasons = tuple(_as_told(reader, each) for each in verdict.reasons)
    paths = tuple(path(reader, spec, state, each) for each in reasons)
    readable = rights.readable(spec) & reader.rights.readable(spec)
    fields = tuple(name for name in spec.fields if name in readable) if verdict.allowed else ()
    return Explanation(
        user_id=user,
        action=action,
        allowed=verdict.allowed,
        reason=reasons[0].text if reasons else verdict.reason,
        reasons=reasons,
        paths=paths,
        fields=fields,
    )


def _as_told(reader: Reader, reason: Reason) -> Reason:
    """Return a reason without the membership that it comes from, if the reader may not know of that one."""
    seat = _innermost(reason).membership
    own = {it.id for it in reader.rights.seats}
    known = seat is None or seat in own or reader.states(Membership.spec, [seat])
    return reason if known else _veiled(reason, _innermost(reason).text)


def _veiled(reason: Reason, hidden: str) -> Reason:
    """Return a reason that tells nothing of a place and a role: neither by name nor in the text that it ends in."""
    because = None if reason.because is None else _veiled(reason.because, hidden)
    text = reason.text.replace(hidden, f"a {_innermost(reason).way}, of a membership that you may not read")
    return Reason(way=reason.way, text=text, entity=reason.entity, person=reason.person, because=because)


def _verdict(reader: Reader, rights: Rights, spec: Spec, state: Values, action: str) -> Verdict:
    """Judge an act; whoever may not read a record may do nothing to it, and some acts are done to no part alone."""
    found = rights.expression(spec, action).verdict(state, reader.linked)
    read = rights.expression(spec, "read").verdict(state, reader.linked) if action != "create" else found
    if not read.allowed:
        return Verdict(False, read.reason)
    return Verdict(False, _WITH_WHOLE) if spec.options.part_of and action in _OF_WHOLES else found


def _innermost(reason: Reason) -> Reason:
    while reason.because is not None:
        reason = reason.because
    return reason


def _state(reader: Reader, spec: Spec, id: Id) -> Values:
    found = reader.states(spec, [id], deleted=None).get(id)
    if found is None:
        raise NotFound(f"there is no such {spec.name}", entity=spec.name, id=id)
    return found


def _check_action(reader: Reader, spec: Spec, action: str) -> None:
    if spec.options.organisation and action not in ("read", "export"):
        raise InputError({"action": ["is decided by the rules of delegation, which tell why when they refuse"]})
    if reader.configuration.has_action(spec.name, action) and action not in (ANY, "move"):
        return
    if action not in moves_of(reader, spec):
        raise InputError({"action": [f"{spec.name} has no action {action!r}"]})


def _active() -> Select[Any]:
    table = User.__table__
    return select(table.c.id).where(table.c.active, table.c.deleted_at.is_(None)).order_by(table.c.id)
