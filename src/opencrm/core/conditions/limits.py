"""How large a condition may be."""

from __future__ import annotations

from opencrm.core.conditions.nodes import Between, Condition, Has, In, inner_of
from opencrm.errors import InputError

DEEPEST = 8
MOST_NODES = 200
MOST_VALUES = 1000

_JOINED = 2
"""What is bound may be so many written conditions, joined: a saved one, and what is asked on top of it."""


def check_size(item: Condition) -> None:
    """Refuse a condition that is too much for a database.

    Raises:
        InputError: It is too deep, or has too many parts or values.
    """
    nodes = values = 0
    waiting = [(item, 1)]
    while waiting:
        one, depth = waiting.pop()
        nodes, values = nodes + 1, values + _values(one)
        wrong = _too_much(depth, nodes, values)
        if wrong:
            raise InputError({"where": [wrong]})
        waiting += [(each, depth + 1) for each in inner_of(one)]


def _too_much(depth: int, nodes: int, values: int) -> str | None:
    if depth > DEEPEST * _JOINED + 1:
        return f"is nested more than {DEEPEST} deep"
    if nodes > MOST_NODES * _JOINED + 1:
        return f"has more than {MOST_NODES} parts"
    return f"has more than {MOST_VALUES} values" if values > MOST_VALUES * _JOINED else None


def _values(item: Condition) -> int:
    match item:
        case In(_, values) | Has(_, values):
            return len(values)
        case Between():
            return 2
    return 0
