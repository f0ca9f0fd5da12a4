"""Whether whoever acts may change the organisation so: a batch is judged as its changes one after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType

import attrs

from opencrm.core.access.covering import Coverage
from opencrm.core.access.grants import Grant
from opencrm.core.change import Change, Kind, Values
from opencrm.core.conditions import bind, predicate
from opencrm.core.entities import User
from opencrm.core.values import Id
from opencrm.errors import InputError, PermissionDenied
from opencrm.services.delegation.company import Company
from opencrm.services.delegation.loading import coverage_of, load_company
from opencrm.services.delegation.refusals import Refusal, denial
from opencrm.services.delegation.restoring import hanging
from opencrm.services.delegation.rules import accounts, people, structure
from opencrm.services.delegation.rules.cases import ACTS, Case, states_of
from opencrm.services.delegation.standing import Stand, stands
from opencrm.services.writing.block import Block

_Rules = Mapping[str, Callable[[Case], Iterator[Refusal]]]
_RULES: _Rules = MappingProxyType(
    {
        "unit": structure.of_unit,
        "role": structure.of_role,
        "user": people.of_user,
        "membership": people.of_membership,
        "deputy": people.of_deputy,
    }
)


def judge(work: Block, changes: Sequence[Change]) -> None:
    """Judge changes of units, users, roles, memberships and deputies by the rules of delegation.

    Raises:
        PermissionDenied: With the rule, the seat that comes furthest and what is out of bounds.
        InputError: A membership is restored of which the user, the unit or the role is deleted.
    """
    found = refusals(work, changes)
    for at in sorted(found):
        raise found[at]


def judge_invitation(work: Block, user: Values) -> None:
    """Judge whether a link may be made by which somebody signs in as a user for the first time.

    Raises:
        PermissionDenied: As for `judge`.
    """
    change = Change(User.spec.name, user["id"], Kind.CHANGED, user, {**user, "updated_at": work.now})
    for error in _denials(work, [change], {**_RULES, User.spec.name: people.of_invitation}, {}).values():
        raise error


def refusals(work: Block, changes: Sequence[Change]) -> dict[int, InputError | PermissionDenied]:
    """Judge each change as if those before it that are allowed had been made; return what is refused, by its place."""
    gone = hanging(work, changes)
    return {**gone, **_denials(work, changes, _RULES, gone)}


def _denials(
    work: Block, changes: Sequence[Change], rules: _Rules, gone: Mapping[int, InputError]
) -> dict[int, PermissionDenied]:
    if work.rights.principal.kind == "system":
        return {}
    if work.rights.owner:
        wrong = {at: _never(work, change) for at, change in enumerate(changes)}
        return {at: _denied(work, changes[at], it, None) for at, it in wrong.items() if it is not None}
    return _Judge(work, changes, rules, gone).refusals() if changes else {}


class _Judge:
    """Judges the changes of somebody who is no owner, or whose key is limited."""

    def __init__(self, work: Block, changes: Sequence[Change], rules: _Rules, gone: Mapping[int, InputError]) -> None:
        self._work = work
        self._changes = changes
        self._rules = rules
        self._gone = gone
        self._company: Company = load_company(work, changes)
        self._coverage: Coverage = coverage_of(work)

    def refusals(self) -> dict[int, PermissionDenied]:
        found: dict[int, PermissionDenied] = {}
        for at, change in enumerate(self._changes):
            error = (self._refusal(change) or self._restricted(change)) if change.entity in self._rules else None
            if error is not None:
                found[at] = error
            elif at not in self._gone:
                self._company.take(change)
        return found

    def _refusal(self, change: Change) -> PermissionDenied | None:
        seats = stands(self._work.rights, self._company, self._work.now)
        found: list[tuple[Refusal, Stand | None]] = []
        for stand in seats:
            refusal = next(self._rules[change.entity](self._case(stand, change)), None)
            if refusal is None:
                wrong = _never(self._work, change)
                return None if wrong is None else _denied(self._work, change, wrong, stand)
            found.append((refusal, stand))
        furthest = max(found, key=lambda it: it[0].order, default=(_NOBODY, None))
        return _denied(self._work, change, *furthest)

    def _restricted(self, change: Change) -> PermissionDenied | None:
        """Refuse what a plugin restricts, which binds everybody."""
        rights, spec, act = self._work.rights, self._work.entity(change.entity), ACTS[change.kind]
        expression = rights.expression(spec, act)
        told = (expression.barred(state, self._work.linked) for state in states_of(change))
        return next((rights.denied(f"{spec.name}.{act}", it) for it in told if it is not None), None)

    def _case(self, stand: Stand, change: Change) -> Case:
        return Case(
            company=self._company,
            coverage=self._coverage,
            stand=stand,
            change=change,
            actor=self._work.rights.user_id or "",
            name=self._work.rights.name,
            now=self._work.now,
            holds=_Conditions(self._work),
        )


_NOBODY = Refusal(rule="reach", text="{seat} nobody changes the organisation")


@attrs.frozen
class _Conditions:
    """Judges the conditions of grants on an entity; one about a field that is gone never holds."""

    work: Block

    def __call__(self, entity: str, grant: Grant, state: Values) -> bool:
        if grant.when is None:
            return True
        rights, spec = self.work.rights, self.work.entity(entity)
        try:
            asker = attrs.evolve(rights.grantor, now=self.work.now)
            when = bind(grant.when, spec, spec.fields, rights.locale, asker)
        except InputError:
            return False
        return predicate(when, spec, self.work.linked)(state)


def _never(work: Block, change: Change) -> Refusal | None:
    """Refuse what not even an owner does."""
    return _oneself(work.rights.user_id, change) or accounts.by_key(work.rights, change)


def _oneself(actor: Id | None, change: Change) -> Refusal | None:
    """Refuse what nobody does to themselves, not even an owner."""
    if change.entity == "membership" and actor in [state["user_id"] for state in states_of(change)]:
        return Refusal(rule="target", text="nobody changes their own membership: ask somebody of higher rank")
    if change.entity == "user" and change.id == actor and _leaves(change):
        return Refusal(rule="target", text="nobody disables or deletes themselves")
    return None


def _leaves(change: Change) -> bool:
    return change.kind is Kind.DELETED or bool((change.before or {}).get("active") and not change.after["active"])


def _denied(work: Block, change: Change, refusal: Refusal, stand: Stand | None) -> PermissionDenied:
    return denial(work, change, f"{change.entity}.{ACTS[change.kind]}", refusal, stand)
