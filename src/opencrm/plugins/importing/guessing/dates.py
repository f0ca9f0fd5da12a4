"""How the dates of a column are written: the format that fits most values, and whether day or month comes first."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import attrs

ISO = ""
"""What stands for ISO 8601, which needs no format."""

_SHAPED = re.compile(r"[0-9]{1,4}[-./ ][0-9A-Za-zÀ-ž]{1,9}\.?,?[-./ ][0-9]{1,4}|[A-Za-z]{3,9}\.? [0-9]{1,2},? [0-9]{4}")
_ISO = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?(Z|[+-][0-9:]{4,6})?)?")
_DAYS = (
    "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%m-%d-%Y", "%Y/%m/%d", "%Y.%m.%d", "%d.%m.%y", "%d/%m/%y",
    "%m/%d/%y", "%d %b %Y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y", "%d-%b-%Y", "%d-%b-%y",
)  # fmt: skip
_TIMES = ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p", ", %H:%M", ", %H:%M:%S", "T%H:%M:%S")
_NUMBERS = re.compile(r"(?P<first>[0-9]{1,2})([-./])(?P<second>[0-9]{1,2})\2[0-9]{2}(?:[0-9]{2})?\b.*")
_MOST = 0.6
_LEAST = 0.3


@attrs.frozen
class Dates:
    """How a column's dates are written.

    Attributes:
        format: In the notation of `strptime`; `ISO` for ISO 8601.
        rate: The share of values that are written so.
        timed: Whether they carry a time of day.
        proof: A value that shows which number is the day; empty where it is not in doubt.
        doubt: Another format that fits as well.
        odd: Values that are written otherwise, or name no day.
    """

    format: str
    rate: float
    timed: bool
    proof: str = ""
    doubt: str = ""
    odd: tuple[str, ...] = ()


def dates_of(values: Sequence[str]) -> Dates | None:
    """Return how dates are written, or None if most values are no dates.

    Most must look like dates; of those, the format is the one that fits more of them than any other does.
    """
    shaped = [value for value in values if _SHAPED.match(value) and len(value) <= 40]
    fitting = {form: [value for value in shaped if _fits(value, form)] for form in _likely(shaped[:20])}
    best = max(map(len, fitting.values()), default=0)
    dated = {value for several in fitting.values() for value in several} | {each for each in shaped if _numbered(each)}
    if best == 0 or len(dated) < _MOST * len(values) or best < _LEAST * len(values):
        return None
    equal = [form for form, several in fitting.items() if len(several) == best]
    return _written(equal, fitting, values)


def _likely(values: Sequence[str]) -> list[str]:
    several = [ISO, *(day + time for day in _DAYS for time in _TIMES)]
    return [form for form in several if any(_fits(value, form) for value in values)]


def _written(equal: Sequence[str], fitting: Mapping[str, Sequence[str]], values: Sequence[str]) -> Dates:
    form, proof = _decided(equal, values)
    swapped = _swapped(form)
    doubt = swapped if swapped in equal and not proof else ""
    if swapped and not proof and not doubt:
        proof = next((each for each in fitting[form] if not _fits(each, swapped)), "")
    timed = "%H" in form or "%I" in form or (form == ISO and any(len(each) > 10 for each in fitting[form]))
    known = set(fitting[form])
    odd = tuple(value for value in values if value not in known)
    return Dates(form, len(known) / len(values), timed, proof=proof, doubt=doubt, odd=odd)


def _decided(equal: Sequence[str], values: Iterable[str]) -> tuple[str, str]:
    """Return one of the formats that fit equally, and the value that decides it: `30/02/2026` is no day, but says."""
    form = equal[0]
    if _swapped(form) not in equal:
        return form, ""
    numbers = ((value, int(found["first"]), int(found["second"])) for value in values if (found := _numbered(value)))
    for value, first, second in numbers:
        if (first > 12) != (second > 12):
            return (form if _order(form) == (first > 12) else _swapped(form)), value
    return form, ""


def _numbered(value: str) -> re.Match[str] | None:
    return _NUMBERS.fullmatch(value)


def settled(found: Dates, others: Iterable[Dates]) -> Dates:
    """Return dates in doubt as the other columns of the file have theirs, where one of them is beyond doubt."""
    proven = {_order(other.format) for other in others if other.format and not other.doubt}
    if found.doubt and proven == {_order(found.doubt)}:
        return attrs.evolve(found, format=found.doubt, doubt=found.format)
    return found


def _order(form: str) -> bool:
    return form.find("%d") < form.find("%m")


def _swapped(form: str) -> str:
    return form.translate(str.maketrans("dm", "md")) if "%m" in form and "%d" in form and form[1] in "dm" else ""


def _is_iso(value: str) -> bool:
    if not _ISO.fullmatch(value):
        return False
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True


def _fits(value: str, form: str) -> bool:
    if form == ISO:
        return _is_iso(value)
    try:
        found = datetime.strptime(value, form)  # noqa: DTZ007  # only whether it fits is asked
    except ValueError:
        return False
    return 1900 <= found.year <= 2100
