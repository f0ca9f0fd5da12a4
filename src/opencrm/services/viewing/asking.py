"""Conditions as people and programs write them: `FIELD[OP]=VALUE` or JSON, with segments in it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import orjson

from opencrm.core.conditions import Condition, all_of, condition, query_conditions
from opencrm.core.entities.workspace.views import check_condition
from opencrm.core.entity import Spec
from opencrm.errors import InputError
from opencrm.services.reading.reader import Reader
from opencrm.services.viewing.definitions import expanded

FORMS = "FIELD=VALUE, FIELD[OP]=VALUE, or a condition as JSON, which begins with {"


def asked(reader: Reader, spec: Spec, texts: Iterable[str]) -> Condition | None:
    """Return what texts ask for together; None where there is none.

    Args:
        reader: Whoever asks.
        spec: The entity that is asked for.
        texts: `stage=won`, `amount[gte]=1000 EUR`, or `{"any": [...]}`; all of them must hold.

    Raises:
        InputError: Names what cannot be read.
    """
    found = [_one(reader, spec, text.strip()) for text in texts]
    return all_of(found) if found else None


def read(reader: Reader, spec: Spec, raw: Any) -> Condition:
    """Return a condition of its form in JSON, in which `{"segment": ID}` stands for that segment's condition.

    Raises:
        InputError: It is none, or a segment cannot be used.
    """
    try:
        return condition(expanded(reader, spec, check_condition(raw)))
    except ValueError as error:
        raise InputError({"where": [str(error)]}) from None
    except InputError as error:
        told = [f"{name}: {text}" if name else text for name, texts in error.fields.items() for text in texts]
        raise InputError({"where": told}) from None


def _one(reader: Reader, spec: Spec, text: str) -> Condition:
    if text.startswith("{"):
        return read(reader, spec, _parsed(text))
    name, sign, value = text.partition("=")
    if not sign:
        raise InputError({"where": [f"must be {FORMS}; not {text!r}"]})
    [found] = query_conditions([(name, value)]).items
    return found


def _parsed(text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise InputError({"where": [f"is no JSON: {error}; it must be {FORMS}"]}) from None
