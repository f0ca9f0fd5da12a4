"""Pipelines and rules that a workspace defines for itself."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import orjson
from sqlalchemy.orm import Mapped

from opencrm.core.access.grants import check_grants
from opencrm.core.entities.base import Core
from opencrm.core.entity import Options
from opencrm.core.fields import Key, Structured, YesNo, field
from opencrm.core.locale import Locale
from opencrm.core.pipeline import Pipeline
from opencrm.core.process.rules import Rule
from opencrm.core.process.text import pipeline_of, plain, rule_of
from opencrm.errors import InputError

DEFINITION = "definition"
_KEY = re.compile(r"[a-z][a-z0-9_]{0,63}")
_STAGE = re.compile(r"[^.\s]+(\.[^.\s]+)?")


def check_pipeline(raw: Any) -> Any:
    """Return a pipeline, declared, plain or as the JSON text of a file's cell, in its plain form.

    Raises:
        ValueError: It cannot be read; says where.
    """
    return plain(raw if isinstance(raw, Pipeline) else pipeline_of(_parsed(raw), DEFINITION))


def check_rule(raw: Any) -> Any:
    """Return a rule, declared, plain or as the JSON text of a file's cell, in its plain form.

    Raises:
        ValueError: It cannot be read; says where.
    """
    return plain(raw if isinstance(raw, Rule) else rule_of(_parsed(raw), DEFINITION))


def check_replaced(raw: Any) -> Any:
    """Return where the records of stages that go are to stand: `{"measuring": "pricing"}`.

    Raises:
        ValueError: It is no table of stages.
    """
    found = _parsed(raw)
    if not isinstance(found, Mapping) or not all(isinstance(it, str) for it in (*found, *found.values())):
        raise ValueError('must be a table of stages, such as {measuring = "pricing"}')
    for stage in found.values():
        if not _STAGE.fullmatch(stage):
            raise ValueError(f"{stage!r} is no stage such as pricing or sales.new")
    return dict(found)


def _parsed(raw: Any) -> Any:
    if not isinstance(raw, str):
        return raw
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError:
        raise ValueError("must be a table, as JSON") from None


def _named(missing: str | None) -> Callable[[dict[str, Any], Locale], None]:
    """Return what gives a definition its key; `missing` says what is wrong with one that defines nothing."""

    def named(values: dict[str, Any], _locale: Locale) -> None:
        definition = values.get(DEFINITION)
        key = values["key"] = values.get("key") or (definition or {}).get("key")
        if definition is None and missing:
            raise InputError({DEFINITION: [missing]})
        if key is not None and not _KEY.fullmatch(key):
            raise InputError({"key": ["must be at most 64 lower-case letters, digits and _, and begin with a letter"]})
        if definition is not None and definition["key"] != key:
            raise InputError({DEFINITION: [f"is called {definition['key']!r}, and not {key!r}"]})

    return named


class PipelineDefinition(Core):
    """A pipeline that a workspace defines; it acts as its own automation, `pipeline.KEY`."""

    options = Options(
        organisation=True, display="key", unique=(("key",),), lookup=("key",), derive=_named("is required")
    )

    key: Mapped[str] = field(Key(64), label="Name", required=True, help="In moves, files and conditions.")
    definition: Mapped[Any] = field(Structured(check_pipeline), required=True, help="Its stages and moves, as text.")
    replaced_by: Mapped[Any] = field(
        Structured(check_replaced), label="Stages that went", help="Where the records of stages that go are to stand."
    )
    retired: Mapped[bool] = field(YesNo(), required=True, default=False)
    grants: Mapped[Any] = field(Structured(check_grants), label="What it may do", changed_by="system", settable=False)
    shows: Mapped[Any] = field(Structured(list), label="What its services show", changed_by="system", settable=False)


class RuleDefinition(Core):
    """A rule that a workspace defines, or the switch of a plugin's; it acts as its own automation, `rule.KEY`."""

    options = Options(organisation=True, display="key", unique=(("key",),), lookup=("key",), derive=_named(None))

    key: Mapped[str] = field(Key(64), label="Name", required=True, help="In the history of what it does.")
    definition: Mapped[Any] = field(
        Structured(check_rule), help="When, and what is done, as text; empty for a rule of a plugin."
    )
    active: Mapped[bool] = field(YesNo(), required=True, default=True, help="Whether it is switched on.")
    retired: Mapped[bool] = field(YesNo(), required=True, default=False)
    grants: Mapped[Any] = field(Structured(check_grants), label="What it may do", changed_by="system", settable=False)
    shows: Mapped[Any] = field(Structured(list), label="What its services show", changed_by="system", settable=False)
