"""What kind of values a column holds, with the share of them that are of this kind."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Literal, TypeAlias

import attrs

from opencrm.embed import fold
from opencrm.plugins.importing.guessing.dates import Dates, dates_of
from opencrm.plugins.importing.guessing.words import words

Kind: TypeAlias = Literal[
    "nothing", "yes_no", "number", "money", "date", "datetime", "email", "phone", "link", "choice", "choices", "text",
    "long_text",
]  # fmt: skip
"""The kinds of custom fields, but for references."""

ENOUGH = 0.9
"""The share of values from which on a column is of a kind."""

_EMAIL = re.compile(r"[^@\s,;]+@[^@\s,;]+\.[^@\s,;.]{2,}")
_LINK = re.compile(
    r"(https?://|www\.)\S+|[a-z0-9-]+(\.[a-z0-9-]+)*\.(com|org|net|de|ru|fr|br|eu|io|uk|it|es)(/\S*)?", re.I
)
_PHONE = re.compile(r"[+(]?[0-9][0-9 ()./\u2013-]{5,20}[0-9]")
_GAP = " \u00a0\u202f'\u2019"
_NUMBER = re.compile(
    rf"[-+]?(?P<whole>[0-9]{{1,3}}(?:(?P<gap>[{_GAP}.,])[0-9]{{3}}(?:(?P=gap)[0-9]{{3}})*)|[0-9]+)"
    r"(?:(?P<point>[.,])(?P<rest>[0-9]+))?"
)
_BESIDE = re.compile(r"(?P<before>[^0-9+-]{0,12}?)\s*(?P<number>[-+]?[0-9](?:.*[0-9])?)\s*(?P<after>[^0-9]{0,12}?)")
_MOST_OPTIONS = 60
_LONGEST_OPTION = 64


@attrs.frozen(kw_only=True)
class Found:
    """What a column holds.

    Attributes:
        kind: The kind.
        rate: The share of values that are of it.
        decimal: The decimal sign of numbers, where it must be said.
        units: Words and signs beside numbers, such as `"€"`.
        currency: The currency that they mean.
        dates: How dates are written.
        answers: What stands for yes and for no, where it must be said.
        options: Options of a choice, most frequent first.
        same: Spellings that mean an option which is written otherwise.
        whole: Whether numbers are whole.
        plus: Whether phone numbers are international but for the plus.
    """

    kind: Kind
    rate: float = 1.0
    decimal: str = ""
    units: tuple[str, ...] = ()
    currency: str = ""
    dates: Dates | None = None
    answers: Mapping[str, bool] = attrs.field(factory=dict)
    options: tuple[str, ...] = ()
    same: Mapping[str, str] = attrs.field(factory=dict)
    whole: bool = False
    plus: bool = False


def found_in(counts: Mapping[str, int]) -> Found:
    """Return what a column's values are.

    Args:
        counts: How often each stands there; without blanks and what stands for them.
    """
    if not counts:
        return Found(kind="nothing")
    for judge in (_answers, _emails, _links, _dates, _phones, _numbers, _choices):
        found = judge(counts)
        if found is not None:
            return found
    return Found(kind="long_text" if max(map(len, counts)) > 500 or any("\n" in each for each in counts) else "text")


def _rate(counts: Mapping[str, int], fits: Callable[[str], object]) -> float:
    return sum(number for value, number in counts.items() if fits(value)) / sum(counts.values())


def _answers(counts: Mapping[str, int]) -> Found | None:
    folded = {value: fold(value) for value in counts}
    known = words()
    if len(counts) > 4 or not all(each in known.yes | known.no for each in folded.values()):
        return None
    plain = {"true", "yes", "1", "false", "no", "0"}
    said = {value: each in known.yes for value, each in folded.items() if each not in plain}
    numbers = set(folded.values()) <= {"0", "1"}
    if len(set(folded.values())) < 2 and numbers:
        return None
    return Found(kind="yes_no", rate=0.8 if numbers else 1.0, answers=said)


def _emails(counts: Mapping[str, int]) -> Found | None:
    rate = _rate(counts, _EMAIL.fullmatch)
    return Found(kind="email", rate=rate) if rate >= ENOUGH else None


def _links(counts: Mapping[str, int]) -> Found | None:
    rate = _rate(counts, _LINK.fullmatch)
    return Found(kind="link", rate=rate) if rate >= ENOUGH else None


def _dates(counts: Mapping[str, int]) -> Found | None:
    dates = dates_of(list(counts))
    return None if dates is None else Found(kind="datetime" if dates.timed else "date", rate=dates.rate, dates=dates)


def _phones(counts: Mapping[str, int]) -> Found | None:
    """Return phones that look like such; bare digits may be anything, unless they are as long as phone numbers are."""
    rate = _rate(counts, lambda value: _PHONE.fullmatch(value) and not _NUMBER.fullmatch(value))
    marked = _rate(counts, lambda value: value.startswith(("+", "(", "00")) or " " in value or "-" in value)
    return Found(kind="phone", rate=rate) if rate >= ENOUGH and marked >= 0.5 else None


def phones_in(counts: Mapping[str, int]) -> Found | None:
    """Return how phone numbers are written in a column that is known to hold some."""
    rate = _rate(counts, _PHONE.fullmatch) if counts else 0.0
    if rate < 0.5:
        return None
    bare = _rate(counts, lambda value: value.isdecimal() and 11 <= len(value) <= 15 and value[0] in "123456789")
    return Found(kind="phone", rate=rate, plus=bare > ENOUGH)


def _numbers(counts: Mapping[str, int]) -> Found | None:
    apart = {value: _apart(value) for value in counts}
    matches = [found for found, _ in apart.values() if found is not None]
    rate = _rate(counts, lambda value: apart[value][0] is not None)
    if rate < ENOUGH or any(_is_code(found) for found in matches):
        return None
    decimal = _decimal(matches)
    if any(len(found["rest"] or "") > 4 or len(found["whole"]) > 14 for found in matches):
        return None
    units = tuple(dict.fromkeys(unit for _, unit in apart.values() if unit))
    codes = {words().currencies.get(fold(unit), "") for unit in units}
    if "" in codes:
        return None
    return Found(
        kind="money" if units else "number",
        rate=rate,
        decimal=decimal,
        units=units,
        currency=codes.pop() if len(codes) == 1 else "",
        whole=not any(found["rest"] and found["rest"].strip("0") for found in matches),
    )


def _apart(value: str) -> tuple[re.Match[str] | None, str]:
    """Return the number in a value, and what stands before or after it."""
    found = _BESIDE.fullmatch(value)
    if found is None or (found["before"] and found["after"]):
        return None, ""
    return _NUMBER.fullmatch(found["number"]), found["before"] or found["after"]


def _is_code(found: re.Match[str]) -> bool:
    """Say whether digits are a code: what begins with zeros would lose them as a number."""
    return len(found["whole"]) > 1 and found["whole"].startswith("0") and found["gap"] is None


def _decimal(matches: Sequence[re.Match[str]]) -> str:
    """Return the decimal sign that must be said: a comma, or a point where something stands between thousands.

    `1.200` alone is a number of three places, as programs write it; `1,200` alone has a comma between thousands.
    """
    points = {found["point"] for found in matches if found["point"]}
    gaps = {found["gap"] for found in matches if found["gap"]}
    if "." in points:
        return "." if gaps - {"."} else ""
    if "," in points:
        return ","
    if "." in gaps:
        return "," if any(found["whole"].count(".") > 1 for found in matches) else ""
    return "." if gaps else ""


def _choices(counts: Mapping[str, int]) -> Found | None:
    filled = sum(counts.values())
    if (
        len(counts) < 2
        or len(counts) > _MOST_OPTIONS
        or max(map(len, counts)) > _LONGEST_OPTION
        or len(counts) * 4 > filled
    ):
        return None
    by_fold: dict[str, str] = {}
    same: dict[str, str] = {}
    for value in sorted(counts, key=lambda each: -counts[each]):
        option = by_fold.setdefault(fold(value), value)
        if option != value:
            same[value] = option
    several = _several(by_fold.values())
    options = several or tuple(by_fold.values())
    return Found(kind="choices" if several else "choice", options=options, same={} if several else same)


def _several(values: Iterable[str]) -> tuple[str, ...]:
    """Return the options of values that name several of them with commas between; none if no value does."""
    listed = list(values)
    parts = [[part.strip() for part in value.split(",")] for value in listed]
    single = {each[0] for each in parts if len(each) == 1}
    joined = [each for each in parts if len(each) > 1]
    if not joined or not single or any(part not in single for each in joined for part in each):
        return ()
    return tuple(value for value in listed if value in single)
