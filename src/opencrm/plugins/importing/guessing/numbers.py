"""How the numbers of a column are written: the decimal sign, what stands between thousands, and the unit beside."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping

import attrs

from opencrm.embed import fold
from opencrm.plugins.importing.guessing.words import words

_GAP = " \u00a0\u202f'\u2019"
NUMBER = re.compile(
    rf"[-+]?(?P<whole>[0-9]{{1,3}}(?:(?P<gap>[{_GAP}.,])[0-9]{{3}}(?:(?P=gap)[0-9]{{3}})*)|[0-9]+)"
    r"(?:(?P<point>[.,])(?P<rest>[0-9]+))?"
)
_BESIDE = re.compile(r"(?P<before>[^0-9+-]{0,12}?)\s*(?P<number>[-+]?[0-9](?:.*[0-9])?)\s*(?P<after>[^0-9]{0,12}?)")
_MOST = 0.6


@attrs.frozen
class _Read:
    """A number: its parts as they are written, and the unit beside it."""

    whole: str
    gap: str
    point: str
    rest: str
    unit: str

    @property
    def code(self) -> bool:
        """Whether the digits are a code: what begins with zeros would lose them as a number."""
        return len(self.whole) > 1 and self.whole.startswith("0") and not self.gap

    @property
    def large(self) -> bool:
        """Whether there are more digits than are kept."""
        return len(self.rest) > 4 or len(self.whole) > 14


@attrs.frozen(kw_only=True)
class Numbers:
    """How a column's numbers are written.

    Attributes:
        rate: The share of values that are numbers.
        decimal: The decimal sign, where it must be said.
        units: Words and signs beside the numbers.
        currency: The currency that they mean.
        whole: Whether they are whole.
        point: The decimal sign that was seen.
        unsettled: The sign that may stand between thousands or before decimals, where the values do not say.
        odd: Values that are no numbers, or written otherwise.
    """

    rate: float
    decimal: str
    units: tuple[str, ...]
    currency: str
    whole: bool
    point: str
    unsettled: str
    odd: tuple[str, ...]


def numbers_of(counts: Mapping[str, int]) -> Numbers | None:
    """Return how numbers are written, or None if most values are none, or would lose something as numbers."""
    read = {value: found for value in counts if (found := _read(value)) is not None}
    if not read or any(each.code or each.large for each in read.values()):
        return None
    decimal, point, unsettled = _signs(read.values())
    kept = {value for value, each in read.items() if _agrees(each, decimal or ".", unsettled)}
    rate = sum(counts[value] for value in kept) / sum(counts.values())
    if rate < _MOST:
        return None
    units = tuple(dict.fromkeys(read[value].unit for value in counts if value in kept and read[value].unit))
    codes = {words().currencies[fold(unit)] for unit in units}
    return Numbers(
        rate=rate,
        decimal=decimal,
        units=units,
        currency=codes.pop() if len(codes) == 1 else "",
        whole=not any(each.rest.strip("0") for each in read.values()),
        point=point,
        unsettled=unsettled,
        odd=tuple(value for value in counts if value not in kept),
    )


def _read(value: str) -> _Read | None:
    """Return the number in a value, if there is one, and nothing beside it but a currency."""
    beside = _BESIDE.fullmatch(value)
    found = NUMBER.fullmatch(beside["number"]) if beside else None
    if beside is None or found is None or (beside["before"] and beside["after"]):
        return None
    unit = beside["before"] or beside["after"]
    if unit and fold(unit) not in words().currencies:
        return None
    whole, gap, point, rest = (found[name] or "" for name in ("whole", "gap", "point", "rest"))
    if gap and not point and whole.startswith("0"):  # Nothing begins with a thousand of zeros.
        whole, point, rest, gap = "0", gap, whole[2:], ""
    return _Read(whole, gap, point, rest, unit)


def _signs(read: Collection[_Read]) -> tuple[str, str, str]:
    """Return the decimal sign that must be said, the one that was seen, and what is not settled.

    A comma must be said, or a point where something stands between thousands. `1.200` alone is a number of three
    places, as programs write it; `1,200` alone has a comma between thousands; both are told.
    """
    points = Counter(each.point for each in read if each.point)
    gaps = {each.gap for each in read if each.gap}
    if points:
        point = points.most_common(1)[0][0]
        return ("." if gaps - {"."} else "") if point == "." else ",", point, ""
    several = {each.gap for each in read if each.whole.count(each.gap or " ") > 1}
    if "." in gaps:
        return (",", ",", "") if "." in several else ("", "", ".")
    unsettled = "," if "," in gaps and "," not in several else ""
    return "." if gaps else "", "." if "," in several else "", unsettled


def _agrees(each: _Read, decimal: str, unsettled: str) -> bool:
    """Say whether a number is written like the others."""
    return each.point in ("", decimal) and (each.gap != decimal or each.gap == unsettled)
