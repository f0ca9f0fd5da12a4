"""How the dates of a column are written: the formats that fit every value, and whether day or month comes first."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
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
_FITS = 0.98


@attrs.frozen
class Dates:
    """How a column's dates are written.

    Attributes:
        format: In the notation of `strptime`; `ISO` for ISO 8601.
        rate: The share of values that are written so.
        timed: Whether they carry a time of day.
        proof: A value that shows which number is the day; empty where it is not in doubt.
        doubt: Another format that fits as well.
    """

    format: str
    rate: float
    timed: bool
    proof: str = ""
    doubt: str = ""


def dates_of(values: Sequence[str]) -> Dates | None:
    """Return how dates are written, or None if these are no dates."""
    shaped = [value for value in values if _SHAPED.match(value) and len(value) <= 40]
    if not shaped or len(shaped) < 0.8 * len(values):
        return None
    iso = [value for value in shaped if _is_iso(value)]
    if len(iso) >= 0.8 * len(values):
        return Dates(ISO, len(iso) / len(values), timed=any(len(value) > 10 for value in iso))
    return _written(shaped, len(values))


def _written(shaped: Sequence[str], count: int) -> Dates | None:
    first = shaped[:20]
    likely = [day + time for day in _DAYS for time in _TIMES if any(_fits(value, day + time) for value in first)]
    rates = {form: sum(_fits(value, form) for value in shaped) / count for form in likely}
    best = max(rates.values(), default=0.0)
    if best < 0.8:
        return None
    found = [form for form, rate in rates.items() if rate == best]
    form = found[0]
    swapped = _swapped(form)
    doubt = swapped if swapped in found else ""
    proof = "" if doubt or not swapped else next((each for each in shaped if not _fits(each, swapped)), "")
    return Dates(form, best, timed="%H" in form or "%I" in form, proof=proof, doubt=doubt)


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
    try:
        found = datetime.strptime(value, form)  # noqa: DTZ007  # only whether it fits is asked
    except ValueError:
        return False
    return 1900 <= found.year <= 2100
