"""Pipelines and rules as definitions: listed, planned and applied; rules tried, and switched off and on."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import attrs
from flask import Response

from opencrm import CRM, InputError
from opencrm.embed import (
    ProcessPlan,
    ProcessStep,
    duration,
    grant_rows,
    process_plans,
    process_texts,
    rule_rehearsals,
    rule_switches,
)
from opencrm.plugins.rest.answering.answers import ACT, answer
from opencrm.plugins.rest.asking.bodies import arguments
from opencrm.plugins.rest.asking.query_strings import no_parameters
from opencrm.plugins.rest.asking.requests import principal

_APPLY: Mapping[str, Mapping[str, type]] = MappingProxyType(
    {
        "pipelines": {"pipelines": list, "retire": bool},
        "rules": {"rules": list, "retire": bool},
    }
)
_TRY: Mapping[str, type] = MappingProxyType({"since": str, "rule": dict})
_SWITCH: Mapping[str, type] = MappingProxyType({"drop": bool})


class Defining:
    """Answers about the pipelines or the rules of a workspace.

    Args:
        crm: The workspace.
        kind: `"pipelines"` or `"rules"`.
    """

    def __init__(self, crm: CRM, kind: process_texts.Kind) -> None:
        self._crm = crm
        self._kind: process_texts.Kind = kind

    def listed(self) -> Response:
        """Answer with all of them, those of plugins too."""
        no_parameters()
        with self._crm.read(principal()) as reader:
            return answer({"items": [attrs.asdict(it) for it in process_texts.listed(reader, self._kind)]})

    def plan(self) -> Response:
        """Answer with what applying definitions would do."""
        tables, retire = self._given()
        with self._crm.work(principal()) as work:
            return answer(_plan(process_plans.rehearse(work, self._kind, tables, retire=retire)))

    def apply(self) -> Response:
        """Apply definitions; answer with what was done."""
        tables, retire = self._given()
        with self._crm.work(principal()) as work:
            done = process_plans.carry_out(work, self._kind, tables, retire=retire)
            return answer(_plan(done), headers={ACT: work.act} if done.steps else {})

    def _given(self) -> tuple[list[Mapping[str, Any]], bool]:
        no_parameters()
        given = arguments(_APPLY[self._kind], required=(self._kind,))
        tables = given[self._kind]
        wrong = {
            f"{self._kind}[{at}]": ["must be an object"] for at, it in enumerate(tables) if not isinstance(it, dict)
        }
        if wrong:
            raise InputError(wrong)
        process_plans.judge(self._kind, tables)
        return tables, given.get("retire", False)


class Switching:
    """Tries rules, and switches them.

    Args:
        crm: The workspace.
    """

    def __init__(self, crm: CRM) -> None:
        self._crm = crm

    def foretell(self, key: str) -> Response:
        """Answer with what a rule would have done."""
        no_parameters()
        given = arguments(_TRY)
        since = _length(given.get("since", "30d"))
        with self._crm.read(principal()) as reader:
            if "rule" in given:
                rule = process_plans.rule_in([{**given["rule"], "key": key}], key)
            else:
                rule = rule_rehearsals.rule_named(reader, key)
            return answer(_foretold(rule_rehearsals.foretell(reader, rule, since)))

    def off(self, key: str) -> Response:
        """Switch a rule off."""
        no_parameters()
        dropped = arguments(_SWITCH).get("drop", False)
        return self._switched(key, "off", "drop" if dropped else "keep")

    def on(self, key: str) -> Response:
        """Switch a rule on."""
        no_parameters()
        arguments({})
        return self._switched(key, "on", "keep")

    def _switched(self, key: str, state: str, waiting: str) -> Response:
        with self._crm.work(principal()) as work:
            rule_switches.switch(work, key, state, waiting=waiting)
            return answer({"key": key, "active": state == "on"}, headers={ACT: work.act})


def _plan(plan: ProcessPlan) -> dict[str, Any]:
    return {"steps": [_step(step) for step in plan.steps], "warnings": [*plan.warnings]}


def _step(step: ProcessStep) -> dict[str, Any]:
    stages = [
        {
            **attrs.asdict(it, recurse=False),
            "records": int(it.records),
            "capped": it.records.capped,
            "tasks": [
                {"kind": one.kind, "number": int(one.number), "capped": one.number.capped, "fate": one.fate}
                for one in it.tasks
            ],
        }
        for it in step.touched
    ]
    return {
        "act": step.act,
        "key": step.key,
        "lines": [*step.lines()],
        "grants": grant_rows(step.grants),
        "stages": [{**it, "roles": {role: [*people] for role, people in it["roles"].items()}} for it in stages],
    }


def _length(text: str) -> Any:
    try:
        return duration(text)
    except ValueError as error:
        raise InputError({"since": [str(error)]}) from None


def _foretold(found: rule_rehearsals.Foretold) -> dict[str, Any]:
    return {**attrs.asdict(found), "text": str(found)}
