"""From typed values to what JSON carries, by converters looked up once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from opencrm.core.change import Values
from opencrm.core.entity import Spec
from opencrm.core.fields import Day, FieldType, Instant


class Dumper:
    """Dumps and revives the values of one entity's fields."""

    def __init__(self, spec: Spec) -> None:
        self._spec = spec
        self._dumps: dict[str, Callable[[Any], Any]] = {
            name: field.type.dump for name, field in spec.fields.items() if type(field.type).dump is not FieldType.dump
        }
        self._by_hand = [name for name in self._dumps if type(spec.fields[name].type) not in (Instant, Day)]

    def dump(self, values: Values, names: Iterable[str]) -> dict[str, Any]:
        """Return the named values as JSON carries them."""
        found, dumps = {name: values[name] for name in names}, self._dumps
        for name, value in found.items():
            if value is not None and name in dumps:
                found[name] = dumps[name](value)
        return found

    def rows(self, rows: Iterable[Sequence[Any]], names: Sequence[str]) -> list[dict[str, Any]]:
        """Return many rows, whose values stand in the order of `names`, for orjson with `OPT_UTC_Z`.

        Dates and instants are left to it: it writes what `dump` gives, many times faster.
        """
        converted = [(name, self._dumps[name]) for name in self._by_hand if name in names]
        found = []
        for row in rows:
            dumped = dict(zip(names, row, strict=True))
            for name, convert in converted:
                if dumped[name] is not None:
                    dumped[name] = convert(dumped[name])
            found.append(dumped)
        return found

    def revive(self, dumped: Values | None) -> dict[str, Any] | None:
        """Return typed values of what `dump` gave; fields that are gone are left out."""
        if dumped is None:
            return None
        fields = self._spec.fields
        named = {self._spec.former.get(name, name): value for name, value in dumped.items()}
        return {
            name: fields[name].type.parse(value) if value is not None and name in self._dumps else value
            for name, value in named.items()
            if name in fields
        }
