"""Numbers as people write them: a decimal sign, and marks between groups of three digits."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal

SIGNS: Mapping[str, str] = {".": ",", ",": "."}
"""By decimal sign, the other one, which then stands between thousands."""

_LONGEST = 60
_BLANKS = re.compile(r"\s")


def _form(sign: str, between: str) -> re.Pattern[str]:
    """Return how a number is written: thousands do not begin with zeros, and are marked alike, or not at all."""
    point = re.escape(sign)
    return re.compile(
        rf"(?P<sign>[-+]?) ?(?:(?P<groups>(?!0)\d{{1,3}}(?P<mark>[ '{between}])\d{{3}}(?:(?P=mark)\d{{3}})*)"
        rf"(?:{point}(?P<more>\d*))?"
        rf"|(?P<whole>\d+)(?:{point}(?P<rest>\d*))?(?P<power>[eE][-+]?\d{{1,2}})?"
        rf"|{point}(?P<only>\d+))"
    )


_FORMS = {sign: _form(sign, between) for sign, between in SIGNS.items()}
_BARE = _form(".", "")


def number_of(text: str, sign: str | None) -> Decimal:
    """Return the number in a text; blanks around it do not count.

    Args:
        text: The text.
        sign: The decimal sign, a point or a comma: the other one may stand between thousands, as may blanks and
            apostrophes. Without, it is the point, and no comma stands anywhere.

    Raises:
        ValueError: It is no number that is written so; tells what it would be with either sign.
    """
    bare = _BLANKS.sub(" ", text).replace("\u2019", "'").strip()
    found = _read(bare, _FORMS[sign] if sign else _BARE)
    if found is None:
        raise ValueError(_wrong(bare, sign))
    return found


def _read(bare: str, form: re.Pattern[str]) -> Decimal | None:
    found = form.fullmatch(bare) if len(bare) <= _LONGEST else None
    if found is None:
        return None
    parts = {name: part or "" for name, part in found.groupdict().items()}
    whole = parts["groups"].replace(parts["mark"], "") if parts["groups"] else parts["whole"]
    rest = parts["more"] + parts["rest"] + parts["only"]
    return Decimal(f"{parts['sign']}{whole or '0'}{'.' if rest else ''}{rest}{parts['power']}")


def _wrong(bare: str, sign: str | None) -> str:
    """Say what a text is with the decimal sign that was said, and with the other; that it is none, where it is none."""
    readings = {each: _read(bare, form) for each, form in _FORMS.items()}
    if not any(reading is not None for reading in readings.values()):
        return "must be a number"
    order = [sign, SIGNS[sign]] if sign else [*SIGNS]
    told = " and ".join(f'{_told(readings[each])} with decimal = "{each}"' for each in order)
    return f'must be a number written as the map says: "{bare}" is {told}'


def _told(reading: Decimal | None) -> str:
    return "no number" if reading is None else f"{reading:f}"
