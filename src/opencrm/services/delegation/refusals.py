"""What is told of a change that the rules of delegation refuse: the rule, the seat, and what was out of bounds."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from opencrm.core.access.grants import Grant
from opencrm.core.change import Change
from opencrm.core.entities import Role
from opencrm.core.values import Id
from opencrm.errors import PermissionDenied
from opencrm.services.delegation.standing import Stand
from opencrm.services.reading.naming import names_of
from opencrm.services.reading.reader import Reader

RULES = ("reach", "rank", "delegable", "target", "home")
"""The rules, in the order in which they are asked."""


@attrs.frozen(kw_only=True)
class Refusal:
    """Why one seat does not allow a change.

    Attributes:
        rule: The name of the rule.
        text: The sentence, with `{...}` for what is named, and `{seat}` for whoever acts and where.
        named: What is named: the entity and the record.
        told: What is told only to those who may read these fields of an entity: `{word: (entity, field, text)}`.
    """

    rule: str
    text: str
    named: Mapping[str, tuple[str, Id]] = attrs.field(factory=dict)
    told: Mapping[str, tuple[str, str, str]] = attrs.field(factory=dict)

    @property
    def order(self) -> int:
        """How far a change came before it was refused."""
        return RULES.index(self.rule)


_UNNAMED: Mapping[str, str] = {"unit": "the unit", "role": "the role", "user": "this person"}


def denial(reader: Reader, change: Change, action: str, refusal: Refusal, stand: Stand | None) -> PermissionDenied:
    """Return the refusal of a change as it is raised; what whoever acts may not read is not told, nor refused names."""
    words = {word: _called(reader, change, entity, id) for word, (entity, id) in refusal.named.items()}
    words |= {word: _told(reader, *about) for word, about in refusal.told.items()}
    text = refusal.text.format_map({**words, "seat": _seat(reader, change, stand)})
    name, reason = reader.rights.name, f'rule "{refusal.rule}": {text}'
    message = f"{name} may not do this: {action} ({reason})"
    return PermissionDenied(message, principal=name, action=action, reason=reason, rule=refusal.rule)


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
