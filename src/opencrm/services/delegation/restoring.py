"""Memberships that cannot come back, because what they are about is gone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from opencrm.core.change import Change, Kind
from opencrm.core.entities import Membership, Role, Unit, User
from opencrm.core.entity import Spec
from opencrm.core.values import Id
from opencrm.errors import InputError
from opencrm.services.writing.block import Block

_PARTS: Mapping[str, Spec] = MappingProxyType({"user_id": User.spec, "unit_id": Unit.spec, "role_id": Role.spec})


def hanging(work: Block, changes: Sequence[Change]) -> dict[int, InputError]:
    """Return what is wrong with restored memberships of which a part is deleted, by their place among the changes."""
    back = {at: it for at, it in enumerate(changes) if it.entity == Membership.spec.name and it.kind is Kind.RESTORED}
    there = {
        name: _there(work, changes, spec, {it.after[name] for it in back.values()}) for name, spec in _PARTS.items()
    }
    found = {at: [name for name in _PARTS if it.after[name] not in there[name]] for at, it in back.items()}
    return {at: _gone(names, at) for at, names in found.items() if names}


def _there(work: Block, changes: Sequence[Change], spec: Spec, ids: set[Id]) -> set[Id]:
    """Return the ids of living records, and of those that come back in the same batch."""
    made = {it.id for it in changes if it.entity == spec.name and it.kind in (Kind.CREATED, Kind.RESTORED)}
    return made.union(work.whole(spec, sorted(ids))) if ids else made


def _gone(names: Sequence[str], at: int) -> InputError:
    wrong = {name: ["is deleted: restore it first"] for name in names}
    return InputError(wrong, rows={at: wrong})
