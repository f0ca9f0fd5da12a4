"""What kind of values a column holds, with the share of them that are of this kind."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Literal, TypeAlias

import attrs

from opencrm.embed import fold
from opencrm.plugins.importing.guessing.dates import Dates, dates_of
from opencrm.plugins.importing.guessing.numbers import NUMBER, numbers_of
from opencrm.plugins.importing.guessing.words import words

Kind: TypeAlias = Literal[
    "nothing", "yes_no", "number", "money", "date", "datetime", "email", "phone", "link", "choice", "choices", "text",
    "long_text",
]  # fmt: skip
"""The kinds of custom fields, but for references."""

MOST = 0.6
"""The share of values from which on a column is of a kind; what does not fit is told."""

ENOUGH = 0.9
"""The share from which on there is no doubt."""

_EMAIL = re.compile(r"[^@\s,;]+@[^@\s,;]+\.[^@\s,;.]{2,}")
_LINK = re.compile(
    r"(https?://|www\.)\S+|[a-z0-9-]+(\.[a-z0-9-]+)*\.(com|org|net|de|ru|fr|br|eu|io|uk|it|es)(/\S*)?", re.I
)
_PHONE = re.compile(r"[+(]?[0-9][0-9 ()./\u2013-]{5,20}[0-9]")
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
        point: The decimal sign that was seen.
        unsettled: The sign that may stand between thousands or before decimals, where the values do not say.
        odd: Values that are not of the kind.
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
    point: str = ""
    unsettled: str = ""
    odd: tuple[str, ...] = ()
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


def _like(kind: Kind, counts: Mapping[str, int], fits: Callable[[str], object]) -> Found | None:
    """Return a kind if most values are of it."""
    rate = _rate(counts, fits)
    return Found(kind=kind, rate=rate, odd=_others(counts, fits)) if rate >= MOST else None


def _rate(counts: Mapping[str, int], fits: Callable[[str], object]) -> float:
    return sum(number for value, number in counts.items() if fits(value)) / sum(counts.values())


def _others(counts: Iterable[str], fits: Callable[[str], object]) -> tuple[str, ...]:
    return tuple(value for value in counts if not fits(value))


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
    return _like("email", counts, _EMAIL.fullmatch)


def emails_in(counts: Mapping[str, int]) -> Found | None:
    """Return the addresses of a column that is known to hold some, if a third are such at least."""
    rate = _rate(counts, _EMAIL.fullmatch) if counts else 0.0
    return Found(kind="email", rate=rate, odd=_others(counts, _EMAIL.fullmatch)) if rate >= 1 / 3 else None


def _links(counts: Mapping[str, int]) -> Found | None:
    return _like("link", counts, _LINK.fullmatch)


def _dates(counts: Mapping[str, int]) -> Found | None:
    dates = dates_of(list(counts))
    if dates is None:
        return None
    return Found(kind="datetime" if dates.timed else "date", rate=dates.rate, dates=dates, odd=dates.odd)


def _phones(counts: Mapping[str, int]) -> Found | None:
    """Return phones that look like such; bare digits may be anything, unless they are as long as phone numbers are."""
    marked = _rate(counts, lambda value: value.startswith(("+", "(", "00")) or " " in value or "-" in value)
    rate = _rate(counts, lambda value: _PHONE.fullmatch(value) and not NUMBER.fullmatch(value))
    return _like("phone", counts, _PHONE.fullmatch) if marked >= 0.5 and rate >= MOST else None


def phones_in(counts: Mapping[str, int]) -> Found | None:
    """Return how phone numbers are written in a column that is known to hold some."""
    rate = _rate(counts, _PHONE.fullmatch) if counts else 0.0
    if rate < 0.5:
        return None
    bare = _rate(counts, lambda value: value.isdecimal() and 11 <= len(value) <= 15 and value[0] in "123456789")
    return Found(kind="phone", rate=rate, plus=bare > ENOUGH, odd=_others(counts, _PHONE.fullmatch))


def _numbers(counts: Mapping[str, int]) -> Found | None:
    """Return numbers; where some are none, and the values could be a choice, that loses nothing."""
    numbers = numbers_of(counts)
    if numbers is None or (numbers.odd and _choices(counts) is not None):
        return None
    told = attrs.asdict(numbers)
    return Found(kind="money" if numbers.units else "number", **told)


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
