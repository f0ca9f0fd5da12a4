"""From what a person, a file or JSON brings to typed values, checked field by field."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from opencrm.core.entities.money import check_precision
from opencrm.core.entity import Spec
from opencrm.core.fields import Amount, Author, Field
from opencrm.core.locale import Locale
from opencrm.errors import InputError
from opencrm.schemas.dumping import Dumper

NEW = "new"
"""Stands in a part's reference for the record that is made together with it."""

Rejected: TypeAlias = dict[int, dict[str, list[str]]]
"""What is wrong with which row: `{row: {field: [sentence]}}`."""

_ACTS: Mapping[Author, str] = {
    "move": "is changed by moving the record to another stage",
    "assign": "is changed by assigning the record",
    "system": "is kept by opencrm",
}


class Loaded(dict[str, Any]):
    """Values of one record that went through `load`: typed, complete, without unknown names.

    Attributes:
        given: The names that were given, before defaults and derived values were added.
    """

    given: Collection[str] = ()


class Schemas:
    """Loads and dumps the records of a workspace's entities.

    Args:
        entities: Every entity by name.
        locale: The workspace's habits.
    """

    def __init__(self, entities: Mapping[str, Spec], locale: Locale) -> None:
        self._locale = locale
        self._dumpers = {name: Dumper(spec) for name, spec in entities.items()}
        self._loaders = {name: _Loader(spec, _nested(spec, entities), locale) for name, spec in entities.items()}

    def load(self, spec: Spec, raw: Mapping[str, Any], *, hidden: Collection[str] = ()) -> Loaded:
        """Return the values of a new record.

        Args:
            spec: The entity.
            raw: What is given.
            hidden: Fields that are to be unknown, since whoever gives the values may not read them.

        Raises:
            InputError: Names each bad field: unknown, missing, of the wrong type, not to be set.
        """
        return self._loaders[spec.name].create(raw, hidden=hidden)

    def load_many(self, spec: Spec, raws: Sequence[Mapping[str, Any]]) -> tuple[list[Loaded | None], Rejected]:
        """Return the values of new records, None where one is bad, and what is wrong with which."""
        loader = self._loaders[spec.name]
        rejected: Rejected = {}
        found: list[Loaded | None] = []
        for at, raw in enumerate(raws):
            try:
                found.append(loader.create(raw))
            except InputError as error:
                found.append(None)
                rejected[at] = error.fields
        return found, rejected

    def load_update(self, spec: Spec, raw: Mapping[str, Any], *, hidden: Collection[str] = ()) -> Loaded:
        """Return the typed values of an update, which names some fields only.

        Args:
            spec: The entity.
            raw: What is given.
            hidden: Fields that are to be unknown, since whoever gives the values may not read them.

        Raises:
            InputError: Names each bad field.
        """
        return self._loaders[spec.name].update(raw, hidden)

    def complete(self, spec: Spec, values: dict[str, Any]) -> None:
        """Derive what follows from a record's other values and check that nothing required is missing, in place.

        Raises:
            InputError: Names each bad field.
        """
        self._loaders[spec.name].complete(values)

    def dump(self, spec: Spec, values: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
        """Return the named values as JSON carries them."""
        return self._dumpers[spec.name].dump(values, names)

    def dumper(self, spec: Spec) -> Dumper:
        """Return an entity's dumper."""
        return self._dumpers[spec.name]

    def nested(self, spec: Spec) -> Mapping[str, tuple[Spec, str]]:
        """Return the parts that may be given together with a record: `{"lines": (deal_line, "deal_id")}`."""
        return self._loaders[spec.name].nested


class _Loader:
    """Loads the records of one entity."""

    def __init__(self, spec: Spec, nested: Mapping[str, tuple[Spec, str]], locale: Locale) -> None:
        self._spec = spec
        self._locale = locale
        self._settable = {name: field for name, field in spec.fields.items() if field.settable}
        self._defaults = {name: field.default for name, field in spec.fields.items()}
        self._required = [it.name for it in spec.fields.values() if it.required and it.settable and not it.custom]
        self._required_anew = [it.name for it in spec.fields.values() if it.required and it.custom]
        self._money = [(it.name, _currency_of(it)) for it in spec.fields.values() if _currency_of(it) and it.custom]
        self.nested = nested
        self._parts = {name: _Loader(part, {}, locale) for name, (part, _) in nested.items()}
        self._whole = {field: _reference(field, spec) for _, field in nested.values()}

    def create(
        self, raw: Mapping[str, Any], fixed: Mapping[str, Any] | None = None, hidden: Collection[str] = ()
    ) -> Loaded:
        """Load a new record; what is `fixed` is known already, whatever is given, and what is `hidden` is unknown."""
        settable = self._open(hidden)
        wrong: dict[str, list[str]] = {}
        values = Loaded(self._defaults)
        values.given = raw.keys()
        parts: dict[str, list[Loaded]] = {}
        if fixed:
            values.update(fixed)
            if not fixed.keys().isdisjoint(raw):
                raw = {name: given for name, given in raw.items() if name not in fixed}
        for name, given in raw.items():
            field = settable.get(name)
            if field is not None:
                _put(values, field, given, wrong)
            elif name in self._parts:
                parts[name] = self._load_parts(name, given, wrong)
            else:
                wrong[name] = [self._refusal(name, hidden)]
        _require(self._required_anew, values, wrong)
        self._finish(values, wrong)
        values.update(parts)
        return values

    def update(self, raw: Mapping[str, Any], hidden: Collection[str] = ()) -> Loaded:
        settable = self._open(hidden)
        wrong: dict[str, list[str]] = {}
        values = Loaded()
        values.given = raw.keys()
        for name, given in raw.items():
            field = settable.get(name)
            if field is not None and field.author is None:
                _put(values, field, given, wrong)
            else:
                wrong[name] = [self._refusal(name, hidden)]
        _require([name for name in self._required_anew if name in values], values, wrong)
        if wrong:
            raise InputError(wrong)
        return values

    def complete(self, values: dict[str, Any]) -> None:
        self._finish(values, {})

    def _finish(self, values: dict[str, Any], wrong: dict[str, list[str]]) -> None:
        derive = self._spec.options.derive
        if derive is not None and not wrong:
            derive(values, self._locale)
        for name, currency in self._money:
            _complete_money(values, name, currency, self._locale)
        _require(self._required, values, wrong)
        if wrong:
            raise InputError(wrong)

    def _load_parts(self, name: str, given: Any, wrong: dict[str, list[str]]) -> list[Loaded]:
        if not isinstance(given, list | tuple):
            wrong[name] = ["must be a list"]
            return []
        found = []
        for at, each in enumerate(given):
            try:
                found.append(self._load_part(name, each))
            except InputError as error:
                wrong |= {f"{name}[{at}].{field}": texts for field, texts in error.fields.items()}
        return found

    def _load_part(self, name: str, given: Any) -> Loaded:
        if not isinstance(given, Mapping):
            raise InputError({"": ["must be an object"]})
        field = self.nested[name][1]
        return self._parts[name].create(given, self._whole[field])

    def _open(self, hidden: Collection[str]) -> Mapping[str, Field]:
        """Return the fields that may be given; without hidden ones nothing is built, for a hundred thousand records."""
        return {name: it for name, it in self._settable.items() if name not in hidden} if hidden else self._settable

    def _refusal(self, name: str, hidden: Collection[str]) -> str:
        field = self._spec.fields.get(name) if name not in hidden else None
        if field is None:
            return f"is not a field of {self._spec.name}"
        return _ACTS[field.author or "system"]


def _reference(field: str, whole: Spec) -> dict[str, Any]:
    """Return what a part's reference to its record holds until the record exists."""
    return {field: NEW, "entity": whole.name} if field == "record_id" else {field: NEW}


def _currency_of(field: Field) -> str:
    return field.type.currency if isinstance(field.type, Amount) else ""


def _complete_money(values: dict[str, Any], name: str, currency: str, locale: Locale) -> None:
    """Give an amount without a currency the workspace's."""
    if values.get(name) is not None:
        if values.get(currency) is None:
            values[currency] = locale.currency
        check_precision(name, values[name], values[currency])


def _require(names: Iterable[str], values: Mapping[str, Any], wrong: dict[str, list[str]]) -> None:
    for name in names:
        if _blank(values.get(name)) and name not in wrong:
            wrong[name] = ["is required"]


def _blank(value: Any) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def _put(values: dict[str, Any], field: Field, given: Any, wrong: dict[str, list[str]]) -> None:
    try:
        values[field.name] = None if given is None or given == "" else field.type.parse(given)
    except ValueError as error:
        wrong[field.name] = [str(error)]


def _nested(spec: Spec, entities: Mapping[str, Spec]) -> dict[str, tuple[Spec, str]]:
    """Find the parts that an entity's records may bring along, and the field of the part that refers to the record."""
    found: dict[str, tuple[Spec, str]] = {}
    for part in entities.values():
        for field in (part.options.nested_in or part.options.part_of) if part.options.nested else ():
            if part.references().get(field) == spec.name or (
                field == "record_id" and "record_id" not in spec.options.part_of
            ):
                found[part.options.nested or ""] = (part, field)
    return found
