"""Questions: what somebody types into a search box, taken apart. No text is an error but one that is too short."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby

import attrs

from opencrm.core.search.phones import FEWEST, dialled, marked
from opencrm.core.search.words import words
from opencrm.errors import InputError

_LONGEST = 1000
_MOST_WORDS = 8


@attrs.frozen
class Term:
    """A part of a question: a record answers it if words of its texts begin with each of `words`.

    A run of numbers is answered by a telephone number, too: by a word that begins with one of `digits`, some of which
    are written backwards, for the number may be known by its end.

    Attributes:
        words: Words, or beginnings of words.
        digits: The same run as the beginning of one number, in the ways in which it may be dialled, and as its end.
    """

    words: tuple[str, ...]
    digits: tuple[str, ...] = ()

    @property
    def lead(self) -> tuple[str, ...]:
        """Beginnings of words of which each answer has one: the longest word, and all `digits`."""
        return tuple(dict.fromkeys((max(self.words, key=len), *self.digits)))

    @property
    def told_by_lead(self) -> bool:
        """Whether every text that has one of `lead` answers the term."""
        return len(self.words) == 1


@attrs.frozen
class Question:
    """What is looked for: records that answer every term.

    Attributes:
        terms: The terms.
        start: A text that is or begins like this is the better answer.
    """

    terms: tuple[Term, ...]
    start: str

    @property
    def lead(self) -> Term:
        """The term whose texts rank the answers: the one with the longest word.

        It must follow from the question alone: the order may not depend on what a reader does not see.
        """
        return max(self.terms, key=lambda term: max(map(len, term.words)))


def question(text: str, region: str) -> Question:
    """Return what a text asks for; its first eight words count.

    Args:
        text: Anything at all.
        region: The country in whose notation telephone numbers may be asked for.

    Raises:
        InputError: No word of it has two letters or digits.
    """
    text = text[:_LONGEST].replace("(0)", "")
    found = words(text)[:_MOST_WORDS]
    if max(map(len, found), default=0) < 2:
        raise InputError({"q": ["must have two letters or digits in a row at least"]})
    terms = tuple(dict.fromkeys(_terms(found, region)))
    run = "".join(found)
    international = text.lstrip().startswith(("+", "00")) and _number(run)
    return Question(terms, run.removeprefix("00") if international else " ".join(found))


def _terms(found: Iterable[str], region: str) -> Iterator[Term]:
    for number, group in groupby(found, key=_number):
        run = tuple(group)
        together = "".join(run)
        if number and len(together) >= FEWEST:
            digits = tuple(it for it in dialled(together, region) if (it,) != run)
            yield Term(run, (*digits, *marked(together)))
        else:
            yield from (Term((word,)) for word in run)


def _number(word: str) -> bool:
    return word.isascii() and word.isdigit()
