"""The words by which columns and values are recognised: `synonyms.toml`, read once."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

import attrs

from opencrm.embed import fold

_CAMEL = re.compile(r"(?<=[a-z\u0430-\u044f])(?=[A-Z\u0410-\u042f])")
_MARKS = re.compile(r"[\W_]+")


@attrs.frozen
class Words:
    """The words, folded.

    Attributes:
        fields: By group (an entity, `any`, `employment`, `price`) and field, what its column may be called.
        points: The same by kind of contact point.
        blanks: What stands for nothing.
        yes: What means yes.
        no: What means no.
        currencies: The currency that a word or a sign means.
        stages: By kind of stage, what it may be called.
        clients: What a column of clients is called, be they people or companies.
        firms: Legal forms, by which a company's name is known.
        letters: How Cyrillic letters are written in Latin.
    """

    fields: Mapping[str, Mapping[str, frozenset[str]]]
    points: Mapping[str, frozenset[str]]
    blanks: frozenset[str]
    yes: frozenset[str]
    no: frozenset[str]
    currencies: Mapping[str, str]
    stages: Mapping[str, frozenset[str]]
    clients: frozenset[str]
    firms: frozenset[str]
    letters: Mapping[int, str]


@cache
def words() -> Words:
    """Return the words of `synonyms.toml`."""
    raw = tomllib.loads(files("opencrm.plugins.importing.guessing").joinpath("synonyms.toml").read_text("utf-8"))
    apart = {"points", "blanks", "answers", "currencies", "stages", "clients", "letters"}
    return Words(
        fields={group: _named(names) for group, names in raw.items() if group not in apart},
        points=_named(raw["points"]),
        blanks=_folded([*raw["blanks"]["signs"], *raw["blanks"]["words"]]),
        yes=_folded(raw["answers"]["yes"]),
        no=_folded(raw["answers"]["no"]),
        currencies={fold(word): code for code, several in raw["currencies"].items() for word in several},
        stages={kind: _folded(several) for kind, several in raw["stages"].items()},
        clients=frozenset(map(plain, raw["clients"]["headers"])),
        firms=_folded(raw["clients"]["legal_forms"]),
        letters={ord(a): b for a, b in zip(raw["letters"]["cyrillic"], raw["letters"]["latin"], strict=True)},
    )


def plain(header: str) -> str:
    """Return a header as words: `"E-Mail_Address"` is `"e mail address"`."""
    return _MARKS.sub(" ", fold(_CAMEL.sub(" ", header))).strip()


def slug(header: str, taken: Iterable[str]) -> str:
    """Return the name of a custom field for a column: short, lower-case, and none of those taken."""
    latin = header.casefold().translate(words().letters)
    parts = re.sub(r"[^a-z0-9]+", "_", fold(latin)).strip("_")
    name = parts if parts[:1].isalpha() else f"field_{parts}".rstrip("_")
    name = name[:36].rstrip("_")
    used = set(taken)
    several = (name, *(f"{name}_{number}" for number in range(2, 1_000)))
    return next(each for each in several if each not in used)


def _named(raw: Mapping[str, Any]) -> dict[str, frozenset[str]]:
    return {name: frozenset(map(plain, several)) for name, several in raw.items()}


def _folded(several: Iterable[str]) -> frozenset[str]:
    return frozenset(map(fold, several))
