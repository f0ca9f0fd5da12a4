"""From the cells of a row to the raw value of a field: functions made once for each source."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from string import Formatter
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

from opencrm import Day, Instant
from opencrm.embed import FieldType
from opencrm.plugins.importing.mapping.maps import Source
from opencrm.plugins.importing.rows.numbers import number_of

_DEFUSED = re.compile("'+[=+\\-@\t\r\uff1d\uff0b\uff0d\uff20]")

Cells: TypeAlias = Sequence[str]
Get: TypeAlias = Callable[[Cells], Any]
"""Returns a raw value, None for a blank; raises ValueError with a sentence."""


class Getters:
    """Makes the functions for one file.

    Args:
        positions: Where each column stands.
        translate: By column, what a cell becomes before anything looks at it.
        zone: IANA name of the zone of times that say none.
    """

    def __init__(self, positions: Mapping[str, int], translate: Mapping[str, Mapping[str, str]], zone: str) -> None:
        self._positions = positions
        self._translate = translate
        self._zone = ZoneInfo(zone)

    def get(self, source: Source, kind: FieldType[Any] | None = None) -> Get:
        """Return the function of a source; `kind` is the type of the field that it is for."""
        found = self._origin(source)
        if source.plain:
            found = _undefused(found)
        if source.translate:
            found = _translated(found, source.translate)
        if source.default is not None:
            found = _defaulted(found, source.default)
        if source.decimal is not None or source.times is not None or source.without:
            found = _number(found, source)
        if source.format is not None:
            found = _dated(found, source.format)
        return (
            _zoned(found, self._zone) if isinstance(kind, Instant) else _day(found) if isinstance(kind, Day) else found
        )

    def filled(self, sources: Iterable[Source]) -> Callable[[Cells], bool] | None:
        """Return whether any column of sources has a value in a row; None where they have no columns."""
        cells = [self._cell(column) for column in dict.fromkeys(name for source in sources for name in source.needs)]
        return (lambda row: any(cell(row) is not None for cell in cells)) if cells else None

    def instant(self, source: Source) -> Get:
        """Return the function of a source of instants; it gives aware datetimes."""
        return self.get(source, Instant())

    def _origin(self, source: Source) -> Get:
        if source.template is not None:
            return self._filled(source.template)
        if not source.columns:
            return lambda _cells: source.value
        texts = [self._cell(column) for column in source.columns]
        return texts[0] if len(texts) == 1 else _joined(texts, source.join)

    def _cell(self, column: str) -> Get:
        at, words = self._positions[column], self._translate.get(column)
        if words is None:
            return lambda cells: cells[at] if cells[at] and not cells[at].isspace() else None
        return _translated(lambda cells: cells[at] if cells[at].strip() else None, words)

    def _filled(self, template: str) -> Get:
        parts = [(text, self._cell(name) if name else None) for text, name, _, _ in Formatter().parse(template)]

        def fill(cells: Cells) -> str | None:
            found = [(text, get(cells) if get else None) for text, get in parts]
            if all(value is None for _, value in found):
                return None
            return "".join(text + ("" if value is None else value.strip()) for text, value in found)

        return fill


def _joined(texts: Sequence[Get], join: str) -> Get:
    def joined(cells: Cells) -> str | None:
        return join.join(text.strip() for text in [get(cells) for get in texts] if text is not None) or None

    return joined


def _translated(get: Get, words: Mapping[str, Any]) -> Get:
    def translated(cells: Cells) -> Any:
        text = get(cells)
        found = words.get(text.strip(), text) if isinstance(text, str) else text
        return None if found == "" else found

    return translated


def _undefused(get: Get) -> Get:
    """Take back what `opencrm export` does to text that a spreadsheet would run as a formula."""

    def undefused(cells: Cells) -> Any:
        text = get(cells)
        return text[1:] if isinstance(text, str) and _DEFUSED.match(text) else text

    return undefused


def _defaulted(get: Get, default: Any) -> Get:
    def defaulted(cells: Cells) -> Any:
        found = get(cells)
        return default if found is None else found

    return defaulted


def _number(get: Get, source: Source) -> Get:
    """Read a number as the source says it is written; one that the map itself holds is what it is."""
    times = source.times

    def number(cells: Cells) -> Decimal | None:
        raw = get(cells)
        if raw is None:
            return None
        own = isinstance(raw, str)
        found = number_of(_bare(raw, source.without), source.decimal) if own else number_of(str(raw), None)
        return found if times is None else found * times

    return number


def _bare(text: str, without: Iterable[str]) -> str:
    for word in without:
        text = text.replace(word, "")
    return text


def _dated(get: Get, form: str) -> Get:
    def dated(cells: Cells) -> datetime | None:
        text = get(cells)
        if text is None:
            return None
        try:
            found = datetime.strptime(str(text).strip(), form)  # noqa: DTZ007  # the zone is added where a time is wanted
        except ValueError:
            raise ValueError(f"must be a date written as {form}") from None
        return found

    return dated


def _zoned(get: Get, zone: ZoneInfo) -> Get:
    """Make an aware time: a date is its first instant, a time without a zone is one of `zone`."""

    def zoned(cells: Cells) -> datetime | None:
        found = get(cells)
        if found is None:
            return None
        try:
            at = _moment(found)
            return (at if at.tzinfo else at.replace(tzinfo=zone)).astimezone(UTC)
        except (ValueError, OverflowError):
            raise ValueError("must be a date or a time such as 2026-03-02 or 2026-03-02T09:00:00Z") from None

    return zoned


def _moment(found: Any) -> datetime:
    if isinstance(found, datetime):
        return found
    if isinstance(found, date):
        return datetime.combine(found, time())
    return datetime.fromisoformat(str(found).strip())


def _day(get: Get) -> Get:
    """Take the date of what may carry a time, too."""

    def day(cells: Cells) -> Any:
        found = get(cells)
        return found.date() if isinstance(found, datetime) else found

    return day
