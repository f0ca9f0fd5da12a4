"""What a story is made of: plain values that name each other by key, before anything is written."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

import attrs

from opencrm.plugins.demo.business import Article, Branch, Colleague

Moves = tuple[tuple[str, datetime], ...]
"""The stages that a deal entered, each with the instant."""


@attrs.frozen(kw_only=True)
class Firm:
    """A company that is a client, or may become one."""

    name: str
    industry: str
    employees: int
    website: str
    phone: str
    email: str
    branch: Branch
    owner: Colleague
    since: datetime
    tags: tuple[str, ...]


@attrs.frozen(kw_only=True)
class Person:
    """Somebody at a firm, or a home owner."""

    first: str
    last: str
    email: str
    phone: str
    firm: Firm | None
    position: str | None
    branch: Branch
    owner: Colleague
    since: datetime
    source: str
    tags: tuple[str, ...]

    @property
    def name(self) -> str:
        """The full name, unique in a story."""
        return f"{self.first} {self.last}"


@attrs.frozen(kw_only=True)
class Line:
    """One position of a deal."""

    article: Article
    quantity: int
    price: Decimal
    discount: int

    @property
    def total(self) -> Decimal:
        """What it costs, to the penny."""
        return round(self.quantity * self.price * (100 - self.discount) / 100, 2)


@attrs.frozen(kw_only=True)
class Sale:
    """A deal, from its first day to where it stands now."""

    number: int
    title: str
    pipeline: str
    person: Person
    moves: Moves
    closed: bool
    lost_reason: str | None
    lines: tuple[Line, ...]
    amount: Decimal
    expected_close: date
    tags: tuple[str, ...]

    @property
    def created_at(self) -> datetime:
        """When it came to be."""
        return self.moves[0][1]

    @property
    def last_move(self) -> datetime:
        """When it came where it stands."""
        return self.moves[-1][1]


@attrs.frozen(kw_only=True)
class Touch:
    """Something that happened with a client."""

    kind: str
    subject: str
    body: str
    at: datetime
    minutes: int | None
    direction: str | None
    sale: Sale


@attrs.frozen(kw_only=True)
class Errand:
    """Something that somebody has to do, or did."""

    title: str
    done: bool
    created_at: datetime
    due_at: datetime
    sale: Sale


@attrs.frozen(kw_only=True)
class Story:
    """A year of the company."""

    firms: tuple[Firm, ...]
    people: tuple[Person, ...]
    sales: tuple[Sale, ...]
    touches: tuple[Touch, ...]
    errands: tuple[Errand, ...]
