"""The pipelines and rules that a workspace defined, as they are in force beside those of its plugins."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, TypeAlias

import attrs
from sqlalchemy import select

from opencrm.core.change import Values
from opencrm.core.entities import PipelineDefinition, RuleDefinition
from opencrm.core.pipeline import Pipeline
from opencrm.core.process.checks import tasks_in
from opencrm.core.process.rules import Rule
from opencrm.core.process.tasks import TaskSpec
from opencrm.core.process.text import pipeline_of, rule_of
from opencrm.hooks import Hooks
from opencrm.storage.transactions import Transaction

Claims: TypeAlias = Mapping[tuple[str, str], str]
"""What is taken, as kind and name, and by whom."""
Owned: TypeAlias = tuple[str, Pipeline | Rule]
"""A declaration, and the automation that it acts as."""

KINDS: Mapping[str, str] = MappingProxyType({"pipeline_definition": "pipeline", "rule_definition": "rule"})
"""What is defined by the records of which entity."""
_READ = MappingProxyType({"pipeline": pipeline_of, "rule": rule_of})
_COLUMNS: Mapping[type[Any], tuple[str, ...]] = MappingProxyType(
    {
        PipelineDefinition: ("key", "definition", "retired", "grants", "shows"),
        RuleDefinition: ("key", "definition", "retired", "grants", "shows", "active"),
    }
)


@attrs.frozen
class Defined:
    """What a workspace defined.

    Attributes:
        pipelines: The pipelines in force, each with the automation that it acts as.
        rules: The rules in force, switched on or off.
        switched: Rules of plugins that are switched, and whether on.
        granted: What each automation may do; of retired ones too, whose runs go on.
        left_out: What is not in force though it should be, with a sentence for each automation.
        edition: Tells these definitions from others; empty where there are none.
    """

    pipelines: tuple[tuple[str, Pipeline], ...] = ()
    rules: tuple[tuple[str, Rule], ...] = ()
    switched: Mapping[str, bool] = MappingProxyType({})
    granted: Mapping[str, Values] = MappingProxyType({})
    left_out: Mapping[str, str] = MappingProxyType({})
    edition: str = ""


NOTHING = Defined()


def automation(kind: str, key: str) -> str:
    """Return the name of the automation that a definition acts as: `"rule.called"`."""
    return f"{kind}.{key}"


def load(tx: Transaction) -> Defined:
    """Read the definitions of a workspace."""
    rows = {KINDS[cls.spec.name]: _rows(tx, cls) for cls in _COLUMNS}
    return read(rows) if any(rows.values()) else NOTHING


def read(rows: Mapping[str, Iterable[Values]]) -> Defined:
    """Return rows of definitions, by what they define, as what they define."""
    found: dict[str, list[tuple[str, Any]]] = {"pipeline": [], "rule": []}
    left_out, granted, told = dict[str, str](), dict[str, Values](), list[str]()
    every = [(kind, row) for kind, several in rows.items() for row in several]
    for kind, row in every:
        name = automation(kind, row["key"])
        told.append(repr((kind, row["key"], row["definition"], row["retired"], row.get("active"))))
        if row["definition"] is None:
            continue
        granted[name] = {"grants": row["grants"] or [], "shows": frozenset(row["shows"] or ())}
        if row["retired"]:
            continue
        try:
            found[kind].append((name, _made(kind, row)))
        except ValueError as error:
            left_out[name] = f"{kind} {row['key']!r} cannot be read, and is not in force: {error}"
    switched = {row["key"]: row["active"] for kind, row in every if kind == "rule" and row["definition"] is None}
    return Defined(
        pipelines=tuple(found["pipeline"]),
        rules=tuple(found["rule"]),
        switched=switched,
        granted=granted,
        left_out=left_out,
        edition=hashlib.sha256("\n".join(told).encode()).hexdigest()[:16],
    )


def fitting(defined: Defined, hooks: Hooks, entities: Iterable[str]) -> Defined:
    """Return definitions without those that contradict what plugins bring, or each other; with a sentence for each.

    Args:
        defined: The definitions.
        hooks: The active plugins.
        entities: The names of the entities there are.
    """
    claims, known = dict(claimed(hooks)), {*entities}
    left_out, kept = dict(defined.left_out), list[Owned]()
    every: list[Owned] = [*defined.pipelines, *defined.rules]
    for name, it in every:
        wrong = next(clashes(it, claims), None)
        if wrong is None and isinstance(it, Pipeline) and it.entity not in known:
            wrong = f"there is no entity {it.entity!r}"
        if wrong is None:
            claims |= dict.fromkeys(claims_of(it), name)
            kept.append((name, it))
        else:
            left_out[name] = f"{_kind(it)} {it.key!r} is not in force: {wrong}"
    return attrs.evolve(
        defined,
        pipelines=tuple((name, it) for name, it in kept if isinstance(it, Pipeline)),
        rules=tuple((name, it) for name, it in kept if isinstance(it, Rule)),
        left_out=left_out,
    )


def rules_of(hooks: Hooks, defined: Defined) -> list[tuple[str, Rule]]:
    """Return all rules, each with the automation that it acts as, switched on or off."""
    plugged = [(it.plugin, it.value) for it in hooks.rules()]
    switched = defined.switched
    return [(name, _switched(it, on=switched.get(it.key, it.active))) for name, it in plugged] + [*defined.rules]


def pipelines_of(hooks: Hooks, defined: Defined) -> list[tuple[str, Pipeline]]:
    """Return all pipelines, each with the automation that it acts as."""
    return [*((it.plugin, it.value) for it in hooks.pipelines()), *defined.pipelines]


def claims_of(it: Pipeline | Rule) -> Iterator[tuple[str, str]]:
    """Give what nobody else may claim, as kind and name."""
    yield _kind(it), it.key
    yield from {("task", task.key): None for task in tasks_in(it)}


def claimed(hooks: Hooks) -> Claims:
    """Return what plugins claim of what definitions claim too."""
    plugged: Sequence[tuple[str, Pipeline | Rule]] = [
        *((it.plugin, it.value) for it in hooks.pipelines()),
        *((it.plugin, it.value) for it in hooks.rules()),
    ]
    return {claim: name for name, it in plugged for claim in claims_of(it)}


def clashes(it: Pipeline | Rule, claims: Claims) -> Iterator[str]:
    """Say what of a declaration is taken."""
    for kind, name in claims_of(it):
        if (kind, name) in claims:
            yield f"there is a {kind} {name!r} already, of {claims[kind, name]}"
    tasks: dict[str, TaskSpec] = {}
    for task in tasks_in(it):
        if tasks.setdefault(task.key, task) != task:
            yield f"task {task.key!r}: two different tasks have this key"


def _kind(it: Pipeline | Rule) -> str:
    return "pipeline" if isinstance(it, Pipeline) else "rule"


def _made(kind: str, row: Values) -> Any:
    it = _READ[kind](row["definition"], automation(kind, row["key"]))
    return _switched(it, on=row["active"] and it.active) if isinstance(it, Rule) else it


def _switched(rule: Rule, *, on: bool) -> Rule:
    return rule if rule.active == on else attrs.evolve(rule, active=on)


def _rows(tx: Transaction, cls: type[Any]) -> list[Values]:
    table = cls.spec.table

    def build() -> Any:
        columns = [table.c[name] for name in _COLUMNS[cls]]
        return select(*columns).where(table.c.deleted_at.is_(None)).order_by(table.c.key)

    return tx.query(("definitions", cls.spec.name), build, {})
