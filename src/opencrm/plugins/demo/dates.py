"""Instants in working hours."""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random

SATURDAY = 5


def working_time(chance: Random, day: datetime) -> datetime:
    """Return some minute between eight and five, on that day or the Monday after it."""
    weekend = day.weekday() - SATURDAY
    monday = day + timedelta(days=2 - weekend if weekend >= 0 else 0)
    return monday.replace(hour=8, minute=0, second=0, microsecond=0) + timedelta(minutes=chance.randrange(9 * 60))


def within(chance: Random, start: datetime, end: datetime) -> datetime:
    """Return a working time between two instants, or the first where there is none."""
    days = max((end - start).days, 0)
    found = working_time(chance, start + timedelta(days=chance.randint(0, days)))
    return found if start <= found <= end else start


def some_day_of_the_year(chance: Random, now: datetime) -> datetime:
    """Return a working time of the last 12 months; recent ones are a little more likely."""
    days_ago = round(364 * (1 - chance.random() ** 0.8))
    found = working_time(chance, now - timedelta(days=days_ago + 1))
    return found if found < now else working_time(chance, now - timedelta(days=4))


def client_since(chance: Random, now: datetime) -> datetime:
    """Return when a client became known: two in five were known when the year began."""
    if chance.random() < 0.4:
        return working_time(chance, now - timedelta(days=364))
    return some_day_of_the_year(chance, now)
