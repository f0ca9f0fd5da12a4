"""Inventing the demo's firms and people."""

from __future__ import annotations

from datetime import datetime
from random import Random

from opencrm.plugins.demo import words
from opencrm.plugins.demo.business import BRANCHES, Branch, Colleague, sellers
from opencrm.plugins.demo.dates import client_since
from opencrm.plugins.demo.story import Firm, Person

FIRMS = 120
PEOPLE = 300
HOME_OWNERS = 60


def firms(chance: Random, now: datetime) -> tuple[Firm, ...]:
    """Invent the firms, each with a name of its own."""
    named = [(head, trade) for head in words.FIRM_HEADS for trade in words.TRADES]
    chosen = chance.sample(named, FIRMS)
    lines = chance.sample(range(1000), FIRMS)
    return tuple(_firm(chance, now, name, line) for name, line in zip(chosen, lines, strict=True))


def people(chance: Random, now: datetime, clients: tuple[Firm, ...]) -> tuple[Person, ...]:
    """Invent the people, each with a name of their own: one at every firm at least, some at none."""
    surnames = [head + tail for head in words.SURNAME_HEADS for tail in words.SURNAME_TAILS]
    chance.shuffle(surnames)
    employers = [*clients, *chance.choices(clients, k=PEOPLE - HOME_OWNERS - len(clients))]
    at_work = [_worker(chance, firm, surnames.pop(), number) for number, firm in enumerate(employers)]
    at_home = [_home_owner(chance, now, surnames.pop(), len(at_work) + number) for number in range(HOME_OWNERS)]
    return (*at_work, *at_home)


def _firm(chance: Random, now: datetime, name: tuple[str, tuple[str, str]], line: int) -> Firm:
    head, (trade, industry) = name
    domain = f"{head}-{trade.replace(' ', '-')}.example".lower()
    branch, owner = _place(chance)
    return Firm(
        name=f"{head} {trade}",
        industry=industry,
        employees=chance.choice((4, 9, 15, 28, 40, 75, 120, 260)),
        website=f"https://{domain}",
        phone=f"{branch.dial}{line:03}",
        email=f"office@{domain}",
        branch=branch,
        owner=owner,
        since=client_since(chance, now),
        tags=_tags(chance, "trade"),
    )


def _worker(chance: Random, firm: Firm, last: str, number: int) -> Person:
    first = chance.choice(words.FIRST_NAMES)
    return Person(
        first=first,
        last=last,
        email=f"{first}.{last}@{firm.website.removeprefix('https://')}".lower(),
        phone=_mobile(number),
        firm=firm,
        position=chance.choice(words.POSITIONS),
        branch=firm.branch,
        owner=firm.owner,
        since=firm.since,
        source=chance.choice(words.SOURCES),
        tags=_tags(chance, "trade"),
    )


def _home_owner(chance: Random, now: datetime, last: str, number: int) -> Person:
    first = chance.choice(words.FIRST_NAMES)
    branch, owner = _place(chance)
    return Person(
        first=first,
        last=last,
        email=f"{first}.{last}@example.com".lower(),
        phone=_mobile(number),
        firm=None,
        position=None,
        branch=branch,
        owner=owner,
        since=client_since(chance, now),
        source=chance.choice(words.SOURCES),
        tags=_tags(chance, "private"),
    )


def _place(chance: Random) -> tuple[Branch, Colleague]:
    branch = chance.choices(BRANCHES, weights=(5, 4, 3))[0]
    return branch, chance.choice(sellers(branch.city))


def _mobile(number: int) -> str:
    return f"07700 900{number:03}"  # Kept by Ofcom for fiction.


def _tags(chance: Random, *always: str) -> tuple[str, ...]:
    some = chance.sample(words.TAGS[2:], chance.choices((0, 1, 2), weights=(6, 3, 1))[0])
    return (*always, *some)
