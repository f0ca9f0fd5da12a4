"""What a role must be, whoever writes it: about what is there, usable by its holders, and handing on only its own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from opencrm.core.access.covering import Coverage
from opencrm.core.access.grants import ANY, FieldRule, Grant, Scope, matches, read_field_rules, read_grants
from opencrm.core.access.memberships import SAME_PLACE
from opencrm.core.access.openness import Openness
from opencrm.core.change import Change, Values
from opencrm.core.conditions import TRUE, Asker, Condition, bind
from opencrm.core.entities import Membership
from opencrm.core.entity import Spec
from opencrm.core.fields import Field
from opencrm.errors import InputError
from opencrm.services.delegation.company import openness_of
from opencrm.services.delegation.doubles import PERIOD
from opencrm.services.delegation.loading import coverage_of
from opencrm.services.delegation.refusals import unusable, written
from opencrm.services.workspaces import acts
from opencrm.services.writing.block import Block

_GRANTS = ("grants", "delegable")


def check(work: Block, changes: Sequence[Change]) -> None:
    """Refuse grants and field rules about what is not there, what holders could not read, and handing on more.

    What a role has already may stay when the plugin that it is about goes: it gives nothing, and is not written anew.

    Raises:
        InputError: Names the field, the grant and what is wrong with it.
    """
    for at, change in enumerate(changes):
        if change.entity == "role" and {*_GRANTS, "field_rules"} & set(change.fields):
            wrong = _wrong(work, change.after, change.before or {})
            if wrong:
                raise InputError(wrong, rows={at: wrong})
            beyond = [*_beyond_own(coverage_of(work), change.after)]
            if beyond:
                raise unusable("delegable", {"delegable": beyond}, at)


def _wrong(work: Block, role: Values, before: Values) -> dict[str, list[str]]:
    found = {name: list(_wrong_grants(work, role, before, name)) for name in _GRANTS}
    found["field_rules"] = list(_unknown_fields(work, role, read_field_rules(before.get("field_rules"))))
    found["field_rules"] += _blind(work, role)
    return {name: texts for name, texts in found.items() if texts}


def _wrong_grants(work: Block, role: Values, before: Values, field: str) -> Iterator[str]:
    grants, kept = read_grants(role[field]), read_grants(before.get(field))
    yield from _unknown_grants(work, grants, kept)
    now, then = openness_of(role), openness_of(before)
    for number, grant in enumerate(grants, 1):
        if grant not in kept or not any(_unusable(work, grant, then)):
            yield from (f"grant {number}: {text}" for text in _unusable(work, grant, now))


def _unknown_grants(work: Block, grants: Sequence[Grant], kept: Sequence[Grant]) -> Iterator[str]:
    for number, grant in enumerate(grants, 1):
        if grant not in kept:
            yield from (f"grant {number}: {text}" for text in acts.unknown(work.configuration, grant))


def _unknown_fields(work: Block, role: Values, kept: Iterable[FieldRule]) -> Iterator[str]:
    known, old = work.configuration.catalogue.entities, set(kept)
    for number, rule in enumerate(read_field_rules(role["field_rules"]), 1):
        if rule not in old and (rule.entity not in known or rule.field not in known[rule.entity].fields):
            yield f"field rule {number}: there is no field {rule.entity}.{rule.field}"


def _blind(work: Block, role: Values) -> Iterator[str]:
    """Say which fields its holders would have to read: those that scopes and uniqueness look at."""
    openness, told = openness_of(role), set[tuple[str, str]]()
    for number, grant in enumerate(read_grants(role["grants"]), 1):
        for spec in work.configuration.catalogue.entities.values():
            needed = dict(_looked_at(grant, spec)) if grant.entity in (spec.name, ANY) else {}
            for name in needed.keys() - set(openness.readable(spec)):
                if (spec.name, name) not in told:
                    told.add((spec.name, name))
                    yield f"{spec.name}.{name} must be readable: {needed[name]} of grant {number} looks at it"


def _looked_at(grant: Grant, spec: Spec) -> Iterator[tuple[str, str]]:
    if spec.owned and Scope.NONE < grant.scope < Scope.ALL:
        yield from ((name, "the scope") for name in ("owner_id", "unit_id", "created_by"))
    if matches(grant.action, "create") or matches(grant.action, "update"):
        yield from ((name, "the uniqueness") for group in _unique(spec) for name in group)
    if matches(grant.action, "create"):
        yield from ((it.name, "the requirement") for it in spec.fields.values() if _is_filled_in(it))


def _unique(spec: Spec) -> Iterable[tuple[str, ...]]:
    """Return what no two records share; of memberships no index says so."""
    return [(*SAME_PLACE, *PERIOD)] if spec.name == Membership.spec.name else spec.options.unique


def _is_filled_in(field: Field) -> bool:
    return field.required and field.settable and field.default is None and not field.custom


def _beyond_own(coverage: Coverage, role: Values) -> Iterator[str]:
    missing = coverage.missing(read_grants(role["delegable"]), read_grants(role["grants"]))
    if missing is not None:
        yield f'rule "delegable": {written(missing)} is more than the role grants, so its holders cannot hand it on'


def _unusable(work: Block, grant: Grant, openness: Openness) -> Iterator[str]:
    """Say what is wrong with a grant's condition for those to whom these fields are open."""
    for spec in work.configuration.catalogue.entities.values() if grant.when is not None else ():
        if grant.when is not None and grant.entity in (spec.name, ANY):
            yield from _unbound(work, grant.when, spec, openness)


def _unbound(work: Block, when: Condition, spec: Spec, openness: Openness) -> Iterator[str]:
    locale = work.configuration.locale
    asker = Asker(
        now=work.now,
        zone=locale.zone,
        name="",
        user_id=None,
        units=(),
        entities=work.configuration.catalogue.entities,
        readable=openness.readable,
        scope=lambda _: TRUE,
        journal=False,
    )
    try:
        bind(when, spec, openness.readable(spec), locale, asker)
    except InputError as error:
        yield str(error)
