"""How large a condition may be."""

from __future__ import annotations

from opencrm.core.conditions.nodes import Changed, Condition, Has, In, Link, inner_of
from opencrm.errors import InputError

DEEPEST = 8
MOST_NODES = 200
MOST_VALUES = 1000
MOST_LINKS = 10
"""How many paths, links and questions to the journal: each is a statement within the statement."""

MOST_COMPARISONS = 800
"""What is left once amounts, days and periods are spelt out; SQLite joins about 1000."""

MOST_BOUND = 10_000
"""What is left once `my_units` is spelt out and access is asked; SQLite takes 32,766 values in a statement."""

_JOINED = 2
"""What is bound may be so many written conditions, joined: a saved one, and what is asked on top of it."""


def check_size(item: Condition) -> None:
    """Refuse a condition that is too much for a database.

    Raises:
        InputError: It is too deep, or has too many parts or values.
    """
    nodes = values = links = depth = 0
    level: tuple[Condition, ...] = (item,)
    while level:
        depth, nodes = depth + 1, nodes + len(level)
        if depth > DEEPEST * _JOINED + 1:
            raise _too_large(f"is nested more than {DEEPEST} deep")
        if nodes > MOST_NODES * _JOINED + 1:
            raise _too_large(f"has more than {MOST_NODES} parts")
        values += sum(len(one.values) for one in level if isinstance(one, In | Has))
        links += sum(1 for one in level if _leads_on(one))
        level = tuple(each for one in level for each in inner_of(one))
    if values > MOST_VALUES * _JOINED:
        raise _too_large(f"has more than {MOST_VALUES} values")
    if links > MOST_LINKS * _JOINED:
        raise _too_large(f"looks into more than {MOST_LINKS} linked records and histories")


def check_comparisons(item: Condition) -> None:
    """Refuse a bound condition of more comparisons, or more values, than a database takes.

    Raises:
        InputError: It has too many.
    """
    found = values = 0
    waiting = [item]
    while waiting:
        one = waiting.pop()
        inner = inner_of(one)
        waiting += inner
        found += not inner
        values += len(one.values) if isinstance(one, In | Has) else 0
    if values > MOST_BOUND:
        raise _too_large(f"comes to more than {MOST_BOUND:,} values: the units of my_units count one by one")
    if found > MOST_COMPARISONS:
        raise _too_large(f"comes to more than {MOST_COMPARISONS} comparisons of amounts, days and periods")


def _leads_on(item: Condition) -> bool:
    return isinstance(item, Link | Changed) or "." in getattr(item, "field", "")


def _too_large(text: str) -> InputError:
    return InputError({"where": [text]})
