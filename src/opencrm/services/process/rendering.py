"""Values and texts of declarations, worked out for a record as somebody may read it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from opencrm.core.change import Values
from opencrm.core.entity import Spec
from opencrm.core.entity.paths import link_of, parted, target_of
from opencrm.core.fields import Choice, Choices, Field, FieldType
from opencrm.core.pipeline.definition import reason_label
from opencrm.core.pipeline.reasons import REASON
from opencrm.core.process.values import By, Duration, Value, filled, places

if TYPE_CHECKING:
    from opencrm.services.reading.reader import Reader


class Words:
    """What paths such as `amount` and `contact.name` hold of one record, read once each.

    Args:
        reader: As whom they are read: what they may not read is empty.
        spec: The record's entity.
        state: The record's state.
    """

    def __init__(self, reader: Reader, spec: Spec, state: Values) -> None:
        self._reader = reader
        self._spec = spec
        self._state = state
        self._linked: dict[str, tuple[Spec, Values]] = {}

    def value(self, path: str) -> Any:
        """Return the typed value at a path; None where there is none, or none that may be read."""
        spec, state, name = self._at(path)
        return state.get(name) if name in self._reader.rights.readable(spec) else None

    def text(self, template: str) -> str:
        """Return a text with its places filled."""
        return filled(template, {path: self._shown(path) for path in places(template)})

    def given(self, several: Mapping[str, Any]) -> dict[str, Any]:
        """Return the values of an action: constants as they are, texts filled, `value(...)` copied."""
        return {name: self._one(given) for name, given in several.items()}

    def duration(self, given: Duration | None) -> str | None:
        """Return a duration, as a field decides where it does."""
        return given.of(self.value(given.field)) if isinstance(given, By) else given

    def _one(self, given: Any) -> Any:
        if isinstance(given, Value):
            return self.value(given.path)
        return self.text(given) if isinstance(given, str) and "{" in given else given

    def _shown(self, path: str) -> str:
        spec, state, name = self._at(path)
        return "" if name not in spec.fields else told(self._reader, spec, state, name, self.value(path))

    def _at(self, path: str) -> tuple[Spec, Values, str]:
        reference, name = parted(path)
        return (*self._record(reference), name) if reference else (self._spec, self._state, name)

    def _record(self, name: str) -> tuple[Spec, Values]:
        """Return the record that a reference leads to; nothing of one that may not be read."""
        if name not in self._linked:
            self._linked[name] = self._read(name)
        return self._linked[name]

    def _read(self, name: str) -> tuple[Spec, Values]:
        field = link_of(self._spec, name)
        target, id = self._spec.references().get(field), self._state.get(field)
        if target is None or field not in self._reader.rights.readable(self._spec):
            return self._spec, {}
        spec = self._reader.entity(target)
        return spec, {} if id is None else self._reader.states(spec, [id]).get(id, {})


def told(reader: Reader, spec: Spec, state: Values, name: str, value: Any) -> str:
    """Return a value of a record's field as a person reads it in a sentence: of a reason for losing, its label.

    Args:
        reader: Who reads it.
        spec: The record's entity.
        state: The record, for where it stands.
        name: The field.
        value: Its value.
    """
    if name == REASON and isinstance(value, str):
        place = (state.get("pipeline"), state.get("stage"))
        return reason_label(reader.configuration.catalogue.pipelines_of(spec.name), value, place)
    return shown(spec.fields[name], value, reader.rights.zone)


def shown(field: Field, value: Any, zone: str) -> str:
    """Return a value as a person reads it in a sentence."""
    return shown_value(field.type, value, zone)


def shown_value(kind: FieldType[Any], value: Any, zone: str) -> str:
    """Return a value of a type as a person reads it in a sentence."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case datetime():
            return f"{value.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M}"
        case date():
            return value.isoformat()
        case Decimal():
            return f"{value.normalize():f}" if value != value.to_integral_value() else f"{value:.0f}"
        case str() if isinstance(kind, Choice):
            return kind.options.get(value, value)
        case tuple() if isinstance(kind, Choices):
            return ", ".join(kind.options.get(each, each) for each in value)
    return str(value)


def unknown(spec: Spec, paths: Iterable[str], entities: Mapping[str, Spec]) -> list[str]:
    """Return those of the paths that lead nowhere."""
    return [path for path in paths if not _leads(spec, path, entities)]


def _leads(spec: Spec, path: str, entities: Mapping[str, Spec]) -> bool:
    reference, name = parted(path)
    if not reference:
        return name in spec.fields
    target = target_of(spec, reference)
    return target is not None and target in entities and name in entities[target].fields
