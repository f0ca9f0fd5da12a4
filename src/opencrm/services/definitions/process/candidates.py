"""The pipelines and rules as they are to be in force after a change of their definitions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from sqlalchemy import select

from opencrm.core.access.grants import grant_rows
from opencrm.core.access.principal import Principal
from opencrm.core.change import Change, Kind, Values
from opencrm.core.entities import PipelineDefinition, RuleDefinition
from opencrm.core.pipeline import Pipeline
from opencrm.core.process.needs import grants_of
from opencrm.core.process.rules import Rule
from opencrm.core.process.text import pipeline_of, rule_of
from opencrm.services.definitions.process.loading import KINDS, pipelines_of, read, rules_of
from opencrm.services.process import showing
from opencrm.services.process.overseeing import checks
from opencrm.services.process.overseeing.checks import Declared
from opencrm.services.reading.reader import Reader
from opencrm.services.workspaces.signing_in import resolve

_CLASSES = (PipelineDefinition, RuleDefinition)


class Candidates:
    """The declarations after some changes of definitions.

    Args:
        reader: Reads the definitions that stand.
        changes: What is to be different.
    """

    def __init__(self, reader: Reader, changes: Iterable[Change]) -> None:
        self._reader = reader
        self.rows = _standing(reader)
        for change in changes:
            if change.entity in KINDS:
                self.rows[change.id] = {**change.after, "entity": change.entity}

    @property
    def declared(self) -> Declared:
        """All that is to be in force together."""
        hooks = self._reader.configuration.hooks
        several: dict[str, list[Values]] = {kind: [] for kind in KINDS.values()}
        for row in self.rows.values():
            if row["deleted_at"] is None:
                several[KINDS[row["entity"]]].append(row)
        defined = read(several)
        return Declared(pipelines_of(hooks, defined), rules_of(hooks, defined))


def made(change: Change) -> Pipeline | Rule | None:
    """Return what a definition defines after a change; None where it defines nothing."""
    return declared_by(change.entity, change.after)


def declared_by(entity: str, state: Values) -> Pipeline | Rule | None:
    """Return what a definition defines; None for a plugin's switch, and for what cannot be read any more."""
    it: Any = state["definition"]
    with suppress(ValueError):
        if it is not None:
            return pipeline_of(it, "definition") if KINDS[entity] == "pipeline" else rule_of(it, "definition")
    return None


def in_force(state: Values | None) -> bool:
    """Say whether a definition is to be in force."""
    return state is not None and state["deleted_at"] is None and not state["retired"]


def working(state: Values) -> bool:
    """Say whether a definition is to be in force, and switched on."""
    return in_force(state) and bool(state.get("active", True))


def gains(change: Change) -> bool:
    """Say whether what stays in force may do more than before: since it was saved, its services may need more."""
    before, after = change.before, change.after
    if before is None or not working(after):
        return False
    held = before["grants"] or ()
    return any(grant not in held for grant in after["grants"] or ())


def shows_more(change: Change) -> bool:
    """Say whether what stays in force shows more than before: since it was saved, its templates may show more."""
    before, after = change.before, change.after
    if before is None or not working(after):
        return False
    return not {*(before["shows"] or ())}.issuperset(after["shows"] or ())


def granted(reader: Reader, changes: Sequence[Change]) -> dict[str, dict[str, Any]]:
    """Return what the automations of changed definitions need to be allowed, and show, by the definition."""
    declared = Candidates(reader, changes).declared
    pipelines, rules = [it for _, it in declared.pipelines], [it for _, it in declared.rules]
    catalogue, services = reader.configuration.catalogue, reader.configuration.hooks.needs()
    forms = [it.value for it in catalogue.forms.values()]
    found = {change.id: made(change) for change in changes if change.entity in KINDS}
    known, given = checks.known_to(reader, declared), dict[str, dict[str, Any]]()
    for id, it in found.items():
        if it is not None:
            calls = [*checks.calls(it, known)]
            grants = grants_of(it, pipelines, rules, catalogue.entities, services, forms)
            grants = tuple(dict.fromkeys((*grants, *showing.grants(reader, calls))))
            given[id] = {"grants": grant_rows(grants), "shows": showing.approvable(reader, calls)}
    return given


def with_grants(reader: Reader, changes: Sequence[Change]) -> Sequence[Change]:
    """Return changes of definitions with what their automations need to be allowed."""
    found = granted(reader, [it for it in changes if it.entity in KINDS and it.kind is not Kind.DELETED])
    return [_with(change, found.get(change.id)) for change in changes]


def as_system(reader: Reader, reason: str) -> Reader:
    """Return a reader of the same transaction who may read everything."""
    rights, configuration = resolve(reader.tx, reader.workspace, Principal.system(reason), reader.now)
    return Reader(reader.tx, reader.workspace, rights, configuration, reader.now)


def _with(change: Change, found: dict[str, Any] | None) -> Change:
    if change.entity not in KINDS or change.kind is Kind.DELETED:
        return change
    given = {"grants": None, "shows": None} if found is None else found
    if not working(change.after):  # Nobody judges it now: what it shows is approved when it comes into force.
        given = {**given, "shows": None if change.before is None else change.before["shows"]}
    if all(change.after[name] == value for name, value in given.items()):
        return change
    return Change(change.entity, change.id, change.kind, change.before, {**change.after, **given})


def _standing(reader: Reader) -> dict[str, Mapping[str, Any]]:
    found: dict[str, Mapping[str, Any]] = {}
    for cls in _CLASSES:
        table, names = cls.spec.table, [*cls.spec.fields, "deleted_at"]

        def build(table: Any = table, names: Sequence[str] = names) -> Any:
            return select(*[table.c[name] for name in dict.fromkeys(names)]).where(table.c.deleted_at.is_(None))

        rows = reader.tx.query(("definitions standing", cls.spec.name), build, {})
        found |= {row["id"]: {**row, "entity": cls.spec.name} for row in rows}
    return found
