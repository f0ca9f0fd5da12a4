"""The condition tree: one grammar for filters, grants, guards and rules, compiled to SQL and to Python.

Conditions are two-valued: a comparison with a missing value is false, and `Not` is the exact complement.
"""

from opencrm.core.conditions.bind import Entities, bind, fields_of
from opencrm.core.conditions.nodes import (
    FALSE,
    TRUE,
    All,
    AnyOf,
    Condition,
    Empty,
    Equal,
    Greater,
    In,
    Less,
    Link,
    Not,
    all_of,
    any_of,
    at_least,
    at_most,
)
from opencrm.core.conditions.python import Linked, predicate
from opencrm.core.conditions.sql import clause, shape, values
from opencrm.core.conditions.text import condition, plain

__all__ = [
    "FALSE",
    "TRUE",
    "All",
    "AnyOf",
    "Condition",
    "Empty",
    "Entities",
    "Equal",
    "Greater",
    "In",
    "Less",
    "Link",
    "Linked",
    "Not",
    "all_of",
    "any_of",
    "at_least",
    "at_most",
    "bind",
    "clause",
    "condition",
    "fields_of",
    "plain",
    "predicate",
    "shape",
    "values",
]
