"""A question put to a reach: what of it makes the SQL of a statement, and what are its values."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import attrs

from opencrm.core.conditions import values
from opencrm.core.search import HEAD, Question, Term
from opencrm.services.reading.planning.arms import named
from opencrm.services.searching.reach import Reach
from opencrm.storage.search import beginnings

_LAST = "\U0010ffff"
_SPELT = 4
"""Letters of a word from which on it may be known by most of them."""


@attrs.frozen(slots=False)
class Asked:
    """A question put to a reach.

    Attributes:
        question: The question.
        reach: Where is searched.
        sqlite: Which database is asked.
        rare: A term that few documents answer, where one is known.
    """

    question: Question
    reach: Reach
    sqlite: bool
    rare: Term | None = None

    @property
    def tested(self) -> tuple[Term, ...]:
        """The terms of which the document that leads to a record does not tell whether it answers them."""
        lead = self.question.lead
        return tuple(it for it in self.question.terms if it != lead or not it.told_by_lead)

    @property
    def spelt(self) -> tuple[str, ...]:
        """The words, where all of them are long enough to be told from others that are written much alike."""
        found = tuple(word for term in self.question.terms for word in term.words)
        return found if all(len(word) >= _SPELT and not word.isdigit() for word in found) else ()

    @property
    def shape(self) -> tuple[Any, ...]:
        """What of it makes the SQL of a statement: all but the values."""
        tests = tuple((len(it.words), len(it.digits)) for it in self.tested)
        return (self.reach.shape, tests, len(self.question.lead.lead))

    @cached_property
    def values(self) -> dict[str, Any]:
        """The parameters of every statement."""
        start, lead = self.question.start[:HEAD], self.question.lead.lead
        found: dict[str, Any] = {"start": start, "start_end": start + _LAST, "start_length": len(start)}
        found |= {f"lead{it}": beginnings(lead, [it], sqlite=self.sqlite) for it in (0, 1)}
        found |= _numbered("l", [f" {it}" for it in lead]) | _numbered("f", self.reach.fields)
        found |= _numbered("y", self.spelt)
        for at, place in enumerate(self.reach.places):
            found |= named(values(place.scope), f"p{at}s")
            found |= {f"a{at}{name}": value for name, value in place.parts.arm_values.items()}
        for at, term in enumerate(self.tested):
            found |= _numbered(f"t{at}w", [f" {it}" for it in term.words])
            found |= _numbered(f"t{at}d", [f" {it}" for it in term.digits])
        return found if self.rare is None else found | {"rare": self.term(self.rare)}

    def term(self, term: Term) -> str:
        """Return the parameter that asks for documents which may answer a term."""
        return beginnings(term.lead, (0, 1), sqlite=self.sqlite)


def _numbered(prefix: str, several: Any) -> dict[str, Any]:
    return {f"{prefix}{at}": value for at, value in enumerate(several)}
