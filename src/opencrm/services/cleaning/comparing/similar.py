"""Names that are nearly the same: compared within blocks, so that a hundred thousand take seconds and not weeks."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

import attrs
from rapidfuzz import fuzz, process

from opencrm.core.values import Id, fold

LIKE = 88
"""How like two names must be, of 100, to be taken for one."""

_WORD = re.compile(r"\w+")
_SPELT_OUT = re.compile(r"([aou])e")
_LARGEST = 200
_NEIGHBOURS = 40
_WORDS = 4
_LEGAL = (
    "ab ag as bv co company corp corporation ek ev gbr gmbh inc incorporated kg kgaa limited llc llp ltd nv ohg oy plc"
)
_TITLES = "frau herr miss mr mrs ms the"
_SILENT = frozenset(f"{_LEGAL} pty sa sarl sas spa sro srl ug {_TITLES}".split())
"""Words that tell nothing of who it is."""


@attrs.frozen
class Name:
    """A name made ready to be compared.

    Attributes:
        id: Whose it is.
        words: Its words, folded and in order, without legal forms and titles.
        text: The same as one text.
        numbers: Those that hold a digit: `Site 12` is not `Site 13`.
    """

    id: Id
    words: tuple[str, ...]
    text: str
    numbers: tuple[str, ...]


def name_of(id: Id, text: str) -> Name:
    """Return a name made ready to be compared."""
    found = sorted(_WORD.findall(_SPELT_OUT.sub(r"\1", fold(text))))  # Mueller is Müller.
    words = tuple(word for word in found if word not in _SILENT) or tuple(found)
    return Name(id, words, " ".join(words), tuple(word for word in words if any(map(str.isdigit, word))))


def likeness(one: Name, other: Name) -> int:
    """Return how like two names are, of 100; 0 below what counts."""
    if one.numbers != other.numbers:
        return 0
    return round(fuzz.ratio(one.text, other.text, score_cutoff=LIKE))


def similar(names: Iterable[Name]) -> Iterator[tuple[Id, Id, int]]:
    """Give pairs of like names; a pair may come more than once.

    Only names that have a word's first three letters, and the first letter of another word, in common are compared.
    Of a block with more than 200 names each is compared with those next to it in the alphabet.
    """
    for block in _blocks(names).values():
        if len(block) > 1:
            ordered = sorted(block, key=lambda name: (name.text, name.id))
            yield from _within(ordered, len(ordered) if len(ordered) <= _LARGEST else _NEIGHBOURS)


def _within(block: Sequence[Name], reach: int) -> Iterator[tuple[Id, Id, int]]:
    texts = [name.text for name in block]
    for at, one in enumerate(block):
        others = texts[at + 1 : at + 1 + reach]
        for _, score, place in process.extract(one.text, others, scorer=fuzz.ratio, score_cutoff=LIKE, limit=None):
            other = block[at + 1 + place]
            if one.numbers == other.numbers:
                yield one.id, other.id, round(score)


def _blocks(names: Iterable[Name]) -> Mapping[str, list[Name]]:
    found: dict[str, list[Name]] = {}
    for name in names:
        for key in _keys(name.words[:_WORDS]):
            found.setdefault(key, []).append(name)
    return found


def _keys(words: Sequence[str]) -> set[str]:
    if len(words) == 1:
        return {words[0][:3]}
    return {f"{one[:3]} {other[0]}" for at, one in enumerate(words) for to, other in enumerate(words) if at != to}
