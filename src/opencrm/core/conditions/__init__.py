"""The condition tree: one grammar for filters, grants, guards and rules, compiled to SQL and to Python.

Conditions are two-valued: a comparison with a missing value is false, and `Not` is the exact complement.
"""

from opencrm.core.conditions.asker import Asker, Entities
from opencrm.core.conditions.binding.binder import bind, fields_of, linked_fields_of
from opencrm.core.conditions.binding.moments import timely
from opencrm.core.conditions.nodes import (
    FALSE,
    TRUE,
    All,
    AnyOf,
    AtLeast,
    AtMost,
    Between,
    Changed,
    Condition,
    Contains,
    Empty,
    Equal,
    Greater,
    Has,
    In,
    Less,
    Link,
    Not,
    Referring,
    StartsWith,
    all_of,
    any_of,
    at_least,
    at_most,
)
from opencrm.core.conditions.operators import operators, operators_of
from opencrm.core.conditions.python import Linked, Told, by_itself, predicate
from opencrm.core.conditions.query import query_conditions
from opencrm.core.conditions.sql import clause, shape, values
from opencrm.core.conditions.text import condition, plain

__all__ = [
    "FALSE",
    "TRUE",
    "All",
    "AnyOf",
    "Asker",
    "AtLeast",
    "AtMost",
    "Between",
    "Changed",
    "Condition",
    "Contains",
    "Empty",
    "Entities",
    "Equal",
    "Greater",
    "Has",
    "In",
    "Less",
    "Link",
    "Linked",
    "Not",
    "Referring",
    "StartsWith",
    "Told",
    "all_of",
    "any_of",
    "at_least",
    "at_most",
    "bind",
    "by_itself",
    "clause",
    "condition",
    "fields_of",
    "linked_fields_of",
    "operators",
    "operators_of",
    "plain",
    "predicate",
    "query_conditions",
    "shape",
    "timely",
    "values",
]
