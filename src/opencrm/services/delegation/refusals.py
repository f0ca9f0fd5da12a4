"""What is told where a rule of the organisation or of accounts refuses: its name, and as whom and where one acts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias

import attrs

from opencrm.core.access.grants import Grant
from opencrm.core.change import Change
from opencrm.core.entities import Role
from opencrm.core.values import Id
from opencrm.errors import DomainError, InputError, PermissionDenied
from opencrm.services.delegation.standing import Stand
from opencrm.services.reading.naming import names_of
from opencrm.services.reading.reader import Reader

RULES = ("reach", "rank", "delegable", "target", "home")
"""The rules of delegation, in the order in which they are asked."""

Delegation: TypeAlias = Literal["reach", "rank", "delegable", "target", "home"]
Account: TypeAlias = Literal["person", "key", "owner"]
"""What accounts are for: people, no keys, and owners or oneself."""

Company: TypeAlias = Literal["no cycle", "last owner", "in use", "invited once"]
"""What must stay true of the company, whoever acts."""


@attrs.frozen(kw_only=True)
class Refusal:
    """Why one seat does not allow a change.

    Attributes:
        rule: The name of the rule.
        text: The sentence, with `{...}` for what is named, and `{seat}` for whoever acts and where.
        named: What is named: the entity and the record.
        told: What is told only to those who may read these fields of an entity: `{word: (entity, field, text)}`.
    """

    rule: Delegation
    text: str
    named: Mapping[str, tuple[str, Id]] = attrs.field(factory=dict)
    told: Mapping[str, tuple[str, str, str]] = attrs.field(factory=dict)

    @property
    def order(self) -> int:
        """How far a change came before it was refused."""
        return RULES.index(self.rule)


_UNNAMED: Mapping[str, str] = {"unit": "the unit", "role": "the role", "user": "this person"}


def denied(reader: Reader, action: str, rule: Delegation | Account, text: str) -> PermissionDenied:
    """Return the refusal of an act that a rule does not allow, to be raised.

    Args:
        reader: Of whoever acts.
        action: The act, such as `"user.invite"`.
        rule: The rule's name.
        text: Why, for a person.
    """
    return reader.rights.denied(action, text, rule=rule)


def unallowed(rule: Company, text: str) -> DomainError:
    """Return the refusal of what would leave the company as it must not be, to be raised."""
    return DomainError(text, rule=rule)


def unusable(rule: Company | Delegation, wrong: Mapping[str, list[str]], at: int) -> InputError:
    """Return the refusal of values that a rule does not allow, to be raised.

    Args:
        rule: The rule's name.
        wrong: What is wrong, by field.
        at: The place of the change among those of its batch.
    """
    return InputError(wrong, rows={at: wrong}, rule=rule)


def denial(reader: Reader, change: Change, action: str, refusal: Refusal, stand: Stand | None) -> PermissionDenied:
    """Return the refusal of a change as it is raised; what whoever acts may not read is not told, nor refused names."""
    words = {word: _called(reader, change, entity, id) for word, (entity, id) in refusal.named.items()}
    words |= {word: _told(reader, *about) for word, about in refusal.told.items()}
    text = refusal.text.format_map({**words, "seat": _seat(reader, change, stand)})
    return denied(reader, action, refusal.rule, text)


def written(grant: Grant) -> str:
    """Return a grant as a person reads it: `deal.export (team)`."""
    narrowed = " under a condition" if grant.when is not None else ""
    return f"{grant.entity}.{grant.action} ({grant.scope.name.lower()}){narrowed}"


def _seat(reader: Reader, change: Change, stand: Stand | None) -> str:
    """Return as whom and where somebody acts, as far as they may know what that is called."""
    if stand is None:
        return "without a role"
    role = _name(reader, change, "role", stand.terms.id)
    unit = _name(reader, change, "unit", stand.place["unit_id"])
    return (f"as {role}" if role else "in your role") + (f" in {unit}" if unit else "")


def _called(reader: Reader, change: Change, entity: str, id: Id) -> str:
    """Return what a record is called, or what it is."""
    return _name(reader, change, entity, id) or _UNNAMED[entity]


def _name(reader: Reader, change: Change, entity: str, id: Id) -> str | None:
    spec = reader.configuration.catalogue.entities[entity]
    if id == change.id and spec.options.display in reader.rights.readable(spec):
        state = change.after if change.before is None else change.before
        return str(state[spec.options.display])
    return names_of(reader, spec, [id]).get(id)


def _told(reader: Reader, entity: str, field: str, text: str) -> str:
    spec = reader.configuration.catalogue.entities.get(entity, Role.spec)
    return text if field in reader.rights.readable(spec) else "something"
