"""Documents: what search holds of a record, one for each field that it looks into.

A document leads to a record: to the one whose field it is or, from a part, to the whole. So the telephone number of
a contact finds the contact.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from types import MappingProxyType
from typing import Any, NamedTuple

from opencrm.core.change import Values
from opencrm.core.entity import Spec
from opencrm.core.fields import Choice, Choices, Field
from opencrm.core.search.phones import phone_words
from opencrm.core.search.words import words
from opencrm.core.values import Id

HEAD = 32
"""Characters of a text by which it is found from its beginning."""


class Document(NamedTuple):
    """What search holds of one field of one record.

    Attributes:
        entity: The entity of the record that it leads to.
        record_id: That record.
        source_id: The record whose field it is: the same one, or a part of it.
        field: The field, as `Looked.label` names it: `"contact.name"` or `"contact_point.value"`.
        weight: 0 for the field that names the record it leads to, 1 for any other.
        text: Its words, with a blank between two.
    """

    entity: str
    record_id: Id
    source_id: Id
    field: str
    weight: int
    text: str


class Looked(NamedTuple):
    """One field that search looks into.

    Attributes:
        name: Its name.
        label: How documents name it, for good: a custom field may get another name.
    """

    name: str
    label: str


def looked_into(spec: Spec) -> tuple[Looked, ...]:
    """Return the fields of an entity that search looks into."""
    return spec.once(_looked_into)


def _looked_into(spec: Spec) -> tuple[Looked, ...]:
    return tuple(Looked(name, label_of(spec.name, it)) for name, it in spec.fields.items() if it.searchable)


def label_of(entity: str, field: Field) -> str:
    """Return how documents name a field."""
    return f"{entity}.{field.slot or field.name}"


def decisive(spec: Spec) -> frozenset[str]:
    """Return the fields on which the documents of a record depend."""
    return spec.once(_decisive)


def _decisive(spec: Spec) -> frozenset[str]:
    found = {it.name for it in looked_into(spec)}
    return frozenset({*found, *spec.options.part_of, *_BESIDE.get(spec.name, ()), "entity", "deleted_at"})


def documents(spec: Spec, state: Values, entities: Mapping[str, Spec]) -> list[Document]:
    """Return the documents of a record in a state: none of a deleted one."""
    if state.get("deleted_at") is not None:
        return []
    texts = [(label, name, text) for name, label in looked_into(spec) if (text := _text(spec, name, state))]
    if not texts:
        return []
    own = spec.options.display
    return [
        Document(entity, record_id, state["id"], label, 0 if name == own and entity == spec.name else 1, text)
        for entity, record_id in _led_to(spec, state, entities)
        for label, name, text in texts
    ]


def leads_to(spec: Spec, entities: Mapping[str, Spec]) -> tuple[str, ...]:
    """Return the entities whose records an entity's documents may lead to."""
    if not spec.options.part_of:
        return (spec.name,)
    references = spec.references()
    named = [references[name] for name in spec.options.part_of if name in references]
    wholes = named if len(named) == len(spec.options.part_of) else list(entities)
    return tuple(dict.fromkeys(_lead(spec, each, entities) for each in wholes))


def source_of(label: str) -> str:
    """Return the entity whose field a document names."""
    return label.partition(".")[0]


def _led_to(spec: Spec, state: Values, entities: Mapping[str, Spec]) -> Iterator[tuple[str, Id]]:
    if not spec.options.part_of:
        yield spec.name, state["id"]
        return
    references = spec.references()
    for name in spec.options.part_of:
        if state.get(name) is not None:
            target = references.get(name) or state["entity"]
            lead = _lead(spec, target, entities)
            yield (lead, state[name]) if lead == target else (spec.name, state["id"])


def _lead(spec: Spec, whole: str, entities: Mapping[str, Spec]) -> str:
    """Return the whole that a part leads to; a part of a part, or of what is not there, leads to itself."""
    return whole if whole in entities and not entities[whole].options.part_of else spec.name


def _text(spec: Spec, name: str, state: Values) -> str:
    value = state.get(name)
    if value is None:
        return ""
    if spec.name == "contact_point" and state.get("kind") == "phone":
        return " ".join(phone_words(str(state["key"])))
    if spec.fields[name].type.name == "phone":
        return " ".join(phone_words(str(value)))
    return " ".join(words(written(spec.fields[name], value)))


def written(field: Field, value: Any) -> str:
    """Return a value as a person reads it: an option by its label."""
    kind = field.type
    if isinstance(kind, Choice | Choices):
        return " ".join(kind.options.get(each, each) for each in ((value,) if isinstance(value, str) else value))
    if isinstance(value, str):
        return value
    if isinstance(value, Sequence):
        return " ".join(map(str, value))
    return f"{value:f}" if isinstance(value, Decimal) else str(value)


_BESIDE: Mapping[str, tuple[str, ...]] = MappingProxyType({"contact_point": ("kind", "key")})
"""Fields from which the text of another one is made."""
