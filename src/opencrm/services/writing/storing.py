"""Storing, as a step of the write path: one statement for each table and set of columns, for any number of records."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Table, bindparam, update

from opencrm.core.change import Change, JournalEntry, Kind
from opencrm.core.columns import IdColumn
from opencrm.core.entity import Spec
from opencrm.core.held import patched
from opencrm.core.pipeline import StageMove, stage_moves
from opencrm.core.values import Id, fold
from opencrm.errors import ConflictError
from opencrm.services import journal
from opencrm.services.process.entering import vanishing
from opencrm.services.searching import indexing
from opencrm.services.writing import counting
from opencrm.services.writing.block import Block
from opencrm.storage import tables
from opencrm.storage.transactions import Transaction

_FEW = 500
"""Of so many changes at most it is noted which records are there."""


def store(
    work: Block,
    changes: Sequence[Change],
    lines: Sequence[JournalEntry],
    past: Mapping[Id, Sequence[StageMove]],
) -> None:
    """Store the changes, their lines in the journal, the stages that they enter, what search holds of them and what
    they add to the counters.

    Raises:
        ConflictError: A record changed meanwhile, or the stage that it enters is gone.
    """
    groups = _by_entity(work, changes)
    made = [
        (spec.table, [_row(spec, each) for each in group if each.kind is Kind.CREATED])
        for spec, group in groups.items()
    ]
    found = indexing.difference(groups, work.configuration.catalogue.entities)
    moves, told = (tables.stage_move, _moves(work, changes, past)), _journal(work, groups, lines, past)
    for spec, group in groups.items():
        _update(work, spec, [change for change in group if change.kind is not Kind.CREATED])
    rows = [*made, moves, told, indexing.entered(found), counting.appended(work, groups)]
    vanishing.check_standing(work, changes, work.tx.insert_all(rows, vanishing.asked(work, changes)))
    found.settle(work.tx)
    _remember(work.tx, changes)


def _remember(tx: Transaction, changes: Sequence[Change]) -> None:
    """Note which records are there: what follows from a few changes refers to their records."""
    for change in changes:
        place = (change.entity, change.id)
        if change.after.get("deleted_at") is not None:
            tx.alive.discard(place)
        elif len(changes) <= _FEW:
            tx.alive.add(place)


def _journal(
    work: Block, entities: Iterable[Spec], lines: Sequence[JournalEntry], past: Container[Id]
) -> tuple[Table, list[dict[str, Any]]]:
    schemas = work.configuration.schemas
    dumpers = {spec.name: schemas.dumper(spec) for spec in entities}
    told = {name for name in dumpers if work.configuration.hooks.listeners(name)}
    rows = [
        journal.row(line, dumpers[line.entity], pending=line.entity in told and line.record_id not in past)
        for line in lines
    ]
    work.tx.wakes |= any(row["pending"] for row in rows)
    return tables.journal, rows


def _by_entity(work: Block, changes: Iterable[Change]) -> dict[Spec, list[Change]]:
    found: dict[Spec, list[Change]] = {}
    entities = work.configuration.catalogue.entities
    for change in changes:
        found.setdefault(entities[change.entity], []).append(change)
    return found


def _row(spec: Spec, change: Change) -> dict[str, Any]:
    row = {**change.after, "version": 1}
    for name, key in spec.folded.items():
        text = row.get(name)
        row[key] = None if text is None else fold(text)
    if spec.held:
        row["custom"] = {slot: value for slot, value in _packed(spec, row).items() if value is not None} or None
    return row


def _columns(spec: Spec, values: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    """Return the columns of the named fields with their keys; those of custom fields together, as a patch."""
    new = {name: values[name] for name in names}
    for name, key in spec.folded.items():
        if name in new:
            new[key] = None if new[name] is None else fold(new[name])
    patch = _packed(spec, new) if spec.held else {}
    plain = {name: value for name, value in new.items() if name not in spec.held}
    return {**plain, "custom": patch} if patch else plain


def _packed(spec: Spec, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values that stand in the JSON column, by slot."""
    return {
        place.slot: None if values[name] is None else place.pack(values[name])
        for name, place in spec.held.items()
        if name in values
    }


def _update(work: Block, spec: Spec, changes: Sequence[Change]) -> None:
    groups: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for change in changes:
        names = change.fields
        values = _columns(spec, change.after, names)
        row = {f"new_{name}": value for name, value in values.items()}
        before = change.before or {}
        groups.setdefault(tuple(sorted(values)), []).append(
            row | {"old_id": change.id, "old_version": before["version"]}
        )
    for names, rows in groups.items():
        met = work.tx.run(("update", spec.name, names), lambda names=names: _statement(spec, names), rows)  # type: ignore[misc]
        if met != len(rows):
            raise ConflictError(f"somebody else changed this {spec.name} meanwhile; read it again", entity=spec.name)


def _statement(spec: Spec, names: Sequence[str]) -> Any:
    table = spec.table
    same = (
        table.c.id == bindparam("old_id", type_=IdColumn()),
        table.c.version == bindparam("old_version", type_=table.c.version.type),
    )
    values: dict[str, Any] = {
        name: bindparam(f"new_{name}", type_=table.c[name].type) for name in names if name != "version"
    }
    if "custom" in values:
        values["custom"] = patched(table.c.custom, values["custom"])
    return update(table).where(*same).values({**values, "version": table.c.version + 1})


def _moves(work: Block, changes: Sequence[Change], past: Mapping[Id, Sequence[StageMove]]) -> list[dict[str, Any]]:
    staged = [change for change in changes if "stage" in change.after]
    moves = [move for change in staged for move in (past[change.id] if change.id in past else stage_moves([change]))]
    common = {"act": work.act, "by": work.rights.name}
    return [{**_move(move), **common, "id": id} for move, id in zip(moves, work.new_ids(len(moves)), strict=True)]


def _move(move: StageMove) -> dict[str, Any]:
    return {name: getattr(move, name) for name in ("entity", "record_id", "pipeline", "start", "end", "at", "seconds")}
